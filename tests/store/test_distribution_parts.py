"""A manifest that goes with what belongs to it alone, whoever else is at work."""

from datetime import timedelta
from functools import partial

import pytest

from moorage.distribution.errors import ManifestInUseError, ManifestUnknownError
from moorage.distribution.hold_store import HoldStore
from moorage.distribution.model import ManifestKey
from moorage.distribution.tables import BlobLinkRow, ManifestRow
from moorage.events import ManifestDeleted, TagDeleted
from moorage.oci.names import Tag
from tests.support.distribution import ALICE, APP, Distribution, descriptor, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST
from tests.support.race import together


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def push_index(site, tag, *children):
    bodies = [site.manifests.get(APP, each).body for each in children]
    lines = [descriptor(body, OCI_INDEX if b'"manifests"' in body else OCI_MANIFEST) for body in bodies]
    return site.push_manifest(index(lines), tag, media_type=OCI_INDEX)


def delete(site, digest):
    site.manifests.delete(ALICE, site.project_id, APP, digest, with_parts=True)


def left(site):
    return {row.digest for row in ManifestRow.select()}


def test_alone_a_manifest_goes_by_itself(site):
    child = site.push_image(None, b"amd64")
    parent = push_index(site, "1", child)
    site.manifests.delete(ALICE, site.project_id, APP, parent)
    assert left(site) == {str(child)}


def test_with_parts_go_its_children_and_their_signatures_and_their_blobs_are_leased(site, clock):
    child = site.push_image(None, b"amd64")
    inner = push_index(site, "inner", child)
    site.tags.delete(ALICE, site.project_id, APP, Tag("inner"))
    outer = push_index(site, "1", inner, child)
    signature = site.push_image("signed", b"signature", subject=child)
    with pytest.raises(ManifestInUseError):
        delete(site, child)
    site.told.clear()
    delete(site, outer)
    assert left(site) == set()
    assert [event.digest for event in site.happened(ManifestDeleted)] == [outer, inner, child, signature]
    assert [event.tag for event in site.happened(TagDeleted)] == ["1", "signed"]
    assert all(row.leased_until == clock() + timedelta(hours=24) for row in BlobLinkRow.select())


def test_what_a_running_job_holds_stays(site, clock):
    child = site.push_image(None, b"amd64")
    parent = push_index(site, "1", child)
    assert HoldStore().put(ManifestKey(APP, child), "job", clock() + timedelta(hours=1))
    delete(site, parent)
    assert left(site) == {str(child)}


def test_a_child_that_is_named_at_this_moment_is_either_named_or_gone(site):
    for number in range(6):
        child = site.push_image(None, b"amd64 %d" % number)
        parent = push_index(site, "1", child)
        naming = partial(site.tags.put, ALICE, site.project_id, APP, Tag("named"), child)
        results = together([naming, partial(delete, site, parent)])
        assert results[1] is None
        if isinstance(results[0], Exception):
            assert isinstance(results[0], ManifestUnknownError)
            assert str(child) not in left(site)
        else:
            assert site.manifests.get(APP, Tag("named")).digest == child


def test_two_indexes_with_one_child_that_go_at_once_leave_nothing_listed(site):
    for number in range(6):
        child = site.push_image(None, b"amd64 %d" % number)
        other = site.push_image(None, b"arm64 %d" % number)
        one, two = push_index(site, "1", child), push_index(site, "2", child, other)
        assert together([partial(delete, site, one), partial(delete, site, two)]) == [None, None]
        # Each may have seen the other's index when it looked; then the collector comes for the child.
        assert left(site) <= {str(child)}
        if left(site):
            delete(site, child)
