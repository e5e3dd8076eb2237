"""A package around a tiny disk, and the ways in which one can be spoilt."""

import hashlib
import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

from moorage_ova.package import manifest, package

SECTOR = 512
SECTORS = 2 * 2**20 // SECTOR
_FLAGS = 0x30001
_AT_END = 2**64 - 1
#: Where its parts are, in sectors: header, descriptor, one grain, directory with its marker, footer, end.
_DESCRIPTOR, _GRAIN, _DIRECTORY = 1, 128, 200


def vmdk(folder: Path, content: bytes = b"grain") -> Path:
    """A disk of 2 MiB in the streaming form."""
    path = folder / "disk.vmdk"
    blob = bytearray((_DIRECTORY + 1) * SECTOR)
    blob[:SECTOR] = header(_AT_END)
    text = b'# Disk DescriptorFile\ncreateType="streamOptimized"\n'
    blob[_DESCRIPTOR * SECTOR : _DESCRIPTOR * SECTOR + len(text)] = text
    blob[_GRAIN * SECTOR : _GRAIN * SECTOR + len(content)] = content
    blob[(_DIRECTORY - 1) * SECTOR : _DIRECTORY * SECTOR] = marker(1, 2)
    path.write_bytes(bytes(blob) + marker(1, 3) + header(_DIRECTORY) + bytes(SECTOR))
    return path


def header(directory: int, *, flags: int = _FLAGS, sectors: int = SECTORS, version: int = 3) -> bytes:
    """The header of a streamed disk."""
    fields = (b"KDMV", version, flags, sectors, 128, _DESCRIPTOR, 1, 512, 0, directory, 128, 0, b"\n \r\n", 1)
    return struct.pack("<4sIIQQQQIQQQB4sH", *fields).ljust(SECTOR, b"\0")


def marker(sectors: int, kind: int) -> bytes:
    """The marker in front of metadata."""
    return struct.pack("<QII", sectors, 0, kind).ljust(SECTOR, b"\0")


def ova(folder: Path, version: str = "1.2.3") -> Path:
    """A package that is as it should be."""
    return package(vmdk(folder), version, folder)


def files(path: Path) -> dict[str, bytes]:
    """What is in a package, in order."""
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]


def write(path: Path, parts: dict[str, bytes], form: int = tarfile.USTAR_FORMAT) -> Path:
    """A package of these files."""
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def resealed(parts: dict[str, bytes]) -> dict[str, bytes]:
    """The same files with a manifest that fits them, so that only what they say is wrong."""
    digests = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in parts.items()
        if not name.endswith(".mf")
    }
    return {
        name: manifest(digests).encode() if name.endswith(".mf") else content
        for name, content in parts.items()
    }


def changed(path: Path, suffix: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one file of the package, and the manifest with it."""
    parts = {
        name: change(content) if name.endswith(suffix) else content for name, content in files(path).items()
    }
    return write(path, resealed(parts))
