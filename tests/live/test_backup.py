"""Backup and restore of a real registry: made while clients push, put back elsewhere, pulled from there."""

import configparser
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import peewee
import pytest
import requests

from moorage_appliance.backup.copying import read_file
from moorage_appliance.backup.errors import BackupError
from moorage_appliance.backup.manifest import Manifest, Part, read_manifest, write_manifest
from moorage_appliance.backup.place import Place
from moorage_appliance.backup.progress import Progress
from moorage_appliance.backup.pruning import prune
from moorage_appliance.backup.restoring import Restored, choose, restore
from moorage_appliance.backup.staging import verify
from moorage_appliance.backup.taking import take_backup
from moorage_appliance.commands import Completed, SystemCommands
from moorage_appliance.paths import Paths
from tests.support.images import Image, image
from tests.support.registry import RegistryClient
from tests.support.server import ADMIN, MOORAGE, RunningServer

ROOT = Path(__file__).parents[2]
APP = "library/app"
#: Ends itself with SIGKILL when so many blobs are done: of a backup, or of a restore.
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from moorage_appliance.backup.place import Place
from moorage_appliance.backup.progress import Progress
from moorage_appliance.backup.restoring import choose, restore
from moorage_appliance.backup.taking import take_backup
from moorage_appliance.commands import SystemCommands
from moorage_appliance.paths import Paths

class Mortal(Progress):
    def blob(self, number, *rest):
        if number == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)

paths, place, progress = Paths(Path(sys.argv[2])), Place(Path(sys.argv[3])), Mortal(print)
if sys.argv[1] == "backup":
    take_backup(paths, SystemCommands(), place, datetime.now(UTC), progress)
else:
    restore(paths, SystemCommands(), *choose(place.root, ""), progress, force=True)
"""


class Below(RunningServer):
    """A registry whose data and database lie as in the appliance, below a folder."""

    @property
    def data(self) -> Path:
        return self.folder / "storage/data/registry"


class Appliance(SystemCommands):
    """An appliance below a folder; starts and stops its registry when systemctl is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.paths = Paths(root)
        database = f"sqlite:///{self.paths.database}/moorage.sqlite"
        self.server = Below(root, database)
        self.is_stoppable = True
        for folder in (self.paths.database, self.paths.configuration, self.paths.program / "bin"):
            folder.mkdir(parents=True)
        (self.paths.program / "bin/moorage").symlink_to(MOORAGE)
        (self.paths.configuration / "moorage.toml").write_text(
            f'[storage]\ndata = "{self.paths.registry}"\n[database]\nurl = "{database}"\n'
            '[log]\nlevel = "error"\n'
        )

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        if argv[0] != "systemctl":
            return super().run(*argv, stdin=stdin, check=check)
        if argv[1] == "stop" and self.is_stoppable and self.server.child is not None:
            self.server.stop()
        elif argv[1] == "start":
            self.server.start()
        return Completed(0, "", "")

    def start(self) -> "Appliance":
        self.server.start()
        answer = requests.post(
            f"{self.server.url}/api/v2.0/projects",
            json={"project_name": "library"},
            auth=(ADMIN.name, ADMIN.password),
            timeout=30,
        )
        assert answer.status_code in (201, 409), answer.text
        return self

    @property
    def client(self) -> RegistryClient:
        return RegistryClient(self.server.url, ADMIN.name, ADMIN.password)

    def push(self, number: int, **how: int) -> Image:
        pushed = image(**how)
        self.client.push(APP, pushed, f"v{number}")
        return pushed

    def fsck(self) -> subprocess.CompletedProcess[str]:
        command = [MOORAGE, "fsck", "--json"]
        env = self.server.environment()
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


_seconds = count()


def taken(appliance: Appliance, place: Place, progress: Progress | None = None) -> Manifest:
    """A backup; each has another second for its name."""
    now = datetime(2026, 7, 1, 1, 40, tzinfo=UTC) + timedelta(seconds=next(_seconds))
    return take_backup(appliance.paths, appliance, place, now, progress or Progress(print))


def restored(appliance: Appliance, place: Place, *, force: bool = False) -> Restored:
    return restore(appliance.paths, appliance, *choose(place.root, ""), Progress(print), force=force)


