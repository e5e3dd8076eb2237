"""What goes wrong with one candidate stops no other; a run that is stopped goes on where it was."""

import errno
from datetime import timedelta

import pytest

from moorage.config.settings import GcSettings
from moorage.distribution.condemn_store import CondemnStore
from moorage.gc.collector import back_off
from moorage.gc.model import MANY_TRIES
from moorage.oci.digest import digest_of
from moorage.oci.names import Tag
from tests.support.collection import AT_ONCE, Yard
from tests.support.distribution import ALICE, APP, LEASE
from tests.support.fake_run import FakeRun
from tests.support.race import failures, together

ILL = digest_of(b"0")


@pytest.fixture
def yard(database, tmp_path, clock):
    return Yard(tmp_path, clock)


def litter(yard, clock, count=5):
    for number in range(count):
        yard.push_blob(b"%d" % number)
    clock.forward(hours=25)


def ill_row(monkeypatch):
    """The database refuses to remove one blob, whatever it is removed with."""
    delete = CondemnStore.delete_blobs
    ill = {}

    def refuse(self, blob_ids):
        blob_ids = list(blob_ids)
        if ill["id"] in blob_ids:
            raise RuntimeError("this row is ill")
        return delete(self, blob_ids)

    monkeypatch.setattr(CondemnStore, "delete_blobs", refuse)
    return ill


def test_an_ill_blob_stops_no_other_and_is_tried_again_later_and_later(yard, clock, monkeypatch):
    litter(yard, clock)
    ill_row(monkeypatch)["id"] = yard.blob_store.find(ILL).id
    run = yard.collect()
    assert (run.marks["blobs"], run.marks["errors"]) == (4, 1)
    assert yard.files() == {ILL}
    assert any("this row is ill" in text for level, text in run.said if level == "error")
    waits = []
    for tries in range(2, MANY_TRIES + 2):
        assert yard.candidates.probe() is None
        row = yard.candidate(ILL)
        assert row.tries == tries - 1
        assert "this row is ill" in row.fault
        waits.append(row.due_at - clock())
        clock.moment = row.due_at
        assert yard.collect().marks["errors"] == 1
    assert waits[0] < timedelta(minutes=2)
    assert waits[0] * 4 < waits[4] < waits[9]
    assert "1 blobs or manifests failed" in yard.candidates.probe()
    assert [each.digest for each in yard.candidates.failing()] == [ILL]
    monkeypatch.undo()
    clock.forward(hours=36)
    assert yard.collect().marks["blobs"] == 1
    assert yard.candidates.probe() is None


def test_a_disk_that_does_not_answer_loses_nothing(yard, clock, monkeypatch):
    litter(yard, clock)
    trash = yard.storage.trash

    def refuse(digest):
        if digest == ILL:
            raise OSError(errno.EIO, "Input/output error")
        return trash(digest)

    monkeypatch.setattr(yard.storage, "trash", refuse)
    run = yard.collect()
    assert (run.marks["blobs"], run.marks["errors"]) == (4, 1)
    assert yard.orphans() == {ILL}
    monkeypatch.undo()
    clock.forward(hours=1)
    assert yard.collect().marks["blobs"] == 1
    assert yard.files() == set()


def test_an_ill_manifest_stops_no_other(yard, monkeypatch):
    digests = [yard.push_image(f"v{number}", b"%d" % number) for number in range(4)]
    for number in range(4):
        yard.tags.delete(ALICE, yard.project_id, APP, Tag(f"v{number}"))
    ill = yard.store.manifests.known(yard.repositories.find(APP).id, digests[2]).id
    references = type(yard.store.manifests).references

    def refuse(self, manifest_ids):
        if ill in manifest_ids:
            raise RuntimeError("this row is ill")
        return references(self, manifest_ids)

    monkeypatch.setattr(type(yard.store.manifests), "references", refuse)
    run = yard.collect()
    assert (run.marks["manifests"], run.marks["errors"]) == (3, 1)
    assert yard.manifests.find_summary(APP, digests[2]) is not None
    assert yard.candidate(digests[2]).tries == 1


def test_waiting_times_grow_to_a_day():
    assert timedelta(seconds=45) <= back_off(0) <= timedelta(seconds=75)
    assert timedelta(hours=6) <= back_off(9) <= timedelta(hours=11)
    assert timedelta(hours=18) <= back_off(10_000) <= timedelta(hours=30)


def test_a_run_stops_between_batches_and_the_next_one_goes_on(yard, clock):
    litter(yard, clock, 20)
    collection = yard.with_settings(AT_ONCE, batch=4)
    run = FakeRun(stop_when=lambda run: run.counts.get("blobs", 0) >= 8)
    result = collection.run(run)
    assert result["blobs"] == 8
    assert len(yard.files()) == 12
    second = FakeRun(progress={**run.counts})
    assert collection.run(second)["blobs"] == 20
    assert second.counts["blobs"] == 12
    assert yard.files() == set()


def test_a_run_that_is_to_stop_at_once_does_nothing(yard, clock):
    litter(yard, clock)
    result = yard.collection.run(FakeRun(stop_when=lambda run: True))
    assert result["blobs"] == 0
    assert len(yard.files()) == 5


def test_a_digest_that_somebody_works_on_is_left_for_later(yard, clock):
    litter(yard, clock)
    other = Yard(yard.spool.folder.parent, clock, project_id=yard.project_id)
    results = []

    def while_held():
        results.append(other.collect())

    run_beside(yard, while_held)
    (run,) = results
    assert (run.marks["blobs"], run.marks["deferred"]) == (4, 1)
    clock.forward(seconds=20)
    assert yard.collect().marks["blobs"] == 1


def run_beside(yard, action):
    """Run it in another thread, as another process would, while this one holds the digest."""
    with yard.locks.hold(ILL):
        assert failures(together([action])) == []


def test_no_more_than_so_many_in_a_second(yard, clock):
    litter(yard, clock, 6)
    run = FakeRun()
    yard.with_settings(AT_ONCE, batch=2, per_second=4).run(run)
    assert sum(run.pauses) == pytest.approx(1.5, abs=0.5)


def test_a_run_breathes_after_each_batch(yard, clock):
    litter(yard, clock, 6)
    run = FakeRun()
    yard.with_settings(AT_ONCE, batch=1).run(run)
    assert len(run.pauses) == 3
    assert all(0 < pause <= 1 for pause in run.pauses)


def test_the_outlook_says_what_becomes_free_until_when(database, tmp_path, clock):
    yard = Yard(tmp_path, clock, gc=GcSettings(grace_minutes=0, jitter_seconds=0))
    yard.push_image("v1", b"needed")
    first = clock()
    yard.push_blob(b"12345")
    clock.forward(hours=2)
    yard.push_blob(b"123")
    outlook = yard.collection.outlook()
    assert outlook.waiting_bytes == 8
    assert (outlook.waiting_from, outlook.waiting_until) == (first + LEASE, clock() + LEASE)
    result = yard.collect().marks
    assert result["waiting_bytes"] == 8
    assert result["waiting_until"] == (clock() + LEASE).isoformat()
