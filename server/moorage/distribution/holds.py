"""Holds: a running job keeps the collector away from the manifests that it reads."""

from datetime import datetime

from moorage.clock import Clock
from moorage.distribution.changes import change
from moorage.distribution.errors import ManifestUnknownError
from moorage.distribution.hold_store import HoldStore
from moorage.distribution.model import ManifestKey


class Holds:
    """Use cases on holds.

    A hold ends by itself, so that a job that died keeps nothing for ever. It stops the collector
    only: a person may delete what is held. Blobs need no hold, their manifest keeps them.
    """

    def __init__(self, store: HoldStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def take(self, key: ManifestKey, holder: str, until: datetime) -> None:
        """Keep the manifest until then; a longer hold of the same holder stays as it is.

        Args:
            holder: who holds it, for instance ``replication:17``.

        Raises:
            ManifestUnknownError: there is no such manifest (any more).
        """
        if not change(lambda: self._store.put(key, holder, until)):
            raise ManifestUnknownError.of(key.digest)

    def renew(self, holder: str, until: datetime) -> int:
        """Lengthen every hold of the holder; returns how many became longer."""
        return change(lambda: self._store.renew(holder, until))

    def release(self, holder: str) -> int:
        """End every hold of the holder; returns how many there were."""
        return change(lambda: self._store.release(holder))

    def sweep(self) -> int:
        """Forget holds that are over; returns how many there were."""
        return change(lambda: self._store.sweep(self._clock()), durable=False)
