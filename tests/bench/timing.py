"""A clock, and the quiet before it starts."""

import os
import time


class Stopwatch:
    """Runs from the moment it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._began


def quiet_disk() -> None:
    """Have everything written that earlier work left behind, so that nobody pays for a predecessor."""
    os.sync()
