"""`moorage-appliance backup`: the database first, then the content that it names, then keys and state."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moorage.config import ConfigurationError, Settings, load
from moorage_appliance.backup.content import copy_blobs
from moorage_appliance.backup.copying import copy_file, make_folders, plain_files, sync_folder
from moorage_appliance.backup.errors import BackupError, SourceUnreadableError
from moorage_appliance.backup.manifest import BLOBS, DATABASE, Manifest, Part, write_manifest
from moorage_appliance.backup.place import Place, locked
from moorage_appliance.backup.progress import Progress, in_words
from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.paths import Paths
from moorage_appliance.registry import registry_command

#: In the registry's folder: content and what is made anew; everything else is saved as it is.
NOT_SAVED = frozenset({"blobs", "uploads", "spool", "trash", "quarantine", "locks", "backups", "db"})
_SNAPSHOT = "snapshot-"


def take_backup(
    paths: Paths, commands: Commands, place: Place, now: datetime, progress: Progress
) -> Manifest:
    """Make a backup while the registry serves.

    The collector removes nothing from before the database's copy until the content is copied, so
    every blob that the copy names is there.

    Raises:
        BackupError: it could not be made; earlier ones are as they were, and what was copied of the
            content is not copied again.
    """
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    try:
        with alone(paths), _made(place, paths).alone():
            return _take(paths, commands, place, name, progress)
    except OSError as error:
        raise BackupError(f"{error.filename or place.root}: {error.strerror}") from error


def _take(paths: Paths, commands: Commands, place: Place, name: str, progress: Progress) -> Manifest:
    data = settings(paths).storage.data
    folder = place.begin(name)
    progress.say("waiting until the collector pauses")
    with locked(settings(paths).collecting_lock, "", wait=True):
        progress.say("copying the database")
        said, parts = _copy_database(paths, commands, data, folder, name)
        totals = (int(said["blobs"]), int(said["blob_bytes"]))
        progress.say(f"copying content: {totals[0]} blobs, {in_words(totals[1])}")
        tally = copy_blobs(folder / BLOBS, data / "blobs", place.blobs, totals, progress)
    if (tally.blobs, tally.blob_bytes) != totals:
        raise BackupError(f"the list of blobs is not whole: {tally.blobs} of {totals[0]}")
    progress.say("copying keys and state")
    registry = [each for each in plain_files(data, NOT_SAVED) if each.suffix != ".lock"]
    parts += _copy_all(registry, data, folder / "registry")
    parts += _copy_all(plain_files(paths.state), paths.state, folder / "appliance")
    parts += _copy_all([paths.configuration / "moorage.toml"], paths.configuration, folder / "configuration")
    manifest = Manifest(
        name=name,
        version=said["version"],
        schema=said["schema"],
        database=said["database"],
        database_at=said["at"],
        parts=tuple(Part(str(path.relative_to(folder)), size, hexed) for path, size, hexed in parts),
        blobs=tally.blobs,
        blob_bytes=tally.blob_bytes,
        copied=tally.copied,
        copied_bytes=tally.copied_bytes,
        damaged=tally.damaged,
    )
    write_manifest(folder, manifest)
    place.publish(folder, name)
    return manifest


def settings(paths: Paths) -> Settings:
    """The registry's.

    Raises:
        BackupError: they cannot be read.
    """
    try:
        return load(paths.configuration / "moorage.toml", {})
    except (ConfigurationError, OSError) as error:
        raise BackupError(f"the registry's configuration cannot be read: {error}") from error


@contextmanager
def alone(paths: Paths) -> Iterator[None]:
    """Be the only backup or restore of this machine."""
    paths.run.mkdir(parents=True, exist_ok=True)
    with locked(paths.run / "backup.lock", "another backup or restore of this machine is under way"):
        yield


def _made(place: Place, paths: Paths) -> Place:
    root = place.root.resolve()
    if any(root.is_relative_to(each.resolve()) for each in (paths.data, paths.database)):
        raise BackupError(f"{root} lies on the disks of which it is to be a copy; mount another one")
    if not root.parent.is_dir():
        raise BackupError(f"{root.parent} is no folder")
    make_folders(root)
    return place


Files = list[tuple[Path, int, str]]


def _copy_database(
    paths: Paths, commands: Commands, data: Path, folder: Path, name: str
) -> tuple[dict[str, Any], Files]:
    """The registry makes the copy on its own disk: SQLite is not for network file systems."""
    beside = data / "backups"
    owner = (data.stat().st_uid, data.stat().st_gid)
    make_folders(beside, owner)
    for each in beside.glob(f"{_SNAPSHOT}*"):  # of one that was interrupted
        shutil.rmtree(each)
    snapshot = beside / f"{_SNAPSHOT}{name}"
    make_folders(snapshot, owner)
    try:
        done = commands.run(*registry_command(paths, "backup", "database", str(snapshot), "--json"))
        said = json.loads(done.output)
        return said, _copy_all(plain_files(snapshot), snapshot, folder)
    except CommandFailedError as error:
        raise BackupError(f"the database cannot be copied: {error}") from error
    except ValueError as error:
        raise BackupError(f"the registry's command gave no answer: {error}") from error
    finally:
        shutil.rmtree(snapshot, ignore_errors=True)


def _copy_all(files: Iterable[Path], below: Path, target: Path) -> Files:
    """Copy files with the folders that they are in; what goes away meanwhile was not needed."""
    copied: Files = []
    for source in files:
        path = target / source.relative_to(below)
        make_folders(path.parent)
        try:
            found = copy_file(source, path)
        except SourceUnreadableError:
            if os.path.lexists(source) or source.name in (DATABASE, BLOBS):
                raise
            continue
        sync_folder(path.parent)
        copied.append((path, found.size_bytes, found.hex))
    return copied
