"""The pieces of an upload, and how they become one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from moorage.distribution.disk import append_file, file_size, remove_file
from moorage.distribution.errors import BlobUploadInvalidError
from moorage.distribution.spool import Spooled
from moorage.oci.digest import Digest

_OFFSET_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Settled:
    """Bytes that are on the medium and wait for a name.

    Attributes:
        digest: of the bytes, when it is known already.
        kept: the file belongs to an upload session, which must not lose it before it ends.
    """

    path: str
    size: int
    digest: Digest | None = None
    kept: bool = False


def segment_name(offset: int) -> str:
    """The name of the file whose first byte is the upload's byte `offset`."""
    return f"{offset:0{_OFFSET_DIGITS}d}"


def acknowledged(folder: str, length: int) -> Iterator[str]:
    """The files of the first `length` bytes; later ones were never acknowledged.

    Raises:
        BlobUploadInvalidError: one is missing, or they do not add up.
    """
    offset = 0
    while offset < length:
        path = os.path.join(folder, segment_name(offset))
        size = file_size(path)
        if not size or offset + size > length:
            raise BlobUploadInvalidError("the upload is damaged; start it again", {"offset": offset})
        yield path
        offset += size


def joined(segments: list[str], tail: Spooled | None, length: int, path: str) -> Settled:
    """Copy the segments, of `length` bytes together, and the tail to a new file at `path`.

    Raises:
        BlobUploadInvalidError: they have another length than they should.
    """
    parts = segments if tail is None else [*segments, tail.path]
    expected = length + (0 if tail is None else tail.size)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        size = sum(append_file(part, descriptor) for part in parts)
        if size != expected:
            raise BlobUploadInvalidError("the upload is damaged; start it again", {"received": size})
        os.fsync(descriptor)
    except BaseException:
        remove_file(path)
        raise
    finally:
        os.close(descriptor)
    return Settled(path, size)
