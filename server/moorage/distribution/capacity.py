"""How much more may be stored: two marks on the disk, and a reserve."""

import logging
import time
from collections.abc import Callable

from moorage.distribution.errors import StorageFullError
from moorage.distribution.storage import BlobStorage, Space
from moorage.health import DegradedError
from moorage.sizes import in_words

_FRESH_SECONDS = 1.0
#: A mark that is never reached: only the reserve counts.
_ALL = 100

_log = logging.getLogger(__name__)


class Capacity:
    """Refuses what does not fit before it is sent, so that the database never runs out of room.

    Below the mark "warn" nothing is said. From there on health and log warn. From the mark "full" on,
    or when the reserve would be touched, no new upload comes in; everything that frees room, or needs
    next to none, goes on: pulls, deletions, tags, manifests of blobs that are here, the collector.

    Args:
        reserve_bytes: stays free for the database and for what is under way.
        warn_percent: the first mark, as a used part of the disk.
        full_percent: the second; 100: only the reserve counts.
        ticks: seconds of a clock that never jumps.
    """

    def __init__(
        self,
        storage: BlobStorage,
        reserve_bytes: int,
        *,
        warn_percent: float = 100,
        full_percent: float = 100,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._reserve_bytes = reserve_bytes
        self._warn_percent = warn_percent
        self._full_percent = full_percent
        self._ticks = ticks
        self._seen: tuple[float, Space] | None = None
        self._told = ""

    def check(self, declared_bytes: int) -> None:
        """Make sure that a body of this length may come; 0 when its length is not known.

        Raises:
            StorageFullError: the disk is as full as it may be, or the body would use up the reserve.
        """
        space = self.space()
        fault = self._fault(space)
        if fault:
            raise StorageFullError(f"the registry's storage is full: {fault}")
        if space.free_bytes - declared_bytes < self._reserve_bytes:
            raise StorageFullError(f"the registry's storage has no room for this: {self._scarce(space)}")

    def space(self) -> Space:
        """What there is, looked up at most once a second."""
        now = self._ticks()
        seen = self._seen
        if seen is None or now - seen[0] > _FRESH_SECONDS:
            seen = self._seen = (now, self._storage.space())
        return seen[1]

    def is_full(self) -> bool:
        """Whether uploads are refused right now."""
        return bool(self._fault(self._storage.space()))

    def probe(self) -> str | None:
        """What health has to say of the disk.

        Returns:
            A warning, if it is fuller than the first mark.

        Raises:
            DegradedError: uploads are refused.
        """
        space = self._storage.space()
        fault = self._fault(space)
        if fault:
            raise DegradedError(f"{fault}: uploads are refused")
        return self._warning(space)

    def watch(self) -> None:
        """Log when a mark is crossed, once for each time; for one process of the machine."""
        space = self._storage.space()
        fault, warning = self._fault(space), self._warning(space)
        state = "full" if fault else "warn" if warning else ""
        if state == self._told:
            return
        self._told = state
        figures = {"free_bytes": space.free_bytes, "total_bytes": space.total_bytes}
        if fault:
            _log.error("the storage is full, uploads are refused", extra={**figures, "cause": fault})
        elif warning:
            _log.warning("the storage is filling up", extra={**figures, "cause": warning})
        else:
            _log.info("the storage has room again", extra=figures)

    def _fault(self, space: Space) -> str:
        if self._full_percent < _ALL and space.used_percent >= self._full_percent:
            return f"{space.used_percent:.1f} % of the disk are used, at most {self._full_percent:g} % may be"
        if space.free_bytes < self._reserve_bytes:
            return (
                f"{in_words(space.free_bytes)} are free, {in_words(self._reserve_bytes)} are kept in reserve"
            )
        return ""

    def _warning(self, space: Space) -> str | None:
        if self._warn_percent < _ALL and space.used_percent >= self._warn_percent:
            return (
                f"{space.used_percent:.1f} % of the disk are used; from {self._full_percent:g} % on "
                "uploads are refused"
            )
        return None

    def _scarce(self, space: Space) -> str:
        return f"{in_words(space.free_bytes)} are free, {in_words(self._reserve_bytes)} are kept in reserve"