def killed(what: str, appliance: Appliance, place: Place, blobs: int) -> None:
    path = os.pathsep.join(str(ROOT / each) for each in ("server", "appliance", "."))
    command = [sys.executable, "-c", KILLED, what, appliance.paths.root, place.root, str(blobs)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def files_of(place: Place) -> list[Path]:
    return sorted(path for path in place.blobs.rglob("*") if path.is_file())


@pytest.fixture
def new_appliance(tmp_path: Path, request: pytest.FixtureRequest):
    def make(name: str) -> Appliance:
        made = Appliance(tmp_path / name)
        request.addfinalizer(made.server.kill)
        return made

    return make


@pytest.fixture
def first(new_appliance) -> Appliance:
    found: Appliance = new_appliance("first")
    return found.start()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "backups")


class Looking(Progress):
    """Looks whether the collector is kept out while content is copied."""

    def __init__(self, lock: Path) -> None:
        super().__init__(print)
        self._lock = lock
        self.kept_out: list[bool] = []

    def blob(self, number: int, count: int, done_bytes: int, total_bytes: int) -> None:
        with self._lock.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                self.kept_out.append(True)
            else:
                self.kept_out.append(False)


def test_a_backup_made_during_pushes_is_pulled_from_another_appliance(first, place, new_appliance) -> None:
    before = {number: first.push(number, layers=3) for number in range(12)}
    go_on, pushed = threading.Event(), []

    def push_more() -> None:
        client = first.client
        while not go_on.is_set():
            more = image(layers=2)
            client.push("library/more", more, f"m{len(pushed)}")
            pushed.append(more)

    thread = threading.Thread(target=push_more)
    thread.start()
    looking = Looking(first.paths.registry / "collecting.lock")
    try:
        manifest = taken(first, place, looking)
    finally:
        go_on.set()
        thread.join(60)
    assert set(looking.kept_out) == {True}
    assert manifest.damaged == {}
    assert manifest.blobs == manifest.copied >= 12 * 4
    verify(place, manifest, Progress(print))

    again = taken(first, place)
    assert again.blobs - again.copied == manifest.blobs
    assert taken(first, place).copied == 0

    second = new_appliance("second")
    second.server.start()
    second.client.login()
    done = restored(second, place)
    assert done.manifest.name == place.names()[-1]
    for number, each in before.items():
        assert second.client.pull(APP, f"v{number}") == each.digest
    for number, each in enumerate(pushed):
        assert second.client.pull("library/more", f"m{number}") == each.digest
    # It is a registry like any other: takes pushes, and finds nothing wrong with itself.
    second.push(99)
    checked = second.fsck()
    assert checked.returncode == 0, checked.stdout + checked.stderr
    keys = [path.name for path in (first.paths.registry / "keys").iterdir()]
    for name in keys:
        assert (second.paths.registry / "keys" / name).read_bytes() == (
            first.paths.registry / "keys" / name
        ).read_bytes()
    modes = {path.stat().st_mode & 0o077 for path in (second.paths.registry / "keys").iterdir()}
    assert modes == {0}
    assert {path.stat().st_mode & 0o077 for path in place.root.rglob("*")} == {0}


def test_a_rotten_blob_of_a_backup_is_named_and_nothing_is_changed(first, place, new_appliance) -> None:
    for number in range(3):
        first.push(number)
    manifest = taken(first, place)
    rotten, gone = files_of(place)[1:3]
    body = bytearray(rotten.read_bytes())
    body[len(body) // 2] ^= 1
    rotten.write_bytes(body)
    gone.unlink()
    second = new_appliance("second").start()
    mine = second.push(7)
    inode = second.paths.registry.stat().st_ino
    with pytest.raises(BackupError, match="nothing was changed") as refusal:
        restored(second, place, force=True)
    assert rotten.name in str(refusal.value)
    assert gone.name in str(refusal.value)
    assert second.client.pull(APP, "v7") == mine.digest
    assert second.paths.registry.stat().st_ino == inode
    with pytest.raises(BackupError) as told:
        verify(place, manifest, Progress(print))
    assert rotten.name in str(told.value)
    # The next backup finds what is gone, and the file of the right size it believes.
    assert taken(first, place).copied == 1


def test_a_changed_part_or_manifest_is_refused(first, place, new_appliance) -> None:
    first.push(1)
    manifest = taken(first, place)
    folder = place.root / manifest.name
    second = new_appliance("second")
    database = folder / "database.sqlite"
    body = database.read_bytes()
    database.write_bytes(body[:-1] + b"x")
    with pytest.raises(BackupError, match=r"database\.sqlite holds other bytes"):
        restored(second, place)
    database.write_bytes(body)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(manifest.schema, "0000_other"))
    with pytest.raises(BackupError, match="changed or damaged"):
        read_manifest(folder)


