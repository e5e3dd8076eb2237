"""The package: descriptor, manifest and disk in one archive, in the order in which vSphere reads it.

OVF 1.1 (DSP0243) section 5.3: USTAR, the descriptor first, the manifest right behind it, the files in the
order of the descriptor's references. The same disk and version give the same bytes.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

from moorage_ova.descriptor import SystemDisk, describe
from moorage_ova.errors import OvaError
from moorage_ova.vmdk_header import capacity_of

_CHUNK = 2**20
#: The largest size that the archive's format can say.
_LARGEST = 8**11 - 1


def package(vmdk: Path, version: str, folder: Path) -> Path:
    """Write ``moorage-<version>.ova`` into `folder`; it is there whole or not at all.

    Args:
        vmdk: the system's disk in the streaming form.
        version: of the product.

    Raises:
        OvaError: the disk is not in that form, or too large for the archive.
    """
    name = f"moorage-{version}"
    size = vmdk.stat().st_size
    if size > _LARGEST:
        raise OvaError(f"{vmdk.name} has {size} bytes; the archive takes {_LARGEST} at most")
    disk = SystemDisk(f"{name}-disk1.vmdk", size, capacity_of(vmdk))
    descriptor = describe(disk, version).encode()
    digests = {f"{name}.ovf": hashlib.sha256(descriptor).hexdigest(), disk.href: _digest(vmdk)}
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.ova.partial"
    try:
        with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as archive:
            _add(archive, f"{name}.ovf", descriptor)
            _add(archive, f"{name}.mf", manifest(digests).encode())
            with vmdk.open("rb") as content:
                archive.addfile(_entry(disk.href, size), content)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        return partial.rename(folder / f"{name}.ova")
    finally:
        partial.unlink(missing_ok=True)


def manifest(digests: Mapping[str, str]) -> str:
    """The manifest's text; digests by name, SHA-256 in hexadecimal."""
    return "".join(f"SHA256({name})= {digest}\n" for name, digest in digests.items())


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """An entry without a trace of who made it when."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_entry(name, len(content)), io.BytesIO(content))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
