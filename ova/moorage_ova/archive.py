"""An OVA as an archive: its entries in order, and their bytes. Strict where Python's own reader forgives."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from moorage_ova.errors import OvaError

_BLOCK = 512
_CHUNK = 2**20
_MAGIC_AT, _MAGIC = 257, b"ustar\x0000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive; its content begins `start` bytes from the archive's beginning."""

    name: str
    start: int
    size: int


class Archive:
    """An open archive.

    Attributes:
        entries: in the order of the archive.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream = stream
        self.entries = tuple(_entries(stream, size))

    def content(self, entry: Entry, most: int) -> bytes:
        """All of an entry.

        Raises:
            OvaError: it has more bytes than `most`.
        """
        if entry.size > most:
            raise OvaError(f"{entry.name} has {entry.size} bytes; {most} would be many")
        self.stream.seek(entry.start)
        return self.stream.read(entry.size)

    def digest(self, entry: Entry) -> str:
        """The SHA-256 of an entry, in hexadecimal."""
        digest = hashlib.sha256()
        self.stream.seek(entry.start)
        left = entry.size
        while left and (chunk := self.stream.read(min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        return digest.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive.

    Raises:
        OvaError: it is none, is cut off, or has entries that do not belong into an OVA.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            yield Archive(stream, size)
    except OSError as error:
        raise OvaError(f"{path}: {error.strerror}") from error


def _entries(stream: BinaryIO, size: int) -> list[Entry]:
    found: list[Entry] = []
    try:
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            for each in archive:
                stream.seek(each.offset + _MAGIC_AT)
                if stream.read(len(_MAGIC)) != _MAGIC or each.offset + _BLOCK != each.offset_data:
                    raise OvaError(f"{each.name} is not written in the form USTAR")
                if not each.isreg() or "/" in each.name:
                    raise OvaError(f"{each.name} is no plain file at the top of the archive")
                if each.offset_data + each.size > size:
                    raise OvaError(f"the archive is cut off in {each.name}")
                found.append(Entry(each.name, each.offset_data, each.size))
    except tarfile.TarError as error:
        raise OvaError(f"this is no whole archive: {error}") from error
    _check_end(stream, size, found)
    return found


def _check_end(stream: BinaryIO, size: int, found: list[Entry]) -> None:
    if not found:
        raise OvaError("the archive is empty")
    names = [each.name for each in found]
    if len(set(names)) != len(names):
        raise OvaError("a name stands in the archive twice")
    last = found[-1]
    end = last.start + -(-last.size // _BLOCK) * _BLOCK
    stream.seek(end)
    if size < end + 2 * _BLOCK or any(stream.read(2 * _BLOCK)):
        raise OvaError(f"the archive has no end behind {last.name}; it is cut off")
