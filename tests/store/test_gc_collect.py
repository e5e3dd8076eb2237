"""The collector: what nobody needs goes, what somebody was promised stays."""

from datetime import timedelta

import pytest

from moorage.config.settings import GcSettings
from moorage.distribution.errors import (
    BlobUnknownError,
    ManifestBlobUnknownError,
    ManifestUnknownError,
    NameUnknownError,
)
from moorage.distribution.model import ManifestKey
from moorage.events import ManifestDeleted
from moorage.gc.model import COLLECTOR
from moorage.oci.digest import digest_of
from moorage.oci.names import Tag
from tests.support.collection import AT_ONCE, Yard
from tests.support.distribution import ALICE, APP, LEASE, OTHER, descriptor, image, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST

CONFIG = b"{}"
LAYER = b"layer"


@pytest.fixture
def yard(database, tmp_path, clock):
    return Yard(tmp_path, clock)


def has(yard, digest, repository=APP) -> bool:
    return yard.manifests.find_summary(repository, digest) is not None


def read(yard, digest, repository=APP) -> bytes:
    with yard.blobs.open(repository, digest)[1] as file:
        return file.read()


def push_index(yard, reference, *children, repository=APP):
    """An index over manifests that are there."""
    lines = []
    for digest in children:
        stored = yard.manifests.get(repository, digest)
        lines.append({"mediaType": stored.media_type, "digest": str(digest), "size": len(stored.body)})
    body = index(lines)
    return yard.push_manifest(
        body, digest_of(body) if reference is None else reference, repository, media_type=OCI_INDEX
    )


def delete_tag(yard, tag, repository=APP):
    yard.tags.delete(ALICE, yard.project_id, repository, Tag(tag))


def later(clock, lease=LEASE):
    clock.forward(seconds=lease.total_seconds() + 1)


# -- blobs -------------------------------------------------------------------------------------


def test_a_blob_that_no_manifest_followed_goes_when_its_lease_is_over(yard, clock):
    digest = yard.push_blob(LAYER)
    clock.forward(hours=23)
    assert yard.collect().marks["blobs"] == 0
    assert read(yard, digest, APP) == LAYER
    clock.forward(hours=2)
    run = yard.collect()
    assert (run.marks["blobs"], run.marks["freed_bytes"]) == (1, len(LAYER))
    assert yard.files() == set()
    assert yard.causes() == {}
    with pytest.raises(BlobUnknownError):
        yard.blobs.stat(APP, digest)
    assert str(digest) in run.texts[0]


def test_the_answer_it_is_there_keeps_a_blob(yard, clock):
    digest = yard.push_blob(LAYER)
    clock.forward(hours=20)
    yard.blobs.stat(APP, digest)
    clock.forward(hours=20)
    run = yard.collect()
    assert (run.marks["blobs"], run.marks["deferred"]) == (0, 1)
    yard.push_blob(CONFIG)
    yard.push_manifest(image(CONFIG, LAYER), "v1")
    later(clock)
    yard.collect()
    assert yard.intact()
    assert has(yard, digest_of(image(CONFIG, LAYER)))
    assert yard.files() == {digest, digest_of(CONFIG)}


def test_a_mount_keeps_a_blob(yard, clock):
    digest = yard.push_blob(LAYER)
    clock.forward(hours=20)
    yard.uploads.mount(ALICE, yard.project_id, OTHER, digest, APP, lambda project: True)
    clock.forward(hours=23)
    yard.collect()
    assert read(yard, digest, OTHER) == LAYER
    clock.forward(hours=2)
    assert yard.collect().marks["blobs"] == 1
    assert yard.files() == set()


def test_a_blob_that_is_needed_is_asked_about_once(yard, clock):
    yard.push_image("v1", LAYER)
    later(clock)
    assert yard.collect().marks["blobs"] == 0
    assert yard.causes() == {}
    assert yard.intact()


def test_a_lease_that_is_over_goes_although_another_repository_needs_the_blob(yard, clock):
    yard.push_image("v1", LAYER)
    digest = yard.push_blob(LAYER, OTHER)
    later(clock)
    assert yard.collect().marks["blobs"] == 0
    with pytest.raises(BlobUnknownError):
        yard.blobs.stat(OTHER, digest)
    assert yard.blobs.stat(APP, digest).size_bytes == len(LAYER)


