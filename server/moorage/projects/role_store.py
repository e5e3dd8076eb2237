"""Queries for roles in many projects, or of many members, at once."""

from collections.abc import Collection
from typing import Any

import peewee

from moorage.identity.model import EVERY_PROJECT, PermissionKind
from moorage.identity.tables import RobotRightRow
from moorage.projects.model import Permission, Role
from moorage.projects.tables import MemberRow, ProjectRow


class RoleStore:
    """Reads only; one statement a question."""

    def held(self, user_id: int, project_ids: Collection[int]) -> dict[int, Role]:
        rows: Any = MemberRow.select(MemberRow.project, MemberRow.role).where(
            (MemberRow.user == user_id) & MemberRow.project.in_(list(project_ids))
        )
        return {project: Role(role) for project, role in rows.tuples()}

    def projects_with(self, user_id: int, role: Role) -> list[int]:
        rows: Any = MemberRow.select(MemberRow.project).where(
            (MemberRow.user == user_id) & (MemberRow.role == role.value)
        )
        return [project for (project,) in rows.tuples()]

    def projects_of_robot(self, robot_id: int, permission: Permission) -> list[int]:
        right = RobotRightRow
        here = (right.project_id == ProjectRow.id) | (right.project_id == EVERY_PROJECT)
        this = (right.resource == permission.resource) & (right.action == permission.action)
        held = right.select().where(
            (right.robot == robot_id) & (right.kind == PermissionKind.PROJECT.value) & here & this
        )
        rows: Any = ProjectRow.select(ProjectRow.id).where(peewee.fn.EXISTS(held))
        return [project for (project,) in rows.tuples()]

    def counts(self, project_id: int) -> dict[Role, int]:
        rows: Any = MemberRow.select(MemberRow.role, peewee.fn.COUNT(MemberRow.id))
        rows = rows.where(MemberRow.project == project_id).group_by(MemberRow.role)
        return {Role(role): count for role, count in rows.tuples()}
