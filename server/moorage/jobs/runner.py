"""`Runner`: takes up runs of jobs and carries them out."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, atomic, close_connection
from moorage.events import Events
from moorage.jobs.endings import Ending, abandoned, ending_of, is_hopeless, stopped_before
from moorage.jobs.errors import ExecutionTakenError, ExecutionUnknownError, JobUnknownError
from moorage.jobs.execution_store import Claim
from moorage.jobs.heart import Heart, LostError, Rhythm
from moorage.jobs.model import Execution
from moorage.jobs.modesty import modest
from moorage.jobs.notes import LINES, Notes
from moorage.jobs.run import Run
from moorage.jobs.settlement import Settlement
from moorage.jobs.store import JobStore

#: Works, and returns what it came to: plain JSON values, ``message`` for people.
Handler = Callable[[Run], Mapping[str, object]]

_POLL_SECONDS = 1.0
_ILL_SECONDS = 5.0
#: How long handlers may take to notice that the process ends, and to be put back if they do not.
_END_SECONDS = 1.0
_LET_GO_SECONDS = 0.5

_log = logging.getLogger(__name__)


class Runner:
    """Carries out runs, each at most once at a time, and each to its end whoever dies on the way.

    Args:
        handlers: what each kind of job does.
        log_lines: the most that one run may say.
    """

    def __init__(
        self,
        store: JobStore,
        events: Events,
        clock: Clock,
        handlers: Mapping[str, Handler],
        *,
        rhythm: Rhythm | None = None,
        log_lines: int = LINES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._handlers = dict(handlers)
        self._rhythm = rhythm or Rhythm()
        self._log_lines = log_lines
        self._settlement = Settlement(store, events, clock)
        self._active: dict[str, tuple[Claim, Heart]] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The jobs that can be run."""
        return tuple(sorted(self._handlers))

    def run(
        self,
        execution_id: int,
        *,
        stop: threading.Event | None = None,
        watch: Callable[[Execution], None] | None = None,
    ) -> Execution:
        """Carry out one run in this thread, also one that is not due yet.

        Args:
            stop: set it when the process is to end; the run is put back.
            watch: called with the run about twice a second, in another thread.

        Returns:
            The run as it stands afterwards.

        Raises:
            ExecutionUnknownError: there is no such run.
            JobUnknownError: nobody here knows how to do it.
            ExecutionTakenError: somebody else works on it, or it is over.
        """
        execution = self._store.runs.find(execution_id)
        if execution is None:
            raise ExecutionUnknownError(f"there is no run {execution_id}")
        self._handler(execution.kind)
        claim = self._claim(execution_id=execution_id)
        if claim is None:
            raise ExecutionTakenError(f"run {execution_id} is worked on elsewhere, or over")
        return self._carry_out(claim, stop or threading.Event(), watch)

    def run_next(
        self, kinds: Collection[str] | None = None, stop: threading.Event | None = None
    ) -> Execution | None:
        """Carry out the oldest run that waits or was abandoned; None when there is none.

        Args:
            kinds: only these; None for every kind that has a handler.
        """
        wanted = [kind for kind in kinds or self.kinds if kind in self._handlers]
        if not self._store.runs.is_claimable(wanted, self._clock()):
            return None
        claim = self._claim(kinds=wanted)
        return None if claim is None else self._carry_out(claim, stop or threading.Event(), None)

    def work(self, stop: threading.Event) -> None:
        """Carry out whatever comes until `stop` is set, each kind in a thread of its own.

        A handler that does not notice the end in time is left behind, and its run put back.
        """
        threads = [
            threading.Thread(target=self._serve_modestly, args=(kind, stop), name=f"job-{kind}", daemon=True)
            for kind in self.kinds
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        deadline = time.monotonic() + _END_SECONDS
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))
        if self._active:
            leaving = threading.Thread(target=self._let_go, name="job-leave", daemon=True)
            leaving.start()
            leaving.join(_LET_GO_SECONDS)

    def _serve_modestly(self, kind: str, stop: threading.Event) -> None:
        with modest():
            self._serve(kind, stop)

    def _serve(self, kind: str, stop: threading.Event) -> None:
        while not stop.is_set():
            pause = _POLL_SECONDS
            try:
                if self.run_next([kind], stop) is not None:
                    continue
            except DatabaseIllError as error:
                _log.warning("jobs wait: the database does not answer", extra={"cause": str(error)})
                pause = _ILL_SECONDS
                close_connection()
            except Exception:
                _log.exception("a run could not be carried out", extra={"kind": kind})
                pause = _ILL_SECONDS
            stop.wait(pause)
        close_connection()

    def _handler(self, kind: str) -> Handler:
        if kind not in self._handlers:
            raise JobUnknownError(f"there is no job {kind!r} in this release")
        return self._handlers[kind]

    def _claim(self, *, kinds: Collection[str] = (), execution_id: int | None = None) -> Claim | None:
        now = self._clock()
        lease_until = now + timedelta(seconds=self._rhythm.lease)
        with atomic():
            return self._store.runs.claim(
                uuid4().hex, now, lease_until, kinds=kinds, execution_id=execution_id
            )

    def _carry_out(
        self, claim: Claim, stop: threading.Event, watch: Callable[[Execution], None] | None
    ) -> Execution:
        execution = claim.execution
        notes = Notes(self._clock, execution.progress, log_lines=claim.log_lines, most=self._log_lines)
        heart = Heart(self._store, self._clock, claim, notes, self._rhythm, watch)
        if execution.stop_requested:
            ending = stopped_before()
        elif is_hopeless(claim):
            ending = abandoned(claim)
        else:
            if execution.attempts > 1:
                notes.say(f"taken up again, attempt {execution.attempts}", "info")
            run = Run(execution, self._store, self._clock, notes, heart, stop, _deadline(execution))
            ending = self._call(claim, run, heart)
        self._settlement.settle(claim, heart, ending)
        return self._store.runs.find(execution.id) or execution

    def _call(self, claim: Claim, run: Run, heart: Heart) -> Ending:
        self._active[claim.owner] = (claim, heart)
        heart.start()
        try:
            result = self._handler(claim.execution.kind)(run)
        except (LostError, *DatabaseIllError) as error:
            return ending_of(claim, run, {}, error)
        except Exception as error:
            _log.exception("a run failed", extra={"kind": claim.execution.kind, "run": claim.execution.id})
            return ending_of(claim, run, {}, error)
        else:
            return ending_of(claim, run, result, None)
        finally:
            heart.stop()
            self._active.pop(claim.owner, None)

    def _let_go(self) -> None:
        """Put back what handlers did not let go of; they are not heard any more."""
        for claim, heart in list(self._active.values()):
            _log.warning("a run did not stop in time and is put back", extra={"run": claim.execution.id})
            with suppress(*DatabaseIllError):
                self._settlement.put_back(claim, heart)
        close_connection()


def _deadline(execution: Execution) -> float | None:
    minutes = execution.parameters.get("budget_minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or minutes <= 0:
        return None
    return time.monotonic() + minutes * 60