def test_a_deleted_blob_goes_after_the_grace(database, tmp_path, clock):
    yard = Yard(tmp_path, clock, gc=GcSettings(grace_minutes=10, jitter_seconds=0))
    digest = yard.push_blob(LAYER)
    later(clock)
    yard.collect()
    digest = yard.push_blob(LAYER)
    later(clock)
    yard.blobs.stat(APP, digest)
    clock.forward(minutes=1)
    yard.blobs.delete(ALICE, yard.project_id, APP, digest)
    clock.forward(minutes=9)
    assert yard.collect().marks["blobs"] == 0
    clock.forward(minutes=2)
    assert yard.collect().marks["blobs"] == 1


def test_the_blobs_of_a_deleted_repository_go(yard, clock):
    yard.push_image("v1", LAYER, b"shared")
    yard.push_image("v1", b"shared", repository=OTHER)
    later(clock)
    yard.collect()
    assert yard.causes() == {}
    yard.repositories.delete(ALICE, APP)
    run = yard.collect()
    assert run.marks["blobs"] == 2
    assert digest_of(b"shared") in yard.files()
    assert digest_of(LAYER) not in yard.files()
    assert yard.intact()


def test_a_blob_that_came_again_after_it_went_is_whole(yard, clock):
    yard.push_blob(LAYER)
    later(clock)
    yard.collect()
    digest = yard.push_blob(LAYER)
    assert read(yard, digest, APP) == LAYER
    assert yard.collect().marks["blobs"] == 0
    assert yard.intact()


def test_a_file_that_a_killed_run_left_goes_with_the_next_one(yard, clock):
    digest = yard.push_blob(LAYER)
    later(clock)
    yard.blob_store.unlink_expired([yard.blob_store.find(digest).id], clock())
    yard.condemn_store.delete_blobs([yard.blob_store.find(digest).id])
    assert yard.orphans() == {digest}
    assert [item.why for item in yard.plan()] == ["a file that no row knows"]
    assert yard.collect().marks["freed_bytes"] == len(LAYER)
    assert yard.orphans() == set()


# -- manifests ---------------------------------------------------------------------------------


def test_the_manifest_whose_tag_moved_goes_and_its_blobs_after_their_lease(yard, clock):
    old = yard.push_image("latest", b"old")
    new = yard.push_image("latest", b"new")
    run = yard.collect()
    assert run.marks["manifests"] == 1
    assert not has(yard, old)
    assert has(yard, new)
    assert digest_of(b"old") in yard.files()
    assert [event.actor for event in yard.happened(ManifestDeleted)] == [COLLECTOR]
    later(clock)
    assert yard.collect().marks["blobs"] == 2
    assert digest_of(b"old") not in yard.files()
    assert yard.intact()


def test_a_tag_that_moved_away_and_back_again_keeps_its_manifest(yard, clock):
    first = yard.push_image("latest", b"a")
    yard.push_image("latest", b"b")
    yard.tags.put(ALICE, yard.project_id, APP, Tag("latest"), first)
    assert yard.collect().marks["manifests"] == 1
    assert has(yard, first)
    again = yard.push_image("latest", b"b")
    yard.collect()
    assert not has(yard, first)
    assert has(yard, again)
    later(clock)
    yard.collect()
    assert yard.intact()


def test_untagged_manifests_stay_as_long_as_the_settings_say(database, tmp_path, clock):
    yard = Yard(tmp_path, clock, gc=GcSettings(untagged_hours=48, grace_minutes=0, jitter_seconds=0))
    clock.forward(hours=1)
    digest = yard.push_image("v1", LAYER)
    clock.forward(hours=100)
    delete_tag(yard, "v1")
    clock.forward(hours=47)
    assert yard.collect().marks["manifests"] == 0
    yard.pulls.count(APP, "", str(digest), 1, clock())
    clock.forward(hours=2)
    run = yard.collect()
    assert (run.marks["manifests"], run.marks["deferred"]) == (0, 1)
    clock.forward(hours=46)
    assert yard.collect().marks["manifests"] == 1
    assert not has(yard, digest)


def test_a_manifest_pushed_without_a_tag_stays_as_long_as_a_lease(yard, clock):
    child = yard.push_image(None, LAYER)
    assert yard.collect().marks["manifests"] == 0
    clock.forward(hours=23)
    yard.collect()
    assert has(yard, child)
    top = push_index(yard, "v1", child)
    later(clock)
    yard.collect()
    assert has(yard, child)
    assert has(yard, top)
    assert yard.intact()


