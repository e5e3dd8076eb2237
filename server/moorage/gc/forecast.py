"""What becomes free, and until when, without anybody doing anything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from moorage.clock import Clock
from moorage.distribution.evidence import Evidence
from moorage.distribution.storage import BlobStorage, never
from moorage.gc.model import Kind, Outlook
from moorage.gc.store import CandidateStore


class Forecast:
    """Looks at every candidate; writes nothing.

    Args:
        trash: how long a file stays in the trash.
    """

    def __init__(
        self,
        store: CandidateStore,
        evidence: Evidence,
        storage: BlobStorage,
        clock: Clock,
        *,
        trash: timedelta,
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._storage = storage
        self._clock = clock
        self._trash = trash

    def outlook(self, stopping: Callable[[], bool] = never) -> Outlook:
        """What waits for its time, as it looks now: a push may need some of it again."""
        found = self._waiting(stopping)
        trashed = [(each.size_bytes, each.trashed_at) for each in self._storage.trashed()]
        if trashed:
            until = max(at for _, at in trashed) + self._trash
            found = replace(found, trash_bytes=sum(size for size, _ in trashed), trash_until=until)
        return replace(found, manifests=self._store.count(Kind.MANIFEST))

    def _waiting(self, stopping: Callable[[], bool]) -> Outlook:
        now = self._clock()
        total, first, last = 0, None, None
        for page in self._store.all(Kind.BLOB):
            if stopping():
                break
            facts = self._evidence.blobs([each.digest for each in page], now)
            for each in page:
                found = facts[each.digest]
                if found.id is None or found.kept:
                    continue
                moment = max(each.due_at, found.last_end or each.due_at)
                total += found.size_bytes or 0
                first = moment if first is None else min(first, moment)
                last = moment if last is None else max(last, moment)
        return Outlook(waiting_bytes=total, waiting_from=first, waiting_until=last)
