"""Files that survive a power cut, and a disk that runs full."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from moorage.distribution.errors import StorageFullError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_HERE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_PIECE = 1 << 30
_BUFFER = 1 << 20


@contextmanager
def needs_room() -> Iterator[None]:
    """Turn the system's "no space left" and "quota exceeded" into what a client can be told.

    Raises:
        StorageFullError: instead of the system's own error.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError("the registry's storage is full") from error
        raise


def sync_file(path: str) -> None:
    """Wait until the file's bytes are on the medium."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


def sync_folder(path: str) -> None:
    """Wait until the names in the folder are on the medium; a file's own sync does not do that."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: str) -> bool:
    """Make a folder only its owner can enter, for good; returns False when it was there."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return False
    sync_folder(os.path.dirname(path))
    return True


def remove_file(path: str) -> bool:
    """Remove a file; returns False when there was none."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def file_size(path: str) -> int | None:
    """The size of a file; None when there is none."""
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def append_file(source: str, target: int) -> int:
    """Copy a whole file to the end of what descriptor `target` has; returns the bytes copied.

    The kernel copies, sharing extents where the file system can.
    """
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        copied = 0
        while True:
            step = _copy_piece(descriptor, target)
            if step == 0:
                return copied
            copied += step
    finally:
        os.close(descriptor)


def _copy_piece(source: int, target: int) -> int:
    try:
        return os.copy_file_range(source, target, _PIECE)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    piece = os.read(source, _BUFFER)
    left = memoryview(piece)
    while left:
        left = left[os.write(target, left) :]
    return len(piece)
