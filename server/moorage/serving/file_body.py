"""What ``wsgi.file_wrapper`` makes of a file: a body that need not pass through this program."""

import io
from typing import Any, Protocol, runtime_checkable

from waitress.buffers import ReadOnlyFileBasedBuffer


@runtime_checkable
class Window(Protocol):
    """A part of an open file that behaves like a file of its own."""

    def fileno(self) -> int: ...

    def offset(self) -> int:
        """Where in the descriptor's file the next byte is read."""
        ...


class FileBody(ReadOnlyFileBasedBuffer):  # type: ignore[misc]  # waitress has no type information
    """A body read from a file, from where it stands to its end or to the ``Content-Length``.

    An ordinary file is sent by the kernel; so is a `Window`. Of anything else, bytes are read.

    Attributes:
        remain: how many bytes are to be sent, once waitress has called `prepare`.
    """

    file: Any
    remain: int

    def source(self) -> tuple[int, int] | None:
        """Descriptor and offset for the kernel; None when it has to be read."""
        try:
            if isinstance(self.file, io.FileIO | io.BufferedReader):
                return self.file.fileno(), self.file.tell()
            if isinstance(self.file, Window):
                return self.file.fileno(), self.file.offset()
        except OSError:
            pass  # a file in memory says so by io.UnsupportedOperation
        return None

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none means that the file ended early."""
        data: bytes = self.file.read(min(size, self.remain))
        self.remain -= len(data)
        return data

    def read_all(self) -> bytes:
        """Everything that is left.

        Raises:
            OSError: the file is shorter than it was.
        """
        pieces = []
        while self.remain:
            pieces.append(self.read(self.remain))
            if not pieces[-1]:
                raise OSError("the file ended before its length")
        return b"".join(pieces)
