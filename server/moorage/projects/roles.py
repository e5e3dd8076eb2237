"""Roles for lists and figures; what a role allows at this moment is `Access`'s to say."""

from collections.abc import Collection

from moorage.projects.model import Permission, Role
from moorage.projects.role_store import RoleStore


class Roles:
    """Looks up many roles at once."""

    def __init__(self, store: RoleStore) -> None:
        self._store = store

    def held(self, user_id: int, project_ids: Collection[int]) -> dict[int, Role]:
        """The user's role in each of the projects; those without one are left out."""
        return self._store.held(user_id, project_ids) if project_ids else {}

    def projects_with(self, user_id: int, role: Role) -> list[int]:
        """Numbers of the projects in which the user has this role."""
        return self._store.projects_with(user_id, role)

    def projects_of_robot(self, robot_id: int, permission: Permission) -> list[int]:
        """Numbers of the projects in which the robot has this right."""
        return self._store.projects_of_robot(robot_id, permission)

    def has_group(self, group_id: int) -> bool:
        """Whether the group has a role in any project."""
        return self._store.has_group(group_id)

    def of_group(self, group_id: int) -> dict[str, Role]:
        """The group's role in each project that gives it one, by the projects' names."""
        return self._store.of_group(group_id)

    def counts(self, project_id: int) -> dict[Role, int]:
        """How many members of the project have each role; roles without any are left out."""
        return self._store.counts(project_id)
