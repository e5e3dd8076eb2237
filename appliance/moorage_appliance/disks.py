"""The three disks beside the system's: made into file systems when they are blank, and found again.

A disk with anything on it is never written to.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem

_NOTHING_FOUND = 2
_LOOKED_AT = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """One of the disks.

    Attributes:
        noun: what it holds.
        unit: its number at the SCSI controller.
        label: of its file system, which takes the whole disk.
        folder: where it is mounted, below ``/storage``.
    """

    noun: str
    unit: int
    label: str
    kind: str
    folder: str

    @property
    def where(self) -> str:
        """As vSphere names the place."""
        return f"SCSI(0:{self.unit})"


PLACES: Sequence[Place] = (
    Place("data", 1, "moorage-data", "xfs", "data"),
    Place("database", 2, "moorage-db", "ext4", "db"),
    Place("log", 3, "moorage-log", "ext4", "log"),
)


def prepare(paths: Paths, commands: Commands, places: Iterable[Place] = PLACES) -> tuple[Problem, ...]:
    """See to it that each place has its file system; before they are mounted."""
    commands.run("udevadm", "settle", "--timeout=30", check=False)
    problems: list[Problem] = []
    for place in places:
        try:
            problem = _prepare(place, paths, commands)
        except (OSError, CommandFailedError) as error:
            problem = _problem(place, f"cannot be made ready: {error}", "Look at the disk in vSphere.")
        if problem is not None:
            problems.append(problem)
    return tuple(problems)


def missing(paths: Paths, places: Iterable[Place] = PLACES) -> tuple[Problem, ...]:
    """Which disks are not mounted; those that are were grown by systemd when it mounted them."""
    mounted = mounts(paths)
    return tuple(
        _problem(place, "is not mounted", f"Give the machine a disk at {place.where} and restart it.")
        for place in places
        if str((paths.root / "storage" / place.folder).absolute()) not in mounted
    )


def mounts(paths: Paths) -> dict[str, str]:
    """Devices by the folder that they are mounted at (proc(5), mountinfo)."""
    found: dict[str, str] = {}
    for line in paths.mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        found[before.split()[4].replace(r"\040", " ")] = after.split()[1]
    return found


def _prepare(place: Place, paths: Paths, commands: Commands) -> Problem | None:
    disks = _disks(paths)
    labelled = [disk for disk in disks if _label(disk, commands) == place.label]
    if len(labelled) == 1:
        return None
    if labelled:
        message = f"is there {len(labelled)} times: {len(labelled)} disks have the label {place.label}"
        return _problem(place, message, "Take away all but one.")
    here = [disk for disk, link in disks.items() if link.name.endswith(f"-scsi-0:0:{place.unit}:0")]
    if len(here) != 1:
        message = (
            "is missing" if not here else "cannot be told: there are several controllers with such a disk"
        )
        return _problem(place, message, f"Give the machine one empty disk at {place.where} and restart it.")
    if not _is_blank(here[0], commands):
        message = f"is not ours: on the disk at {place.where} is something without the label {place.label}"
        remedy = "It was left alone. Put an empty disk there, or erase this one (wipefs -a), and restart."
        return _problem(place, message, remedy)
    commands.run(f"mkfs.{place.kind}", "-q", "-L", place.label, str(here[0]))
    # For the links of udev, by which it is mounted.
    commands.run("udevadm", "trigger", "--settle", "--name-match", str(here[0]), check=False)
    return None


def _disks(paths: Paths) -> dict[Path, Path]:
    """The whole disks of SCSI controllers, with one link each that tells the place."""
    folder = paths.root / "dev/disk/by-path"
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return {link.resolve(): link for link in links if "-scsi-" in link.name and "-part" not in link.name}


def _label(disk: Path, commands: Commands) -> str:
    argv = ("blkid", "-p", "-o", "value", "-s", "LABEL", str(disk))
    return commands.run(*argv, check=False).output.strip()


def _is_blank(disk: Path, commands: Commands) -> bool:
    """Whether nobody would miss it: no signature that anybody knows, and zeros at both ends."""
    if commands.run("blkid", "-p", str(disk), check=False).code != _NOTHING_FOUND:
        return False
    if commands.run("wipefs", "--no-act", "--parsable", str(disk)).output.strip():
        return False
    with disk.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        for start in (0, max(0, size - _LOOKED_AT)):
            opened.seek(start)
            if any(opened.read(_LOOKED_AT)):
                return False
    return size > 0


def _problem(place: Place, message: str, remedy: str) -> Problem:
    return Problem("", f"The {place.noun} disk {message}.", remedy)
