"""Reading what blobs say: small documents, and single files out of archives. Nothing is written anywhere.

What is read was pushed by somebody: it may be damaged, lie about its size, or be made to fill the memory.
So bytes are counted as they are unpacked, entries of an archive are counted too, and its headers are read
here: a general reader of archives keeps in memory whatever an archive says of itself.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from moorage.distribution.errors import ContentUnreadableError
from moorage.distribution.storage import BlobStorage
from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import digest_of
from moorage.oci.strictjson import JsonInvalidError, parse

#: Of one file in an archive.
MAX_FILE_BYTES = 1024 * 1024
#: Of an archive, unpacked, up to the file that is looked for.
MAX_ARCHIVE_BYTES = 32 * 1024 * 1024
MAX_ENTRIES = 10_000

#: Readings of a gzip file; an honest one takes one for every few KiB.
_MOST_PIECES = 100_000
_PIECE = 64 * 1024
_BLOCK = 512
_EMPTY = bytes(_BLOCK)
_PLAIN = (b"0", b"\0")


class Source(Protocol):
    """Something to read bytes from, in their order."""

    def read(self, size: int, /) -> bytes | None:
        """At most `size` bytes; empty at the end."""


class Reading:
    """Reads blobs of manifests that are there, by their descriptors."""

    def __init__(self, storage: BlobStorage) -> None:
        self._storage = storage

    def document(self, described: Descriptor, most_bytes: int) -> Mapping[str, object] | None:
        """The JSON object in the blob; None when it is larger, something else, or damaged."""
        if described.size > most_bytes:
            return None
        content = self._whole(described)
        if content is None:
            return None
        try:
            return parse(content)
        except JsonInvalidError:
            return None

    def content(self, described: Descriptor) -> bytes:
        """The blob itself.

        Raises:
            ContentUnreadableError: it is damaged, or has more than `MAX_FILE_BYTES`.
        """
        if described.size > MAX_FILE_BYTES:
            raise ContentUnreadableError(f"the file has more than {MAX_FILE_BYTES} bytes")
        found = self._whole(described)
        if found is None:
            raise ContentUnreadableError("the file is damaged, or not there")
        return found

    def file(
        self, described: Descriptor, wanted: Callable[[str], bool], *, gzipped: bool = True
    ) -> bytes | None:
        """The first plain file of the tar archive in the blob whose name is wanted.

        Returns:
            Its bytes; None when the archive has none.

        Raises:
            ContentUnreadableError: the blob is no such archive, is damaged, or is too large to look through.
        """
        try:
            with self._storage.open(described.digest) as packed:
                if not gzipped:
                    return _find(_Counted(packed), wanted)
                with gzip.GzipFile(fileobj=_Packed(packed), mode="rb") as plain:
                    return _find(_Counted(plain), wanted)
        except FileNotFoundError as error:
            raise ContentUnreadableError("the archive is not there") from error
        except (zlib.error, OSError, EOFError) as error:
            raise ContentUnreadableError("the archive is no gzip, or is damaged") from error

    def _whole(self, described: Descriptor) -> bytes | None:
        """The blob, if it is what the descriptor says."""
        try:
            with self._storage.open(described.digest) as file:
                content = _read(file, described.size + 1)
        except FileNotFoundError:
            return None
        return content if digest_of(content, described.digest.algorithm) == described.digest else None


class _Packed:
    """The bytes of a gzip file, within bounds: a header or a row of empty parts unpacks to nothing, however
    long it is, and is read in very small pieces.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = MAX_ARCHIVE_BYTES
        self._pieces = _MOST_PIECES

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        piece = self._source.read(size if 0 <= size <= self._left else self._left + 1) or b""
        self._left -= len(piece)
        self._pieces -= 1
        if self._left < 0 or self._pieces < 0:
            raise ContentUnreadableError(
                f"the archive has too long a header, or more than {MAX_ARCHIVE_BYTES} bytes"
            )
        return piece

    def seekable(self) -> bool:
        """It is read once, from its beginning."""
        return False

    def seek(self, _: int) -> int:
        """Never: see `seekable`."""
        raise OSError("this archive is read once")


class _Counted:
    """Unpacked bytes, of which there are at most `MAX_ARCHIVE_BYTES`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = MAX_ARCHIVE_BYTES

    def take(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, in pieces.

        Raises:
            ContentUnreadableError: there are fewer, or it would be too many.
        """
        if size > self._left:
            raise ContentUnreadableError(f"the archive has more than {MAX_ARCHIVE_BYTES} bytes")
        self._left -= size
        while size:
            piece = self._source.read(min(size, _PIECE))
            if not piece:
                raise ContentUnreadableError("the archive ends too early")
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Leave out the next `size` bytes."""
        for _ in self.take(size):
            pass


def _find(source: _Counted, wanted: Callable[[str], bool]) -> bytes | None:
    for _ in range(MAX_ENTRIES):
        header = b"".join(source.take(_BLOCK))
        if header == _EMPTY:
            return None
        if _sum(header) != _octal(header[148:156]):
            raise ContentUnreadableError("the archive is no tar, or is damaged")
        size = _octal(header[124:136])
        if header[156:157] in _PLAIN and wanted(_name(header)):
            if size > MAX_FILE_BYTES:
                raise ContentUnreadableError(f"the file has more than {MAX_FILE_BYTES} bytes")
            return b"".join(source.take(size))
        source.skip(-(-size // _BLOCK) * _BLOCK)
    raise ContentUnreadableError(f"the archive has more than {MAX_ENTRIES} entries")


def _sum(header: bytes) -> int:
    """The checksum of a header, taken with blanks in its own place."""
    return sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _octal(field: bytes) -> int:
    """A number of a header; those that need more than its digits are too large for anything here."""
    text = field.split(b"\0", 1)[0].strip()
    if text and (not text.isdigit() or b"8" in text or b"9" in text):
        raise ContentUnreadableError("the archive has a number that is none, or is too large")
    return int(text or b"0", 8)


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    # Only POSIX archives have the first part of a long name here; GNU's have times.
    prefix = header[345:500].split(b"\0", 1)[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode(errors="replace")


def _read(source: Source, most_bytes: int) -> bytes:
    pieces, left = [], most_bytes
    while left and (piece := source.read(min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
