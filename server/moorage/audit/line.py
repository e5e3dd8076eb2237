"""Connections to a syslog server: what they have in common, and datagrams (RFC 5426).

Nothing here waits longer than it is told to, and a stop ends every wait within two seconds.
"""

import errno
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from moorage.audit.errors import LineBrokenError

#: A message with the number of its entry.
Numbered = tuple[int, bytes]

_SLICE_SECONDS = 0.1
_STOP_SECONDS = 1.2
#: When nothing at all goes out for so long, the connection is given up.
STALL_SECONDS = 30.0
#: Datagrams that come faster find no room at the server, and nobody would know.
_PACE, _PACE_SECONDS = 20, 0.005
CHUNK = 65_536


class Line(Protocol):
    """One connection; `send`, `idle` and `finish` raise `LineBrokenError` when it is gone."""

    def send(self, messages: Sequence[Numbered]) -> None:
        """Hand the messages to the network, in order."""

    def acknowledged(self) -> int:
        """The number of the last message that the server's system has, as far as can be known; 0: none."""

    @property
    def is_certain(self) -> bool:
        """Whether there is no more to be known than `acknowledged` says."""

    def idle(self, seconds: float) -> None:
        """Wait, and notice meanwhile that the server goes away."""

    def finish(self, seconds: float) -> None:
        """Send no more; on return the server has read everything."""

    def close(self) -> None:
        """Let go of the connection."""


class Waiting:
    """Waits for a socket, or for a stop."""

    def __init__(self, made: socket.socket, stop: threading.Event) -> None:
        self._stop = stop
        self._poll = select.poll()
        self._descriptor = made.fileno()
        self._stopped_at: float | None = None

    def until(self, events: int, deadline: float, *, stops: bool = False) -> int:
        """What came of `events`; 0 when the time is up.

        Args:
            stops: a stop ends the wait at once, and not only after a moment.
        """
        self._poll.register(self._descriptor, events)
        while True:
            found = self._poll.poll(_SLICE_SECONDS * 1000)
            if found:
                return found[0][1]
            now = time.monotonic()
            if now >= deadline or (self._stop.is_set() and (stops or self._is_over(now))):
                return 0

    def _is_over(self, now: float) -> bool:
        if self._stopped_at is None:
            self._stopped_at = now
        return now - self._stopped_at > _STOP_SECONDS


class DatagramLine:
    """UDP: a server that is not there is noticed only when the network says so."""

    is_certain = True

    def __init__(self, made: socket.socket, stop: threading.Event) -> None:
        self._socket = made
        self._stop = stop
        self._waiting = Waiting(made, stop)
        self._last = 0

    def send(self, messages: Sequence[Numbered]) -> None:
        for place in range(0, len(messages), _PACE):
            batch = messages[place : place + _PACE]
            for _, message in batch:
                self._send(message)
            self._stop.wait(_PACE_SECONDS)
            self._check()
            self._last = batch[-1][0]

    def acknowledged(self) -> int:
        return self._last

    def idle(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        if self._waiting.until(select.POLLIN, deadline, stops=True):
            self._check()
            self._drain()

    def finish(self, seconds: float) -> None:
        self._check()

    def close(self) -> None:
        self._socket.close()

    def _send(self, message: bytes) -> None:
        deadline = time.monotonic() + STALL_SECONDS
        while True:
            try:
                self._socket.send(message)
                return
            except BlockingIOError:
                if not self._waiting.until(select.POLLOUT, deadline):
                    raise LineBrokenError("nothing can be sent") from None
            except OSError as error:
                raise LineBrokenError(told(error)) from error

    def _check(self) -> None:
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise LineBrokenError(told(OSError(number, os.strerror(number))))

    def _drain(self) -> None:
        """A syslog server answers nothing; whatever came is thrown away."""
        try:
            self._socket.recv(CHUNK)
        except BlockingIOError:
            pass
        except OSError as error:
            raise LineBrokenError(told(error)) from error


def told(error: OSError | ssl.SSLError) -> str:
    """What went wrong, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    return error.strerror or (errno.errorcode.get(error.errno or 0, "") or str(error))