def test_an_untagged_manifest_stays_when_that_is_wanted(yard, clock):
    digest = yard.push_image("v1", LAYER)
    delete_tag(yard, "v1")
    assert yard.collect(delete_untagged=False).marks["manifests"] == 0
    assert yard.plan(delete_untagged=False) == []
    assert has(yard, digest)
    assert yard.collect(delete_untagged=True).marks["manifests"] == 1


def test_indexes_of_indexes_and_signatures_of_signatures_go_in_one_run(yard, clock):
    children = [yard.push_image(None, bytes([number])) for number in range(3)]
    inner = push_index(yard, None, children[0], children[1])
    outer = push_index(yard, "v1", inner, children[2])
    other = push_index(yard, "keep", children[1])
    signature = yard.push_image(None, b"signature", subject=inner)
    on_signature = yard.push_image(None, b"on signature", subject=signature)
    on_living = yard.push_image(None, b"on living", subject=other)
    later(clock)
    yard.collect()
    for each in (*children, inner, outer, other, signature, on_signature, on_living):
        assert has(yard, each)
    delete_tag(yard, "v1")
    planned = {item.digest for item in yard.plan()}
    assert yard.collect().marks["manifests"] == 6
    gone = {outer, inner, children[0], children[2], signature, on_signature}
    assert planned == gone
    assert not any(has(yard, each) for each in gone)
    assert all(has(yard, each) for each in (children[1], other, on_living))
    later(clock)
    yard.collect()
    assert yard.intact()


def test_a_signature_without_its_subject_goes_only_when_nothing_came(yard, clock):
    body = image(CONFIG, LAYER)
    signature = yard.push_image(None, b"signature", subject=digest_of(body))
    clock.forward(hours=12)
    for data in (CONFIG, LAYER):
        yard.push_blob(data)
    yard.push_manifest(body, "v1")
    later(clock)
    yard.collect()
    assert has(yard, signature)
    yard.manifests.delete(ALICE, yard.project_id, APP, digest_of(body))
    assert yard.collect().marks["manifests"] == 1
    assert not has(yard, signature)


def test_children_of_a_deleted_index_follow(yard, clock):
    child = yard.push_image(None, LAYER)
    tagged = yard.push_image("own", b"own")
    top = push_index(yard, "v1", child, tagged)
    later(clock)
    yard.collect()
    yard.manifests.delete(ALICE, yard.project_id, APP, top)
    yard.collect()
    assert not has(yard, child)
    assert has(yard, tagged)


def test_a_sparse_index_keeps_what_it_lists(database, tmp_path, clock):
    yard = Yard(tmp_path, clock, sparse_indexes=True)
    body = image(CONFIG, LAYER)
    lines = [descriptor(body, OCI_MANIFEST), descriptor(b"never pushed", OCI_MANIFEST)]
    yard.push_manifest(index(lines), "v1", media_type=OCI_INDEX)
    for data in (CONFIG, LAYER):
        yard.push_blob(data)
    child = yard.push_manifest(body, digest_of(body))
    later(clock)
    yard.collect()
    assert has(yard, child)
    delete_tag(yard, "v1")
    yard.collect()
    assert not has(yard, child)


def test_a_held_manifest_stays_until_its_holder_lets_go(yard, clock):
    digest = yard.push_image("v1", LAYER)
    key = ManifestKey(APP, digest)
    yard.holds.take(key, "replication:1", clock() + timedelta(hours=1))
    delete_tag(yard, "v1")
    assert yard.collect().marks["manifests"] == 0
    clock.forward(minutes=50)
    assert yard.holds.renew("replication:1", clock() + timedelta(hours=1)) == 1
    clock.forward(minutes=50)
    yard.collect()
    assert has(yard, digest)
    assert yard.holds.release("replication:1") == 1
    clock.forward(minutes=15)
    assert yard.collect().marks["manifests"] == 1
    with pytest.raises(ManifestUnknownError):
        yard.holds.take(key, "replication:1", clock())


def test_a_hold_of_a_job_that_died_ends_by_itself(yard, clock):
    digest = yard.push_image("v1", LAYER)
    yard.holds.take(ManifestKey(APP, digest), "replication:1", clock() + timedelta(hours=1))
    delete_tag(yard, "v1")
    clock.forward(minutes=61)
    assert yard.collect().marks["manifests"] == 1
    assert yard.holds.release("replication:1") == 0


