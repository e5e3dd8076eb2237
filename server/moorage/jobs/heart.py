"""The thread beside a handler: keeps its lease, hears that it is to stop, writes its notes."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, atomic, close_connection
from moorage.jobs.execution_store import Claim
from moorage.jobs.model import Execution
from moorage.jobs.notes import Batch, Notes
from moorage.jobs.store import JobStore

#: A lease that was not renewed for so much of its time is given up by its owner, before anybody
#: else may take it.
_TRUSTED: Final = 0.8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often things are done; seconds.

    Attributes:
        lease: after how long in silence a run counts as abandoned.
        renew: how often the lease is renewed.
        look: how often the owner and the wish to stop are read.
        write: how often notes are written at most.
    """

    lease: float = 30.0
    renew: float = 5.0
    look: float = 0.5
    write: float = 1.0


class LostError(Exception):
    """Somebody else works on the run, or nobody may any more."""


class Heart:
    """Beats while a handler works.

    Args:
        watch: called with the run about once for each beat, in the thread of the heart.
    """

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        claim: Claim,
        notes: Notes,
        rhythm: Rhythm,
        watch: Callable[[Execution], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._claim = claim
        self._notes = notes
        self._rhythm = rhythm
        self._watch = watch
        self._renewed = self._written = time.monotonic()
        self._lost = threading.Event()
        self._asked = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-heart", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether the run may be somebody else's by now."""
        return self._lost.is_set() or time.monotonic() - self._renewed > self._rhythm.lease * _TRUSTED

    @property
    def asked(self) -> bool:
        """Whether somebody wants the run to stop."""
        return self._asked.is_set()

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; notes may be left."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def beat(self) -> None:
        """Look, renew, write: each when it is due.

        Raises:
            DatabaseIllError: the database does not answer; the next beat tries again.
        """
        execution_id, owner = self._claim.execution.id, self._claim.owner
        pulse = self._store.runs.pulse(execution_id)
        if pulse is None or pulse.owner != owner:
            self._lost.set()
            return
        if pulse.stop_requested:
            self._asked.set()
        now = time.monotonic()
        if now - self._renewed >= self._rhythm.renew:
            self._renew(now)
        if now - self._written >= self._rhythm.write:
            self.write()
        if self._watch is not None:
            self._tell(self._watch, execution_id)

    def write(self) -> None:
        """Write the notes.

        Raises:
            DatabaseIllError: the database does not answer; the notes wait on.
        """
        batch = self._notes.take()
        if batch is None:
            return
        try:
            self._save(batch)
        except BaseException:
            self._notes.back(batch)
            raise
        self._written = time.monotonic()

    def _save(self, batch: Batch) -> None:
        with atomic(durable=False):
            self.own(progress=batch.progress, log_lines=batch.log_lines)
            self._store.history.say(self._claim.execution.id, batch.lines)

    def own(self, **columns: object) -> None:
        """Write columns of the run and hold it against others until the transaction ends.

        Raises:
            LostError: it is not ours any more.
        """
        execution_id, owner = self._claim.execution.id, self._claim.owner
        if not self._store.runs.save(execution_id, owner, updated_at=self._clock(), **columns):
            self._lost.set()
            raise LostError

    def _renew(self, now: float) -> None:
        with atomic(durable=False):
            self.own(lease_until=self._clock() + timedelta(seconds=self._rhythm.lease))
        self._renewed = now

    def _tell(self, watch: Callable[[Execution], None], execution_id: int) -> None:
        found = self._store.runs.find(execution_id)
        if found is not None:
            watch(found)

    def _run(self) -> None:
        while not self._lost.is_set() and not self._over.wait(self._rhythm.look):
            try:
                self.beat()
            except LostError:
                break
            except DatabaseIllError as error:
                _log.warning("a run cannot be kept", extra={"cause": str(error)})
                close_connection()
            except Exception:  # a watcher's fault must not cost the lease
                _log.exception("a beat failed")
        close_connection()
