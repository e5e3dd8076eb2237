"""What the file of a virtual disk says of itself, without any of its content.

Source: VMware's "Virtual Disk Format 5.0", Hosted Sparse Extent Header and Stream-Optimized Compressed
Sparse Extents. All numbers are little-endian, all offsets in sectors.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from moorage_ova.errors import OvaError

SECTOR = 512
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_MARKER = struct.Struct("<QII")
_MAGIC = b"KDMV"
_VERSION = 3
_LINES_SURVIVED = b"\n \r\n"
_COMPRESSED, _MARKED = 1 << 16, 1 << 17
_DEFLATE = 1
#: The directory of the grains is at the end, where the footer tells.
_AT_END = 2**64 - 1
_FOOTER_MARKER = (1, 0, 3)
_DIRECTORY_MARKER = 2
#: From the end: marker of the footer, footer, marker of the end.
_TAIL_SECTORS = 3


@dataclass(frozen=True, slots=True)
class _Header:
    flags: int
    sectors: int
    descriptor: int
    descriptor_sectors: int
    directory: int
    algorithm: int


def capacity_of(vmdk: Path) -> int:
    """Bytes of the disk in this file.

    Raises:
        OvaError: as `read`; with the file's name.
    """
    try:
        with vmdk.open("rb") as stream:
            return read(stream, 0, vmdk.stat().st_size)
    except OvaError as error:
        raise OvaError(f"{vmdk.name}: {error}") from None


def read(stream: BinaryIO, start: int, size: int) -> int:
    """Bytes of the disk that `size` bytes from `start` on hold.

    Raises:
        OvaError: it is no disk in the streaming form, or its end is missing.
    """
    header = _parsed(_at(stream, start, SECTOR, size), "header")
    if header.directory != _AT_END:
        raise OvaError("the disk is not in the streaming form: its directory stands in front")
    text = _at(stream, start + header.descriptor * SECTOR, header.descriptor_sectors * SECTOR, size)
    if b'createType="streamOptimized"' not in text:
        raise OvaError("the disk's own descriptor does not say streamOptimized")
    if size % SECTOR or size < (_TAIL_SECTORS + 1) * SECTOR:
        raise OvaError("the disk's file does not end at a sector; it is cut off")
    _check_end(stream, start, size, header)
    return header.sectors * SECTOR


def _check_end(stream: BinaryIO, start: int, size: int, header: _Header) -> None:
    tail = _at(stream, start + size - _TAIL_SECTORS * SECTOR, _TAIL_SECTORS * SECTOR, size)
    marker, footer, end = tail[:SECTOR], tail[SECTOR : 2 * SECTOR], tail[2 * SECTOR :]
    if _MARKER.unpack_from(marker) != _FOOTER_MARKER or any(end):
        raise OvaError("the disk has no footer; it is cut off")
    last = _parsed(footer, "footer")
    if last.sectors != header.sectors:
        raise OvaError(f"the disk's header says {header.sectors} sectors, its footer {last.sectors}")
    place = (last.directory - 1) * SECTOR
    if not 0 < place < size - _TAIL_SECTORS * SECTOR:
        raise OvaError("the disk's footer points to no directory")
    if _MARKER.unpack_from(_at(stream, start + place, SECTOR, size))[2] != _DIRECTORY_MARKER:
        raise OvaError("where the disk's footer points there is no directory")


def _parsed(block: bytes, name: str) -> _Header:
    """The fields of a header.

    Raises:
        OvaError: it is none, or not of the streaming form.
    """
    if len(block) < SECTOR or not block.startswith(_MAGIC):
        raise OvaError(f"the disk has no {name} of a VMDK")
    _, version, flags, sectors, _, where, many, _, _, directory, _, _, lines, algorithm = _HEADER.unpack_from(
        block
    )
    if version != _VERSION:
        raise OvaError(f"the disk's {name} is of version {version}, not {_VERSION}")
    if lines != _LINES_SURVIVED:
        raise OvaError(f"the disk's {name} went through something that changed its line ends")
    if not flags & _COMPRESSED or not flags & _MARKED or algorithm != _DEFLATE:
        raise OvaError(f"the disk's {name} says that it is not compressed for streaming")
    return _Header(flags, sectors, where, many, directory, algorithm)


def _at(stream: BinaryIO, place: int, length: int, limit: int) -> bytes:
    if length > limit:
        return b""
    stream.seek(place)
    return stream.read(length)
