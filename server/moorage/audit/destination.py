"""Where the syslog server is, and how it is reached; the address is the operator's own word."""

import errno
import os
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from moorage.audit.errors import LineBrokenError, SyslogInvalidError
from moorage.audit.line import DatagramLine, Line, Waiting, told
from moorage.audit.stream import StreamLine

_SLICE_SECONDS = 0.1
#: After so much silence the system asks whether the server is there, and after as much again it is not.
_SILENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a syslog server is.

    Attributes:
        scheme: ``udp``, ``tcp`` or ``tls``.
        tls: for ``tls`` alone.
    """

    scheme: str
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(cls, url: str, *, ca_file: str = "", cert_file: str = "", key_file: str = "") -> "Destination":
        """Read the settings.

        Raises:
            SyslogInvalidError: a certificate or a key cannot be used.
        """
        parts = urlsplit(url)
        tls = _context(ca_file, cert_file, key_file) if parts.scheme == "tls" else None
        return cls(parts.scheme, parts.hostname or "", parts.port or 0, tls)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def connect(destination: Destination, stop: threading.Event, seconds: float) -> Line:
    """A connection that is ready to send; a stop ends the attempt.

    Raises:
        LineBrokenError: there is none, or the server cannot prove who it is.
    """
    deadline = time.monotonic() + seconds
    kind = socket.SOCK_DGRAM if destination.scheme == "udp" else socket.SOCK_STREAM
    cause = "its name has no address"
    for family, type_, protocol, _, address in _resolved(destination, kind, stop, deadline):
        made = socket.socket(family, type_ | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        try:
            return _line(made, address, destination, stop, deadline)
        except LineBrokenError as error:
            cause = str(error)
        except OSError as error:
            cause = told(error)
        made.close()
    raise LineBrokenError(cause)


def _line(
    made: socket.socket, address: Any, destination: Destination, stop: threading.Event, deadline: float
) -> Line:
    if made.type == socket.SOCK_DGRAM:
        made.connect(address)
        return DatagramLine(made, stop)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENCE_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _SILENCE_SECONDS // 3)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_SECONDS * 1000)
    number = made.connect_ex(address)
    if number == errno.EINPROGRESS:
        if not Waiting(made, stop).until(select.POLLOUT, deadline, stops=True):
            raise LineBrokenError("it does not answer")
        number = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))
    line = StreamLine(made, stop, None if destination.tls is None else (destination.tls, destination.host))
    line.shake_hands(deadline)
    return line


def _resolved(destination: Destination, kind: int, stop: threading.Event, deadline: float) -> list[Any]:
    """The addresses of the name; asked for in a thread, because nothing else ends the wait for a resolver."""
    found: list[Any] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(destination.host, destination.port, type=kind))
        except OSError as error:
            failed.append(error)

    asking = threading.Thread(target=ask, name="syslog-name", daemon=True)
    asking.start()
    while asking.is_alive() and time.monotonic() < deadline and not stop.is_set():
        asking.join(_SLICE_SECONDS)
    if asking.is_alive():
        raise LineBrokenError("its name cannot be looked up in time")
    if failed:
        raise LineBrokenError(f"its name cannot be looked up: {failed[0].strerror}")
    return found


def _context(ca_file: str, cert_file: str, key_file: str) -> ssl.SSLContext:
    """The server's certificate and its name are verified; there is no way around that."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert_file:
            # Nobody is there to be asked for the password of a key.
            context.load_cert_chain(cert_file, key_file or None, password=lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise SyslogInvalidError(
            f"the certificates for the syslog server cannot be used: {error.strerror or error}"
            if isinstance(error, OSError)
            else f"the certificates for the syslog server cannot be used: {error}"
        ) from error
    return context
