"""Blank disks get their file systems; nothing else is ever written to."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moorage_appliance import disks
from moorage_appliance.commands import Completed, SystemCommands
from moorage_appliance.disks import Place
from moorage_appliance.paths import Paths

PLACES = (
    Place("data", 1, "test-data", "xfs", "data"),
    Place("database", 2, "test-db", "ext4", "db"),
)
_SIZE = 400 * 2**20


class Machine(SystemCommands):
    """The machine's udev is not asked about disks of a test."""

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        return Completed(0, "", "") if argv[0] == "udevadm" else super().run(*argv, stdin=stdin, check=check)


@pytest.fixture
def attach(tmp_path: Path) -> Iterator[Callable[[int, str], Path]]:
    """Puts a disk of 400 MiB at a SCSI unit; a loop device."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("needs root and loop devices")
    attached: list[str] = []

    def add(unit: int, controller: str = "0000:03:00.0") -> Path:
        file = tmp_path / f"{controller}-{unit}.raw"
        with file.open("wb") as opened:
            opened.truncate(_SIZE)
        argv = ("losetup", "--find", "--show", str(file))
        device = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        attached.append(device)
        link = tmp_path / f"dev/disk/by-path/pci-{controller}-scsi-0:0:{unit}:0"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(device)
        return Path(device)

    yield add
    for device in attached:
        subprocess.run(("losetup", "--detach", device), check=True)


def label_and_kind(device: Path) -> tuple[str, str]:
    argv = ("blkid", "-p", "-o", "value", "-s", "LABEL", "-s", "TYPE", str(device))
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    return lines[0], lines[1]


def prepare(root: Path) -> list[str]:
    return [each.message for each in disks.prepare(Paths(root), Machine(), PLACES)]


def test_blank_disks_are_made_ready_once(tmp_path: Path, attach: Callable[[int], Path]) -> None:
    data, database = attach(1), attach(2)
    assert prepare(tmp_path) == []
    assert label_and_kind(data) == ("test-data", "xfs")
    assert label_and_kind(database) == ("test-db", "ext4")
    before = [device.read_bytes()[: 2**20] for device in (data, database)]
    assert prepare(tmp_path) == []
    assert [device.read_bytes()[: 2**20] for device in (data, database)] == before


@pytest.mark.parametrize("offset", [0, 5000, _SIZE - 10])
def test_a_disk_with_anything_on_it_is_left_alone(
    tmp_path: Path, attach: Callable[[int], Path], offset: int
) -> None:
    data, _ = attach(1), attach(2)
    with data.open("r+b") as opened:
        opened.seek(offset)
        opened.write(b"somebody")
    messages = prepare(tmp_path)
    assert len(messages) == 1
    assert "is not ours" in messages[0]
    with data.open("rb") as opened:
        opened.seek(offset)
        assert opened.read(8) == b"somebody"


def test_a_foreign_file_system_is_left_alone(tmp_path: Path, attach: Callable[[int], Path]) -> None:
    data, _ = attach(1), attach(2)
    subprocess.run(("mkfs.ext4", "-q", "-L", "precious", str(data)), check=True)
    assert len(prepare(tmp_path)) == 1
    assert label_and_kind(data) == ("precious", "ext4")


def test_a_disk_is_known_by_its_label_wherever_it_is(tmp_path: Path, attach: Callable[[int], Path]) -> None:
    moved, _ = attach(5), attach(2)
    subprocess.run(("mkfs.xfs", "-q", "-L", "test-data", str(moved)), check=True)
    assert prepare(tmp_path) == []


def test_two_disks_with_the_same_label_are_told(tmp_path: Path, attach: Callable[[int], Path]) -> None:
    for device in (attach(1), attach(5)):
        subprocess.run(("mkfs.xfs", "-q", "-L", "test-data", str(device)), check=True)
    attach(2)
    assert any("2 times" in message for message in prepare(tmp_path))


def test_missing_disks_are_told(tmp_path: Path) -> None:
    assert len(prepare(tmp_path)) == len(PLACES)
