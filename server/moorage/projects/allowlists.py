"""Allowlists: the vulnerabilities that the site, or one project, puts up with."""

from collections.abc import Collection

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.events import Actor, AllowlistChanged, Events
from moorage.projects.allowlist import checked
from moorage.projects.allowlist_store import AllowlistStore
from moorage.projects.model import Allowlist, AllowlistDraft, AllowlistItem


class Allowlists:
    """Reads and replaces the list of the site and those of projects."""

    def __init__(self, store: AllowlistStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def system(self) -> Allowlist:
        """The list of the whole site; an empty one until somebody sets it."""
        found = self._store.find(None)
        return found or Allowlist(None, None, (), None, None)

    def among(self, project_ids: Collection[int]) -> dict[int, Allowlist]:
        """The list of each of the projects that has one."""
        return self._store.among(project_ids) if project_ids else {}

    def replace_system(self, actor: Actor, draft: AllowlistDraft) -> None:
        """Put another list in the place of the site's; one that says the same is no change.

        Raises:
            AllowlistInvalidError: no list can be so.
        """
        with atomic():
            if self.replace(actor, None, draft):
                self._events.publish(AllowlistChanged(actor, len(draft.items)))

    def replace(self, actor: Actor, project_id: int | None, draft: AllowlistDraft) -> bool:
        """Put another list in the place of the project's, inside the caller's transaction.

        Entries that stay keep their author and moment, and their reason unless there is a new one.

        Returns:
            Whether that changed anything.

        Raises:
            AllowlistInvalidError: no list can be so.
        """
        checked(draft)
        now = self._clock()
        found = self._store.find(project_id)
        before = {} if found is None else {item.cve_id: item for item in found.items}
        items = tuple(
            AllowlistItem(each.cve_id, each.reason, actor.name, now)
            if known is None
            else AllowlistItem(known.cve_id, each.reason or known.reason, known.author, known.added_at)
            for each, known in ((each, before.get(each.cve_id)) for each in draft.items)
        )
        if found is None and not items and draft.expires_at is None:
            return False
        if found is not None and (found.items, found.expires_at) == (items, draft.expires_at):
            return False
        self._store.put(project_id, draft.expires_at, items, now)
        return True
