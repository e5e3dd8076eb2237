"""Tells two folders apart, file by file: what a build that should be repeatable did differently."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from moorage_ova.manifest import digest


def differences(one: Path, other: Path) -> Iterator[str]:
    """A line for each path that is not the same in both: missing, or of another kind, owner or content.

    Times are not compared: the disk's maker sets them.
    """
    names = sorted({*_names(one), *_names(other)})
    for name in names:
        first, second = one / name, other / name
        if not os.path.lexists(first):
            yield f"{name}: only in the second"
        elif not os.path.lexists(second):
            yield f"{name}: only in the first"
        else:
            for what in _parts(first, second):
                yield f"{name}: {what}"


def _names(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield str(Path(parent, name).relative_to(folder))


def _parts(first: Path, second: Path) -> Iterator[str]:
    one, other = first.lstat(), second.lstat()
    if one.st_mode != other.st_mode:
        yield f"mode {one.st_mode:o} and {other.st_mode:o}"
        return
    if (one.st_uid, one.st_gid) != (other.st_uid, other.st_gid):
        yield f"owner {one.st_uid}:{one.st_gid} and {other.st_uid}:{other.st_gid}"
    if stat.S_ISLNK(one.st_mode):
        if first.readlink() != second.readlink():
            yield f"leads to {first.readlink()} and {second.readlink()}"
    elif stat.S_ISREG(one.st_mode):
        if one.st_size != other.st_size:
            yield f"{one.st_size} and {other.st_size} bytes"
        elif digest(first) != digest(second):
            yield "another content"
    elif one.st_rdev != other.st_rdev:
        yield "another device"
