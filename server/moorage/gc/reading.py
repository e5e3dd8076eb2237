"""Reads everything there is without being in anybody's way."""

import errno
import os
import time
from typing import BinaryIO

from moorage.jobs.run import Run
from moorage.oci.digest import Digest, hasher

_PIECE = 1 << 20
#: A pause shorter than this is put off.
_LEAST_PAUSE = 0.02
#: What a file system says that cannot tell whether it has the bytes in memory.
_CANNOT_TELL = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class PacedReader:
    """Takes digests at a bounded rate, and leaves the system's cache as it was.

    Bytes that were in memory are somebody's, and stay there; others are let go again.

    Args:
        bytes_per_second: 0: no limit.
    """

    def __init__(self, bytes_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._paid_until = 0.0
        self._piece = memoryview(bytearray(_PIECE))

    def digest(self, run: Run, file: BinaryIO, algorithm: str) -> Digest | None:
        """The digest of the whole file; None when the run is to stop first.

        Raises:
            OSError: it cannot be read.
        """
        descriptor = file.fileno()
        # Without reading ahead, what is in memory was not brought there by us.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        running = hasher(algorithm)
        place = 0
        while not run.stopping:
            size = self._read(descriptor, place)
            if size == 0:
                return Digest(algorithm, running.hexdigest())
            running.update(self._piece[:size])
            place += size
            self._pay(run, size)
        return None

    def _read(self, descriptor: int, place: int) -> int:
        try:
            return os.preadv(descriptor, [self._piece], place, os.RWF_NOWAIT)
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno not in _CANNOT_TELL:
                raise
        size = os.preadv(descriptor, [self._piece], place)
        os.posix_fadvise(descriptor, place, size, os.POSIX_FADV_DONTNEED)
        return size

    def _pay(self, run: Run, size: int) -> None:
        """Wait until what was read is paid for; time that passed unused buys nothing later."""
        if not self._bytes_per_second:
            return
        now = time.monotonic()
        self._paid_until = max(self._paid_until, now) + size / self._bytes_per_second
        if self._paid_until - now > _LEAST_PAUSE:
            run.pause(self._paid_until - now)
