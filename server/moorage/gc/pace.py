"""How fast the collector goes: pushes and pulls come first."""

import time
from collections.abc import Callable

_LONGEST_PAUSE_SECONDS = 1.0


class Pace:
    """Says how long to pause after a batch.

    A twentieth of what the batch took: whoever waits to write gets in between, and on a busy machine,
    where a batch takes longer, it waits longer. Its low priority does the rest.

    Args:
        per_second: the most things to remove in a second; 0: no limit.
        ticks: seconds of a clock that never jumps.
    """

    def __init__(self, per_second: int, ticks: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._ticks = ticks
        self._began_at = ticks()

    def begin(self) -> None:
        """A batch begins."""
        self._began_at = self._ticks()

    def pause_seconds(self, removed: int) -> float:
        """How long to pause after the batch, which removed so many things."""
        took = self._ticks() - self._began_at
        breath = min(took / 20, _LONGEST_PAUSE_SECONDS)
        if not self._per_second:
            return breath
        return max(breath, removed / self._per_second - took)
