import json

import pytest

from moorage.distribution.artifact_filter import ArtifactFilter
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.errors import (
    BlobInUseError,
    BlobUnknownError,
    DigestMismatchError,
    ManifestBlobUnknownError,
    ManifestInUseError,
    ManifestUnknownError,
    NameUnknownError,
)
from moorage.events import ManifestDeleted, ManifestPushed, RepositoryCreated, TagDeleted, TagMoved
from moorage.oci.digest import digest_of
from moorage.oci.manifest import ManifestInvalidError
from moorage.oci.names import RepositoryName, Tag
from tests.support.distribution import ALICE, APP, LEASE, OTHER, Distribution, descriptor, image, index
from tests.support.images import DOCKER_LAYER, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

CONFIG = b'{"architecture":"amd64"}'
LAYER = b"layer"
BODY = image(CONFIG, LAYER)
DIGEST = digest_of(BODY)


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


@pytest.fixture
def stocked(site):
    """A registry whose repository has the blobs of `BODY`."""
    site.push_blob(CONFIG)
    site.push_blob(LAYER)
    return site


def lease_of(data, repository=APP):
    return BlobStore().held(repository, digest_of(data)).leased_until


def test_a_manifest_comes_back_byte_for_byte_by_tag_and_by_digest(stocked):
    body = json.dumps(json.loads(BODY), indent=3).encode()
    digest = stocked.push_manifest(body, "v1")
    for reference in (Tag("v1"), digest):
        found = stocked.manifests.get(APP, reference)
        assert (found.body, found.media_type, found.digest) == (body, OCI_MANIFEST, digest)


def test_a_push_tells_of_the_manifest_and_of_the_tag(stocked):
    stocked.told.clear()
    stocked.push_manifest(BODY, "v1")
    (pushed,) = stocked.happened(ManifestPushed)
    (moved,) = stocked.happened(TagMoved)
    assert (pushed.digest, pushed.tag, pushed.created) == (DIGEST, "v1", True)
    assert (moved.tag, moved.digest, moved.previous) == ("v1", DIGEST, None)


def test_a_moved_tag_tells_what_it_named_before(stocked):
    stocked.push_manifest(BODY, "v1")
    other = stocked.push_image("v1", b"another layer")
    assert stocked.happened(TagMoved)[-1].previous == DIGEST
    assert stocked.manifests.get(APP, Tag("v1")).digest == other
    assert stocked.manifests.get(APP, DIGEST).body == BODY


def test_pushing_the_same_again_creates_nothing_and_moves_nothing(stocked):
    stocked.push_manifest(BODY, "v1")
    stocked.told.clear()
    assert not stocked.manifests.put(ALICE, stocked.project_id, APP, Tag("v1"), None, BODY).created
    assert [event.created for event in stocked.happened(ManifestPushed)] == [False]
    assert stocked.happened(TagMoved) == []


def test_every_missing_blob_is_named(site):
    site.push_blob(b"config")
    body = image(b"config", b"one", b"two")
    with pytest.raises(ManifestBlobUnknownError) as caught:
        site.push_manifest(body, "v1")
    assert caught.value.detail == {"digests": [str(digest_of(b"one")), str(digest_of(b"two"))]}
    with pytest.raises(ManifestUnknownError):
        site.manifests.get(APP, Tag("v1"))


def test_a_blob_that_only_another_repository_holds_is_missing(stocked):
    with pytest.raises(ManifestBlobUnknownError):
        stocked.push_manifest(BODY, "v1", OTHER)
    assert stocked.repositories.find(OTHER) is None


def test_a_refused_push_leaves_no_repository_behind(site):
    with pytest.raises(ManifestBlobUnknownError):
        site.push_manifest(BODY, "v1", RepositoryName("library/new"))
    assert site.repositories.find(RepositoryName("library/new")) is None
    assert site.happened(RepositoryCreated) != []  # told, and undone with the transaction


def test_a_manifest_makes_its_blobs_stay_for_good(stocked, clock):
    assert lease_of(LAYER) == clock() + LEASE
    stocked.push_manifest(BODY, "v1")
    assert lease_of(LAYER) is None
    assert lease_of(CONFIG) is None


def test_blobs_whose_lease_ran_out_but_that_are_there_still_serve_a_push(stocked, clock):
    clock.forward(hours=48)
    stocked.push_manifest(BODY, "v1")
    assert lease_of(LAYER) is None


def test_a_descriptor_with_a_wrong_size_is_refused(stocked):
    document = json.loads(BODY)
    document["layers"][0]["size"] += 1
    with pytest.raises(ManifestInvalidError, match="has 5 bytes, its descriptor says 6"):
        stocked.push_manifest(json.dumps(document).encode(), "v1")


