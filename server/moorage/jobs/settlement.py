"""The last writes of a run: its notes, its state, and the event that tells of it."""

import logging
import time

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, atomic, close_connection
from moorage.events import SYSTEM, Events, JobFinished
from moorage.jobs.endings import Ending
from moorage.jobs.execution_store import Claim
from moorage.jobs.heart import Heart, LostError
from moorage.jobs.model import State
from moorage.jobs.store import JobStore

_TRIES = 5
_REST_SECONDS = 0.5

_log = logging.getLogger(__name__)


class Settlement:
    """Ends runs, and puts them back."""

    def __init__(self, store: JobStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def settle(self, claim: Claim, heart: Heart, ending: Ending) -> None:
        """Write how a run ended, unless it is somebody else's by now.

        A database that stays ill leaves the run to whoever finds it abandoned.
        """
        for number in range(_TRIES):
            try:
                self._settle(claim, heart, ending)
            except LostError:
                _log.warning("a run was taken over by another worker", extra={"run": claim.execution.id})
            except DatabaseIllError as error:
                close_connection()
                _log.warning("a run's end cannot be written", extra={"cause": str(error)})
                if number + 1 < _TRIES:
                    time.sleep(_REST_SECONDS * 2**number)
                continue
            return

    def put_back(self, claim: Claim, heart: Heart) -> None:
        """Have a run wait for the next worker, while its handler has not even returned.

        Raises:
            DatabaseIllError: the database does not answer; the lease will end.
        """
        try:
            self._settle(claim, heart, Ending(State.PENDING))
        except LostError:
            return

    def _settle(self, claim: Claim, heart: Heart, ending: Ending) -> None:
        heart.write()
        if ending.state is State.PENDING:
            self._return(claim, ending)
        else:
            self._end(claim, ending)

    def _return(self, claim: Claim, ending: Ending) -> None:
        now = self._clock()
        with atomic():
            back = self._store.runs.put_back(
                claim.execution.id,
                claim.owner,
                now,
                now + ending.delay,
                retries=claim.retries + ending.ill,
            )
            if not back:
                raise LostError

    def _end(self, claim: Claim, ending: Ending) -> None:
        execution, now = claim.execution, self._clock()
        with atomic():
            if not self._store.runs.end(
                execution.id, claim.owner, ending.state, now, result=ending.result, message=ending.message
            ):
                raise LostError
            left = State.STOPPED if ending.state is State.STOPPED else State.ERROR
            self._store.history.stop_tasks(execution.id, left, now)
            told = (execution.kind, execution.id, execution.project_id)
            self._events.publish(JobFinished(SYSTEM, *told, state=ending.state.value, message=ending.message))
