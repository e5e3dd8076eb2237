"""The spool: where request bodies arrive, on the same medium as the storage.

Whoever receives a body (nginx, or our own channel) writes it to a file here; the storage adopts
the file by renaming it. Nothing in the spool is ever acknowledged, so all of it may be lost.
"""

import errno
import fcntl
import os
import secrets
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from moorage.distribution.disk import needs_room, remove_file
from moorage.distribution.errors import BlobUploadInvalidError
from moorage.oci.digest import Digest, hasher

_BUFFER = 1 << 20
_LOOK = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Spooled:
    """One body that has arrived.

    Attributes:
        path: of the file.
        size: in bytes.
        digest: of the bytes, when it was taken on the way in.
    """

    path: str
    size: int
    digest: Digest | None = None

    def discard(self) -> None:
        """Forget the body; nothing happens when the storage has taken it."""
        remove_file(self.path)


class Readable(Protocol):
    """A stream of bytes, as WSGI has it."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class Spool:
    """A folder of arrived bodies; everything in it belongs to this account."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = os.path.realpath(folder)

    @property
    def folder(self) -> Path:
        """Where bodies are to be written."""
        return Path(self._folder)

    def new_path(self) -> str:
        """A name for a body about to arrive; nobody else gets the same."""
        return os.path.join(self._folder, secrets.token_hex(16))

    def receive(self, stream: Readable) -> Spooled:
        """Write a whole stream to the spool and take its SHA-256 on the way.

        Raises:
            StorageFullError: there is no room; nothing is left behind.
        """
        path = self.new_path()
        running = hasher("sha256")
        size = 0
        try:
            with needs_room(), open(path, "xb", buffering=0, opener=_private) as file:
                while piece := stream.read(_BUFFER):
                    running.update(piece)
                    size += _write_all(file.fileno(), piece)
        except BaseException:
            remove_file(path)
            raise
        return Spooled(path, size, Digest("sha256", running.hexdigest()))

    def adopt(self, path: str, digest: Digest | None = None) -> Spooled:
        """Take over a body that someone else wrote here.

        The path came in a header: it must name a plain file in the spool, once, of this account.

        Args:
            digest: of its bytes, if whoever wrote it took it on the way.

        Raises:
            BlobUploadInvalidError: it does not.
        """
        path = self._inside(path)
        try:
            descriptor = os.open(path, _LOOK)
        except (OSError, ValueError) as error:
            raise BlobUploadInvalidError("the body is no longer in the spool") from error
        try:
            found = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
            raise BlobUploadInvalidError("the body is not a file of the spool's own")
        return Spooled(path, found.st_size, digest)

    def empty(self) -> int:
        """Remove what an earlier run left behind; returns how many files that were.

        A body that a proxy is receiving right now is left alone: its file is open there.
        """
        return sum(remove_file(path) for path, _ in self._files() if not _is_open_elsewhere(path))

    def sweep(self, older_than: timedelta) -> int:
        """Remove bodies that nobody added to or took for so long; returns how many."""
        limit = time.time() - older_than.total_seconds()
        return sum(remove_file(path) for path, changed in self._files() if changed < limit)

    def _inside(self, path: str) -> str:
        """The path with every link in its folders resolved, which must lead into the spool."""
        folder, name = os.path.split(path)
        if not os.path.isabs(path) or name in ("", ".", "..") or "\0" in path:
            raise BlobUploadInvalidError("the body is not in the spool")
        real = os.path.realpath(folder)
        if real != self._folder and not real.startswith(self._folder + os.sep):
            raise BlobUploadInvalidError("the body is not in the spool")
        return os.path.join(real, name)

    def _files(self) -> Iterator[tuple[str, float]]:
        """Every file with the moment of its last change; nginx spreads its own over folders."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    yield path, os.lstat(path).st_mtime
                except FileNotFoundError:
                    continue


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _write_all(descriptor: int, piece: bytes) -> int:
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(piece)


def _is_open_elsewhere(path: str) -> bool:
    """Whether another process has the file open: the kernel grants a write lease only if none has."""
    try:
        descriptor = os.open(path, _LOOK)
    except OSError:
        return False
    try:
        # Whoever opens the file meanwhile makes the kernel signal us; SIGIO would end the process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
