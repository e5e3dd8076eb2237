"""The second half of a restore: by renames, what was brought over takes the place of what was there.

Each rename is done once, however often it is begun: a journal says that they are under way, and the registry
does not start before they are all done.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.backup.copying import make_folders, sync_folders
from moorage_appliance.backup.place import locked
from moorage_appliance.backup.staging import Stage
from moorage_appliance.files import put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem

_JOURNAL = "journal.json"
#: What SQLite and the registry keep beside the database's file.
_BESIDE = ("", "-wal", "-shm", "-journal", ".turn")


@dataclass(frozen=True, slots=True)
class Swap:
    """Renames that are under way.

    Attributes:
        name: of the backup.
        aside: name of the folders that what was there is moved to.
    """

    name: str
    aside: str


def begun(stage: Stage) -> Swap | None:
    """The renames that were begun and not finished."""
    try:
        return Swap(**json.loads((stage.root / _JOURNAL).read_text()))
    except FileNotFoundError:
        return None


def unfinished(paths: Paths) -> tuple[Problem, ...]:
    """Keeps the registry from starting over half of a restore."""
    if not (paths.data / ".restore" / _JOURNAL).exists():
        return ()
    message = "A restore was interrupted while it exchanged the data."
    return (Problem("", message, "Run `moorage-appliance restore` with the same backup again."),)


def swap(stage: Stage, wanted: Swap) -> list[Path]:
    """Exchange everything; the registry must be stopped.

    Returns:
        The folders with what was there before, if anything was.
    """
    put(stage.root / _JOURNAL, json.dumps({"name": wanted.name, "aside": wanted.aside}), 0o600)
    sync_folders([stage.root])
    aside = stage.data.parent / wanted.aside
    _exchange(stage.state, [stage.paths.state], aside)
    if stage.copy is not None and stage.database is not None:
        there = [stage.database.with_name(stage.database.name + each) for each in _BESIDE]
        _exchange(stage.copy, there, stage.database.parent / wanted.aside)
    _exchange(stage.registry, [stage.data], aside)
    (stage.root / _JOURNAL).unlink()
    sync_folders([stage.root])
    found = [aside] if stage.database is None else [aside, stage.database.parent / wanted.aside]
    return [each for each in dict.fromkeys(found) if each.is_dir()]


@contextmanager
def stopped(data: Path) -> Iterator[None]:
    """Be sure that no registry serves from the folder.

    Raises:
        BackupError: one does.
    """
    if not data.is_dir():
        yield
        return
    with locked(data / "serve.lock", f"a registry still serves from {data}"):
        yield


def _exchange(new: Path, there: list[Path], aside: Path) -> None:
    """Move what is there aside and the new to the first of these names, unless that was done before."""
    if not os.path.lexists(new):
        return
    for path in there:
        if os.path.lexists(path):
            make_folders(aside)
            path.rename(_free(aside / path.name))
    # First what was there has another name for good.
    sync_folders([each for each in (aside, there[0].parent) if each.is_dir()])
    new.rename(there[0])
    sync_folders([there[0].parent, new.parent])


def _free(path: Path) -> Path:
    """A name that nothing has."""
    number, found = 0, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.name}.{number}")
    return found
