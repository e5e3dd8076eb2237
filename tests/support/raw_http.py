"""HTTP as bytes: a client that sends exactly what a test says, also what no client ever should."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_SECONDS = 20.0
_WITHOUT_BODY = (204, 304)


class NoAnswerError(AssertionError):
    """The server closed the connection, or stayed silent, in the middle of an answer or before it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        headers: names in lower case; of repeated headers the last one.
    """

    version: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class RawClient:
    """One connection.

    Args:
        address: ``http://host:port`` or ``unix:path``.
    """

    def __init__(self, address: str, *, receive_buffer: int | None = None) -> None:
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            target: str | tuple[str, int] = address.removeprefix("unix:")
        else:
            host, _, port = address.removeprefix("http://").rpartition(":")
            self.socket = socket.socket()
            target = (host, int(port))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(_SECONDS)
        try:
            self.socket.connect(target)
        except OSError:
            self.socket.close()
            raise
        self._buffer = b""
        #: Since the last request was sent, the server has said nothing at all.
        self.heard_nothing = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.socket.sendall(data)

    def send_request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """Send a well-formed request in one piece; with a body its length is told."""
        lines = {"Host": "moorage.test", **(headers or {})}
        if body is not None:
            lines["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.heard_nothing = True
        self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + (body or b""))

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request and read its answer."""
        self.send_request(method, target, headers, body)
        return self.answer(bodyless=method == "HEAD")

    def answer(self, *, bodyless: bool = False) -> Answer:
        """Read one answer.

        Raises:
            NoAnswerError: there is none, or only a part of one.
        """
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *_ = head[0].split(" ", 2)
        pairs = [line.partition(":") for line in head[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        answer = Answer(version, int(status), headers, b"")
        if bodyless or answer.status in _WITHOUT_BODY or answer.status < 200:
            return answer
        return Answer(version, answer.status, headers, self._body(headers))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self.exactly(size)
                self.exactly(2)
            self.exactly(2)
            return body
        if "content-length" in headers:
            return self.exactly(int(headers["content-length"]))
        return self.rest()

    def exactly(self, count: int) -> bytes:
        """Read so many bytes.

        Raises:
            NoAnswerError: there are less.
        """
        pieces = [self._buffer[:count]]
        self._buffer = self._buffer[count:]
        missing = count - len(pieces[0])
        while missing:
            piece = self._receive(missing)
            if not piece:
                raise NoAnswerError(f"{missing} of {count} bytes are missing")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Read until the server closes the connection."""
        while piece := self._receive(1 << 20):
            self._buffer += piece
        whole, self._buffer = self._buffer, b""
        return whole

    def is_closed(self) -> bool:
        """Wait until the server closes the connection; False when it says something instead."""
        try:
            return not self._buffer and not self._receive(1)
        except ConnectionResetError:
            return True

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            piece = self._receive(65536)
            if not piece:
                raise NoAnswerError(f"the connection was closed after {self._buffer!r}")
            self._buffer += piece
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _receive(self, most: int) -> bytes:
        try:
            data = self.socket.recv(most)
        except TimeoutError as error:
            raise NoAnswerError(f"silence after {self._buffer[:200]!r}") from error
        self.heard_nothing = self.heard_nothing and not data
        return data


def chunked(pieces: Iterable[bytes]) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
