"""Members: who has which role in a project."""

from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, MemberAdded, MemberChanged, MemberRemoved
from moorage.identity.errors import UserUnknownError
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
            member_id = self._insert(project, user_id, user_name, role)
            self._events.publish(MemberAdded(actor, project_id, project.name, user_name, role.name.lower()))
            return Member(member_id, project_id, user_id, user_name, role)

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
            self._events.publish(MemberChanged(actor, project_id, name, member.user_name, role.name.lower()))
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
            self._events.publish(MemberRemoved(actor, project_id, name, member.user_name))

    def _project(self, project_id: int) -> Project:
        project = self._store.project(project_id)
        if project is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return project

    def _insert(self, project: Project, user_id: int, user_name: str, role: Role) -> int:
        try:
            with atomic():
                return self._store.insert_member(project.id, user_id, role)
        except IntegrityError as error:
            if self._store.project(project.id) is None:
                raise ProjectUnknownError(f"there is no project {project.id}") from error
            if self._store.user_name(user_id) is None:
                raise UserUnknownError(f"there is no user {user_id}") from error
            raise MemberExistsError(f"{user_name} is a member of {project.name} already") from error
