"""Queries for roles in many projects, or of many members, at once."""

from collections.abc import Collection
from typing import Any

import peewee

from moorage.projects.model import Role
from moorage.projects.tables import MemberRow


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

    def counts(self, project_id: int) -> dict[Role, int]:
        rows: Any = MemberRow.select(MemberRow.role, peewee.fn.COUNT(MemberRow.id))
        rows = rows.where(MemberRow.project == project_id).group_by(MemberRow.role)
        return {Role(role): count for role, count in rows.tuples()}
