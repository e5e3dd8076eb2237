"""The check while others push, delete and collect, and while processes die under it."""

import itertools
import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from moorage.clock import utcnow
from moorage.db.connection import close_connection, open_database
from moorage.distribution import shelves
from moorage.distribution.blobs import Blobs
from moorage.distribution.changes import change
from moorage.distribution.errors import BlobUnknownError
from moorage.distribution.tables import BlobRow
from moorage.gc.tables import CandidateRow
from moorage.jobs.model import State
from moorage.oci.digest import Digest, digest_of
from moorage.oci.names import RepositoryName
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, Distribution
from tests.support.fsck import Fsck
from tests.support.jobs import LIVELY, Aside, Jobs
from tests.support.race import failures, together

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.store.test_gc_fsck_races"])
ROUNDS = 15
BLOBS = 40
MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def site(database: str, folder: Path) -> Yard:
    return Yard(folder, utcnow)


@pytest.fixture
def fsck(site: Distribution, folder: Path) -> Fsck:
    return Fsck(site, folder)


def test_a_file_that_was_placed_and_has_no_row_yet_is_waited_for(site, fsck, monkeypatch):
    """The upload stands between file and row, with the digest's lock, until the check has seen the file."""
    placed, seen = threading.Event(), threading.Event()
    digest = digest_of(b"landing")
    looked = fsck.shelves.shelf

    def reach(point: str) -> None:
        if point == "upload.finish.placed":
            placed.set()
            assert seen.wait(30)
            time.sleep(0.1)  # the check stands at the lock by now, or has gone wrong already

    def look(algorithm: str, prefix: str) -> shelves.Shelf:
        found = looked(algorithm, prefix)
        if str(digest) in found.files:
            seen.set()
        return found

    def check() -> dict[str, int]:
        assert placed.wait(30)
        return fsck.found(repair=True)

    monkeypatch.setattr("moorage.distribution.landing.reach", reach)
    monkeypatch.setattr(fsck.shelves, "shelf", look)
    assert together([lambda: site.push_blob(b"landing"), check]) == [digest, {}]
    assert fsck.path(digest).read_bytes() == b"landing"


def test_a_blob_that_is_collected_while_it_is_read_is_no_finding(site, fsck, monkeypatch):
    digest = site.push_blob(b"collected")
    fsck.path(digest).write_bytes(b"damaged!!")
    site.blobs.delete(ALICE, site.project_id, APP, digest)
    read = os.preadv

    def meanwhile(*arguments: Any) -> int:
        site.condemning.condemn([digest])
        return read(*arguments)

    monkeypatch.setattr(os, "preadv", meanwhile)
    assert fsck.found(repair=True) == {}
    assert not BlobRow.select().exists()


def test_a_blob_that_is_replaced_while_it_is_read_is_not_called_corrupt(site, fsck, monkeypatch):
    digest = site.push_blob(b"new bytes")
    fsck.path(digest).write_bytes(b"old bytes")
    read = os.preadv

    def meanwhile(*arguments: Any) -> int:
        size = read(*arguments)
        if size:
            fsck.path(digest).unlink()
            site.push_blob(b"new bytes")
        return size

    monkeypatch.setattr(os, "preadv", meanwhile)
    assert fsck.found(repair=True) == {}
    assert fsck.path(digest).read_bytes() == b"new bytes"


class Client:
    """Pushes, pulls and deletes in a repository of its own; others push the same layers."""

    def __init__(self, folder: Path, project_id: int, name: str) -> None:
        self.site = Yard(folder, utcnow, project_id=project_id)
        self.project_id = project_id
        self.repository = RepositoryName(f"library/{name}")

    def work(self) -> None:
        for turn in range(ROUNDS):
            self.turn([b"layer %d" % (number % 7) for number in range(turn, turn + 3)])

    def turn(self, layers: list[bytes]) -> None:
        digest = self.site.push_image("now", *layers, repository=self.repository)
        config = json.loads(self.site.manifests.get(self.repository, digest).body)["config"]["digest"]
        for layer in layers:
            with self.site.blobs.open(self.repository, digest_of(layer))[1] as file:
                assert file.read() == layer
        self.site.manifests.delete(ALICE, self.project_id, self.repository, digest)
        for each in (Digest.parse(config), *map(digest_of, layers)):
            self.site.blobs.delete(ALICE, self.project_id, self.repository, each)


def test_repairs_amid_pushes_deletions_and_collection_take_nothing_and_find_nothing(site, fsck, folder):
    """Blobs come, go and come again under the same digests while checks follow each other."""
    kept = [site.push_image(f"kept{number}", b"kept %d" % number) for number in range(5)]
    over = threading.Event()
    found: list[dict[str, int]] = []
    collected: list[int] = []

    def push_all() -> None:
        try:
            results = together(
                [Client(folder, site.project_id, name).work for name in ("one", "two", "three")]
            )
            assert failures(results) == []
        finally:
            over.set()

    def collect() -> None:
        while not over.is_set():
            change(lambda: CandidateRow.update(due_at=utcnow()).execute())
            collected.append(site.collect().marks["blobs"])

    def check() -> None:
        for number in itertools.count():
            found.append(fsck.found(repair=True, rehash=number % 2 == 0))
            if over.is_set():
                return

    assert failures(together([push_all, check, collect])) == []
    assert len(found) > 1
    assert sum(collected) > 0
    assert {kind for each in found for kind in each} == set()
    assert fsck.quarantine.list() == []
    assert fsck.found() == {}
    for digest in kept:
        assert site.manifests.get(APP, digest).digest == digest


