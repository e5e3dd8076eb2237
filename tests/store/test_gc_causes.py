"""Whatever leaves something behind notes a candidate in its own transaction, and no cause is lost."""

from datetime import timedelta

import pytest

from moorage.config.settings import GcSettings
from moorage.events import BlobPushed
from moorage.gc.model import Kind
from moorage.gc.store import Noted
from moorage.oci.digest import digest_of
from moorage.oci.names import Tag
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, LEASE, OTHER, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST

LAYER = b"layer"
BLOB = digest_of(LAYER)
WEEK = timedelta(days=7)
GRACE = timedelta(minutes=1)
AS_IT_COMES = GcSettings(jitter_seconds=0)


@pytest.fixture
def yard(database, tmp_path, clock):
    return Yard(tmp_path, clock, gc=AS_IT_COMES)


@pytest.fixture
def empty(yard, clock):
    """A registry with an image and nothing in the queue."""
    yard.push_image("v1", LAYER)
    clock.forward(hours=25)
    yard.collect()
    assert yard.causes() == {}
    return yard


def noted(yard, digest):
    """Why it is a candidate, and after how long from now it is due."""
    row = yard.candidate(digest)
    return None if row is None else (row.cause, row.due_at - yard.clock())


def test_a_pushed_blob(yard):
    yard.push_blob(LAYER)
    assert noted(yard, BLOB) == ("pushed", LEASE)


def test_a_mounted_blob(empty):
    empty.uploads.mount(ALICE, empty.project_id, OTHER, BLOB, APP, lambda project: True)
    assert noted(empty, BLOB) == ("mounted", LEASE)


def test_a_deleted_blob(yard, clock):
    yard.push_blob(LAYER)
    clock.forward(hours=48)
    yard.blobs.delete(ALICE, yard.project_id, APP, BLOB)
    assert noted(yard, BLOB) == ("deleted", GRACE)


def test_a_manifest_pushed_without_a_tag(yard):
    digest = yard.push_image(None, LAYER)
    assert noted(yard, digest) == ("pushed without a tag", WEEK)


def test_a_manifest_pushed_with_a_tag_is_none(yard):
    assert noted(yard, yard.push_image("v1", LAYER)) is None


def test_the_manifest_that_a_tag_left(empty):
    old = empty.manifests.get(APP, Tag("v1")).digest
    new = empty.push_image("v1", b"new")
    assert noted(empty, old) == ("tag moved", WEEK)
    empty.tags.put(ALICE, empty.project_id, APP, Tag("v1"), old)
    assert noted(empty, new) == ("tag moved", WEEK)


def test_the_manifest_of_a_deleted_tag(empty):
    digest = empty.manifests.get(APP, Tag("v1")).digest
    empty.tags.delete(ALICE, empty.project_id, APP, Tag("v1"))
    assert noted(empty, digest) == ("tag deleted", WEEK)


def test_what_a_deleted_manifest_leaves(yard, clock):
    child = yard.push_image(None, LAYER)
    stored = yard.manifests.get(APP, child)
    line = {"mediaType": OCI_MANIFEST, "digest": str(child), "size": len(stored.body)}
    top = yard.push_manifest(index([line]), "v1", media_type=OCI_INDEX)
    signature = yard.push_image(None, b"signature", subject=top)
    clock.forward(days=8)
    yard.collect()
    assert yard.causes() == {}
    yard.manifests.delete(ALICE, yard.project_id, APP, top)
    assert noted(yard, child) == ("index or subject deleted", WEEK)
    assert noted(yard, signature) == ("index or subject deleted", WEEK)
    yard.manifests.delete(ALICE, yard.project_id, APP, child)
    assert noted(yard, BLOB) == ("manifest deleted", LEASE)


def test_what_a_deleted_repository_leaves(empty):
    digest = empty.manifests.get(APP, Tag("v1")).digest
    empty.tags.delete(ALICE, empty.project_id, APP, Tag("v1"))
    empty.push_image(None, b"more")
    empty.repositories.delete(ALICE, APP)
    assert noted(empty, BLOB) == ("repository deleted", GRACE)
    assert noted(empty, digest) is None
    assert {kind for kind, _, _ in empty.causes()} == {"blob"}
    assert len(empty.causes()) == 4


def test_a_change_that_is_undone_notes_nothing(yard):
    yard.events.subscribe(BlobPushed, refuse)
    with pytest.raises(RuntimeError):
        yard.push_blob(LAYER)
    assert yard.causes() == {}


def refuse(event):
    raise RuntimeError("a subscriber fails")


def test_a_new_cause_puts_a_candidate_off_and_is_not_lost_by_whoever_looked_before(yard, clock):
    yard.push_blob(LAYER)
    clock.forward(hours=30)
    (seen,) = yard.queue.due(Kind.BLOB, clock(), 10)
    yard.push_blob(LAYER)
    yard.queue.drop([seen])
    yard.queue.defer(seen, clock())
    yard.queue.fail(seen, clock(), "EIO")
    row = yard.candidate(BLOB)
    assert (row.version, row.tries, row.due_at) == (2, 0, clock() + LEASE)
    assert yard.queue.due(Kind.BLOB, clock(), 10) == []


def test_a_cause_with_a_shorter_delay_does_not_bring_a_candidate_forward(yard, clock):
    yard.push_blob(LAYER)
    clock.forward(hours=1)
    yard.blobs.delete(ALICE, yard.project_id, APP, BLOB)
    assert noted(yard, BLOB) == ("deleted", LEASE - timedelta(hours=1))


def test_many_candidates_in_any_order_and_twice(yard, clock):
    digests = [digest_of(b"%d" % number) for number in range(1000)]
    yard.queue.put(
        Kind.BLOB, [Noted("", digest, clock()) for digest in [*digests, *reversed(digests)]], "x", clock()
    )
    found = [each.digest for page in yard.queue.all(Kind.BLOB) for each in page]
    assert sorted(found) == sorted(digests)
    assert len(yard.queue.due(Kind.BLOB, clock(), 10)) == 10
    yard.queue.drop(yard.queue.due(Kind.BLOB, clock(), 999))
    assert yard.candidates.overview().waiting == 1
