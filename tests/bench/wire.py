"""A small HTTP/1.1 client on a plain socket, so that the client is not what is measured.

The standard library's client spends more time on one small request than a fast server does. This one
keeps its connection, sends a small request in one piece, and reads only what the registries here answer.
"""

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.bench.errors import BenchError

AGENT = "moorage-bench/1"
_RECEIVE = 1 << 20
_PATIENCE_SECONDS = 600.0
_WITHOUT_BODY = (204, 304)

Sink = Callable[[memoryview], object]
Pieces = Sequence[bytes | memoryview]


@dataclass(frozen=True, slots=True)
class Response:
    """One answer.

    Attributes:
        status: HTTP status.
        headers: names in lower case; of repeated headers the last one.
        body: the bytes, empty when they went to a sink.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def expect(self, *statuses: int) -> Self:
        """Give this answer back when it has one of `statuses`, else raise BenchError."""
        if self.status not in statuses:
            raise BenchError(f"expected {statuses}, got {self.status}: {self.body[:300]!r}")
        return self


class _StaleConnectionError(Exception):
    """The server had closed an idle connection before it saw the request."""


class Connection:
    """One connection, kept open between requests and opened again when the server closed it."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        fixed = {"Host": parts.netloc, "User-Agent": AGENT, **(headers or {})}
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        self._socket: socket.socket | None = None
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._buffer.clear()

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        sink: Sink | None = None,
    ) -> Response:
        """Send one request with a body in memory.

        Args:
            method: HTTP method.
            target: path and query, or a whole URL as a `Location` header gives it.
            headers: beside those of the connection.
            body: sent with its Content-Length; none is sent with a GET, HEAD or DELETE.
            sink: takes the answer's body piece by piece instead of keeping it.

        Raises:
            BenchError: the answer was cut off or is not HTTP.
        """
        length = "" if method in ("GET", "HEAD", "DELETE") else f"Content-Length: {len(body)}\r\n"
        head = self._head(method, target, headers, length)
        reused = self._socket is not None
        try:
            return self._exchange(method, [head + body], sink)
        except _StaleConnectionError as stale:
            if not reused:
                raise BenchError(f"{method} {target}: the server closed the connection") from stale
        return self._exchange(method, [head + body], sink)

    def stream(
        self, method: str, target: str, headers: Mapping[str, str], parts: Iterable[Pieces], size: int | None
    ) -> Response:
        """Send one request whose body comes in parts.

        Args:
            method: HTTP method.
            target: path and query, or a whole URL.
            headers: beside those of the connection.
            parts: groups of buffers; each group is handed to the kernel at once.
            size: Content-Length, or None when the parts already are chunks of a chunked body.
        """
        framing = "Transfer-Encoding: chunked\r\n" if size is None else f"Content-Length: {size}\r\n"
        head = self._head(method, target, headers, framing)
        try:
            return self._exchange(method, [head], None, parts)
        except _StaleConnectionError as stale:
            raise BenchError(f"{method} {target}: the server closed the connection") from stale

    def _head(self, method: str, target: str, headers: Mapping[str, str] | None, framing: str) -> bytes:
        if not target.startswith("/"):
            parts = urlsplit(target)
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        own = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        return f"{method} {target} HTTP/1.1\r\n{self._fixed}{own}{framing}\r\n".encode("latin-1")

    def _exchange(
        self, method: str, first: Pieces, sink: Sink | None, parts: Iterable[Pieces] = ()
    ) -> Response:
        connection = self._open()
        try:
            _send(connection, first)
            for group in parts:
                _send(connection, group)
        except (BrokenPipeError, ConnectionResetError) as error:
            self.close()
            raise _StaleConnectionError from error
        response = self._receive(method, sink)
        if response.headers.get("connection", "").lower() == "close":
            self.close()
        return response

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=_PATIENCE_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _receive(self, method: str, sink: Sink | None) -> Response:
        status, headers = self._receive_head()
        while 100 <= status < 200:
            status, headers = self._receive_head()
        if method == "HEAD" or status in _WITHOUT_BODY:
            return Response(status, headers, b"")
        kept = bytearray()
        take: Sink = sink if sink is not None and status < 300 else kept.extend
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self._receive_chunks(take)
        else:
            self._receive_length(int(headers.get("content-length", "0")), take)
        return Response(status, headers, bytes(kept))

    def _receive_head(self) -> tuple[int, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill(at_start=not self._buffer)
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        try:
            return int(lines[0].split(" ", 2)[1]), headers
        except (IndexError, ValueError):
            raise BenchError(f"not an HTTP answer: {lines[0]!r}") from None

    def _receive_length(self, length: int, take: Sink) -> None:
        early = bytes(self._buffer[:length])
        del self._buffer[: len(early)]
        take(memoryview(early))
        missing = length - len(early)
        room = memoryview(bytearray(min(missing, _RECEIVE)))
        while missing:
            got = self._open().recv_into(room, min(missing, _RECEIVE))
            if not got:
                raise BenchError(f"the answer ended {missing} bytes early")
            take(room[:got])
            missing -= got

    def _receive_chunks(self, take: Sink) -> None:
        while True:
            while (end := self._buffer.find(b"\r\n")) < 0:
                self._fill()
            size = int(bytes(self._buffer[:end]).split(b";")[0], 16)
            del self._buffer[: end + 2]
            self._receive_length(size, take)
            while len(self._buffer) < 2:
                self._fill()
            del self._buffer[:2]
            if size == 0:
                return

    def _fill(self, at_start: bool = False) -> None:
        try:
            data = self._open().recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self.close()
            if at_start:
                raise _StaleConnectionError
            raise BenchError("the answer was cut off")
        self._buffer += data


def _send(connection: socket.socket, pieces: Pieces) -> None:
    """Send buffers in one system call where the kernel takes them whole."""
    sent = connection.sendmsg(pieces)
    if sent < sum(len(piece) for piece in pieces):
        connection.sendall(b"".join(pieces)[sent:])
