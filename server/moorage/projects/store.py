"""Queries of projects, members and standings."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

import peewee

from moorage.db.connection import Statement, is_postgresql
from moorage.identity.model import EVERY_PROJECT, PermissionKind, Principal, PrincipalKind, RobotRight
from moorage.identity.tables import GroupMemberRow, GroupRow, RobotRightRow, UserRow
from moorage.projects.model import Member, Project, Role, Standing, strongest
from moorage.projects.tables import MemberRow, ProjectRow

# A void account leaves its columns null; the project's row comes back all the same. One row for each group
# that the user is in, all by keys.
_USER = """
SELECT p.id, p.public, a.admin OR a.directory_admin, a.auditor, m.role, g.role FROM project p
LEFT JOIN account a ON a.id = ? AND a.generation = ? AND NOT a.disabled
LEFT JOIN member m ON m.project_id = p.id AND m.user_id = a.id
LEFT JOIN user_group_member gm ON gm.user_id = a.id
LEFT JOIN member g ON g.project_id = p.id AND g.group_id = gm.group_id
"""
# One row for each right; those of a project's robot count in its own project only.
_ROBOT = """
SELECT p.id, p.public, r.id, rr.resource, rr.action FROM project p
LEFT JOIN robot r ON r.id = ? AND r.generation = ? AND NOT r.disabled
  AND (r.expires_at IS NULL OR r.expires_at > ?)
LEFT JOIN robot_right rr ON rr.robot_id = r.id AND rr.kind = 'project' AND rr.project_id IN (p.id, 0)
  AND r.project_id IN (p.id, 0)
