"""Queries of robots and their rights."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import peewee

from moorage.db.connection import database
from moorage.identity.model import (
    PermissionKind,
    Principal,
    PrincipalKind,
    Robot,
    RobotPermission,
    RobotRight,
)
from moorage.identity.tables import FormerLoginRow, RobotRightRow, RobotRow

_ROBOT = (
    RobotRow.id,
    RobotRow.project_id,
    RobotRow.name,
    RobotRow.description,
    RobotRow.disabled,
    RobotRow.generation,
    RobotRow.expires_at,
    RobotRow.created_at,
    RobotRow.updated_at,
    RobotRow.created_by,
)
_LOGIN = (
    RobotRow.id,
    RobotRow.name,
    RobotRow.generation,
    RobotRow.expires_at,
    RobotRow.disabled,
    RobotRow.secret_digest,
)
_RIGHT = (
    RobotRightRow.robot,
    RobotRightRow.kind,
    RobotRightRow.project_id,
    RobotRightRow.resource,
    RobotRightRow.action,
)

#: What lists of robots can be sorted by.
SORTS: dict[str, peewee.Field] = {
    "id": RobotRow.id,
    "name": RobotRow.name,
    "disabled": RobotRow.disabled,
    "expires_at": RobotRow.expires_at,
    "created_at": RobotRow.created_at,
    "updated_at": RobotRow.updated_at,
}


class RobotStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    def robot(self, robot_id: int) -> Robot | None:
        found = _robots(RobotRow.select(*_ROBOT).where(RobotRow.id == robot_id))
        return found[0] if found else None

    def lock(self, robot_id: int) -> None:
        """Let nobody else change the robot until this transaction ends."""
        if database.for_update:  # SQLite's only writer needs no lock
            list(RobotRow.select(RobotRow.id).where(RobotRow.id == robot_id).for_update().tuples())

    def login(self, name: str) -> tuple[Principal, bool, str] | None:
        """The robot that has this login name, or had it; whether it is disabled; its secret's digest.

        One statement: an unknown name takes as long as a known one, and all is of one moment.
        """
        own = RobotRow.alias()
        number = peewee.fn.COALESCE(
            own.select(own.id).where(own.name == name),
            FormerLoginRow.select(FormerLoginRow.robot).where(FormerLoginRow.name == name),
        )
        row = RobotRow.select(*_LOGIN).where(RobotRow.id == number).tuples().first()
        if row is None:
            return None
        number, name, generation, expires_at, disabled, digest = row
        principal = Principal(PrincipalKind.ROBOT, number, name, generation, expires_at=expires_at)
        return principal, disabled, digest

    def robots(
        self, project_id: int, *, name: str, part: str, sort: str, limit: int, offset: int
    ) -> list[Robot]:
        """`project_id` is 0 for the system's; `sort` is a key of `SORTS`, with a ``-`` for downwards."""
        field = SORTS[sort.removeprefix("-")]
        order = field.desc() if sort.startswith("-") else field.asc()
        rows = _matching(project_id, name, part, *_ROBOT).order_by(order, RobotRow.id)
        return _robots(rows.limit(limit).offset(offset))

    def count(self, project_id: int, *, name: str, part: str) -> int:
        found: int = _matching(project_id, name, part, RobotRow.id).count()
        return found

    def of_project(self, project_id: int) -> list[Robot]:
        return _robots(RobotRow.select(*_ROBOT).where(RobotRow.project_id == project_id))

    def of_other_projects(self, prefix: str, project_id: int) -> list[Robot]:
        """Robots whose login names begin with `prefix` although they are of another project."""
        named = _beginning(RobotRow.name, prefix)
        return _robots(RobotRow.select(*_ROBOT).where(named & (RobotRow.project_id != project_id)))

    def rename(self, project_id: int, prefix: str, fresh: str) -> None:
        """Let the login names of a project's robots begin with `fresh`; the old ones stay good."""
        ours = (RobotRow.project_id == project_id) & _beginning(RobotRow.name, prefix)
        own = RobotRow.select(RobotRow.name, RobotRow.id).where(ours)
        FormerLoginRow.insert_from(own, [FormerLoginRow.name, FormerLoginRow.robot]).execute()
        rest = peewee.fn.SUBSTR(RobotRow.name, len(prefix) + 1)
        RobotRow.update(name=peewee.Value(fresh).concat(rest)).where(ours).execute()
        # What a robot is called again is no former name.
        named = RobotRow.select(RobotRow.name).where(RobotRow.project_id == project_id)
        FormerLoginRow.delete().where(FormerLoginRow.name.in_(named)).execute()

    def longest(self, project_id: int) -> str:
        """The longest login name of a project's robots; "" when it has none."""
        rows = RobotRow.select(RobotRow.name).where(RobotRow.project_id == project_id)
        row = rows.order_by(peewee.fn.LENGTH(RobotRow.name).desc()).tuples().first()
        return "" if row is None else str(row[0])

    def forget_logins(self, prefix: str) -> None:
        """Let login names that robots had, and that begin so, open nothing any more."""
        FormerLoginRow.delete().where(_beginning(FormerLoginRow.name, prefix)).execute()

    def insert(self, values: Mapping[str, object], permissions: Iterable[RobotPermission]) -> int:
        number: int = RobotRow.insert(**values).execute()
        _insert_rights(number, permissions)
        return number

    def update(self, robot_id: int, now: datetime, *, bump: bool, **values: object) -> None:
        """Change columns; `bump` makes every token given out so far void."""
        if bump:
            values["generation"] = RobotRow.generation + 1
        RobotRow.update(updated_at=now, **values).where(RobotRow.id == robot_id).execute()

    def replace_permissions(self, robot_id: int, permissions: Iterable[RobotPermission]) -> None:
        RobotRightRow.delete().where(RobotRightRow.robot == robot_id).execute()
        _insert_rights(robot_id, permissions)

    def delete(self, robot_id: int) -> None:
        RobotRow.delete().where(RobotRow.id == robot_id).execute()

    def forget_project(self, project_id: int) -> None:
        """Take away every right that somebody has in a project."""
        RobotRightRow.delete().where(RobotRightRow.project_id == project_id).execute()


