"""People and groups that an earlier connection made known, when another vCenter takes its place.

Every vCenter has an ``administrator@vsphere.local``. What one of them was given here must not come to
somebody of the same name in another; whether it is the same somebody only a person can say.
"""

from enum import StrEnum

from moorage.events import Actor, Events, GroupDeleted, UserDeleted
from moorage.identity.errors import DirectoryPeopleKnownError
from moorage.identity.people_store import PeopleStore
from moorage.identity.store import IdentityStore

_BATCH = 200


class Known(StrEnum):
    """What becomes of people and groups that are known, in the one who connects' word."""

    KEEP = "keep"
    FORGET = "forget"


class Predecessors:
    """Asks what becomes of them, and does it."""

    def __init__(self, store: PeopleStore, accounts: IdentityStore, events: Events) -> None:
        self._store = store
        self._accounts = accounts
        self._events = events

    def settle(self, actor: Actor, wish: Known | None) -> None:
        """Keep them, for they are the same ones; or delete them with roles, sessions and access tokens.

        In the caller's transaction.

        Raises:
            DirectoryPeopleKnownError: there are some, and nothing was said.
        """
        people, groups = self._store.count_people(), self._store.count_groups("")
        if wish is Known.KEEP or not (people or groups):
            return
        if wish is None:
            raise DirectoryPeopleKnownError(
                f"{people} people and {groups} groups of a directory are known here: say whether those of "
                "the same names there are the same (keep), or others (forget: they lose all they were given)"
            )
        while some := self._store.names_after(0, _BATCH):
            for user_id, name in some:
                self._accounts.delete_user(user_id)
                self._events.publish(UserDeleted(actor, user_id, name))
        while found := self._store.groups(q="", limit=_BATCH, offset=0):
            for group in found:
                self._store.delete_group(group.id)
                self._events.publish(GroupDeleted(actor, group.id, group.name))
