"""The collector beside clients: nobody gets an error, and nothing that was acknowledged is missing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from moorage.clock import utcnow
from moorage.distribution.errors import ManifestBlobUnknownError, ManifestUnknownError
from moorage.distribution.tables import BlobLinkRow
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, OTHER, descriptor, image, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST
from tests.support.race import failures, together

CONFIG = b"{}"
LAYERS = (b"one", b"two", b"three")
ROUNDS = 12


@pytest.fixture
def yard(database, tmp_path, clock):
    return Yard(tmp_path, clock)


def push_layers(yard, *layers, repository=APP):
    for data in (CONFIG, *layers):
        yard.push_blob(data, repository)


def numbered(number, which="") -> bytes:
    """A manifest of its own over the same layers."""
    return image(CONFIG, *LAYERS, annotations={"number": f"{number}{which}"})


@contextmanager
def collecting(yard: Yard) -> Iterator[Callable[[], int]]:
    """The collector runs again and again beside the block; called, it says how often it did."""
    stop, rounds = threading.Event(), []

    def work():
        while not stop.is_set():
            rounds.append(yard.collect())

    results = []
    thread = threading.Thread(target=lambda: results.extend(together([work])))
    thread.start()
    try:
        yield lambda: len(rounds)
    finally:
        stop.set()
        thread.join()
    assert failures(results) == []
    assert all(run.marks["errors"] == 0 for run in rounds), [run.texts for run in rounds]


def test_a_manifest_pushed_while_its_twin_is_deleted_keeps_its_blobs_for_good(yard):
    for number in range(ROUNDS):
        push_layers(yard, *LAYERS)
        old, new = numbered(number, "a"), numbered(number, "b")
        yard.push_manifest(old, digest_of(old))
        results = together(
            [
                partial(yard.manifests.delete, ALICE, yard.project_id, APP, digest_of(old)),
                partial(yard.push_manifest, new, digest_of(new)),
            ]
        )
        assert failures(results) == []
        assert yard.intact()
        yard.manifests.delete(ALICE, yard.project_id, APP, digest_of(new))


def test_pushes_of_the_same_layers_while_tags_go_and_the_collector_never_rests(database, tmp_path):
    yard = Yard(tmp_path, utcnow)
    bodies = []

    def push(which: str) -> None:
        for number in range(ROUNDS):
            body = numbered(number, which)
            push_layers(yard, *LAYERS)
            yard.push_manifest(body, which)
            bodies.append(body)

    def untag() -> None:
        for number in range(ROUNDS):
            body = numbered(number, "c")
            push_layers(yard, *LAYERS)
            yard.push_manifest(body, "c")
            yard.tags.delete(ALICE, yard.project_id, APP, Tag("c"))

    with collecting(yard) as rounds:
        results = together([partial(push, "a"), partial(push, "b"), untag])
    assert failures(results) == []
    assert rounds() > 1
    assert yard.intact()
    yard.collect()
    for which in "ab":
        assert yard.manifests.get(APP, Tag(which)).body == numbered(ROUNDS - 1, which)
    with pytest.raises(ManifestUnknownError):
        yard.manifests.get(APP, digest_of(numbered(0, "a")))


def test_a_blob_pushed_while_its_old_copy_goes_is_whole(yard, clock):
    for number in range(ROUNDS):
        data = b"%d" % number
        yard.push_blob(data)
        clock.forward(hours=25)
        results = together([partial(yard.push_blob, data), yard.collect])
        assert failures(results) == []
        assert yard.intact()
        with yard.blobs.open(APP, digest_of(data))[1] as file:
            assert file.read() == data


def test_a_mount_or_a_look_while_the_blob_goes_is_kept_or_refused(yard, clock):
    for number in range(ROUNDS):
        data = b"%d" % number
        digest = yard.push_blob(data)
        clock.forward(hours=25)
        results = together(
            [
                partial(yard.uploads.mount, ALICE, yard.project_id, OTHER, digest, APP, lambda project: True),
                partial(yard.collect),
            ]
        )
        assert failures(results) == []
        mounted = results[0] is not None
        held = [link for link in BlobLinkRow.select() if link.blob.digest == str(digest)]
        assert len(held) >= mounted
        assert (digest in yard.files()) == bool(held)
        assert yard.intact()


def test_an_index_pushed_while_its_untagged_child_goes_is_whole_or_refused(yard, clock):
    for number in range(ROUNDS):
        push_layers(yard, *LAYERS)
        body = numbered(number)
        child = yard.push_manifest(body, f"child{number}")
        clock.forward(hours=25)
        top = index([descriptor(body, OCI_MANIFEST)])
        yard.tags.delete(ALICE, yard.project_id, APP, Tag(f"child{number}"))
        results = together(
            [partial(yard.push_manifest, top, f"top{number}", media_type=OCI_INDEX), yard.collect]
        )
        assert {type(error) for error in failures(results)} <= {ManifestBlobUnknownError}
        pushed = not failures(results)
        assert (yard.manifests.find_summary(APP, child) is not None) == pushed
        assert (yard.manifests.find_summary(APP, Tag(f"top{number}")) is not None) == pushed
        assert yard.intact()


def test_a_tag_put_back_while_its_manifest_goes_names_it_or_is_refused(yard):
    for number in range(ROUNDS):
        digest = yard.push_image(f"v{number}", b"%d" % number)
        yard.tags.delete(ALICE, yard.project_id, APP, Tag(f"v{number}"))
        results = together(
            [
                partial(yard.tags.put, ALICE, yard.project_id, APP, Tag(f"v{number}"), digest),
                yard.collect,
            ]
        )
        assert {type(error) for error in failures(results)} <= {ManifestUnknownError}
        assert (yard.manifests.find_summary(APP, digest) is not None) == (not failures(results))
        assert yard.intact()


def test_a_mount_from_a_repository_that_is_deleted_beside_a_collector(yard):
    for number in range(ROUNDS):
        source = RepositoryName(f"library/source{number}")
        digest = yard.push_blob(b"%d" % number, source)
        results = together(
            [
                partial(yard.uploads.mount, ALICE, yard.project_id, OTHER, digest, source, lambda _: True),
                partial(yard.repositories.delete, ALICE, source),
                yard.collect,
            ]
        )
        assert failures(results) == []
        yard.collect()
        assert yard.intact()


def test_an_upload_between_its_digest_and_its_lock_while_the_same_digest_goes(yard, clock, monkeypatch):
    """The file is there when the upload looks first, and gone when it has the lock."""
    yard.push_blob(b"layer")
    clock.forward(hours=25)
    hold = type(yard.locks).hold
    digest = digest_of(b"layer")
    paused = []

    def pause(self, wanted):
        if not paused:
            paused.append(wanted)
            assert together([yard.collect])[0].marks["blobs"] == 1
            assert digest not in yard.files()
        return hold(self, wanted)

    monkeypatch.setattr(type(yard.locks), "hold", pause)
    yard.push_blob(b"layer")
    assert paused == [digest]
    assert yard.intact()
    with yard.blobs.open(APP, digest)[1] as file:
        assert file.read() == b"layer"


def test_two_collectors_at_once_do_the_work_once(yard, clock, tmp_path):
    for number in range(30):
        yard.push_blob(b"%d" % number)
    clock.forward(hours=25)
    other = Yard(tmp_path, clock, project_id=yard.project_id)
    results = together([yard.collect, other.collect])
    assert failures(results) == []
    assert sum(run.marks["blobs"] for run in results) + len(yard.files()) == 30
    clock.forward(minutes=1)
    yard.collect()
    assert yard.files() == set()
    assert yard.orphans() == set()


def test_a_manifest_pushed_again_by_its_digest_while_it_goes_is_there_afterwards(yard):
    """As the child of an index that is about to come: the answer to its push is a promise."""
    for number in range(ROUNDS):
        push_layers(yard, *LAYERS)
        body = numbered(number)
        digest = yard.push_manifest(body, f"v{number}")
        yard.tags.delete(ALICE, yard.project_id, APP, Tag(f"v{number}"))
        results = together([partial(yard.push_manifest, body, digest), yard.collect])
        assert failures(results) == []
        assert yard.manifests.get(APP, digest).body == body
        top = index([descriptor(body, OCI_MANIFEST)])
        yard.push_manifest(top, f"top{number}", media_type=OCI_INDEX)
        assert yard.intact()


def test_a_manifest_pushed_again_after_the_collector_looked_at_it_stays(yard, monkeypatch):
    push_layers(yard, *LAYERS)
    body = numbered(0)
    digest = yard.push_manifest(body, "v1")
    yard.tags.delete(ALICE, yard.project_id, APP, Tag("v1"))
    collecting_ = yard.work.collector._collecting
    collect = collecting_.collect

    def after_a_push(*rest):
        assert failures(together([partial(yard.push_manifest, body, digest)])) == []
        return collect(*rest)

    monkeypatch.setattr(collecting_, "collect", after_a_push)
    assert yard.collect().marks["manifests"] == 0
    assert yard.manifests.get(APP, digest).body == body


def test_free_digests_are_locked_without_waiting_for_the_others(yard):
    held, free = digest_of(b"held"), digest_of(b"free")

    def try_both():
        with yard.locks.hold_free([held, free]) as got:
            return got

    with yard.locks.hold(held):
        assert together([try_both]) == [{free}]
    assert together([try_both]) == [{held, free}]
    with yard.locks.hold_free([held, free]) as got:
        assert got == {held, free}
        assert together([try_both]) == [set()]
    assert together([try_both]) == [{held, free}]
