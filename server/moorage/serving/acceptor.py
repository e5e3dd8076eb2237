"""Takes connections from a listening socket that other processes may share."""

import errno
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from moorage.serving.balance import Share
from moorage.serving.event_loop import READ, EventLoop

#: A process that has more connections than another one leaves the next to it: for so long for each
#: one more, beyond a difference that is not worth it.
_COURTESY_SECONDS = 0.001
_LONGEST_COURTESY_SECONDS = 0.02
_TRIFLE = 2
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_log = logging.getLogger(__name__)


class Acceptor:
    """Accepts one connection at a time, while it is open.

    Args:
        listener: bound and listening; closed by `close`.
        welcome: gets each connection and the peer's address.
        share: whose turn it is, if other processes share the socket.
    """

    def __init__(
        self,
        loop: EventLoop,
        listener: socket.socket,
        welcome: Callable[[socket.socket, Any], None],
        share: Share | None,
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._welcome = welcome
        self._share = share
        self._is_open = False
        self._courtesy_ends: float | None = None

    def open(self) -> None:
        """Take connections from now on."""
        if not self._is_open:
            self._is_open = True
            self._loop.add_once(self._listener.fileno(), self._on_event)

    def pause(self) -> None:
        """Take none until `open` is called again."""
        if self._is_open:
            self._is_open = False
            self._courtesy_ends = None
            self._loop.remove(self._listener.fileno())

    def close(self) -> None:
        """Take none any more; other processes may go on."""
        self.pause()
        self._listener.close()

    def take(self) -> bool:
        """Take one connection if one is waiting."""
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno not in _OUT_OF_DESCRIPTORS:
                raise
            _log.error("no connection can be accepted for a moment: %s", error)
            self.pause()
            return False
        self._welcome(connection, address)
        return True

    def seconds_left(self) -> float | None:
        """When `go_on` wants to be called; None for no time soon."""
        return None if self._courtesy_ends is None else max(self._courtesy_ends - time.monotonic(), 0)

    def go_on(self) -> None:
        """Take what no other process has taken meanwhile."""
        if self._courtesy_ends is not None and time.monotonic() >= self._courtesy_ends:
            self._courtesy_ends = None
            self.take()
            self._listen()

    def _on_event(self, _: int) -> None:
        excess = 0 if self._share is None else self._share.excess
        if excess > _TRIFLE:
            courtesy = min(excess * _COURTESY_SECONDS, _LONGEST_COURTESY_SECONDS)
            self._courtesy_ends = time.monotonic() + courtesy
            return
        self.take()
        self._listen()

    def _listen(self) -> None:
        if self._is_open:
            self._loop.arm(self._listener.fileno(), READ)
