"""How much more may be stored."""

import time
from collections.abc import Callable

from moorage.distribution.errors import StorageFullError
from moorage.distribution.storage import BlobStorage

_FRESH_SECONDS = 1.0


class Capacity:
    """Refuses what does not fit before it is sent, so that the database never runs out of room.

    Args:
        reserve_bytes: stays free for the database and for what is under way.
        ticks: seconds of a clock that never jumps.
    """

    def __init__(
        self, storage: BlobStorage, reserve_bytes: int, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._storage = storage
        self._reserve_bytes = reserve_bytes
        self._ticks = ticks
        self._seen: tuple[float, int] | None = None

    def check(self, declared_bytes: int) -> None:
        """Make sure that a body of this length may come; 0 when its length is not known.

        Raises:
            StorageFullError: it would use up the reserve.
        """
        if self.free_bytes() - declared_bytes < self._reserve_bytes:
            raise StorageFullError("the registry's storage is full")

    def free_bytes(self) -> int:
        """What is free, looked up at most once a second."""
        now = self._ticks()
        seen = self._seen
        if seen is None or now - seen[0] > _FRESH_SECONDS:
            seen = self._seen = (now, self._storage.free_bytes())
        return seen[1]
