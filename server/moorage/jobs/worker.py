"""The resident loop of housekeeping; the only file that imports `schedule`.

`schedule` keeps its times in memory and forgets them on a restart, so only chores hang on it
that may as well run at the next start: each runs once at the start and then at its interval.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from schedule import Scheduler

_log = logging.getLogger(__name__)
_LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again.

    Attributes:
        run: does it; what it raises is logged and does not stop the other chores.
    """

    name: str
    every: timedelta
    run: Callable[[], object]


class Worker:
    """Runs chores until it is told to stop.

    Args:
        beside: each runs in a thread of its own meanwhile, and ends by itself when told to stop.
    """

    def __init__(
        self, chores: Sequence[Chore], beside: Sequence[Callable[[threading.Event], object]] = ()
    ) -> None:
        self._chores = tuple(chores)
        self._beside = tuple(beside)

    def run_once(self) -> list[str]:
        """Run every chore now; returns the names of those that failed."""
        return [chore.name for chore in self._chores if not _attempt(chore)]

    def run(self, stop: threading.Event) -> None:
        """Run all chores now and then each at its interval, until `stop` is set."""
        others = [
            threading.Thread(target=each, args=(stop,), name=f"beside-{number}", daemon=True)
            for number, each in enumerate(self._beside, 1)
        ]
        for each in others:
            each.start()
        self._run(stop)
        for each in others:
            each.join()

    def _run(self, stop: threading.Event) -> None:
        scheduler = Scheduler()
        for chore in self._chores:
            scheduler.every(int(chore.every.total_seconds())).seconds.do(_attempt, chore)
        self.run_once()
        while not stop.is_set():
            scheduler.run_pending()
            idle = scheduler.idle_seconds
            stop.wait(_LONGEST_WAIT_SECONDS if idle is None else min(max(idle, 0), _LONGEST_WAIT_SECONDS))


def _attempt(chore: Chore) -> bool:
    try:
        found = chore.run()
    except Exception:  # one ill chore must not keep the others from running
        _log.exception("chore failed", extra={"chore": chore.name})
        return False
    if found:
        _log.info("chore done", extra={"chore": chore.name, "found": found})
    return True
