from datetime import timedelta

import pytest

from moorage.distribution.blob_store import BlobStore
from moorage.distribution.errors import BlobUnknownError
from moorage.events import BlobDeleted, BlobMounted
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName
from tests.support.distribution import ALICE, APP, LEASE, OTHER, Distribution
from tests.support.statements import counted_statements

DATA = b"0123456789"
DIGEST = digest_of(DATA)
SECRET = RepositoryName("vault/secret")


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def anywhere(project_id):
    return True


def nowhere(project_id):
    return False


def mount(site, source, readable=nowhere, target=OTHER):
    return site.uploads.mount(ALICE, site.project_id, target, DIGEST, source, readable)


def lease(repository=APP):
    return BlobStore().held(repository, DIGEST).leased_until


def test_a_blob_is_there_only_for_repositories_that_hold_it(site):
    blob = site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), DIGEST)
    assert site.blobs.stat(APP, DIGEST) == blob
    for ask in (site.blobs.stat, site.blobs.open, site.blobs.locate):
        with pytest.raises(BlobUnknownError):
            ask(OTHER, DIGEST)
        with pytest.raises(BlobUnknownError):
            ask(APP, digest_of(b"nothing"))


def test_a_blob_is_found_by_one_statement(site):
    site.push_blob(DATA)
    with counted_statements() as ran:
        site.blobs.stat(APP, DIGEST)
        site.blobs.locate(APP, DIGEST)
    assert len(ran) == 2


def test_the_place_of_a_blob_is_told_below_the_root_of_blobs(site, tmp_path):
    site.push_blob(DATA)
    _, place = site.blobs.locate(APP, DIGEST)
    assert (tmp_path / "blobs" / place).read_bytes() == DATA


def test_looking_at_a_blob_renews_its_lease_when_half_of_it_is_gone(site, clock):
    site.push_blob(DATA)
    given = lease()
    clock.forward(hours=11)
    site.blobs.stat(APP, DIGEST)
    assert lease() == given
    clock.forward(hours=2)
    site.blobs.stat(APP, DIGEST)
    assert lease() == clock() + LEASE


def test_looking_at_a_blob_that_is_kept_for_good_writes_nothing(site, clock):
    site.push_image("v1", DATA)
    clock.forward(hours=48)
    with counted_statements() as ran:
        site.blobs.stat(APP, DIGEST)
    assert len(ran) == 1
    assert lease() is None


def test_a_blob_without_its_file_is_unknown(site):
    site.push_blob(DATA)
    site.storage.trash(DIGEST)
    for ask in (site.blobs.stat, site.blobs.open, site.blobs.locate):
        with pytest.raises(BlobUnknownError):
            ask(APP, DIGEST)


def test_a_deleted_blob_is_gone_here_and_stays_elsewhere(site):
    site.push_blob(DATA)
    site.push_blob(DATA, OTHER)
    site.blobs.delete(ALICE, site.project_id, APP, DIGEST)
    with pytest.raises(BlobUnknownError):
        site.blobs.stat(APP, DIGEST)
    with pytest.raises(BlobUnknownError):
        site.blobs.delete(ALICE, site.project_id, APP, DIGEST)
    assert site.blobs.stat(OTHER, DIGEST).size_bytes == 10
    assert [event.repository for event in site.happened(BlobDeleted)] == [APP]


def test_a_mount_makes_the_blob_be_there_without_an_upload(site, clock):
    blob = site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), DIGEST)
    assert mount(site, APP) == blob
    assert site.blobs.stat(OTHER, DIGEST) == blob
    assert lease(OTHER) == clock() + LEASE
    (told,) = site.happened(BlobMounted)
    assert (told.repository, told.source, told.digest) == (OTHER, APP, DIGEST)


def test_a_mount_of_what_is_here_already_changes_nothing_but_the_lease(site, clock):
    site.push_blob(DATA)
    mount(site, APP)
    clock.forward(hours=1)
    site.told.clear()
    assert mount(site, APP)
    assert site.told == []
    assert lease(OTHER) == clock() + LEASE


def test_a_mount_from_where_the_blob_is_not_gives_nothing(site):
    assert mount(site, APP) is None
    site.push_blob(b"else")
    assert mount(site, APP, anywhere) is None
    assert site.repositories.find(OTHER) is None


def test_a_mount_without_a_source_looks_only_where_the_caller_may_read(site):
    vault = site.project("vault")
    site.push_blob(DATA, SECRET, project_id=vault)
    assert mount(site, None) is None
    assert site.repositories.find(OTHER) is None
    asked = []
    assert mount(site, None, lambda project_id: asked.append(project_id) or project_id == vault)
    assert asked == [vault]
    assert site.happened(BlobMounted)[0].source == SECRET


def test_a_mount_without_a_source_asks_about_its_own_project_first(site):
    vault = site.project("vault")
    site.push_blob(DATA, SECRET, project_id=vault)
    site.push_blob(DATA)
    asked = []
    mount(site, None, lambda project_id: bool(asked.append(project_id)))
    assert asked == [site.project_id, vault]


def test_a_damaged_blob_is_not_mounted(site):
    site.push_blob(DATA)
    site.storage.trash(DIGEST)
    assert mount(site, APP) is None


def test_a_mount_outlives_its_source(site):
    site.push_blob(DATA)
    mount(site, APP)
    site.repositories.delete(ALICE, APP)
    assert site.blobs.stat(OTHER, DIGEST).size_bytes == 10


def test_leases_are_never_shortened(site, clock):
    site.push_blob(DATA)
    given = lease()
    clock.forward(hours=-2)
    site.push_blob(DATA)
    assert lease() == given
    assert given - clock() == LEASE + timedelta(hours=2)
