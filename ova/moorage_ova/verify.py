"""Read a package back: order, digests, sizes, descriptor and disk; everything that is wrong at once."""

import re
from dataclasses import dataclass
from pathlib import Path

from moorage_ova import descriptor_check, vmdk_header
from moorage_ova.archive import Archive, Entry, opened
from moorage_ova.errors import OvaError

_LARGEST_TEXT = 2**20
_LINE = re.compile(r"SHA256\((?P<name>[^()]+)\)= (?P<digest>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a package that is as it should be.

    Attributes:
        version: of the product.
        size: bytes of the package.
        capacity: bytes of the system's disk.
        files: names and bytes, in order.
        properties: their keys.
    """

    version: str
    size: int
    capacity: int
    files: tuple[tuple[str, int], ...]
    properties: tuple[str, ...]


def verify(ova: Path) -> Contents:
    """Check the package.

    Raises:
        OvaError: something is wrong with it; each thing on a line.
    """
    with opened(ova) as archive:
        faults = _order(archive)
        if faults:
            raise OvaError(_told(ova, faults))
        first, second, *rest = archive.entries
        faults += _digests(archive, second)
        try:
            found = descriptor_check.read(archive.content(first, _LARGEST_TEXT))
        except OvaError as error:
            raise OvaError(_told(ova, [*faults, f"{first.name}: {error}"])) from None
        faults += [f"{first.name}: {fault}" for fault in found.faults]
        faults += _files(rest, found.files)
        faults += _disks(archive, rest, found.capacity)
    if faults:
        raise OvaError(_told(ova, faults))
    files = tuple((each.name, each.size) for each in archive.entries)
    return Contents(found.version, ova.stat().st_size, found.capacity, files, found.properties)


def descriptor_of(ova: Path) -> str:
    """The descriptor's text.

    Raises:
        OvaError: the file is no package.
    """
    with opened(ova) as archive:
        first = archive.entries[0]
        if not first.name.endswith(".ovf"):
            raise OvaError(_told(ova, _order(archive)))
        return archive.content(first, _LARGEST_TEXT).decode()


def _told(ova: Path, faults: list[str]) -> str:
    return "\n".join((f"{ova.name} is not as it should be:", *(f"  {fault}" for fault in faults)))


def _order(archive: Archive) -> list[str]:
    names = [each.name for each in archive.entries]
    stem = names[0].removesuffix(".ovf")
    if stem == names[0]:
        return [f"the first file is {names[0]}, not the descriptor"]
    if names[1:2] != [f"{stem}.mf"]:
        return [f"the second file is {names[1] if len(names) > 1 else 'missing'}, not {stem}.mf"]
    return []


def _digests(archive: Archive, entry: Entry) -> list[str]:
    """What the manifest says against what is there."""
    faults, listed = [], {}
    for line in archive.content(entry, _LARGEST_TEXT).decode(errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            faults.append(f"{entry.name}: this is no SHA-256 of a file: {line[:80]!r}")
        else:
            listed[match["name"]] = match["digest"]
    present = {each.name: each for each in archive.entries if each is not entry}
    faults += [f"{entry.name} lists {name}, which is missing" for name in listed if name not in present]
    for name, each in present.items():
        if name not in listed:
            faults.append(f"{entry.name} does not list {name}")
        elif archive.digest(each) != listed[name]:
            faults.append(f"{name} is not the one that was packed: its SHA-256 is another")
    return faults


def _files(rest: list[Entry], referenced: tuple[tuple[str, int], ...]) -> list[str]:
    names, wanted = [each.name for each in rest], [name for name, _ in referenced]
    if names != wanted:
        return [f"the archive goes on with {', '.join(names) or 'nothing'}, not with {', '.join(wanted)}"]
    return [
        f"{each.name} has {each.size} bytes, not {size} as the descriptor says"
        for each, (_, size) in zip(rest, referenced, strict=True)
        if each.size != size
    ]


def _disks(archive: Archive, rest: list[Entry], capacity: int) -> list[str]:
    faults = []
    for each in rest:
        try:
            found = vmdk_header.read(archive.stream, each.start, each.size)
        except OvaError as error:
            faults.append(f"{each.name}: {error}")
        else:
            if found != capacity:
                faults.append(
                    f"{each.name} holds a disk of {found} bytes, not {capacity} as the descriptor says"
                )
    return faults
