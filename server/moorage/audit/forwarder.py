"""`Forwarder`: sends the log to a syslog server, in a thread beside the worker.

The log is the spool: the forwarder follows it and keeps how far it came, twice. What is `sent` is with the
server's system; what is `settled` was read there. A connection that breaks is taken up behind the one or the
other, depending on how it broke (`moorage.audit.stream`).
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable

from moorage.audit.errors import LineBrokenError
from moorage.audit.flow import Flow, LostError, Pace
from moorage.audit.forward_store import ForwardStore
from moorage.audit.line import Line
from moorage.audit.message import Style
from moorage.audit.model import Progress
from moorage.audit.turn import Turn
from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, atomic, close_connection

#: Makes a connection; the seconds are the most that it may take.
Connect = Callable[[threading.Event, float], Line]

_log = logging.getLogger(__name__)


class Forwarder:
    """Follows the log.

    Args:
        target: the server, for people.
        begin: how far a log that was never forwarded counts as forwarded.
    """

    def __init__(
        self,
        store: ForwardStore,
        turn: Turn,
        connect: Connect,
        style: Style,
        clock: Clock,
        begin: Callable[[], Progress],
        *,
        target: str,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._turn = turn
        self._connect = connect
        self._style = style
        self._clock = clock
        self._begin = begin
        self._target = target
        self._pace = pace or Pace()
        self._owner = ""
        #: What the program's log says about the connection; "" for nothing.
        self._told = ""

    def run(self, stop: threading.Event) -> None:
        """Forward until `stop` is set; returns within two seconds then, whatever the server does."""
        while not stop.is_set():
            try:
                if self._turn.take():
                    try:
                        self._work(stop)
                    finally:
                        self._turn.give()
            except LostError:
                _log.info("another process forwards the log")
            except DatabaseIllError as error:
                _log.warning("the log cannot be forwarded", extra={"cause": str(error)})
                close_connection()
            except Exception:  # nothing that happens here may end it for good
                _log.exception("forwarding failed")
            stop.wait(self._pace.pause)
        close_connection()

    def _work(self, stop: threading.Event) -> None:
        self._owner = secrets.token_hex(8)
        with atomic():
            if self._store.progress() is None:
                self._store.create(self._begin())
            self._store.take_over(self._owner, self._target, self._clock())
        found = self._store.progress()
        if found is None:
            raise LostError
        # Whoever was here before may have died with its connection: only what is settled counts.
        flow = Flow(self._store, self._style, self._clock, self._pace, self._owner, found.settled_id)
        pause = self._pace.pause
        while not stop.is_set():
            before = flow.settled
            try:
                self._carry(flow, stop)
                continue
            except LineBrokenError as error:
                if not stop.is_set():
                    self._tell(flow, str(error))
            if flow.settled > before:
                pause = self._pace.pause
            self._rest(pause, stop, flow)
            pause = min(2 * pause, self._pace.pause_most)
        flow.disconnected("")

    def _carry(self, flow: Flow, stop: threading.Event) -> None:
        line = self._connect(stop, self._pace.connect)
        try:
            flow.connected()
            if self._told:
                _log.info("the log is forwarded again", extra={"to": self._target})
                self._told = ""
            flow.run(line, stop)
        finally:
            line.close()

    def _tell(self, flow: Flow, cause: str) -> None:
        flow.disconnected(cause)
        if cause != self._told:
            _log.warning("the log cannot be forwarded", extra={"to": self._target, "cause": cause})
            self._told = cause

    def _rest(self, seconds: float, stop: threading.Event, flow: Flow) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stop.wait(min(left, self._pace.beat)):
            flow.beat()
