"""`Run`: what a handler of a job works with."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, atomic
from moorage.errors import MoorageError
from moorage.jobs.heart import Heart, LostError
from moorage.jobs.model import Execution, State
from moorage.jobs.notes import Notes
from moorage.jobs.store import JobStore
from moorage.jobs.text import fit

_PAUSE_SECONDS = 0.1
_log = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a handler is to stop."""

    LOST = "lost"
    ASKED = "asked"
    ENDING = "ending"
    BUDGET = "budget"


class TaskRun:
    """A part of a run while it works."""

    def __init__(self, number: int, name: str, notes: Notes) -> None:
        self.id = number
        self.name = name
        self.result: Mapping[str, object] | None = None
        self._notes = notes

    def say(self, text: str, *, level: str = "info") -> None:
        """Add a line to its log; levels are ``info``, ``warning`` and ``error``."""
        self._notes.say(text, level, self.id)

    def finish(self, **result: object) -> None:
        """It came to this; plain JSON values."""
        self.result = result


class Run:
    """One run while it works, for its handler.

    Attributes:
        execution: as it was taken up.

    Args:
        ending: set when the process is to end.
        deadline: monotonic seconds at which the time of the run is used up.
    """

    def __init__(
        self,
        execution: Execution,
        store: JobStore,
        clock: Clock,
        notes: Notes,
        heart: Heart,
        ending: threading.Event,
        deadline: float | None,
    ) -> None:
        self.execution = execution
        self._store = store
        self._clock = clock
        self._notes = notes
        self._heart = heart
        self._ending = ending
        self._deadline = deadline
        self._told: Reason | None = None

    @property
    def parameters(self) -> Mapping[str, object]:
        """As the run was asked for."""
        return self.execution.parameters

    @property
    def progress(self) -> Mapping[str, object]:
        """What was kept when the process before this one ended; empty at the first one."""
        return self.execution.progress

    @property
    def stopping(self) -> bool:
        """Whether to stop: somebody asked, the process ends, the time is used up, or the run was lost.

        Cheap. Ask it at least once a second, between changes.
        """
        if self._told is None:
            self._told = self._why()
        return self._told is not None

    @property
    def told(self) -> Reason | None:
        """Why the handler was told to stop; None while it was not."""
        return self._told

    def say(self, text: str, *, level: str = "info") -> None:
        """Add a line to the log; levels are ``info``, ``warning`` and ``error``."""
        self._notes.say(text, level)

    def count(self, **increments: int) -> None:
        """Add to numbers of the progress."""
        self._notes.count(increments)

    def mark(self, **values: object) -> None:
        """Replace values of the progress; plain JSON values."""
        self._notes.mark(values)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the wish to stop."""
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            self._ending.wait(min(left, _PAUSE_SECONDS))

    @contextmanager
    def task(self, name: str, *, contain: bool = False) -> Iterator[TaskRun]:
        """A part of the run with a log of its own.

        An exception inside marks it as failed. One that was not finished because the run stops is
        marked as stopped; a later process begins it anew.

        Args:
            name: unique in the run.
            contain: keep the exception from going on.
        """
        with atomic(durable=False):
            self._heart.own()
            number = self._store.history.begin_task(self.execution.id, fit(name), self._clock())
        task = TaskRun(number, name, self._notes)
        try:
            yield task
        except (LostError, *DatabaseIllError):
            raise
        except Exception as error:
            message = explained(error)
            task.say(message, level="error")
            self._end(task, State.ERROR, message)
            if not contain:
                raise
            _log.exception("a part of a run failed", extra={"run": self.execution.id, "part": name})
        else:
            broken_off = task.result is None and self._told is not None
            self._end(task, State.STOPPED if broken_off else State.SUCCESS, "")

    def _end(self, task: TaskRun, state: State, message: str) -> None:
        with atomic(durable=False):
            self._heart.own()
            self._store.history.end_task(task.id, state, task.result or {}, message, self._clock())

    def _why(self) -> Reason | None:
        if self._heart.lost:
            return Reason.LOST
        if self._heart.asked:
            return Reason.ASKED
        if self._ending.is_set():
            return Reason.ENDING
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return Reason.BUDGET
        return None


def explained(error: Exception) -> str:
    """One sentence about what went wrong; what a program's own fault says is for its log alone."""
    if isinstance(error, MoorageError):
        return fit(error.message)
    return f"{type(error).__name__}: see the server's log"
