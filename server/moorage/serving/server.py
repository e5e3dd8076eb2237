"""One server process: accepts connections, watches over them, and ends without losing a request."""

import contextlib
import logging
import socket as sockets
import time
from collections.abc import Callable, Mapping
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import BaseWSGIServer

from moorage.serving.acceptor import Acceptor
from moorage.serving.balance import Share
from moorage.serving.carrier import Carrier
from moorage.serving.channel import Channel
from moorage.serving.event_loop import EventLoop
from moorage.serving.parser import RequestParser
from moorage.serving.workers import Workers

#: Asked before the first byte of an upload is stored: method, raw request target, headers by
#: names in lower case, address of the peer. On whatever thread; what it raises counts as no.
Admission = Callable[[str, str, Mapping[str, str], str], bool]

_TICK_SECONDS = 1.0
_DRAIN_TICK_SECONDS = 0.02
#: While it drains, a process goes on accepting for so long: connections whose handshake was
#: under way when the listening socket was fenced.
_SETTLE_SECONDS = 0.2
#: ... and an idle connection stays open for so long: the next request may be on its way, and is
#: answered with "Connection: close".
_IDLE_GRACE_SECONDS = 1.0
#: How long the threads get to end when the drain was not enough.
_LAST_SECONDS = 1.0
_BACKLOG = 4096

_log = logging.getLogger(__name__)


class Server(BaseWSGIServer):  # type: ignore[misc]  # waitress has no type information
    """waitress's server on our event loop, over a listening socket that may be shared.

    Args:
        application: the WSGI application.
        listener: bound and listening, TCP or Unix; closed by the server when it drains.
        adj: waitress's settings, from `moorage.serving.settings`.
        spool: folder for the bodies of blob uploads.
        admission: asked before a body is spooled.
        drain_seconds: how long requests under way may take when the server ends.
        share: of the connections, when other processes have the same listening socket.
    """

    adj: Any
    socket: sockets.socket
    active_channels: dict[int, Channel]
    trigger: Any
    _map: dict[int, Any]

    def __init__(
        self,
        application: Any,
        listener: sockets.socket,
        adj: Adjustments,
        *,
        spool: str,
        admission: Admission,
        drain_seconds: float,
        share: Share | None = None,
    ) -> None:
        self.loop = EventLoop()
        self.workers = Workers(adj.threads)
        self.uploads = Carrier("uploads", adj.channel_timeout)
        self.downloads = Carrier("downloads", adj.channel_timeout)
        self.spool = spool
        self.draining = False
        self._admission = admission
        self._drain_seconds = drain_seconds
        self._keep_accepting = True
        self._share = share
        self._acceptor = Acceptor(self.loop, listener, self._welcome, share)
        self._drained_at = 0.0
        self._deaf = False
        self._finished = False
        self._looked = 0.0
        super().__init__(
            application,
            map={},
            _start=False,
            _sock=listener,
            dispatcher=self.workers,
            adj=adj,
            sockinfo=(listener.family, listener.type, None, None),
            bind_socket=False,
        )
        # waitress's own loop would look into the map; ours keeps its own list.
        self.loop.add(self.trigger.socket.fileno(), lambda _: self.trigger.handle_read())

    # -- what waitress asks of its subclasses

    def getsockname(self) -> tuple[str, str]:
        """Host and port as the application is told."""
        if self.family == sockets.AF_UNIX:
            return "unix", self.socket.getsockname()
        return sockets.getnameinfo(self.socket.getsockname(), sockets.NI_NUMERICHOST | sockets.NI_NUMERICSERV)

    def fix_addr(self, addr: Any) -> tuple[str, Any]:
        """The peer's address; whoever is let in by a Unix socket is on this machine."""
        return ("localhost", None) if self.family == sockets.AF_UNIX else addr

    # -- running

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` or `retire` was called and everything under way is done.

        Args:
            ready: called once, when connections are accepted.
        """
        self.workers.start()
        self.uploads.start()
        self.downloads.start()
        self.report()
        self._acceptor.open()
        ready()
        while not self._finished:
            soon = self._acceptor.seconds_left()
            tick = _DRAIN_TICK_SECONDS if self.draining else _TICK_SECONDS
            self.loop.turn(tick if soon is None else min(soon, tick))
            self._acceptor.go_on()
            self._tick(time.time())
        self._close()

    def stop(self) -> None:
        """Begin to drain; connections that wait at the listening socket are still served.

        May be called from a signal handler.
        """
        self.draining = True
        with contextlib.suppress(OSError):  # it has ended already
            self.pull_trigger()

    def retire(self) -> None:
        """Begin to drain, and leave new connections to other processes at once."""
        self._keep_accepting = False
        self.stop()

    def call(self, thunk: Callable[[], None]) -> None:
        """Run something on the event loop's thread."""
        self.trigger.pull_trigger(thunk)

    def admits(self, request: RequestParser, address: str) -> bool:
        """Whether the body of this upload may be stored."""
        try:
            return self._admission(request.command, request.request_uri, request.headers_by_name(), address)
        except Exception:
            _log.exception("an upload could not be admitted")
            return False

    # -- connections

    def _welcome(self, connection: sockets.socket, address: Any) -> None:
        if self.family != sockets.AF_UNIX:
            self.set_socket_options(connection)
        Channel(self, connection, self.fix_addr(address), self.adj, self._map)
        self.report()
        if len(self.active_channels) >= self.adj.connection_limit:
            _log.warning("%d connections are open, more have to wait", len(self.active_channels))
            self._acceptor.pause()

    def report(self) -> None:
        """Tell the other processes how many connections this one has."""
        if self._share is not None and not self.draining:
            self._share.report(len(self.active_channels))

    def set_socket_options(self, connection: sockets.socket) -> None:
        """An answer is complete when it is written; it never waits for more."""
        connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)

    # -- time

    def _tick(self, now: float) -> None:
        if now - self._looked >= _TICK_SECONDS:
            self._looked = now
            self.maintenance(now)
        if self.draining:
            self._drain(now)

    def maintenance(self, now: float) -> None:
        """Close what has been silent for too long, and accept again when there is room."""
        limit = now - self.adj.channel_timeout
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(now, limit):
                channel.handle_close()
        if len(self.active_channels) < self.adj.connection_limit and not self.draining:
            self._acceptor.open()

    def _drain(self, now: float) -> None:
        if not self._drained_at:
            self._drained_at = now
            if not self._keep_accepting:
                self._acceptor.pause()
        seconds = now - self._drained_at
        if seconds >= _SETTLE_SECONDS and not self._deaf:
            self._close_listener()
        if seconds >= _IDLE_GRACE_SECONDS:
            for channel in list(self.active_channels.values()):
                if channel.is_idle:
                    channel.close_if_quiet()
        if self._deaf and not self.active_channels:
            self._finished = True
        elif seconds >= self._drain_seconds:
            _log.warning("%d connections were cut off at the end of the drain", len(self.active_channels))
            self._finished = True

    def _close_listener(self) -> None:
        """Take in who still waits, then close our handle of the listening socket."""
        self._deaf = True
        waiting = _BACKLOG if self._keep_accepting else 0
        while waiting and self._acceptor.take():
            waiting -= 1
        self._acceptor.close()

    def _close(self) -> None:
        """Let go of everything."""
        if not self._deaf:
            self._acceptor.close()
        self.uploads.stop()
        self.downloads.stop()
        if not self.workers.stop(_LAST_SECONDS):
            _log.warning("a request did not end with its process")
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        self.loop.remove(self.trigger.socket.fileno())
        self.trigger.close()
        self.loop.close()
