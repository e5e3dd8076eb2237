"""Members: who has which role in a project."""

from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, MemberAdded, MemberChanged, MemberRemoved
from moorage.identity.errors import GroupUnknownError, UserUnknownError
from moorage.identity.text import is_storable
from moorage.projects.errors import MemberExistsError, MemberUnknownError, ProjectUnknownError
from moorage.projects.model import Member, Project, Role
from moorage.projects.store import ProjectStore


class Members:
    """Adds, changes and removes members.

    A project may lose its last project administrator: system administrators can always step in.
    """

    def __init__(self, store: ProjectStore, events: Events) -> None:
        self._store = store
        self._events = events

    def add(self, actor: Actor, project_id: int, user_id: int, role: Role) -> Member:
        """Give a user a role.

        Raises:
            ProjectUnknownError: there is no such project.
            UserUnknownError: there is no such user.
            MemberExistsError: the user has a role there already.
        """
        with atomic():
            project = self._project(project_id)
            user_name = self._store.user_name(user_id)
            if user_name is None:
                raise UserUnknownError(f"there is no user {user_id}")
            return self._add(actor, project, user_id, user_name, role, is_group=False)

    def add_group(self, actor: Actor, project_id: int, group_id: int, role: Role) -> Member:
        """Give a group a role, and with it everybody in the group.

        Raises:
            ProjectUnknownError: there is no such project.
            GroupUnknownError: there is no such group.
            MemberExistsError: the group has a role there already.
        """
        with atomic():
            project = self._project(project_id)
            group_name = self._store.group_name(group_id)
            if group_name is None:
                raise GroupUnknownError(f"there is no group {group_id}")
            return self._add(actor, project, group_id, group_name, role, is_group=True)

    def list(self, project_id: int, *, q: str = "", limit: int, offset: int) -> list[Member]:
        """A page of the members whose names contain `q`, by name."""
        if not is_storable(q):
            return []
        return self._store.members(project_id, q=q, limit=limit, offset=offset)

    def count(self, project_id: int, q: str = "") -> int:
        """How many members `list` has in all its pages."""
        return self._store.count_members(project_id, q) if is_storable(q) else 0

    def get(self, project_id: int, member_id: int) -> Member:
        """The member of that number, in that project only.

        Raises:
            MemberUnknownError: the project has no such member.
        """
        member = self._store.member(project_id, member_id)
        if member is None:
            raise MemberUnknownError(f"the project has no member {member_id}")
        return member

    def change(self, actor: Actor, project_id: int, member_id: int, role: Role) -> Member:
        """Give a member another role.

        Raises:
            MemberUnknownError: the project has no such member.
        """
        with atomic():
            member = self.get(project_id, member_id)
            if member.role is role:
                return member
            self._store.set_role(member_id, role)
            name = self._project(project_id).name
            self._events.publish(MemberChanged(actor, project_id, name, _named(member), role.name.lower()))
            return self.get(project_id, member_id)

    def remove(self, actor: Actor, project_id: int, member_id: int) -> None:
        """Take a member out of the project.

        Raises:
            MemberUnknownError: the project has no such member.
        """
        with atomic():
            member = self.get(project_id, member_id)
            self._store.delete_member(member_id)
            name = self._project(project_id).name
            self._events.publish(MemberRemoved(actor, project_id, name, _named(member)))

    def _project(self, project_id: int) -> Project:
        project = self._store.project(project_id)
        if project is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return project

    def _add(
        self, actor: Actor, project: Project, entity_id: int, name: str, role: Role, *, is_group: bool
    ) -> Member:
        member_id = self._insert(project, entity_id, name, role, is_group=is_group)
        member = Member(member_id, project.id, entity_id, name, role, is_group)
        self._events.publish(MemberAdded(actor, project.id, project.name, _named(member), role.name.lower()))
        return member

    def _insert(self, project: Project, entity_id: int, name: str, role: Role, *, is_group: bool) -> int:
        try:
            with atomic():
                return self._store.insert_member(project.id, entity_id, role, is_group=is_group)
        except IntegrityError as error:
            if self._store.project(project.id) is None:
                raise ProjectUnknownError(f"there is no project {project.id}") from error
            if is_group and self._store.group_name(entity_id) is None:
                raise GroupUnknownError(f"there is no group {entity_id}") from error
            if not is_group and self._store.user_name(entity_id) is None:
                raise UserUnknownError(f"there is no user {entity_id}") from error
            raise MemberExistsError(f"{name} is a member of {project.name} already") from error


def _named(member: Member) -> str:
    """The member for the log, where a group is not to be taken for a user."""
    return f"group {member.entity_name}" if member.is_group else member.entity_name
