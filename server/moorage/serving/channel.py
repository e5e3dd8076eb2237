"""One connection: requests come in, answers go out, one owner at a time.

The event loop, a worker or a carrier owns the connection; only the owner reads from it. What
comes next, and whose it is, is decided in one place, `Channel.advance`.
"""

import contextlib
import logging
import threading
import time
from enum import Enum, auto
from socket import MSG_PEEK, SHUT_WR
from socket import socket as Socket
from typing import Any

from waitress.channel import ClientDisconnected
from waitress.utilities import InternalServerError

from moorage.serving.event_loop import BROKEN, READ, WRITE
from moorage.serving.host import Host
from moorage.serving.output import Output
from moorage.serving.parser import RequestParser
from moorage.serving.task import AnswerTask, ApplicationTask, RefusalTask
from moorage.serving.upload import Upload

_RECEIVE_BYTES = 64 << 10
_LINGER_SECONDS = 30.0
_SCRATCH = bytearray(256 << 10)

_log = logging.getLogger(__name__)


class Owner(Enum):
    """Who has the connection."""

    LOOP = auto()
    WORKER = auto()
    CARRIER = auto()


class Channel(Output):
    """A connection of a server.

    Attributes:
        owner: who may read from it now; changes under `requests_lock`.
        request: the request that is being received, if one is.
        requests: those received and not answered yet, oldest first.
        began_at: when the first byte of `request` came.
        lingers_until: set when the last answer is out and more is coming that nobody wants.
    """

    server: Host
    requests: list[RequestParser]
    request: RequestParser | None
    close_when_flushed: bool
    addr: tuple[str, Any]

    def __init__(
        self, server: Host, sock: Socket, addr: tuple[str, Any], adj: Any, map: dict[int, Any]
    ) -> None:
        self.owner = Owner.LOOP
        self.began_at = 0.0
        self.lingers_until: float | None = None
        self._unread = False
        super().__init__(server, sock, addr, adj, map)
        self.requests_lock = threading.RLock()
        server.loop.add_once(self.descriptor, self.handle_events)

    @property
    def is_last_answer(self) -> bool:
        """Whether the connection has to end after the present answer, for the server ends."""
        return self.server.draining

    @property
    def is_idle(self) -> bool:
        """Whether nobody would miss the connection: no request has begun, no answer is under way."""
        return (
            self.owner is Owner.LOOP
            and not self.total_outbufs_len
            and (self.request is None or self.lingers_until is not None)
        )

    def is_overdue(self, now: float, limit: float) -> bool:
        """Whether the client has taken too long: silent, or not reading, since before `limit`."""
        if self.lingers_until is not None:
            return now > self.lingers_until
        if self.owner is Owner.LOOP:
            return self.last_activity < limit or (self.request is not None and self.began_at < limit)
        # A carrier looks after its own; a worker may only be kept waiting by a full buffer.
        return self.owner is Owner.WORKER and self.total_outbufs_len > 0 and self.last_activity < limit

    def touch(self) -> None:
        """The client is alive."""
        self.last_activity = time.time()

    # -- the event loop's side

    def handle_events(self, mask: int) -> None:
        """Something is possible on the socket, or it broke."""
        try:
            if mask & READ:
                self.handle_read()
            elif mask & BROKEN:
                self.handle_close()
            if mask & WRITE and self.connected:
                self.handle_write()
        except Exception:
            _log.exception("a connection failed")
            self.handle_close()

    def handle_read(self) -> None:
        """Take what has come in."""
        try:
            if self.lingers_until is not None:
                data: Any = self.socket.recv_into(_SCRATCH)
            else:
                data = self.socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            self.arm()
            return
        except OSError:
            data = b""
        if not data:
            self.handle_close()
            return
        if self.lingers_until is None:
            self.touch()
            self.received(data)
        self.advance()

    def received(self, data: bytes) -> None:
        """Parse what has come in into requests."""
        with self.requests_lock:
            while data and not self.close_when_flushed:
                if self.request is None:
                    self.request = RequestParser(self.adj, self.server.spool)
                    self.began_at = time.time()
                used = self.request.received(data)
                data = data[used:]
                if self.request.completed:
                    request, self.request = self.request, None
                    if not request.empty:
                        self.requests.append(request)
                    if request.error is not None:
                        return  # where the next request would begin is unknown

    def handle_write(self) -> None:
        """Send what waits."""
        self.flush()
        with self.requests_lock:
            ends = (
                self.close_when_flushed
                and self.owner is Owner.LOOP
                and not self.total_outbufs_len
                and self._file is None
            )
        if ends:
            self._end()
        elif self.total_outbufs_len:
            self.arm()
        else:
            self.advance()

    def _end(self) -> None:
        """Close the connection, so that the client surely gets to read the answer.

        Closing a socket with unread bytes in it makes the system reset the connection, and that
        destroys an answer on its way. So one that has more to come is closed in our direction
        only, and what comes is thrown away until the client has gone.
        """
        if not self._unread:
            self.handle_close()
            return
        self.close_when_flushed = False
        self.lingers_until = time.time() + _LINGER_SECONDS
        with contextlib.suppress(OSError):
            self.socket.shutdown(SHUT_WR)
        self.arm()

    def handle_close(self) -> None:
        """Close the connection, on the event loop's thread."""
        with self.outbuf_lock, self.requests_lock:
            super().handle_close()
            if self.request is not None:
                self.request.close()
                self.request = None
            if self._file is not None:
                self._file.close()
                self._file = None

    def del_channel(self, map: dict[int, Any] | None = None) -> None:
        """Forget the socket, just before it is closed."""
        if self._fileno is not None:
            self.server.loop.remove(self._fileno)
        super().del_channel(map)
        self.server.report()

    def close_if_quiet(self) -> None:
        """Close an idle connection, unless a request has just come in."""
        with contextlib.suppress(OSError):
            if self.lingers_until is None and self.socket.recv(1, MSG_PEEK):
                return
        self.handle_close()

    # -- whose turn it is

    def advance(self) -> None:
        """Give the connection to whoever has the next thing to do with it.

        Called by whoever has just finished with it, on any thread.
        """
        with self.requests_lock:
            if not self.connected or self.owner is not Owner.LOOP:
                return
            if not (self.total_outbufs_len or self.lingers_until is not None):
                if self._file is not None:
                    self.owner = Owner.CARRIER
                    self.server.downloads.take(self._file)
                    return
                if not self.close_when_flushed and self._pass_on_request():
                    return
            self.arm()

    def _pass_on_request(self) -> bool:
        if self.requests:
            self.owner = Owner.WORKER
            self.server.add_task(self)
            return True
        request = self.request
        if request is None or not request.is_bulky or request.body_rcv is None:
            return False
        self.owner = Owner.CARRIER
        self.server.uploads.take(Upload(self, request, request.body_rcv))
        return True

    def arm(self) -> None:
        """Have the event loop wait for what the connection needs now."""
        with self.requests_lock:
            if not self.connected:
                return
            if self.total_outbufs_len or (self.close_when_flushed and self.owner is Owner.LOOP):
                self.server.loop.arm(self.descriptor, WRITE)
            elif self.owner is Owner.LOOP:
                self.server.loop.arm(self.descriptor, READ)

    # -- the carriers' side

    def body_arrived(self, rest: bytes) -> None:
        """The body of the current request has come; `rest` came after it."""
        with self.requests_lock:
            if self.request is None:  # the connection was closed meanwhile
                return
            request, self.request = self.request, None
            self.requests.append(request)
            if request.error is None and not request.unread:
                self.received(rest)
            self.owner = Owner.LOOP
        self.advance()

    def file_sent(self) -> None:
        """The file of the current answer is out."""
        with self.requests_lock:
            self._file = None
            self.owner = Owner.LOOP
        self.advance()

    def lost(self) -> None:
        """The client is gone, or of no use any more."""
        self._file = None
        self.server.call(self.handle_close)

    def admits(self, request: RequestParser) -> bool:
        """Whether the body of an upload may be stored."""
        return self.server.admits(request, self.addr[0])

    # -- the workers' side

    def service(self) -> None:
        """Answer the oldest request."""
        request = self.requests[0]
        ends = True
        try:
            ends = self._answer(request)
        finally:
            self._held = b""
            request.close()
            self._answered(request, ends or not self.connected)

    def _answered(self, request: RequestParser, ends: bool) -> None:
        with self.requests_lock:
            self.requests.pop(0)
            if ends:
                self.close_when_flushed = True
                self._unread = request.unread or request.error is not None
                for each in self.requests:
                    each.close()
                self.requests.clear()
            self.touch()
            self.owner = Owner.LOOP
        self.advance()

    def _answer(self, request: RequestParser) -> bool:
        """Write the answer; True when the connection ends with it."""
        task = RefusalTask(self, request) if request.error else ApplicationTask(self, request)
        try:
            task.service()
        except ClientDisconnected:
            return True
        except Exception:
            _log.exception("%s %s failed", request.command, request.path)
            if task.wrote_header and not self._held:
                return True
            return self._apologise(request)
        return task.close_on_finish

    def _apologise(self, request: RequestParser) -> bool:
        self._held = b""
        request.error = InternalServerError("the server failed; its log says why")
        task: AnswerTask = RefusalTask(self, request)
        with contextlib.suppress(ClientDisconnected):
            task.service()
        return True
