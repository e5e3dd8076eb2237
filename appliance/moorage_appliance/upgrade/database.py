"""The copy of the database that an upgrade makes before the new release touches it."""

import shutil
from pathlib import Path

from moorage_appliance.backup.copying import copy_file, make_folders, sync_folder
from moorage_appliance.commands import Commands
from moorage_appliance.paths import Paths
from moorage_appliance.registry import registry_command
from moorage_appliance.upgrade.errors import UpgradeError

#: The file, and what SQLite keeps beside it; the index of the log is made anew.
_KEPT = ("", "-wal", "-journal")
_BESIDE = (*_KEPT, "-shm", ".turn")
_WHOLE = "whole"


def copy(database: Path, name: str) -> None:
    """Copy the database, which nobody may have open, into a folder beside it; durable on return."""
    folder = _folder(database, name)
    if folder.exists():
        shutil.rmtree(folder)
    make_folders(folder)
    for suffix in _KEPT:
        source = database.with_name(database.name + suffix)
        if source.exists():
            copy_file(source, folder / source.name)
    (folder / _WHOLE).touch()
    sync_folder(folder)


def refuse_without_room(database: Path) -> None:
    """Raises `UpgradeError` when there is no room for a copy."""
    size = sum(
        each.stat().st_size
        for each in (database.with_name(database.name + suffix) for suffix in _KEPT)
        if each.exists()
    )
    free = shutil.disk_usage(database.parent).free
    if free < size + size // 10:
        raise UpgradeError(
            f"a copy of the database takes {size >> 20} MiB, and {database.parent} has {free >> 20} free"
        )


def is_usable(database: Path, paths: Paths, commands: Commands) -> bool:
    """Whether the release that is installed now can go on with the database as it is."""
    # It would make one where there is none.
    if not database.exists():
        return False
    return commands.run(*registry_command(paths, "migrate", "--check"), check=False).code == 0


def put_back(database: Path, name: str, aside: str) -> None:
    """Let the copy be the database; what it is now is set aside.

    It can be done again after it was interrupted.
    """
    folder = _folder(database, name)
    if not (folder / _WHOLE).exists() or not (folder / database.name).exists():
        return
    other = database.parent / aside
    owner = folder.parent.stat()
    # The file itself goes last: when it is gone, all that lies there is from the copy.
    for suffix in reversed(_BESIDE) if database.exists() else ():
        path = database.with_name(database.name + suffix)
        if path.exists():
            make_folders(other)
            path.replace(other / path.name)
    sync_folder(database.parent)
    # And it comes last: as long as it is in the copy, this is done again.
    for suffix in reversed(_KEPT):
        source = folder / (database.name + suffix)
        if source.exists():
            shutil.chown(source, owner.st_uid, owner.st_gid)
            source.replace(database.with_name(source.name))
    sync_folder(database.parent)
    shutil.rmtree(folder)


def forget(database: Path, name: str) -> None:
    """The copy is not needed any more."""
    shutil.rmtree(_folder(database, name), ignore_errors=True)


def _folder(database: Path, name: str) -> Path:
    return database.parent / f"before-upgrade-{name}"
