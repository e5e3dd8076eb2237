"""A file on its way from the disk to the socket."""

import os
import select

from moorage.serving.connection import Connection
from moorage.serving.file_body import FileBody

_SHARE = 2 << 20
_BLOCK = 256 << 10


class Download:
    """The rest of one file; a job for a carrier.

    Files go from the page cache to the socket inside the kernel; anything else is read here.
    """

    events = select.EPOLLOUT

    def __init__(self, channel: Connection, body: FileBody) -> None:
        self.channel = channel
        self._body = body
        self._left = body.remain
        self._waiting = memoryview(b"")
        source = body.source()
        self._descriptor, self._offset = source or (-1, 0)
        if source:
            os.posix_fadvise(self._descriptor, self._offset, self._left, os.POSIX_FADV_SEQUENTIAL)

    def begin(self) -> bool:
        return False

    def step(self, buffer: memoryview) -> bool:
        share = _SHARE
        while self._left and share > 0:
            try:
                sent = self._send(min(self._left, share))
            except BlockingIOError:
                return False
            if not sent:
                raise OSError("the file ended before its length")
            self._left -= sent
            share -= sent
            self.channel.touch()
        return not self._left

    def _send(self, most: int) -> int:
        if self._descriptor >= 0:
            sent = os.sendfile(self.channel.descriptor, self._descriptor, self._offset, most)
            self._offset += sent
            return sent
        if not self._waiting:
            self._waiting = memoryview(self._body.read(_BLOCK))
            if not self._waiting:
                return 0
        sent = self.channel.socket.send(self._waiting[:most])
        self._waiting = self._waiting[sent:]
        return sent

    def close(self) -> None:
        """Let go of the file."""
        self._body.close()

    def done(self) -> None:
        self.close()
        self.channel.file_sent()

    def fail(self) -> None:
        self.close()
        self.channel.lost()