def test_what_another_room_wants_to_keep_stays(database, tmp_path, clock):
    wanted = set()
    yard = Yard(tmp_path, clock, keepers=[lambda name, digest: "it is signed" if digest in wanted else None])
    digest = yard.push_image("v1", LAYER)
    wanted.add(digest)
    delete_tag(yard, "v1")
    assert yard.collect().marks["manifests"] == 0
    wanted.clear()
    clock.forward(hours=25)
    assert yard.collect().marks["manifests"] == 1


# -- a push that comes too late ----------------------------------------------------------------


def test_a_push_whose_clock_jumped_fails_cleanly_and_succeeds_when_repeated(yard, clock):
    yard.push_image("v1", b"old", LAYER)
    yard.push_blob(CONFIG)
    yard.push_blob(b"new")
    clock.forward(hours=25)
    yard.collect()
    body = image(CONFIG, b"new")
    with pytest.raises(ManifestBlobUnknownError):
        yard.push_manifest(body, "v1")
    with pytest.raises(ManifestUnknownError):
        yard.manifests.get(APP, digest_of(body))
    assert yard.manifests.get(APP, Tag("v1")).body != body
    for data in (CONFIG, b"new"):
        yard.push_blob(data)
    yard.push_manifest(body, "v1")
    assert yard.manifests.get(APP, Tag("v1")).body == body
    assert yard.intact()


def test_a_mount_from_a_repository_that_is_gone_asks_for_the_bytes(yard, clock):
    digest = yard.push_blob(LAYER)
    later(clock)
    yard.repositories.delete(ALICE, APP)
    yard.collect()
    mounted = yard.uploads.mount(ALICE, yard.project_id, OTHER, digest, APP, lambda project: True)
    assert mounted is None
    with pytest.raises(NameUnknownError):
        yard.manifests.get(OTHER, Tag("v1"))


# -- uploads and trash -------------------------------------------------------------------------


def test_abandoned_uploads_go_with_their_files(yard, clock, tmp_path):
    session = yard.uploads.start(ALICE, yard.project_id, APP)
    yard.uploads.append(ALICE, APP, session.id, yard.arrived(b"half"))
    clock.forward(hours=167)
    assert yard.collect().marks["uploads"] == 0
    clock.forward(hours=2)
    assert yard.collect().marks["uploads"] == 1
    assert list((tmp_path / "uploads").iterdir()) == []


def test_the_trash_is_emptied_after_its_time_or_when_the_disk_is_full(database, tmp_path, clock):
    yard = Yard(tmp_path, clock, gc=GcSettings(grace_minutes=0, jitter_seconds=0, trash_hours=1))
    digest = yard.push_blob(LAYER)
    later(clock)
    yard.collect()
    assert [(each.digest, each.size_bytes) for each in yard.storage.trashed()] == [(digest, len(LAYER))]
    outlook = yard.collection.outlook()
    assert outlook.trash_bytes == len(LAYER)
    yard.is_full = lambda: True
    run = yard.collect()
    assert list(yard.storage.trashed()) == []
    assert "disk is full" in run.texts[-1]


def test_settings_without_delay_empty_the_trash_at_once(yard, clock):
    yard.push_blob(LAYER)
    later(clock)
    yard.collect()
    assert AT_ONCE.trash_hours == 0
    assert list(yard.storage.trashed()) == []


def test_without_a_trash_files_go_at_once(database, tmp_path, clock):
    yard = Yard(tmp_path, clock, gc=GcSettings(grace_minutes=0, jitter_seconds=0, trash_hours=1), trash=False)
    digest = yard.push_blob(LAYER)
    later(clock)
    assert yard.collect().marks["blobs"] == 1
    assert yard.storage.stat(digest) is None
    assert list(yard.storage.trashed()) == []


def test_the_answer_that_a_manifest_is_there_keeps_it_for_the_index_to_come(yard, clock):
    child = yard.push_image("v1", LAYER)
    clock.forward(days=30)
    delete_tag(yard, "v1")
    yard.candidates.promise(ManifestKey(APP, child))
    yard.candidates.promise(ManifestKey(APP, child))
    clock.forward(hours=23)
    assert yard.collect().marks["manifests"] == 0
    push_index(yard, "top", child)
    later(clock)
    yard.collect()
    assert has(yard, child)
    other = yard.push_image("v2", b"other")
    delete_tag(yard, "v2")
    yard.candidates.promise(ManifestKey(APP, other))
    later(clock)
    assert yard.collect().marks["manifests"] == 1
    yard.candidates.promise(ManifestKey(APP, other))