def test_layers_that_are_not_distributed_need_not_be_here(site):
    site.push_blob(CONFIG)
    document = json.loads(image(CONFIG))
    foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    document["layers"] = [descriptor(b"windows base", foreign) | {"urls": ["https://example.com/base"]}]
    digest = site.push_manifest(json.dumps(document).encode(), "win")
    assert site.manifests.find_summary(APP, digest).size_bytes > len(b"windows base")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_push_by_digest_must_have_that_digest(stocked, algorithm):
    right = digest_of(BODY, algorithm)
    assert stocked.push_manifest(BODY, right) == right
    assert stocked.manifests.get(APP, right).body == BODY
    with pytest.raises(DigestMismatchError) as caught:
        stocked.push_manifest(BODY + b"\n", right)
    assert caught.value.detail["promised"] == str(right)


def test_the_same_bytes_are_never_two_kinds(stocked):
    document = json.loads(BODY)
    del document["mediaType"]
    body = json.dumps(document).encode()
    stocked.push_manifest(body, "v1")
    document["mediaType"] = DOCKER_MANIFEST
    document["layers"][0]["mediaType"] = DOCKER_LAYER
    stocked.push_manifest(json.dumps(document).encode(), "v2", media_type=DOCKER_MANIFEST)
    with pytest.raises(ManifestInvalidError):
        stocked.push_manifest(body, "v3", media_type=DOCKER_MANIFEST)


def test_the_subject_need_not_be_there(stocked):
    absent = digest_of(b"nobody")
    put = stocked.manifests.put
    result = put(ALICE, stocked.project_id, APP, Tag("sig"), None, image(CONFIG, LAYER, subject=absent))
    assert result.subject == absent


def test_an_index_needs_its_children_in_this_repository(site):
    child = site.push_image(None, b"amd64")
    body = site.manifests.get(APP, child).body
    other = site.push_image(None, b"arm64", repository=OTHER)
    lines = [
        {"mediaType": OCI_MANIFEST, "digest": str(child), "size": len(body)},
        {"mediaType": OCI_MANIFEST, "digest": str(other), "size": 7},
    ]
    with pytest.raises(ManifestBlobUnknownError) as caught:
        site.push_manifest(index(lines), "multi", media_type=OCI_INDEX)
    assert caught.value.detail == {"digests": [str(other)]}
    whole = site.push_manifest(index(lines[:1]), "multi", media_type=OCI_INDEX)
    nested = [{"mediaType": OCI_INDEX, "digest": str(whole), "size": len(index(lines[:1]))}]
    assert site.push_manifest(index(nested), "nested", media_type=OCI_INDEX)


def test_an_index_with_a_wrong_size_for_a_child_is_refused(site):
    child = site.push_image(None, b"amd64")
    lines = [{"mediaType": OCI_MANIFEST, "digest": str(child), "size": 3}]
    with pytest.raises(ManifestInvalidError, match="its descriptor says 3"):
        site.push_manifest(index(lines), "multi", media_type=OCI_INDEX)


def test_an_index_may_list_blobs_as_build_caches_do(site):
    body = index([descriptor(b"cached layer")])
    with pytest.raises(ManifestBlobUnknownError):
        site.push_manifest(body, "cache", media_type=OCI_INDEX)
    site.push_blob(b"cached layer")
    site.push_manifest(body, "cache", media_type=OCI_INDEX)
    with pytest.raises(BlobInUseError):
        site.blobs.delete(ALICE, site.project_id, APP, digest_of(b"cached layer"))


def test_a_sparse_index_takes_its_child_in_when_that_comes(database, tmp_path, clock):
    site = Distribution(tmp_path, clock, sparse_indexes=True)
    site.push_blob(CONFIG)
    site.push_blob(LAYER)
    lines = [{"mediaType": OCI_MANIFEST, "digest": str(DIGEST), "size": len(BODY)}]
    parent = site.push_manifest(index(lines), "sparse", media_type=OCI_INDEX)
    parent_id = site.manifests.find_summary(APP, parent).id
    assert [line.child_id for line in site.manifests.children(parent_id)] == [None]
    site.push_manifest(BODY, DIGEST)
    (line,) = site.manifests.children(parent_id)
    assert line.child_id == site.manifests.find_summary(APP, DIGEST).id
    with pytest.raises(ManifestInUseError):
        site.manifests.delete(ALICE, site.project_id, APP, DIGEST)


def test_deleting_a_manifest_takes_its_tags_and_no_others(stocked):
    stocked.push_manifest(BODY, "v1")
    stocked.push_manifest(BODY, "v2")
    stocked.push_image("other", b"other layer")
    stocked.told.clear()
    stocked.manifests.delete(ALICE, stocked.project_id, APP, DIGEST)
    assert [event.tag for event in stocked.happened(TagDeleted)] == ["v1", "v2"]
    assert [event.digest for event in stocked.happened(ManifestDeleted)] == [DIGEST]
    assert stocked.tags.names(APP, 10) == ["other"]
    for reference in (Tag("v1"), DIGEST):
        with pytest.raises(ManifestUnknownError):
            stocked.manifests.get(APP, reference)


