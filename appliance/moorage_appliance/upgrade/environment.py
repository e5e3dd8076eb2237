"""The environment that all programs run in: another is made beside it, and the two change places at once."""

import ctypes
import os
import tarfile
from pathlib import Path

from moorage_appliance.commands import Commands
from moorage_appliance.paths import Paths
from moorage_appliance.upgrade.bundle import WHEELS, Bundle

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_MARK = ".ran-before"
#: An environment knows its own path, so the new one is made where it will be, seen by these programs alone.
#: Nothing but the image's build compiles: what runs may not write.
_MAKE = """
mount --bind "$1" "$2"
sh "$3/make-environment" "$4" "$5"
"$4/bin/python3" -I -m compileall -q --invalidation-mode unchecked-hash "$4/lib"
"""


def make(paths: Paths, commands: Commands, bundle: Bundle, folder: Path) -> None:
    """Make the bundle's environment below `folder`.

    Raises:
        CommandFailedError: its wheels do not go together, or are damaged.
    """
    place = _place(folder)
    place.mkdir(parents=True, mode=0o755)
    with tarfile.open(bundle.folder / WHEELS) as archive:
        archive.extractall(folder / "wheels", filter="data")
    (unpacked,) = (folder / "wheels").iterdir()
    words = (str(place), str(paths.program.parent), str(unpacked), str(paths.program))
    digest = str(bundle.payload()["environment"])
    # -e: each of its steps has to succeed.
    commands.run("unshare", "--mount", "--propagation=private", "sh", "-ec", _MAKE, "sh", *words, digest)
    (paths.program / _MARK).touch()
    os.sync()


def exchange(paths: Paths, folder: Path) -> None:
    """Let the new environment be the one that runs; the other takes its place below `folder`."""
    if runs_before(paths):
        _exchange(paths.program, _place(folder) / paths.program.name)


def exchange_back(paths: Paths, folder: Path) -> None:
    """Let the environment run that ran before, if it does not."""
    other = _place(folder) / paths.program.name
    if not runs_before(paths) and (other / _MARK).exists():
        _exchange(paths.program, other)


def runs_before(paths: Paths) -> bool:
    """Whether the environment is the one that ran before the upgrade."""
    return (paths.program / _MARK).exists()


def _place(folder: Path) -> Path:
    """What stands for the folder of environments while one is made."""
    return folder / "opt"


def _exchange(one: Path, other: Path) -> None:
    """Two names for each other's content, at once (renameat2(2)); durable on return."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if libc.renameat2(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))
    os.sync()
