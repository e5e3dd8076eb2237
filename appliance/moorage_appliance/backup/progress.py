"""Lines that say how far it is."""

import time
from collections.abc import Callable

_EVERY_SECONDS = 5.0
_STEP = 1024
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


class Progress:
    """Tells of the beginning of each part, and now and then of its blobs.

    Args:
        say: takes a line.
        ticks: seconds of a clock that never jumps.
    """

    def __init__(self, say: Callable[[str], None], ticks: Callable[[], float] = time.monotonic) -> None:
        self.say = say
        self._ticks = ticks
        self._said_at = ticks()

    def blob(self, number: int, count: int, done_bytes: int, total_bytes: int) -> None:
        """Another blob is done."""
        if number < count and self._ticks() - self._said_at < _EVERY_SECONDS:
            return
        self._said_at = self._ticks()
        percent = 100 * done_bytes // total_bytes if total_bytes else 100
        size = f"{in_words(done_bytes)} of {in_words(total_bytes)}"
        self.say(f"content: {number} of {count} blobs, {size}, {percent} %")


def in_words(size_bytes: int) -> str:
    """A number of bytes as people say it."""
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size_bytes} bytes"
