"""A request body on its way from the socket to wherever it is kept."""

import select

from moorage.serving.body import Arrival, Spooled
from moorage.serving.connection import Connection
from moorage.serving.parser import RequestParser

#: Of a body that nobody wants, so much is read before the answer; the rest is not waited for.
DRAIN_LIMIT = 16 << 20
_READS_A_SHARE = 4
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Upload:
    """The rest of one request body; a job for a carrier."""

    events = select.EPOLLIN

    def __init__(self, channel: Connection, request: RequestParser, body: Arrival) -> None:
        self.channel = channel
        self._request = request
        self._body = body
        self._rest = b""

    def begin(self) -> bool:
        """Ask whether the body is wanted, and tell a client that waits for the answer to that."""
        sink = self._body.sink
        if isinstance(sink, Spooled):
            if self.channel.admits(self._request):
                sink.admit()
            else:
                sink.refuse()
        if self._is_pointless():
            self._request.finish(unread=True)
            return True
        if self._request.continues:
            self.channel.socket.send(_CONTINUE)
        return False

    def step(self, buffer: memoryview) -> bool:
        for _ in range(_READS_A_SHARE):
            missing = self._body.framing.missing
            most = len(buffer) if missing is None else min(missing, len(buffer))
            try:
                count = self.channel.socket.recv_into(buffer, most)
            except BlockingIOError:
                return False
            if not count:
                raise ConnectionError("the client left before its body was complete")
            if self._take(buffer[:count]):
                return True
        return False

    def _take(self, data: memoryview) -> bool:
        """Pass the bytes on; True when the request is ready for the application."""
        self.channel.touch()
        used = self._body.received(data)
        if self._body.completed or self._body.error is not None:
            self._rest = bytes(data[used:])
            self._request.finish()
            return True
        if self._is_pointless():
            self._request.finish(unread=True)
            return True
        return False

    def _is_pointless(self) -> bool:
        """Whether reading on would only keep the client from its answer."""
        if not self._body.sink.dropping:
            return False
        missing = self._body.framing.missing
        to_come = self._body.length if missing is None else missing
        return self._request.continues or to_come > DRAIN_LIMIT

    def done(self) -> None:
        self.channel.body_arrived(self._rest)

    def fail(self) -> None:
        self.channel.lost()
