"""A backup closes the gate, so that no file goes that it has yet to copy."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Gate:
    """Whoever removes files of blobs goes through it, a batch at a time.

    The lock ends with the process that holds it. It is made at the start: a full disk must not keep
    the collector from making room.

    Args:
        path: the file that a backup locks for itself alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)

    @contextmanager
    def passing(self) -> Iterator[bool]:
        """Whether files may be removed inside of the ``with`` block; does not wait."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _take(descriptor)
        finally:
            os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