def test_a_killed_backup_leaves_the_earlier_one_and_is_gone_on_with(first, place) -> None:
    first.push(0)
    earlier = taken(first, place)
    for number in range(1, 6):
        first.push(number, layers=3)
    killed("backup", first, place, 15)
    assert place.names() == [earlier.name]
    verify(place, earlier, Progress(print))
    there = len(files_of(place))
    assert there > earlier.blobs
    later = taken(first, place)
    assert later.copied == later.blobs - there
    assert place.names() == [earlier.name, later.name]
    assert not [each for each in place.root.iterdir() if each.name.startswith(".partial")]
    assert not list((first.paths.registry / "backups").glob("snapshot-*"))
    verify(place, later, Progress(print))


def test_a_killed_restore_changes_nothing_and_is_gone_on_with(first, place, new_appliance) -> None:
    images = {number: first.push(number, layers=3) for number in range(5)}
    taken(first, place)
    second = new_appliance("second").start()
    mine = second.push(9)
    killed("restore", second, place, 12)
    assert second.client.pull(APP, "v9") == mine.digest
    staged = second.paths.data / ".restore/registry/blobs"
    inodes = {path.stat().st_ino for path in staged.rglob("*") if path.is_file()}
    assert len(inodes) >= 11
    done = restored(second, place, force=True)
    now = {path.stat().st_ino for path in (second.paths.registry / "blobs").rglob("*") if path.is_file()}
    assert inodes <= now
    for number, each in images.items():
        assert second.client.pull(APP, f"v{number}") == each.digest
    # What was there is beside it.
    aside = {path.name for each in done.aside for path in each.rglob("*")}
    assert mine.layers[0].digest.partition(":")[2] in aside
    assert not (second.paths.data / ".restore").exists()


def test_images_are_replaced_only_by_force_and_never_under_a_registry_that_serves(
    first, place, new_appliance
) -> None:
    first.push(1)
    taken(first, place)
    second = new_appliance("second").start()
    mine = second.push(5)
    with pytest.raises(BackupError, match="--force"):
        restored(second, place)
    second.is_stoppable = False
    with pytest.raises(BackupError, match="still serves"):
        restored(second, place, force=True)
    assert second.client.pull(APP, "v5") == mine.digest


def test_what_the_registry_has_lost_is_told_and_the_rest_is_saved(first, place) -> None:
    lost, rotten = first.push(1), first.push(2)
    for each, body in ((lost, None), (rotten, b"x" * len(rotten.layers[0].data))):
        hexed = each.layers[0].digest.partition(":")[2]
        path = first.paths.registry / "blobs/sha256" / hexed[:2] / hexed
        path.unlink()
        if body is not None:
            path.write_bytes(body)
    manifest = taken(first, place)
    assert set(manifest.damaged) == {lost.layers[0].digest, rotten.layers[0].digest}
    assert manifest.copied == manifest.blobs - 2
    verify(place, manifest, Progress(print))


def test_old_backups_go_with_the_content_that_only_they_name(first, place) -> None:
    old = first.push(1)
    manifests = [taken(first, place)]
    first.push(2)
    manifests.append(taken(first, place))
    # As the collector leaves it: the first image is in no later list.
    folder = place.root / manifests[1].name
    listed = folder / "blobs.txt"
    only = {each.digest for each in old.blobs}
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if line.split()[0] not in only))
    # Nothing goes on the word of a list that somebody changed.
    with pytest.raises(BackupError, match="other bytes"):
        prune(place, 1)
    assert (len(place.names()), len(files_of(place))) == (2, manifests[1].blobs)
    found = read_file(listed)
    parts = [each for each in manifests[1].parts if each.path != "blobs.txt"]
    parts.append(Part("blobs.txt", found.size_bytes, found.hex))
    write_manifest(folder, replace(manifests[1], parts=tuple(parts)))
    gone, freed = prune(place, 1)
    assert gone == [manifests[0].name]
    assert freed == sum(len(each.data) for each in old.blobs)
    assert place.names() == [manifests[1].name]
    assert len(files_of(place)) == manifests[1].blobs - len(only)
    assert prune(place, 1) == ([], 0)


