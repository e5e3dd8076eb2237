"""The files of a release outside of its environment: units, templates, settings of the system.

They are put in their places from an archive, and what was there before is kept in another. Both can be done
again and again.
"""

import json
import os
import tarfile
from pathlib import Path

from moorage_appliance.files import put

_UNITS = Path("usr/lib/systemd/system")
_BEFORE, _NEW = "before.tar", "new.json"


def keep(root: Path, archive: Path, folder: Path) -> list[str]:
    """Keep in `folder` what the archive would replace; returns the units that are new.

    Units of ours that the archive does not have are kept too: `replace` removes them.
    """
    names = _names(archive)
    gone = [str(each) for each in _own_units(root) if str(each) not in names]
    new = [name for name in names if not os.path.lexists(root / name)]
    with tarfile.open(folder / _BEFORE, "w") as kept:
        for name in sorted({*names, *gone} - set(new)):
            kept.add(root / name, name, recursive=False)
    put(folder / _NEW, json.dumps({"new": new, "gone": gone}), 0o600)
    _sync(folder / _BEFORE)
    return [Path(name).name for name in new if Path(name).parent == _UNITS]


def replace(root: Path, archive: Path, folder: Path) -> None:
    """Put every file of the archive into its place; durable on return."""
    _put_all(root, archive)
    for name in json.loads((folder / _NEW).read_text())["gone"]:
        (root / name).unlink(missing_ok=True)
    os.sync()


def put_back(root: Path, folder: Path) -> None:
    """Put back what `keep` kept, and remove what was not there then; durable on return."""
    _put_all(root, folder / _BEFORE)
    for name in json.loads((folder / _NEW).read_text())["new"]:
        (root / name).unlink(missing_ok=True)
        _sweep(root / name)
    os.sync()


def _put_all(root: Path, archive: Path) -> None:
    with tarfile.open(archive) as source:
        for entry in source:
            path = root / entry.name
            _sweep(path)
            if entry.issym():
                _link(path, entry.linkname)
            elif entry.isreg():
                file = source.extractfile(entry)
                assert file is not None  # noqa: S101 - a regular file has content
                if path.is_symlink():
                    path.unlink()
                put(path, file.read(), entry.mode & 0o7777, entry.uid, entry.gid)


def _sweep(path: Path) -> None:
    """Remove what a power cut left of a file that was being written."""
    for each in path.parent.glob(f".{path.name}.*"):
        each.unlink()


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(path)


def _names(archive: Path) -> list[str]:
    with tarfile.open(archive) as source:
        return sorted(entry.name for entry in source if entry.isreg() or entry.issym())


def _own_units(root: Path) -> list[Path]:
    return sorted(each.relative_to(root) for each in (root / _UNITS).glob("moorage*") if each.is_file())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
