"""From appliance to appliance: a backup on a disk of its own, and the data disks behind a new system disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.appliance import Appliance
from tests.appliance.machine import Disks
from tests.appliance.story import Story
from tests.support.dockerd import DockerDaemon

SIZES = {"data": "4G", "db": "2G", "log": "2G", "backup": "2G"}
LAYER_BYTES = 8_000_000
_BACKUP = "/storage/backup"
_MOUNT = f"mkdir -p {_BACKUP}; mount /dev/disk/by-label/site-backup {_BACKUP}"


class Move:
    """The disks of every appliance of this file, and what was pushed to the first."""

    def __init__(self, folder: Path, system_disk: Path, port: int, key: Path) -> None:
        self._folder, self._system_disk, self._port, self._key = folder, system_disk, port, key
        self.first, self.second = self._disks("first"), self._disks("second")

    def appliance(self, disks: Disks, **changed: str) -> Appliance:
        return Appliance(disks, self._port, self._key, changed)

    def _disks(self, name: str) -> Disks:
        return Disks(self._folder / name, self._system_disk, SIZES)


@pytest.fixture(scope="module")
def move(system_disk: Path, port: int, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Move:
    return Move(tmp_path_factory.mktemp("moving"), system_disk, port, key)


@pytest.fixture(scope="module")
def story(
    move: Move, docker_folder: Path, docker_daemon: DockerDaemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    assert docker_folder.is_dir()  # the registry's name leads here because of it
    folder = tmp_path_factory.mktemp("moved")
    found = Story(move.appliance(move.first), docker_daemon.client(folder / "docker"), folder)
    try:
        yield found
    finally:
        found.appliance.machine.pull_the_plug()


def test_a_backup_is_made_by_the_unit_that_the_timer_starts(story: Story) -> None:
    appliance = story.appliance
    appliance.machine.power_on()
    appliance.until_serving()
    story.trust()
    story.log_in()
    story.push("library/kept:1", LAYER_BYTES)
    appliance.ssh("mkfs.ext4 -q -L site-backup /dev/disk/by-path/*-scsi-0:0:4:0 && udevadm settle")
    appliance.ssh(_MOUNT)
    appliance.ssh("systemctl start moorage-backup.service || { journalctl -u moorage-backup -o cat; false; }")
    assert "manifest.json" in appliance.ssh(f"ls {_BACKUP}/*Z/")
    assert appliance.ssh(f"find {_BACKUP} -perm /077 -not -path '*/lost+found'") == _BACKUP
    appliance.shut_down()


def test_another_appliance_takes_it_over_with_the_authority_that_clients_trust(
    move: Move, story: Story
) -> None:
    move.second.make()
    shutil.move(move.first.path("backup"), move.second.path("backup"))
    story.appliance = appliance = move.appliance(
        move.second, **{"registry.admin_password": "Other-Harbour-43"}
    )
    appliance.machine.power_on()
    appliance.until_serving()
    appliance.ssh(_MOUNT)
    appliance.ssh(f"moorage-appliance restore --check {_BACKUP}")
    appliance.ssh(f"moorage-appliance restore {_BACKUP}")
    appliance.until_serving()
    assert appliance.ask("/v2/", authority=story.authority).status == 401
    story.log_in()
    story.all_is_there()
    appliance.until_well()
    appliance.ssh("systemctl start moorage-fsck.service")
    appliance.shut_down()


def test_the_data_disks_go_on_behind_the_system_disk_of_a_new_appliance(move: Move, story: Story) -> None:
    move.second.path("system").unlink()
    story.appliance = appliance = move.appliance(move.second)
    appliance.machine.power_on()
    appliance.until_serving()
    assert appliance.ask("/v2/", authority=story.authority).status == 401
    story.log_in()
    story.all_is_there()
    story.push("library/later:1")
    appliance.until_well()
    appliance.shut_down()
