"""`Follower`: reads the log in the order of its numbers, and skips none that comes late.

PostgreSQL gives out numbers before it commits, so 7 may be seen while 6 is still on its way, and 6 may never
come. What is behind a gap waits until every transaction that was writing to the log when the gap was seen is
over: by then a number is there or will never be. No time is involved, and where there is no gap no wait.
"""

from collections.abc import Sequence

from moorage.audit.forward_store import ForwardStore
from moorage.audit.model import Entry
from moorage.db.connection import is_postgresql


class Follower:
    """Gives each entry once, for places that only go forward."""

    def __init__(self, store: ForwardStore) -> None:
        self._store = store
        #: Up to here every number that is missing is missing for good.
        self._known = 0
        #: What was seen behind a gap, and who was writing then.
        self._seen = 0
        self._writers: frozenset[str] = frozenset()

    @property
    def is_waiting(self) -> bool:
        """Whether entries are held back for the sake of a transaction."""
        return self._seen > self._known

    def next(self, place: int, limit: int) -> Sequence[Entry]:
        """The entries behind `place`, at most `limit`; nothing when none may be told yet."""
        if self.is_waiting and not self._is_settled():
            return ()
        found = self._store.following(place, limit)
        if not found or not is_postgresql():
            return found
        ready = self._ready(found, place)
        if ready:
            return ready
        # In this order: whoever took a number below `_seen` held the lock before that was seen.
        self._seen = found[-1].id
        self._writers = self._store.writers()
        # Read anew in any case: what was missing may have come between the two questions.
        return self.next(place, limit) if self._is_settled() else ()

    def _is_settled(self) -> bool:
        if self._writers and self._writers & self._store.writers():
            return False
        self._known = self._seen
        return True

    def _ready(self, found: Sequence[Entry], place: int) -> list[Entry]:
        """Those of `found` that nothing can come in front of any more."""
        ready, last = [], max(place, self._known)
        for entry in found:
            if entry.id > last + 1:
                break
            ready.append(entry)
            last = max(last, entry.id)
        return ready
