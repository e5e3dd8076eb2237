"""Streams to a syslog server: TCP with octet counting (RFC 6587), and TLS over it (RFC 5425)."""

import errno
import fcntl
import math
import select
import socket
import ssl
import struct
import termios
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from moorage.audit.errors import LineBrokenError
from moorage.audit.line import CHUNK, STALL_SECONDS, Numbered, Waiting, told

_PROOF_SECONDS = 0.7


class StreamLine:
    """TCP, or TLS over it.

    What the server's system acknowledged may still lie unread there when the server dies. A server that
    closes the connection with all of it read ends it in order (FIN), any other one resets it (RST): so much
    can be known. `finish` asks for the first, of a server that had the time to refuse this client before.

    Args:
        tls: None for plain TCP; the handshake is `shake_hands`.
    """

    is_certain = False

    def __init__(
        self, made: socket.socket, stop: threading.Event, tls: tuple[ssl.SSLContext, str] | None = None
    ) -> None:
        self._socket = made
        self._waiting = Waiting(made, stop)
        self._proven_at = math.inf
        self._written = 0
        self._encoded = 0
        #: Where in the stream each message ends, with its number.
        self._ends: deque[tuple[int, int]] = deque()
        self._last = 0
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        if tls is not None:
            context, host = tls
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def shake_hands(self, deadline: float) -> None:
        """Begin TLS.

        Raises:
            LineBrokenError: the server's certificate is not good, or it does not answer.
        """
        self._proven_at = time.monotonic() + _PROOF_SECONDS
        tls = self._tls
        while tls is not None:
            try:
                tls.do_handshake()
                self._push(self._outgoing.read())
                return
            except ssl.SSLWantReadError:
                self._push(self._outgoing.read())
                if not self._waiting.until(select.POLLIN, deadline, stops=True):
                    raise LineBrokenError("no answer to the TLS handshake") from None
                self._receive()
            except ssl.SSLError as error:
                raise LineBrokenError(told(error)) from error

    def send(self, messages: Sequence[Numbered]) -> None:
        chunk = bytearray()
        for number, message in messages:
            chunk += self._encode(b"%d %b" % (len(message), message))
            self._ends.append((self._encoded + len(chunk), number))
            if len(chunk) >= CHUNK:
                self._encoded += len(chunk)
                self._push(bytes(chunk))
                chunk.clear()
        self._encoded += len(chunk)
        self._push(bytes(chunk))

    def acknowledged(self) -> int:
        reached = self._written - self._outstanding()
        while self._ends and self._ends[0][0] <= reached:
            self._last = self._ends.popleft()[1]
        return self._last

    def idle(self, seconds: float) -> None:
        if self._waiting.until(select.POLLIN, time.monotonic() + seconds, stops=True):
            self._hear()

    def finish(self, seconds: float) -> None:
        # In TLS a server refuses a client after the handshake, from the client's point of view.
        if self._waiting.until(select.POLLIN, self._proven_at):
            self._hear()
        deadline = time.monotonic() + seconds
        try:
            if self._tls is not None:
                self._say_farewell(self._tls)
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._break(error)
        while self._waiting.until(select.POLLIN, deadline):
            try:
                self._hear()
            except LineBrokenError as broken:
                if broken.in_order and not self._outstanding():
                    return
                raise
        raise LineBrokenError("the server does not read, or does not end the connection")

    def close(self) -> None:
        self._socket.close()

    def _encode(self, frame: bytes) -> bytes:
        if self._tls is None:
            return frame
        left = memoryview(frame)
        try:
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError as error:
            raise LineBrokenError(told(error)) from error
        return self._outgoing.read()

    def _push(self, content: bytes) -> None:
        left = memoryview(content)
        deadline = time.monotonic() + STALL_SECONDS
        while left:
            try:
                count = self._socket.send(left)
            except BlockingIOError:
                found = self._waiting.until(select.POLLOUT | select.POLLIN, deadline)
                if found & select.POLLIN:
                    self._hear()
                if not found:
                    raise LineBrokenError("the server takes no more") from None
            except OSError as error:
                self._break(error)
            else:
                self._written += count
                left = left[count:]
                deadline = time.monotonic() + STALL_SECONDS

    def _break(self, error: OSError) -> None:
        """An error may hide that the server had ended the connection in order before."""
        if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
            self._hear()
        raise LineBrokenError(told(error)) from error

    def _hear(self) -> None:
        """Take what came; a server of syslog says nothing but that it goes."""
        while self._receive():
            if self._tls is not None:
                self._understand(self._tls)

    def _receive(self) -> bool:
        try:
            content = self._socket.recv(CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LineBrokenError(told(error)) from error
        if not content:
            raise LineBrokenError("the server closed the connection", in_order=True)
        if self._tls is not None:
            self._incoming.write(content)
        return True

    def _understand(self, tls: ssl.SSLObject) -> None:
        try:
            # What follows the server's farewell is the end of the connection.
            with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                while tls.read(CHUNK):
                    pass
        except ssl.SSLError as error:
            raise LineBrokenError(told(error)) from error

    def _say_farewell(self, tls: ssl.SSLObject) -> None:
        with suppress(ssl.SSLError):  # it wants the server's farewell, which many do not send
            tls.unwrap()
        content = self._outgoing.read()
        self._encoded += len(content)
        self._push(content)

    def _outstanding(self) -> int:
        """Bytes that were written and not acknowledged (SIOCOUTQ, tcp(7)); known after the end, too."""
        (count,) = struct.unpack("i", fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4)))
        return int(count)