def test_two_at_once_and_a_folder_on_the_own_disk_are_refused(first, place) -> None:
    first.push(1)

    class Second(Progress):
        def blob(self, *_: int) -> None:
            with pytest.raises(BackupError, match="under way"):
                taken(first, Place(place.root.with_name("other")))

    taken(first, place, Second(print))
    with pytest.raises(BackupError, match="lies on the disks"):
        taken(first, Place(first.paths.data / "backups"))


def commanded(appliance: Appliance, *words: str, rights: str = "") -> subprocess.CompletedProcess[str]:
    """The command as the timer starts it, below a folder that stands for the machine.

    Args:
        rights: what root may do; everything when empty.
    """
    program = (
        "import sys; from pathlib import Path; from moorage_appliance.paths import Paths\n"
        "import moorage_appliance.backup.command as command\n"
        "root = Path(sys.argv.pop(1)); command.Paths = lambda: Paths(root)\n"
        "from moorage_appliance.__main__ import main; main()"
    )
    path = os.pathsep.join(str(ROOT / each) for each in ("server", "appliance", "."))
    held = ["setpriv", f"--bounding-set={rights}", "--no-new-privs", "--"] if rights else []
    command = [*held, sys.executable, "-c", program, str(appliance.paths.root), *words]
    env = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_makes_keeps_and_checks(first, place) -> None:
    first.push(1)
    done = commanded(first, "backup", "--keep", "1", str(place.root))
    assert done.returncode == 0, done.stderr
    assert "were there already" in done.stdout
    assert "100 %" in done.stdout
    checked = commanded(first, "restore", "--check", str(place.root))
    assert (checked.returncode, "is whole" in checked.stdout) == (0, True), checked.stderr
    refused = commanded(first, "restore", str(place.root))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    manifest = json.loads((place.root / place.names()[0] / "manifest.json").read_text())
    assert manifest["blobs"] == manifest["copied"] == len(files_of(place))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_with_the_units_rights_is_enough_and_leaves_everything_to_the_account(
    short_folder, request
) -> None:
    short_folder.chmod(0o755)
    one, other = Appliance(short_folder / "one"), Appliance(short_folder / "other")
    for each in (one, other):
        request.addfinalizer(each.server.kill)
    pushed = one.start().push(1)
    one.server.stop()  # it runs as root here, and makes files of root's
    owned = (one.paths.registry, one.paths.database)
    other.paths.registry.mkdir(parents=True)
    for folder in (*owned, other.paths.registry, other.paths.database):
        subprocess.run(["chown", "-R", "10000:10000", folder], check=True)
    unit = configparser.RawConfigParser(strict=False)
    unit.read(ROOT / "appliance/systemd/moorage-backup.service")
    named = unit["Service"]["CapabilityBoundingSet"].lower().replace("cap_", "+").split()
    place = Place(short_folder / "backups")
    for each in (one, other):
        for_everybody(each.paths.program / "bin/moorage")
    done = commanded(one, "backup", str(place.root), rights=",".join(["-all", *named]))
    assert done.returncode == 0, done.stderr
    assert strangers(*owned) == []
    restored(other, place)
    assert other.client.pull(APP, "v1") == pushed.digest
    other.server.stop()
    assert strangers(other.paths.registry / "keys", other.paths.registry / "blobs/sha256") == []
    assert (other.paths.database / "moorage.sqlite").stat().st_uid == 10000
    assert other.paths.state.stat().st_uid == 0


def for_everybody(program: Path) -> None:
    """A program that other accounts may start too: this one's Python may be in somebody's home."""
    system = "/usr/bin/python3"
    said = subprocess.run([system, "--version"], capture_output=True, text=True, check=True).stdout
    if said.split()[1].split(".")[:2] != [str(part) for part in sys.version_info[:2]]:
        pytest.skip("the system's Python is another release than the environment's")
    libraries = os.pathsep.join((str(ROOT / "server"), str(Path(peewee.__file__).parent)))
    program.unlink()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={libraries} exec {system} -m moorage "$@"\n')
    program.chmod(0o755)


def strangers(*folders: Path) -> list[Path]:
    """What in the folders is not the account's."""
    everything = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return [path for path in everything if path.lstat().st_uid != 10000]
