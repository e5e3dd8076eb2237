"""A syslog server for TCP in a thread of the test: what it read, and ways for it to go away."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

_SECONDS = 30
_RESET = struct.pack("ii", 1, 0)


class Receiver:
    """Listens from the start; keeps its port when it goes away and comes again.

    Attributes:
        messages: each that was read, without the count in front.
        connections: how many there were.
    """

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.connections = 0
        self.reads = threading.Event()
        self.reads.set()
        self._changed = threading.Condition()
        self._open: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def numbers(self) -> list[int]:
        """The numbers of the entries among the messages."""
        found = [message.partition(b'id="')[2].partition(b'"')[0] for message in self.messages]
        return [int(each) for each in found if each]

    def wait_until(self, wanted: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(wanted, _SECONDS), self.messages[-5:]

    def go_away(self, *, reset: bool = False) -> None:
        """Listen no more and end every connection, in order or with a reset."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    each.close()
                else:
                    each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def come_back(self) -> None:
        """Listen again on the same port."""
        self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        made = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(made,), daemon=True).start()
        return made

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                made, _ = listener.accept()
                self.connections += 1
                self._open.append(made)
                threading.Thread(target=self._read, args=(made,), daemon=True).start()

    def _read(self, made: socket.socket) -> None:
        left = b""
        with contextlib.suppress(OSError), made:
            while True:
                assert self.reads.wait(_SECONDS)
                content = made.recv(65_536)
                if not content:
                    return
                left = self._split(left + content)

    def _split(self, content: bytes) -> bytes:
        while True:
            count, space, rest = content.partition(b" ")
            if not space or len(rest) < int(count):
                return content
            with self._changed:
                self.messages.append(rest[: int(count)])
                self._changed.notify_all()
            content = rest[int(count) :]


def until(wanted: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    deadline = time.monotonic() + _SECONDS
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
