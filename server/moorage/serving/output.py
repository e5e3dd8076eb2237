"""The way out of a connection: what is sent at once, what waits, and files."""

import threading
from socket import MSG_MORE
from socket import socket as Socket
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import ClientDisconnected, HTTPChannel

from moorage.serving.download import Download
from moorage.serving.file_body import FileBody

#: A file of this size costs less in one piece with its headers than by way of the kernel.
_SMALL_FILE = 64 << 10


class Output(HTTPChannel):  # type: ignore[misc]  # waitress has no type information
    """The sending half of a channel.

    A worker writes to the socket itself. What the client does not take at once waits in
    waitress's buffers (memory, then a temporary file) for the event loop; a file waits until
    those are empty and goes to a carrier.

    Attributes:
        outbuf_lock: held by whoever writes to the socket or to the buffers.
        total_outbufs_len: bytes that wait in the buffers.
        mute: the answer under way may not have a body.
    """

    adj: Any
    socket: Socket
    connected: bool
    last_activity: float
    outbufs: list[Any]
    outbuf_lock: threading.Condition
    total_outbufs_len: int
    _fileno: int | None

    mute = False
    _file: Download | None = None
    _held = b""

    @property
    def descriptor(self) -> int:
        """Of the socket; -1 when it is closed."""
        return -1 if self._fileno is None else self._fileno

    def arm(self) -> None:
        """Have the event loop wait for what the connection needs now."""
        raise NotImplementedError

    def hold(self, head: bytes) -> None:
        """Keep headers back until something follows them, or `release` is called."""
        self._held = head

    def release(self) -> None:
        """Send headers that nothing followed."""
        if self._held:
            self.write_soon(b"")

    def write_soon(self, data: bytes | FileBody) -> int:
        """Send, or keep for sending, the next part of the answer; on a worker.

        Raises:
            ClientDisconnected: there is nobody to send it to.
        """
        head, self._held = self._held, b""
        if isinstance(data, FileBody):
            return self._send_file(head, data)
        with self.outbuf_lock:
            self._send(head + data)
            while self.connected and self.total_outbufs_len > self.adj.outbuf_high_watermark:
                self.outbuf_lock.wait()
        return len(data)

    def flush(self) -> None:
        """Send what waits, on the event loop.

        Raises:
            OSError: the connection is broken.
        """
        if not self.outbuf_lock.acquire(blocking=False):
            return  # a worker is sending right now
        try:
            self._flush_some(do_close=False)
            if not self.total_outbufs_len:
                self.outbufs[0].close()  # a used one keeps its memory, or its temporary file
                self.outbufs[:] = [OverflowableBuffer(self.adj.outbuf_overflow)]
            self.outbuf_lock.notify()
        finally:
            self.outbuf_lock.release()

    def _send(self, data: bytes, flags: int = 0) -> None:
        """Send what the socket takes and keep the rest; `outbuf_lock` is held."""
        if not self.connected:
            raise ClientDisconnected
        sent = 0
        if not self.total_outbufs_len:
            try:
                sent = self.socket.send(data, flags)
            except BlockingIOError:
                pass
            except OSError as error:
                raise ClientDisconnected from error
        if sent < len(data):
            self.outbufs[-1].append(data[sent:])
            self.total_outbufs_len += len(data) - sent
            self.arm()

    def _send_file(self, head: bytes, body: FileBody) -> int:
        if self.mute or body.remain <= _SMALL_FILE:
            try:
                data = b"" if self.mute else body.read_all()
            finally:
                body.close()
            self.write_soon(head + data)
            return len(data)
        download = Download(self, body)
        try:
            with self.outbuf_lock:
                self._send(head, MSG_MORE)
                # The first share is the worker's: most blobs need no more than that.
                if self.total_outbufs_len or not download.step(memoryview(b"")):
                    self._file = download
        except OSError as error:
            raise ClientDisconnected from error
        finally:
            if self._file is None:
                download.close()
        return body.remain
