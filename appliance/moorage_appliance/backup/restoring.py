"""`moorage-appliance restore`: bring over, stop, exchange, start."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from moorage_appliance import addresses, landing
from moorage_appliance.backup.errors import BackupError
from moorage_appliance.backup.manifest import Manifest, read_manifest
from moorage_appliance.backup.place import Place
from moorage_appliance.backup.progress import Progress
from moorage_appliance.backup.staging import Stage, bring_over
from moorage_appliance.backup.swapping import Swap, begun, stopped, swap
from moorage_appliance.backup.taking import alone, settings
from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.paths import Paths
from moorage_appliance.registry import registry_command
from moorage_appliance.settings import read_settings
from moorage_appliance.status import StatusFile
from moorage_appliance.steps.certificate import STEP, settle

_TARGET = "moorage.target"
_JOBS = ("gc", "fsck", "identity-refresh", "replicate", "scan", "backup")
_STOPPED = tuple(f"moorage-{name}.service" for name in ("registry", "portal", "worker", "migrate", *_JOBS))


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done.

    Attributes:
        aside: folders with what was there before.
    """

    manifest: Manifest
    aside: tuple[Path, ...]


def choose(source: Path, name: str) -> tuple[Place, Manifest]:
    """The backup that is meant: a folder of backups, of which the newest unless one is named, or one of them.

    Raises:
        BackupError: there is none.
    """
    if not name and (source / "manifest.json").is_file():
        return Place(source.parent), read_manifest(source)
    place = Place(source)
    names = place.names()
    if not names or (name and name not in names):
        found = ", ".join(names[-5:]) or "none"
        raise BackupError(f"there is no backup {name or ''} in {source} (there is: {found})")
    return place, read_manifest(source / (name or names[-1]))


def restore(
    paths: Paths, commands: Commands, place: Place, manifest: Manifest, progress: Progress, *, force: bool
) -> Restored:
    """Put a backup in the place of what this machine has.

    Raises:
        BackupError: until the registry is stopped nothing was changed by it; after that the same
            command goes on where it was interrupted.
    """
    try:
        with alone(paths), place.unchanging():
            return _restore(paths, commands, place, manifest, progress, force=force)
    except OSError as error:
        raise BackupError(f"{error.filename}: {error.strerror}") from error


def _restore(
    paths: Paths, commands: Commands, place: Place, manifest: Manifest, progress: Progress, *, force: bool
) -> Restored:
    stage = _stage(paths, manifest)
    wanted = begun(stage)
    if wanted is None:
        if _has_content(stage.data) and not force:
            raise BackupError(f"{stage.data} holds images; with --force they are set aside")
        progress.say(f"bringing over the backup {manifest.name} of release {manifest.version}")
        bring_over(place, manifest, stage, progress)
        if stage.copy is not None:
            _check(paths, commands, stage.copy)
        wanted = Swap(manifest.name, f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    elif wanted.name != manifest.name:
        raise BackupError(f"the restore of the backup {wanted.name} has to be finished first")
    progress.say("stopping the registry")
    _systemctl(commands, "stop", _TARGET, *_STOPPED)
    with stopped(stage.data):
        aside = swap(stage, wanted)
    shutil.rmtree(stage.root, ignore_errors=True)
    if stage.copy is not None:
        shutil.rmtree(stage.copy.parent, ignore_errors=True)
    progress.say("starting the registry")
    _settle_certificate(paths, commands, progress)
    _systemctl(commands, "start", _TARGET)
    return Restored(manifest, tuple(aside))


def _stage(paths: Paths, manifest: Manifest) -> Stage:
    found = settings(paths)
    scheme, _, path = found.database_url.partition("://")
    is_sqlite = scheme == "sqlite"
    if is_sqlite != (manifest.database == "sqlite"):
        has = "SQLite" if is_sqlite else "PostgreSQL"
        raise BackupError(f"the backup is of a registry on {manifest.database}, this one is on {has}")
    return Stage(paths, found.storage.data, Path(path.removeprefix("/")) if is_sqlite else None)


def _has_content(data: Path) -> bool:
    return any(each.is_file() for each in data.glob("blobs/*/??/*"))


def _check(paths: Paths, commands: Commands, copy: Path) -> None:
    try:
        commands.run(*registry_command(paths, "backup", "check", str(copy)))
    except CommandFailedError as error:
        raise BackupError(f"nothing was changed: {error}") from error


def _systemctl(commands: Commands, *words: str) -> None:
    try:
        commands.run("systemctl", *words)
    except CommandFailedError as error:
        raise BackupError(f"{error}; see the journal, and run the same command again") from error


def _settle_certificate(paths: Paths, commands: Commands, progress: Progress) -> None:
    """The authority that clients trust came over; this machine's names and addresses may be others."""
    try:
        found = json.loads((paths.run / "properties.json").read_text())
        outcome = settle(read_settings(found)[0], paths, addresses.present(commands))
        StatusFile(paths).problems(STEP, outcome.problems)
        landing.write(paths)
        commands.run("systemctl", "try-reload-or-restart", "nginx.service", check=False)
    except (OSError, ValueError, CommandFailedError) as error:
        progress.say(f"the certificate stays as it is until the next start of the machine: {error}")
