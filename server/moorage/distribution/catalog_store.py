"""The catalog's queries: one statement each, on keys."""

from datetime import datetime

from moorage.db.fields import to_microseconds
from moorage.distribution.name_list import NameList
from moorage.identity.model import PrincipalKind

# In the order of names: `+` keeps SQLite from going through projects and sorting what it finds.
_ANYBODY = """
SELECT group_concat(name, ',') FROM (
    SELECT r.name FROM repository r WHERE r.name > ?
    AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = r.id)
    AND +r.project_id IN (SELECT p.id FROM project p WHERE p.public)
    ORDER BY r.name LIMIT ?
) visible"""
_USER = """
SELECT group_concat(name, ',') FROM (
    SELECT r.name FROM repository r WHERE r.name > ?
    AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = r.id)
    AND +r.project_id IN (
        SELECT p.id FROM project p WHERE p.public OR EXISTS (
            SELECT 1 FROM account a WHERE a.id = ? AND NOT a.disabled AND (
                a.admin OR a.directory_admin OR a.auditor
                OR EXISTS (SELECT 1 FROM member b WHERE b.project_id = p.id AND b.user_id = a.id)
                OR EXISTS (
                    SELECT 1 FROM user_group_member gm
                    JOIN member b ON b.project_id = p.id AND b.group_id = gm.group_id
                    WHERE gm.user_id = a.id
                )
            )
        )
    )
    ORDER BY r.name LIMIT ?
) visible"""
_ROBOT = """
SELECT group_concat(name, ',') FROM (
    SELECT r.name FROM repository r WHERE r.name > ?
    AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = r.id)
    AND +r.project_id IN (
        SELECT p.id FROM project p WHERE p.public OR EXISTS (
            SELECT 1 FROM robot b JOIN robot_right c ON c.robot_id = b.id
            WHERE b.id = ? AND NOT b.disabled AND (b.expires_at IS NULL OR b.expires_at > ?) AND (
                (c.kind = 'project' AND c.project_id IN (p.id, 0) AND c.resource = 'repository')
                OR (c.kind = 'system' AND c.resource = 'catalog' AND c.action = 'read')
            )
        )
    )
    ORDER BY r.name LIMIT ?
) visible"""


class CatalogStore:
    """Reads names of repositories across projects."""

    _anybody = NameList(_ANYBODY)
    _user = NameList(_USER)
    _robot = NameList(_ROBOT)

    def page(self, kind: PrincipalKind, account_id: int, most: int, last: str, now: datetime) -> list[str]:
        """Names after `last`, ordered by their bytes."""
        if kind is PrincipalKind.USER:
            return self._user.all(last, account_id, most)
        if kind is PrincipalKind.ROBOT:
            return self._robot.all(last, account_id, to_microseconds(now), most)
        return self._anybody.all(last, most)
