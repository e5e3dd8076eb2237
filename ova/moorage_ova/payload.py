"""What the playbook brings into the image, as two archives; the same sources give the same bytes.

* ``files.tar``: files at their places in the image: those of the roles, the units, what the appliance reads
  at each boot (``/usr/share/moorage``).
* ``wheels.tar``: what the environment is made of, and the program that makes it.
* ``payload.json``: version, digest of the environment, names of the units and timers to enable.

One archive is unpacked in the time that Ansible takes for one file on an emulated machine.
"""

import configparser
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage_ova import proxy_values, wheels
from moorage_ova.errors import OvaError

_UNITS = "usr/lib/systemd/system"
_SHARED = "usr/share/moorage"
_PROXY_TEMPLATE = "playbooks/roles/proxy/templates/etc/nginx/moorage.conf.j2"
_MAKER = "playbooks/roles/python/files/make-environment"
_LOCK = "server/requirements/run.txt"
_WHEELS = "moorage-wheels"


@dataclass(frozen=True, slots=True)
class _File:
    """One file of an archive; a link if it leads to somewhere."""

    content: bytes
    executable: bool = False
    target: str = ""


def make(project: Path, folder: Path, epoch: int, version: str, upgrade_key: bytes) -> None:
    """Make the payload in `folder`; the wheels beside it, in ``wheels``, are fetched when the lock changes.

    Args:
        project: the source tree.
        epoch: seconds; the time of every file.
        version: of the appliance.
        upgrade_key: the public half of the key that signs its upgrades, in PEM.

    Raises:
        OvaError: the wheels cannot be had.
    """
    gathered = _wheels(project, folder.parent / "wheels", epoch)
    requirements = _requirements(project, gathered)
    maker = _read(project / _MAKER)
    environment = hashlib.sha256(requirements + maker.content).hexdigest()[:16]
    files = {**_role_files(project), **_unit_files(project), **_shared_files(project, version, gathered)}
    files[f"{_SHARED}/upgrade.pub"] = _File(upgrade_key)
    folder.mkdir(parents=True, exist_ok=True)
    _archive(folder / "files.tar", files, epoch)
    parts = {f"{_WHEELS}/{path.name}": _File(path.read_bytes()) for path in gathered}
    parts[f"{_WHEELS}/requirements.txt"] = _File(requirements)
    parts[f"{_WHEELS}/make-environment"] = maker
    _archive(folder / "wheels.tar", parts, epoch)
    enabled = sorted(name for name, text in _units(project).items() if _is_enabled(text))
    facts = {
        "version": version,
        "environment": environment,
        "units": [name for name in enabled if not name.endswith(".timer")],
        "timers": [name for name in enabled if name.endswith(".timer")],
    }
    (folder / "payload.json").write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")


def _wheels(project: Path, folder: Path, epoch: int) -> list[Path]:
    """All wheels, by name; those of the lock stay from one build to the next."""
    mark = folder / "lock.sha256"
    lock = hashlib.sha256((project / _LOCK).read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        wheels.fetch(project, folder)
        mark.write_text(lock)
    for path in folder.glob("moorage-*.whl"):
        path.unlink()
    wheels.build(project, folder, epoch)
    return sorted(folder.glob("*.whl"))


def _requirements(project: Path, gathered: list[Path]) -> bytes:
    """The lock, and our own wheel with the hash that it has now."""
    own = [path for path in gathered if path.name.startswith("moorage-")]
    if len(own) != 1:
        raise OvaError("there must be one wheel of the project, there are: " + ", ".join(map(str, own)))
    lines = (project / _LOCK).read_text().rstrip("\n")
    name, version = own[0].name.split("-")[:2]
    return f"{lines}\n{name}=={version} --hash=sha256:{_digest(own[0])}\n".encode()


def _role_files(project: Path) -> dict[str, _File]:
    """Those below etc and usr in the roles' folders ``files``, where they belong in the image."""
    found = {}
    for files in sorted((project / "playbooks/roles").glob("*/files")):
        for top in ("etc", "usr"):
            for path in _files_below(files / top):
                found[str(path.relative_to(files))] = _read(path)
    return found


def _unit_files(project: Path) -> dict[str, _File]:
    folder = project / "appliance/systemd"
    return {f"{_UNITS}/{path.relative_to(folder)}": _read(path) for path in _files_below(folder)}


def _shared_files(project: Path, version: str, gathered: list[Path]) -> dict[str, _File]:
    listed = "".join(f"{_digest(path)}  {path.name}\n" for path in gathered)
    values = json.dumps(proxy_values.read(project / "playbooks"), indent=2, sort_keys=True) + "\n"
    return {
        f"{_SHARED}/nginx.conf.j2": _read(project / _PROXY_TEMPLATE),
        f"{_SHARED}/proxy.json": _File(values.encode()),
        f"{_SHARED}/version": _File(f"{version}\n".encode()),
        f"{_SHARED}/wheels.txt": _File(listed.encode()),
    }


def _units(project: Path) -> dict[str, str]:
    """The text of each unit by its name; drop-ins are no units."""
    folder = project / "appliance/systemd"
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def _is_enabled(text: str) -> bool:
    """Whether a unit says what wants it."""
    unit = configparser.RawConfigParser(strict=False, interpolation=None, allow_no_value=True)
    unit.read_string(text)
    return unit.has_section("Install") and bool(unit.options("Install"))


def _archive(path: Path, files: Mapping[str, _File], epoch: int) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, file in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.mtime, entry.uname, entry.gname = epoch, "root", "root"
            entry.mode = 0o755 if file.executable else 0o644
            entry.size = len(file.content)
            if file.target:
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, file.target, 0o777
            archive.addfile(entry, io.BytesIO(file.content))


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            yield path


def _read(path: Path) -> _File:
    if path.is_symlink():
        return _File(b"", target=str(path.readlink()))
    return _File(path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
