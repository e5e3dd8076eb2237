"""One upload on its way to the disk: written once, hashed while it passes."""

import contextlib
import errno
import os
import secrets
from collections.abc import Sequence
from hashlib import sha256

from moorage.serving.linux import start_writeback

#: How much is written before the disk is told to begin; measured here, it brings the final sync
#: of 512 MiB from 0.25 s to next to nothing.
_WRITEBACK_STEP = 8 << 20
#: More pieces than this in one go are joined first: a system call costs more than a copy.
_MANY_PIECES = 16

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SpoolFile:
    """A new file in the spool folder that only this account can read.

    Attributes:
        path: its full name.
        length: bytes written so far.

    Raises:
        OSError: it cannot be made; `is_full` tells whether for lack of room.
    """

    __slots__ = ("_descriptor", "_hash", "_started", "length", "path")

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, secrets.token_hex(16))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o600)
        self._hash = sha256()
        self._started = 0
        self.length = 0

    @property
    def sha256(self) -> str:
        """SHA-256 of everything written, in hex digits."""
        return self._hash.hexdigest()

    def write(self, pieces: Sequence[memoryview | bytes]) -> None:
        """Append the pieces.

        Raises:
            OSError: the disk refused; `is_full` tells whether for lack of room.
        """
        for piece in [b"".join(pieces)] if len(pieces) > _MANY_PIECES else pieces:
            self._hash.update(piece)
            self._write_all(memoryview(piece))
        if self.length - self._started >= _WRITEBACK_STEP:
            start_writeback(self._descriptor, self._started, self.length - self._started)
            self._started = self.length

    def _write_all(self, left: memoryview) -> None:
        while left:
            written = os.write(self._descriptor, left)
            self.length += written
            left = left[written:]

    def close(self) -> None:
        """Let go of the file; it stays in the spool."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Let go of the file and remove it; one that somebody took out of the spool is left alone."""
        self.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)


def is_full(error: OSError) -> bool:
    """Whether the disk, the quota or the file size limit is what refused."""
    return error.errno in _FULL
