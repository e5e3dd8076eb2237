"""Groups of the directory that have, or may be given, roles here."""

from collections.abc import Callable, Collection

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, GroupChanged, GroupCreated, GroupDeleted
from moorage.identity.directory import Directory, EntryKind
from moorage.identity.errors import (
    DirectoryUnsetError,
    GroupExistsError,
    GroupInvalidError,
    GroupRenameDeniedError,
    GroupUnknownError,
)
from moorage.identity.model import Group, PrincipalKind
from moorage.identity.people_store import PeopleStore
from moorage.identity.text import MAX_TEXT, is_storable

#: How many of a search's finds are looked through for the one that is meant: its name may be part of many.
_MOST = 10_000
#: Stands for a name where only the domain is asked for.
_ANYBODY = "x"


class Groups:
    """Makes groups known, lists them, and forgets them.

    Who is in a group is the directory's to say: it says so at each login, and to the refresh of people,
    which `GroupCreated` and `GroupChanged` ask for.

    Args:
        has_roles: whether the group of that number has a role in any project.
    """

    def __init__(
        self,
        directory: Directory,
        store: PeopleStore,
        events: Events,
        clock: Clock,
        has_roles: Callable[[int], bool],
    ) -> None:
        self._directory = directory
        self._has_roles = has_roles
        self._store = store
        self._events = events
        self._clock = clock

    def create(self, actor: Actor, name: str) -> Group:
        """Make a group of the directory known here.

        Args:
            actor: whom the log names.
            name: in any form that the directory knows.

        Raises:
            DirectoryUnsetError: no directory was set up.
            DirectoryAwayError: it does not answer.
            GroupInvalidError: it has no such group.
            GroupExistsError: the group is known already.
        """
        canonical = self._of_directory(name)
        with atomic():
            if self._store.group_named(canonical) is not None:
                raise GroupExistsError(f"there is a group {canonical} already")
            group_id = self._insert(canonical)
            self._events.publish(GroupCreated(actor, group_id, canonical))
            return self.get(group_id)

    def meet(self, actor: Actor, name: str) -> Group:
        """The group by any form of its name, made known when the directory has it.

        Raises:
            GroupUnknownError: neither this registry nor the directory has it.
            DirectoryAwayError: it does not answer, and no group of that name is known here.
        """
        found = self.find(name)
        if found is not None:
            return found
        try:
            return self.create(actor, name)
        except (GroupInvalidError, DirectoryUnsetError) as error:
            raise GroupUnknownError("there is no group of that name") from error
        except GroupExistsError:  # somebody else met it in this moment
            found = self.find(name)
            if found is None:
                raise
            return found

    def get(self, group_id: int) -> Group:
        """The group of that number.

        Raises:
            GroupUnknownError: there is none.
        """
        group = self._store.group(group_id)
        if group is None:
            raise GroupUnknownError(f"there is no group {group_id}")
        return group

    def find(self, name: str) -> Group | None:
        """The group that is known by this name, in any form of it."""
        if not is_storable(name) or len(name) > MAX_TEXT:
            return None
        return self._store.group_named(name) or self._store.group_named(self._canonical(name) or name)

    def list(self, *, q: str = "", limit: int, offset: int) -> list[Group]:
        """A page of the groups whose names contain `q`, by name."""
        return self._store.groups(q=q, limit=limit, offset=offset) if is_storable(q) else []

    def count(self, q: str = "") -> int:
        """How many groups `list` has in all its pages."""
        return self._store.count_groups(q) if is_storable(q) else 0

    def count_people(self, group_id: int) -> int:
        """How many of the people known here are in the group, as the directory last said."""
        return self._store.count_in_group(group_id)

    def named(self, names: Collection[str]) -> dict[str, Group]:
        """Those groups of these names that are known here."""
        return {group.name: group for group in self._store.groups_named([n for n in names if is_storable(n)])}

    def rename(self, actor: Actor, group_id: int, name: str) -> Group:
        """Follow a group that has another name in the directory; its roles stay, its people are told anew.

        That gives its roles to the people of another group, and no robot may give away roles: whoever holds
        the robot could give them to themselves.

        Raises:
            GroupUnknownError: there is no such group.
            GroupRenameDeniedError: a robot asks, and the group has roles.
            DirectoryUnsetError: no directory was set up.
            DirectoryAwayError: it does not answer.
            GroupInvalidError: it has no group of the new name.
            GroupExistsError: that group is known already.
        """
        before = self.get(group_id)
        if name == before.name:
            return before
        canonical = self._of_directory(name)
        with atomic():
            group = self.get(group_id)
            if group.name == canonical:
                return group
            if actor.kind == PrincipalKind.ROBOT.value and self._has_roles(group_id):
                raise GroupRenameDeniedError("a robot may not rename a group that has roles in projects")
            if self._store.group_named(canonical) is not None:
                raise GroupExistsError(f"there is a group {canonical} already")
            try:
                with atomic():
                    self._store.rename_group(group_id, canonical, self._clock())
            except IntegrityError as error:  # somebody else met it in this moment
                raise GroupExistsError(f"there is a group {canonical} already") from error
            # Whoever was in the group of the old name need not be in this one.
            self._store.empty_group(group_id)
            self._events.publish(GroupChanged(actor, group_id, canonical, f"was {group.name}"))
            return self.get(group_id)

    def delete(self, actor: Actor, group_id: int) -> None:
        """Forget a group, and with it the roles that it gives.

        Raises:
            GroupUnknownError: there is no such group.
        """
        with atomic():
            group = self.get(group_id)
            self._store.delete_group(group_id)
            self._events.publish(GroupDeleted(actor, group_id, group.name))

    def _of_directory(self, name: str) -> str:
        """The canonical name of a group that the directory has."""
        if not self._directory.connected:
            raise DirectoryUnsetError
        canonical = self._canonical(name) if len(name) <= MAX_TEXT and is_storable(name) else None
        if canonical is not None and len(canonical) <= MAX_TEXT:
            found = self._directory.search(canonical.rpartition("@")[0], EntryKind.GROUP, _MOST)
            if any(entry.name == canonical for entry in found):
                return canonical
        raise GroupInvalidError("the directory has no group of that name")

    def _canonical(self, name: str) -> str | None:
        """The canonical form of a group's name; the domain is what login names tell.

        Groups may have names that nobody can log in with, such as those with blanks.
        """
        domain, slash, short = name.partition("\\")
        if slash:
            known = self._directory.canonical(f"{domain}\\{_ANYBODY}")
        else:
            short, _, domain = name.rpartition("@")
            known = self._directory.canonical(f"{_ANYBODY}@{domain}")
        short = short.strip().lower()
        return f"{short}@{known.rpartition('@')[2]}" if known is not None and short else None

    def _insert(self, name: str) -> int:
        try:
            with atomic():
                return self._store.insert_group(name, self._clock())
        except IntegrityError as error:
            raise GroupExistsError(f"there is a group {name} already") from error