def test_clients_heal_what_is_set_aside_while_they_push(site, fsck):
    """Whoever asks first is told that the damaged blob is not there, and sends it; so it heals."""
    data = [b"data %d" % number for number in range(BLOBS)]
    digests = [site.push_blob(each) for each in data]
    for digest in digests:
        fsck.path(digest).write_bytes(b"DATA" + fsck.path(digest).read_bytes()[4:])

    def client() -> None:
        deadline = time.monotonic() + 60
        left = dict(zip(digests, data, strict=True))
        while left and time.monotonic() < deadline:
            for digest, each in list(left.items()):
                if heal(site.blobs, digest):
                    site.push_blob(each)
                    del left[digest]
        assert not left

    results = together([client, lambda: fsck.found(repair=True)])
    assert failures(results) == []
    assert results[-1] == {"corrupt": BLOBS}
    assert len(fsck.quarantine.list()) == BLOBS
    assert fsck.found() == {}


def heal(blobs: Blobs, digest: Digest) -> bool:
    """Whether a client that asks first would send the blob."""
    try:
        blobs.stat(APP, digest)
    except BlobUnknownError:
        return True
    return False


# -- as a run of a job -----------------------------------------------------------------------


def live(url: str, folder: Path, project_id: int, execution_id: int) -> None:
    """A process that carries the run out, slowly."""
    open_database(url)
    site = Distribution(folder, utcnow, project_id=project_id)
    fsck = Fsck(site, folder, mib_per_second=4)
    Jobs(utcnow).runner({"fsck": fsck.reconciler.run}, LIVELY).run(execution_id)
    close_connection()


def test_a_run_whose_process_was_killed_goes_on_where_it_was(database, site, fsck, folder, monkeypatch):
    for number in range(30):
        site.push_blob(number.to_bytes(4, "big") * (MIB // 8))
    orphans = [digest_of(b"orphan %d" % number) for number in range(30)]
    for number, digest in enumerate(orphans):
        fsck.path(digest).write_bytes(b"orphan %d" % number)
    jobs = Jobs(utcnow)
    asked = jobs.request("fsck", parameters={"repair": True})
    process = FORKS.Process(target=live, args=(database, folder, site.project_id, asked.id), daemon=True)
    process.start()
    deadline = time.monotonic() + 30
    while int(str(jobs.executions.get(asked.id).progress.get("checked_blobs", 0))) < 10:
        assert time.monotonic() < deadline, "it does not begin"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    progress = jobs.executions.get(asked.id).progress
    done = int(str(progress["checked_blobs"]))
    assert 10 <= done < 30
    assert ":" in str(progress["cursor"])

    opened: list[Digest] = []
    real = fsck.inspection.open
    monkeypatch.setattr(fsck.inspection, "open", lambda digest: opened.append(digest) or real(digest))
    runner = jobs.runner({"fsck": fsck.reconciler.run}, LIVELY)
    ended = None
    while ended is None:
        assert time.monotonic() < deadline, "nobody takes it up"
        ended = runner.run_next()
    assert (ended.state, ended.attempts) == (State.SUCCESS, 2)
    assert ended.result["checked_blobs"] == done + len(opened) == 30
    assert len(fsck.quarantine.list()) == 30
    assert all(str(digest) > str(progress["cursor"]) for digest in opened)
    assert fsck.found() == {}


@pytest.mark.parametrize("mib_per_second", [0, 0.01])
def test_a_stop_takes_effect_in_the_middle_of_a_big_file(site, fsck, folder, mib_per_second):
    digest = Digest("sha256", "a" * 64)
    with fsck.path(digest).open("wb") as file:
        file.truncate(10 << 30)
    BlobRow.create(digest=str(digest), size_bytes=10 << 30, created_at=utcnow())
    slow = Fsck(site, folder, mib_per_second=mib_per_second)
    reading = threading.Event()
    read = os.preadv

    def tell(*arguments: Any) -> int:
        reading.set()
        return read(*arguments)

    jobs = Jobs(utcnow)
    asked = jobs.request("fsck")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "preadv", tell)
        at_work = Aside(lambda: jobs.runner({"fsck": slow.reconciler.run}).run(asked.id))
        assert reading.wait(30)
        began = time.monotonic()
        jobs.executions.stop(ALICE, asked.id)
        at_work.result()
        took = time.monotonic() - began
    ended = jobs.executions.get(asked.id)
    assert ended.state is State.STOPPED
    assert ended.result.get("findings", {}) == {}
    assert took < 2


def test_reading_keeps_to_its_rate(site, folder):
    for number in range(8):
        site.push_blob(bytes([number]) * (MIB // 4))
    began = time.monotonic()
    jobs = Jobs(utcnow)
    asked = jobs.request("fsck")
    slow = Fsck(site, folder, mib_per_second=2)
    ended = jobs.runner({"fsck": slow.reconciler.run}).run(asked.id)
    assert ended.result["checked_bytes"] == 2 * MIB
    assert 0.9 <= time.monotonic() - began < 10