"""
# The same outside projects.
_ROBOT_ACCOUNT = """
SELECT r.id, rr.resource, rr.action FROM robot r
LEFT JOIN robot_right rr ON rr.robot_id = r.id AND rr.kind = 'system' AND r.project_id = 0
WHERE r.id = ? AND r.generation = ? AND NOT r.disabled AND (r.expires_at IS NULL OR r.expires_at > ?)
"""
_STRANGER = "SELECT p.id, p.public FROM project p "
_BY_NAME = "WHERE p.name = ?"
_BY_ID = "WHERE p.id = ?"

_ENTITY = peewee.fn.COALESCE(UserRow.name, GroupRow.name)

#: What lists of projects can be sorted by.
SORTS: dict[str, peewee.Field] = {
    "id": ProjectRow.id,
    "name": ProjectRow.name,
    "created_at": ProjectRow.created_at,
    "updated_at": ProjectRow.updated_at,
}


class ProjectStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    _user_by_name = Statement(_USER + _BY_NAME)
    _user_by_id = Statement(_USER + _BY_ID)
    _robot_by_name = Statement(_ROBOT + _BY_NAME)
    _robot_by_id = Statement(_ROBOT + _BY_ID)
    _stranger_by_name = Statement(_STRANGER + _BY_NAME)
    _stranger_by_id = Statement(_STRANGER + _BY_ID)
    _keep = Statement("SELECT id FROM project WHERE id = ? FOR KEY SHARE")
    _offices = Statement(
        "SELECT admin OR directory_admin, auditor FROM account "
        "WHERE id = ? AND generation = ? AND NOT disabled"
    )
    _robot_account = Statement(_ROBOT_ACCOUNT)

    def user_standing(self, user_id: int, generation: int, project: str | int) -> Standing | None:
        """`project` is a name or a number."""
        statement = self._user_by_name if isinstance(project, str) else self._user_by_id
        rows = statement.all(user_id, generation, project)
        if not rows:
            return None
        project_id, public, admin, auditor, own = rows[0][:5]
        return Standing(
            project_id=project_id,
            public=bool(public),
            active=admin is not None,
            admin=bool(admin),
            role=strongest((own, *(row[5] for row in rows))),
            auditor=bool(auditor),
        )

    def robot_standing(self, robot_id: int, generation: int, now: int, project: str | int) -> Standing | None:
        """`now` is in microseconds since 1970."""
        statement = self._robot_by_name if isinstance(project, str) else self._robot_by_id
        rows = statement.all(robot_id, generation, now, project)
        if not rows:
            return None
        project_id, public, robot = rows[0][:3]
        return Standing(
            project_id=project_id,
            public=bool(public),
            active=robot is not None,
            admin=False,
            role=None,
            rights=_rights(tuple(row[3:] for row in rows if row[3] is not None)),
        )

    def stranger_standing(self, project: str | int) -> Standing | None:
        statement = self._stranger_by_name if isinstance(project, str) else self._stranger_by_id
        row = statement.one(project)
        if row is None:
            return None
        return Standing(project_id=row[0], public=bool(row[1]), active=True, admin=False, role=None)

    def user_offices(self, user_id: int, generation: int) -> tuple[bool, bool] | None:
        """Whether the user is an administrator, and an auditor; None when the account is void."""
        row = self._offices.one(user_id, generation)
        return None if row is None else (bool(row[0]), bool(row[1]))

    def robot_rights(self, robot_id: int, generation: int, now: int) -> frozenset[RobotRight] | None:
        """What the robot may do outside projects; None when the account is void."""
        rows = self._robot_account.all(robot_id, generation, now)
        return _rights(tuple(row[1:] for row in rows if row[1] is not None)) if rows else None

    def names(self, project_ids: Collection[int]) -> dict[int, str]:
        rows: Any = ProjectRow.select(ProjectRow.id, ProjectRow.name)
        return dict(rows.where(ProjectRow.id.in_(list(project_ids))).tuples())

    def insert_project(self, name: str, *, public: bool, owner_id: int | None, now: datetime) -> int:
        number: int = ProjectRow.insert(
            name=name, public=public, owner=owner_id, created_at=now, updated_at=now
        ).execute()
        return number

    def project(self, project_id: int) -> Project | None:
        return _first_project(_projects().where(ProjectRow.id == project_id))

    def project_named(self, name: str) -> Project | None:
        return _first_project(_projects().where(ProjectRow.name == name))

    def hold(self, project_id: int) -> Project | None:
        """The project, which nobody can delete before this transaction ends."""
        if is_postgresql() and self._keep.one(project_id) is None:
            return None
        return self.project(project_id)

    def visible(
        self,
        principal: Principal,
        *,
        name: str,
        owner: str,
        public: bool | None,
        sort: str,
        limit: int,
        offset: int,
    ) -> list[Project]:
        """`sort` is a key of `SORTS`, with a ``-`` in front for downwards."""
        field = SORTS[sort.removeprefix("-")]
        order = field.desc() if sort.startswith("-") else field.asc()
        rows = _matching(_projects(), principal, name, owner, public)
        page = rows.order_by(order, ProjectRow.id).limit(limit).offset(offset).tuples()
        return [_project(row) for row in page]

    def count_visible(self, principal: Principal, *, name: str, owner: str, public: bool | None) -> int:
        found: int = _matching(ProjectRow.select(), principal, name, owner, public).count()
        return found

    def set_public(self, project_id: int, public: bool, now: datetime) -> None:
        ProjectRow.update(public=public, updated_at=now).where(ProjectRow.id == project_id).execute()

    def delete_project(self, project_id: int) -> None:
        ProjectRow.delete().where(ProjectRow.id == project_id).execute()

    def user_name(self, user_id: int) -> str | None:
        row = UserRow.select(UserRow.name).where(UserRow.id == user_id).first()
        return None if row is None else row.name

    def group_name(self, group_id: int) -> str | None:
        row = GroupRow.select(GroupRow.name).where(GroupRow.id == group_id).first()
        return None if row is None else row.name

    def insert_member(self, project_id: int, entity_id: int, role: Role, *, is_group: bool = False) -> int:
        entity = {"group" if is_group else "user": entity_id}
        number: int = MemberRow.insert(project=project_id, role=role.value, **entity).execute()
        return number

    def member(self, project_id: int, member_id: int) -> Member | None:
        row = _members(project_id, "").where(MemberRow.id == member_id).tuples().first()
        return None if row is None else _member(row)

    def members(self, project_id: int, *, q: str, limit: int, offset: int) -> list[Member]:
        rows = _members(project_id, q).order_by(_ENTITY, MemberRow.id).limit(limit).offset(offset).tuples()
        return [_member(row) for row in rows]

    def count_members(self, project_id: int, q: str) -> int:
        found: int = _members(project_id, q).count()
        return found

    def set_role(self, member_id: int, role: Role) -> None:
        MemberRow.update(role=role.value).where(MemberRow.id == member_id).execute()

    def delete_member(self, member_id: int) -> None:
        MemberRow.delete().where(MemberRow.id == member_id).execute()


@lru_cache(maxsize=1024)
def _rights(pairs: tuple[tuple[str, str], ...]) -> frozenset[RobotRight]:
    """A robot asks on every request, and there are few different lists of rights."""
    return frozenset(RobotRight(resource, action) for resource, action in pairs)


def _projects() -> Any:
    return ProjectRow.select(
        ProjectRow.id,
        ProjectRow.name,
        ProjectRow.public,
        ProjectRow.owner,
        UserRow.name,
        ProjectRow.created_at,
        ProjectRow.updated_at,
    ).join(UserRow, peewee.JOIN.LEFT_OUTER)


def _first_project(rows: Any) -> Project | None:
    row = rows.tuples().first()
    return None if row is None else _project(row)


def _project(row: tuple[Any, ...]) -> Project:
    number, name, public, owner_id, owner_name, created_at, updated_at = row
    return Project(number, name, public, owner_id or 0, owner_name or "", created_at, updated_at)


def _matching(rows: Any, principal: Principal, name: str, owner: str, public: bool | None) -> Any:
    if not principal.admin:
        rows = rows.where(_seen_by(principal))
    if name:
        rows = rows.where(ProjectRow.name.contains(name))
    if owner:
        rows = rows.where(ProjectRow.owner.in_(UserRow.select(UserRow.id).where(UserRow.name == owner)))
    if public is not None:
        rows = rows.where(ProjectRow.public == public)
    return rows


def _seen_by(principal: Principal) -> Any:
    if principal.kind is PrincipalKind.ROBOT:
        return ProjectRow.public | peewee.fn.EXISTS(_rights_seen_by(principal.id))
    if principal.kind is PrincipalKind.USER:
        own = MemberRow.select(MemberRow.project).where(MemberRow.user == principal.id)
        groups = GroupMemberRow.select(GroupMemberRow.group).where(GroupMemberRow.user == principal.id)
        of_groups = MemberRow.select(MemberRow.project).where(MemberRow.group.in_(groups))
        account = UserRow.alias()
        everywhere = account.select().where(
            (account.id == principal.id) & (account.admin | account.directory_admin | account.auditor)
        )
        return (
            ProjectRow.public
            | ProjectRow.id.in_(own)
            | ProjectRow.id.in_(of_groups)
            | peewee.fn.EXISTS(everywhere)
        )
    return ProjectRow.public


def _rights_seen_by(robot_id: int) -> Any:
    """The robot's rights in the project of the outer query, and the one to list them all."""
    right = RobotRightRow
    inside = (right.kind == PermissionKind.PROJECT.value) & (
        (right.project_id == ProjectRow.id) | (right.project_id == EVERY_PROJECT)
    )
    outside = (
        (right.kind == PermissionKind.SYSTEM.value) & (right.resource == "project") & (right.action == "list")
    )
    return right.select().where((right.robot == robot_id) & (inside | outside))


def _members(project_id: int, q: str) -> Any:
    rows = (
        MemberRow.select(
            MemberRow.id, MemberRow.project, MemberRow.user, MemberRow.group, _ENTITY, MemberRow.role
        )
        .join(UserRow, peewee.JOIN.LEFT_OUTER)
        .switch(MemberRow)
        .join(GroupRow, peewee.JOIN.LEFT_OUTER)
        .where(MemberRow.project == project_id)
    )
    return rows.where(UserRow.name.contains(q) | GroupRow.name.contains(q)) if q else rows


def _member(row: tuple[Any, ...]) -> Member:
    number, project_id, user_id, group_id, name, role = row
    is_group = group_id is not None
    return Member(number, project_id, group_id if is_group else user_id, name, Role(role), is_group)
