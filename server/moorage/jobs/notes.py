"""What a run has to say and to keep, gathered in memory until it is written.

Handlers work inside transactions of their own, which may be undone; nothing of theirs may take
the log along. So they only leave notes, and another thread writes them.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from moorage.clock import Clock
from moorage.jobs.history_store import Said
from moorage.jobs.text import fit

#: The most lines of one run's log.
LINES = 100_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Notes that go to the database together."""

    progress: Mapping[str, object]
    lines: tuple[Said, ...]
    log_lines: int


class Notes:
    """The progress of a run and its new lines; any thread may call it.

    Args:
        log_lines: how many lines the run has said before.
        most: beyond so many lines only that there were more.
    """

    def __init__(self, clock: Clock, progress: Mapping[str, object], *, log_lines: int, most: int) -> None:
        self._clock = clock
        self._progress = dict(progress)
        self._lines: list[Said] = []
        self._log_lines = log_lines
        self._most = most
        self._changed = False
        self._lock = threading.Lock()

    def say(self, text: str, level: str, task_id: int | None = None) -> None:
        """Add a line; beyond the most, one line tells that the rest is left out."""
        with self._lock:
            if self._log_lines > self._most:
                return
            if self._log_lines == self._most:
                text, level, task_id = f"more than {self._most} lines: the rest is left out", "warning", None
            self._lines.append(Said(task_id, self._clock(), level, fit(text)))
            self._log_lines += 1
            self._changed = True

    def count(self, increments: Mapping[str, int]) -> None:
        """Add to numbers of the progress."""
        with self._lock:
            for name, by in increments.items():
                before = self._progress.get(name, 0)
                self._progress[name] = (before if isinstance(before, int) else 0) + by
            self._changed = True

    def mark(self, values: Mapping[str, object]) -> None:
        """Replace values of the progress."""
        with self._lock:
            self._progress.update(values)
            self._changed = True

    def take(self) -> Batch | None:
        """Everything new, or None; `back` it when it could not be written."""
        with self._lock:
            if not self._changed:
                return None
            batch = Batch(dict(self._progress), tuple(self._lines), self._log_lines)
            self._lines = []
            self._changed = False
            return batch

    def back(self, batch: Batch) -> None:
        """What could not be written waits on, before what came since."""
        with self._lock:
            self._lines[:0] = batch.lines
            self._changed = True
