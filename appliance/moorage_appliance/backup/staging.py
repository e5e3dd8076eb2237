"""The first half of a restore: all is brought over and verified beside what serves."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.backup.blob_list import read_list
from moorage_appliance.backup.content import is_there
from moorage_appliance.backup.copying import (
    copy_file,
    make_folders,
    plain_files,
    read_file,
    sync_folder,
    sync_folders,
)
from moorage_appliance.backup.errors import BackupError, SourceUnreadableError, WrongBytesError
from moorage_appliance.backup.manifest import BLOBS, DATABASE, Manifest, check_parts
from moorage_appliance.backup.place import Place
from moorage_appliance.backup.progress import Progress, in_words
from moorage_appliance.files import MOORAGE
from moorage_appliance.paths import Paths

_OWNER = (MOORAGE, MOORAGE)
_MOST_NAMED = 20
#: Left free beyond what is brought over.
_SPARE_BYTES = 64 << 20
_PROPERTIES = "properties.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a restore gathers what it brings over: on the disks where it will be.

    Attributes:
        data: the registry's folder.
        database: the SQLite file; None when the database is elsewhere.
    """

    paths: Paths
    data: Path
    database: Path | None

    @property
    def root(self) -> Path:
        """On the data disk."""
        return self.data.parent / ".restore"

    @property
    def registry(self) -> Path:
        """What will be the registry's folder."""
        return self.root / "registry"

    @property
    def state(self) -> Path:
        """What will be the appliance's own state."""
        return self.root / "appliance"

    @property
    def copy(self) -> Path | None:
        """What will be the database."""
        return None if self.database is None else self.database.parent / ".restore" / DATABASE


def verify(place: Place, manifest: Manifest, progress: Progress) -> None:
    """Read all of a backup; changes nothing.

    Raises:
        BackupError: something of it is missing or damaged, each by its name.
    """
    folder = place.root / manifest.name
    faults, done = check_parts(folder, manifest), 0
    for number, blob in enumerate(read_list(folder / BLOBS), 1):
        done += blob.size_bytes
        if blob.digest not in manifest.damaged:
            try:
                read_file(blob.below(place.blobs), blob.wanted, algorithm=blob.algorithm)
            except (SourceUnreadableError, WrongBytesError) as error:
                faults.append(str(error))
        progress.blob(number, manifest.blobs, done, manifest.blob_bytes)
    refuse(faults)


def bring_over(place: Place, manifest: Manifest, stage: Stage, progress: Progress) -> None:
    """Copy a backup to where it is needed, digest by digest; what came over earlier is not copied again.

    Raises:
        BackupError: something is missing or damaged, each by its name, or there is no room. Nothing
            that serves was touched.
    """
    folder = place.root / manifest.name
    refuse(check_parts(folder, manifest))
    _refuse_without_room(place, manifest, stage)
    _forget_parts(stage)
    _make_shelves(stage.registry / "blobs")
    faults = _blobs(place, manifest, stage, progress)
    for part in manifest.parts:
        target = _target(part.path, stage)
        if target is not None:
            make_folders(target.parent)
            copy_file(folder / part.path, target, part.wanted)
            sync_folder(target.parent)
    refuse(faults)
    _keep_properties(stage)
    _give_away(stage)


def refuse(faults: list[str]) -> None:
    """Refuse a backup that has faults."""
    if faults:
        named = "\n".join(f"  {each}" for each in faults[:_MOST_NAMED])
        more = f"\n  and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise BackupError(f"the backup is damaged, and nothing was changed:\n{named}{more}")


def _make_shelves(blobs: Path) -> None:
    """All folders that the registry expects, for it makes them only where there are none at all."""
    for algorithm in ("sha256", "sha512"):
        make_folders(blobs / algorithm)
        for number in range(256):
            (blobs / algorithm / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        sync_folder(blobs / algorithm)


def _blobs(place: Place, manifest: Manifest, stage: Stage, progress: Progress) -> list[str]:
    faults: list[str] = []
    touched, done = set(), 0
    for number, blob in enumerate(read_list(place.root / manifest.name / BLOBS), 1):
        target = blob.below(stage.registry / "blobs")
        if not is_there(blob, target) and blob.digest not in manifest.damaged:
            make_folders(target.parent)
            touched.add(target.parent)
            try:
                copy_file(blob.below(place.blobs), target, blob.wanted, algorithm=blob.algorithm)
            except (SourceUnreadableError, WrongBytesError) as error:
                faults.append(str(error))
        done += blob.size_bytes
        progress.blob(number, manifest.blobs, done, manifest.blob_bytes)
    sync_folders(touched)
    return faults


def _target(path: str, stage: Stage) -> Path | None:
    top, _, rest = path.partition("/")
    if path == DATABASE:
        return stage.copy
    if top == "registry" and rest:
        return stage.registry / rest
    # What vSphere said to this machine is not what it said to the other.
    if top == "appliance" and rest and rest != _PROPERTIES:
        return stage.state / rest
    return None


def _forget_parts(stage: Stage) -> None:
    """Of an earlier attempt, perhaps with another backup; its content has names that say what it is."""
    shutil.rmtree(stage.state, ignore_errors=True)
    if stage.copy is not None:
        shutil.rmtree(stage.copy.parent, ignore_errors=True)
    for path in plain_files(stage.registry, frozenset({"blobs"})):
        path.unlink()


def _keep_properties(stage: Stage) -> None:
    make_folders(stage.state)
    own = stage.paths.state / _PROPERTIES
    if own.is_file():
        copy_file(own, stage.state / _PROPERTIES)
        sync_folder(stage.state)


def _give_away(stage: Stage) -> None:
    """Content, keys and database belong to the registry's account; the state is root's."""
    tops = [stage.registry] + ([stage.copy.parent] if stage.copy is not None else [])
    for top in tops:
        make_folders(top)
        for folder, _, names in os.walk(top):
            for path in (Path(folder), *(Path(folder, name) for name in names)):
                if os.geteuid() == 0:
                    os.chown(path, *_OWNER, follow_symlinks=False)
                path.chmod(0o700 if path.is_dir() else 0o600)


def _refuse_without_room(place: Place, manifest: Manifest, stage: Stage) -> None:
    make_folders(stage.root)
    wanted = manifest.blob_bytes - sum(
        each.size_bytes
        for each in read_list(place.root / manifest.name / BLOBS)
        if is_there(each, each.below(stage.registry / "blobs"))
    )
    _refuse_less(stage.root, wanted)
    if stage.copy is not None:
        _refuse_less(stage.copy.parent.parent, manifest.part(DATABASE).size_bytes)


def _refuse_less(folder: Path, wanted: int) -> None:
    make_folders(folder)
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < wanted + _SPARE_BYTES:
        raise BackupError(
            f"the disk of {folder} has {in_words(free)} free, and {in_words(wanted + _SPARE_BYTES)} "
            "are needed; make it larger and restart the machine"
        )
