"""Files are copied under another name, and get their own when their bytes are right and on the medium."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.backup.errors import SourceUnreadableError, WrongBytesError

_PIECE = 1 << 20
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Copied:
    """A file as it was read: its bytes, and their digest in hexadecimal digits."""

    size_bytes: int
    hex: str


def copy_file(
    source: Path, target: Path, wanted: Copied | None = None, *, algorithm: str = "sha256"
) -> Copied:
    """Copy one file, mode 0600; the folder's entry is durable only after `sync_folder`.

    Args:
        wanted: what its bytes have to be; nothing is left of others.

    Raises:
        SourceUnreadableError: the source is missing or cannot be read.
        WrongBytesError: its bytes are others.
    """
    partial = target.with_name(f".{target.name}{PARTIAL}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            found = _through(source, algorithm, file.fileno())
            _compare(source, algorithm, found, wanted)
            os.fsync(file.fileno())
            # Whoever is served needs the memory more.
            with suppress(OSError):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return found


def read_file(source: Path, wanted: Copied | None = None, *, algorithm: str = "sha256") -> Copied:
    """Read one file and take its digest; raises as `copy_file` does."""
    found = _through(source, algorithm, None)
    _compare(source, algorithm, found, wanted)
    return found


def write_file(target: Path, body: bytes) -> None:
    """Write a small file, mode 0600, durable but for its name; whose it is, a server of files may decide."""
    partial = target.with_name(f".{target.name}{PARTIAL}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)


def make_folders(path: Path, owner: tuple[int, int] | None = None) -> None:
    """Make a folder and those above it, mode 0700, durable on return."""
    if path.is_dir():
        return
    make_folders(path.parent, owner)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    if owner is not None and os.geteuid() == 0:
        os.chown(path, *owner)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """See the names in a folder onto the medium."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(paths: Iterable[Path]) -> None:
    """The same for several."""
    for path in sorted(set(paths)):
        sync_folder(path)


def plain_files(folder: Path, without: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The plain files below a folder, in order; links are not followed.

    Args:
        without: names directly in the folder that are left out.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in without or path.is_symlink():
            continue
        if path.is_dir():
            yield from plain_files(path)
        elif path.is_file():
            yield path


def _through(source: Path, algorithm: str, target: int | None) -> Copied:
    running, size = hashlib.new(algorithm), 0
    for piece in _pieces(source):
        running.update(piece)
        size += len(piece)
        rest = memoryview(piece)
        while target is not None and rest:
            rest = rest[os.write(target, rest) :]
    return Copied(size, running.hexdigest())


def _pieces(source: Path) -> Iterator[bytes]:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise SourceUnreadableError(f"{source}: {error.strerror}") from error
    try:
        while piece := _read(descriptor, source):
            yield piece
    finally:
        os.close(descriptor)


def _read(descriptor: int, source: Path) -> bytes:
    try:
        return os.read(descriptor, _PIECE)
    except OSError as error:
        raise SourceUnreadableError(f"{source}: {error.strerror}") from error


def _compare(source: Path, algorithm: str, found: Copied, wanted: Copied | None) -> None:
    if wanted is not None and found != wanted:
        what = f"{algorithm}:{found.hex}, {found.size_bytes} bytes"
        raise WrongBytesError(f"{source} holds other bytes: {what} instead of {wanted.size_bytes}")