def _beginning(field: Any, prefix: str) -> Any:
    return (field >= prefix) & (field < prefix + "\x7f")


def _matching(project_id: int, name: str, part: str, *columns: Any) -> Any:
    rows = RobotRow.select(*columns).where(RobotRow.project_id == project_id)
    if name:
        rows = rows.where(RobotRow.name == name)
    return rows.where(RobotRow.name.contains(part)) if part else rows


def _insert_rights(robot_id: int, permissions: Iterable[RobotPermission]) -> None:
    rows = [
        (robot_id, each.kind.value, each.project_id, right.resource, right.action)
        for each in permissions
        for right in each.rights
    ]
    for batch in peewee.chunked(rows, 100):  # SQLite takes no endless list of parameters
        RobotRightRow.insert_many(batch, fields=list(_RIGHT)).execute()


def _robots(rows: Any) -> list[Robot]:
    found = list(rows.tuples())
    rights: dict[int, dict[tuple[str, int], set[RobotRight]]] = defaultdict(lambda: defaultdict(set))
    held: Any = RobotRightRow.select(*_RIGHT).where(RobotRightRow.robot.in_([row[0] for row in found]))
    for robot_id, kind, project_id, resource, action in held.tuples():
        rights[robot_id][kind, project_id].add(RobotRight(resource, action))
    return [_robot(row, rights[row[0]]) for row in found]


def _robot(row: tuple[Any, ...], rights: Mapping[tuple[str, int], set[RobotRight]]) -> Robot:
    *columns, created_by = row
    permissions = tuple(
        RobotPermission(PermissionKind(kind), project_id, frozenset(rights[kind, project_id]))
        for kind, project_id in sorted(rights)
    )
    values: tuple[Any, ...] = (*columns, permissions, created_by)
    return Robot(*values)
