"""Queries for roles in many projects, or of many members, at once."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import peewee

from moorage.identity.model import EVERY_PROJECT, PermissionKind
from moorage.identity.tables import GroupMemberRow, RobotRightRow
from moorage.projects.model import Permission, Role, strongest
from moorage.projects.tables import MemberRow, ProjectRow


class RoleStore:
    """Reads only; one statement a question, and one more for groups."""

    def held(self, user_id: int, project_ids: Collection[int]) -> dict[int, Role]:
        """The strongest role in each of the projects."""
        return _strongest(_rows(user_id, MemberRow.project.in_(list(project_ids))))

    def projects_with(self, user_id: int, role: Role) -> list[int]:
        """Those in which this is the strongest role."""
        found = _strongest(_rows(user_id))
        return sorted(project for project, held in found.items() if held is role)

    def projects_of_robot(self, robot_id: int, permission: Permission) -> list[int]:
        right = RobotRightRow
        here = (right.project_id == ProjectRow.id) | (right.project_id == EVERY_PROJECT)
        this = (right.resource == permission.resource) & (right.action == permission.action)
        held = right.select().where(
            (right.robot == robot_id) & (right.kind == PermissionKind.PROJECT.value) & here & this
        )
        rows: Any = ProjectRow.select(ProjectRow.id).where(peewee.fn.EXISTS(held))
        return [project for (project,) in rows.tuples()]

    def has_group(self, group_id: int) -> bool:
        return bool(MemberRow.select().where(MemberRow.group == group_id).exists())

    def of_group(self, group_id: int) -> dict[str, Role]:
        rows: Any = MemberRow.select(ProjectRow.name, MemberRow.role).join(ProjectRow)
        rows = rows.where(MemberRow.group == group_id).order_by(ProjectRow.name)
        return {name: Role(role) for name, role in rows.tuples()}

    def counts(self, project_id: int) -> dict[Role, int]:
        rows: Any = MemberRow.select(MemberRow.role, peewee.fn.COUNT(MemberRow.id))
        rows = rows.where(MemberRow.project == project_id).group_by(MemberRow.role)
        return {Role(role): count for role, count in rows.tuples()}


def _rows(user_id: int, *conditions: Any) -> Any:
    """Projects with a role of the user's own, or of a group that the user is in."""
    groups = GroupMemberRow.select(GroupMemberRow.group).where(GroupMemberRow.user == user_id)
    rows: Any = MemberRow.select(MemberRow.project, MemberRow.role)
    return (
        rows.where(MemberRow.user == user_id, *conditions).tuples(),
        rows.where(MemberRow.group.in_(groups), *conditions).tuples(),
    )


def _strongest(lists: Any) -> dict[int, Role]:
    roles: dict[int, list[int]] = defaultdict(list)
    for rows in lists:
        for project, role in rows:
            roles[project].append(role)
    return {project: found for project, held in roles.items() if (found := strongest(held)) is not None}