def test_a_deleted_manifest_leaves_its_blobs_on_a_lease_unless_another_needs_them(stocked, clock):
    stocked.push_manifest(BODY, "v1")
    stocked.push_blob(b"config 2")
    stocked.push_manifest(image(b"config 2", LAYER), "v2")
    clock.forward(hours=5)
    stocked.manifests.delete(ALICE, stocked.project_id, APP, DIGEST)
    assert lease_of(LAYER) is None
    assert lease_of(CONFIG) == clock() + LEASE


def test_the_child_of_an_index_goes_only_after_the_index(site):
    child = site.push_image("amd64", b"amd64")
    size = len(site.manifests.get(APP, child).body)
    lines = [{"mediaType": OCI_MANIFEST, "digest": str(child), "size": size}]
    parent = site.push_manifest(index(lines), "multi", media_type=OCI_INDEX)
    with pytest.raises(ManifestInUseError):
        site.manifests.delete(ALICE, site.project_id, APP, child)
    assert site.tags.names(APP, 10) == ["amd64", "multi"]
    site.manifests.delete(ALICE, site.project_id, APP, parent)
    site.manifests.delete(ALICE, site.project_id, APP, child)
    assert site.tags.names(APP, 10) == []


def test_what_is_not_there_cannot_be_deleted(stocked):
    with pytest.raises(NameUnknownError):
        stocked.manifests.delete(ALICE, stocked.project_id, OTHER, DIGEST)
    with pytest.raises(ManifestUnknownError):
        stocked.manifests.delete(ALICE, stocked.project_id, APP, DIGEST)


def test_a_repository_of_another_project_is_out_of_reach(stocked):
    foreign = stocked.project("foreign")
    with pytest.raises(NameUnknownError):
        stocked.push_manifest(BODY, "v1", project_id=foreign)


def test_a_blob_that_a_manifest_needs_cannot_be_deleted(stocked):
    stocked.push_manifest(BODY, "v1")
    with pytest.raises(BlobInUseError):
        stocked.blobs.delete(ALICE, stocked.project_id, APP, digest_of(LAYER))
    stocked.manifests.delete(ALICE, stocked.project_id, APP, DIGEST)
    stocked.blobs.delete(ALICE, stocked.project_id, APP, digest_of(LAYER))
    with pytest.raises(BlobUnknownError):
        stocked.blobs.stat(APP, digest_of(LAYER))


def test_lists_show_what_was_pushed_for_its_own_sake(site, clock):
    child = site.push_image(None, b"amd64")
    size = len(site.manifests.get(APP, child).body)
    clock.forward(seconds=1)
    lines = [{"mediaType": OCI_MANIFEST, "digest": str(child), "size": size}]
    parent = site.push_manifest(index(lines), "multi", media_type=OCI_INDEX)
    clock.forward(seconds=1)
    site.push_image(None, b"signature", subject=parent)
    clock.forward(seconds=1)
    loose = site.push_image(None, b"loose")
    assert [found.digest for found in site.manifests.page(APP, limit=10)] == [loose, parent]
    assert [found.digest for found in site.manifests.page(APP, limit=1, offset=1)] == [parent]
    tagged, untagged = ArtifactFilter(tagged=True), ArtifactFilter(tagged=False)
    assert [found.digest for found in site.manifests.page(APP, tagged, limit=10)] == [parent]
    assert [found.digest for found in site.manifests.page(APP, untagged, limit=10)] == [loose]
    assert (site.manifests.count(APP), site.manifests.count(APP, tagged)) == (2, 1)


def test_a_summary_tells_what_the_manifest_is(stocked, clock):
    stocked.push_manifest(BODY, "v1")
    found = stocked.manifests.find_summary(APP, Tag("v1"))
    assert found == stocked.manifests.find_summary(APP, DIGEST)
    assert found.size_bytes == len(BODY) + len(CONFIG) + len(LAYER)
    assert (found.media_type, found.pushed_at, found.pulled_at) == (OCI_MANIFEST, clock(), None)
    assert stocked.manifests.find_summary(APP, Tag("nothing")) is None
    tags = stocked.manifests.tags_of([found.id])
    assert [entry.name for entry in tags[found.id]] == ["v1"]


def test_counted_pulls_show_on_repository_manifest_and_tag(stocked, clock):
    stocked.push_manifest(BODY, "v1")
    stocked.pulls.count(APP, "v1", str(DIGEST), 3, clock())
    stocked.pulls.count(APP, "", str(DIGEST), 1, clock())
    stocked.pulls.count(APP, "gone", str(digest_of(b"gone")), 1, clock())
    assert stocked.repositories.find(APP).pull_count == 5
    assert stocked.manifests.find_summary(APP, DIGEST).pulled_at == clock()
    assert stocked.tags.entries(APP, limit=1)[0].pulled_at == clock()
