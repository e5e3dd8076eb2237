"""Rows of the log that may come a moment late: gathered in memory, written in batches by a thread.

A pull writes nothing to the database; this is what makes it cheap. Nothing is lost on a clean stop.
A process that is killed loses what it gathered since the last flush, a power cut perhaps a flush more.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict

from moorage.audit.errors import AuditFullError
from moorage.audit.model import Entry, PullTally, Result
from moorage.audit.store import AuditStore
from moorage.db.connection import DatabaseIllError, atomic, close_connection, in_transaction

OnFlush = Callable[[Sequence[PullTally]], None]

PULL = "pull_artifact"
_BATCH = 1000
_MOST = 10_000
#: So many accounts of one tally are named.
_MOST_ACTORS = 100
_STOP_SECONDS = 10.0
_RETRY_SECONDS = 0.2
_REST_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Writer:
    """Gathers entries and writes them.

    The rows of one flush and what `on_flush` makes of the pulls among them are one transaction.
    A database that is ill keeps the rows waiting. When `most` of them wait, whoever brings the
    next one writes them, and is refused if that fails: nothing unlogged may happen.
    """

    def __init__(
        self,
        store: AuditStore,
        on_flush: OnFlush | None = None,
        *,
        every_seconds: float = 1.0,
        batch: int = _BATCH,
        most: int = _MOST,
        stop_seconds: float = _STOP_SECONDS,
    ) -> None:
        self._store = store
        self._on_flush = on_flush
        self._every_seconds = every_seconds
        self._batch = batch
        self._most = most
        self._stop_seconds = stop_seconds
        self._arm()

    def _arm(self) -> None:
        """Begin anew in this process: what a parent gathered is the parent's to write, and its
        thread did not come along through the fork."""
        self._process = os.getpid()
        self._waiting: deque[Entry] = deque()
        self._flushing = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ill_until = 0.0

    def __len__(self) -> int:
        """How many rows wait."""
        return len(self._waiting)

    def add(self, entry: Entry) -> None:
        """Take a row; returns at once unless too many wait.

        Raises:
            AuditFullError: too many wait and the database cannot take them.
        """
        if self._process != os.getpid():
            self._arm()
        waiting = len(self._waiting)
        if waiting >= self._most:
            self._relieve()
        self._waiting.append(entry)
        if waiting >= self._batch:
            self._wake.set()

    def start(self) -> None:
        """Start the writing thread of this process; a second call changes nothing."""
        if self._process != os.getpid():
            self._arm()
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and write what waits; what cannot be written goes to the program's log."""
        if self._process != os.getpid():
            self._arm()
        if self._thread is not None:
            self._stopping.set()
            self._wake.set()
            self._thread.join()
            self._thread = None
        deadline = time.monotonic() + self._stop_seconds
        while not self._attempt() and time.monotonic() < deadline:
            time.sleep(_RETRY_SECONDS)
        while self._waiting:
            row = self._waiting.popleft()
            _log.critical("an entry of the log could not be written", extra={"entry": asdict(row)})

    def flush(self) -> None:
        """Write whatever waits.

        Raises:
            DatabaseIllError: the database cannot take it; the rows wait on.
        """
        with self._flushing:
            while self._waiting:
                rows = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch))]
                try:
                    self._write(rows)
                except BaseException:
                    self._waiting.extendleft(reversed(rows))
                    raise

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._every_seconds)
            self._wake.clear()
            self._attempt()
        close_connection()

    def _attempt(self) -> bool:
        """Flush; whether it went well. Tells the program's log of each change between well and ill."""
        try:
            self.flush()
        except DatabaseIllError as error:
            if not self._ill_until:
                _log.error("the log cannot be written", extra={"waiting": len(self), "cause": str(error)})
            self._ill_until = time.monotonic() + _REST_SECONDS
            close_connection()
            return False
        if self._ill_until:
            self._ill_until = 0.0
            _log.info("the log can be written again")
        return True

    def _relieve(self) -> None:
        if in_transaction():  # its rollback would take the rows of others along
            return
        if time.monotonic() < self._ill_until or not self._attempt():
            raise AuditFullError("the log of operations cannot be written, so nothing more can be done")

    def _write(self, rows: list[Entry]) -> None:
        """Write the rows; those written are taken out of the list."""
        pulls = tally(rows)
        try:
            with atomic(durable=False):
                self._store.append(rows)
                if pulls and self._on_flush is not None:
                    self._on_flush(pulls)
            rows.clear()
        except DatabaseIllError:
            raise
        except Exception:  # one row that the database refuses must not hold up all others for ever
            _log.exception("a batch of the log was refused; its rows are written one by one")
            self._write_apart(rows, pulls)

    def _write_apart(self, rows: list[Entry], pulls: Sequence[PullTally]) -> None:
        while rows:
            try:
                with atomic(durable=False):
                    self._store.append(rows[:1])
            except DatabaseIllError:
                raise
            except Exception:
                _log.exception("an entry of the log was refused", extra={"entry": asdict(rows[0])})
            del rows[0]
        try:
            with atomic(durable=False):
                if pulls and self._on_flush is not None:
                    self._on_flush(pulls)
        except Exception:
            _log.exception("pulls could not be counted", extra={"pulls": [asdict(pull) for pull in pulls]})


def tally(entries: Sequence[Entry]) -> list[PullTally]:
    """Count the pulls among the entries by what was pulled.

    In a fixed order, so that two processes never wait for each other's rows in a circle.
    """
    found: dict[tuple[str, str, str], PullTally] = {}
    for entry in entries:
        if entry.operation != PULL or entry.result is not Result.SUCCESS:
            continue
        key = (entry.repository, entry.tag, entry.digest)
        known = found.get(key)
        found[key] = PullTally(
            *key,
            count=1 if known is None else known.count + 1,
            last_at=entry.at if known is None else max(known.last_at, entry.at),
            actors=_with(() if known is None else known.actors, entry.actor),
        )
    return [found[key] for key in sorted(found)]


def _with(actors: tuple[str, ...], actor: str) -> tuple[str, ...]:
    return actors if actor in actors or len(actors) >= _MOST_ACTORS else (*actors, actor)
