import os
from datetime import timedelta

import pytest

from moorage.distribution.errors import (
    BlobUnknownError,
    BlobUploadInvalidError,
    BlobUploadUnknownError,
    DigestMismatchError,
    NameUnknownError,
    TooManyUploadsError,
    UploadRangeError,
)
from moorage.distribution.tables import BlobLinkRow, BlobRow, UploadRow
from moorage.events import BlobPushed, RepositoryCreated
from moorage.oci.digest import Digest, digest_of
from tests.support.distribution import ALICE, APP, BOB, LEASE, OTHER, Distribution

DATA = b"0123456789"
DIGEST = digest_of(DATA)


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


@pytest.fixture
def session(site):
    return site.uploads.start(ALICE, site.project_id, APP)


def finish(site, session, body=None, digest=DIGEST, **more):
    return site.uploads.finish(ALICE, site.project_id, APP, session.id, body, digest, **more)


def read(site, digest, repository=APP):
    blob, file = site.blobs.open(repository, digest)
    with file:
        data = file.read()
    assert len(data) == blob.size_bytes
    return data


def upload_folders(tmp_path):
    return list((tmp_path / "uploads").iterdir())


def test_a_blob_pushed_in_one_request_can_be_read(site, tmp_path):
    blob = site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), DIGEST)
    assert (blob.digest, blob.size_bytes) == (DIGEST, 10)
    assert read(site, DIGEST) == DATA
    assert site.spooled() == []
    assert upload_folders(tmp_path) == []
    (told,) = site.happened(BlobPushed)
    assert (told.repository, told.digest, told.size_bytes) == (APP, DIGEST, 10)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", b"x", b"some more bytes"])
def test_blobs_of_either_algorithm_and_any_size_are_kept(site, session, data, algorithm):
    digest = digest_of(data, algorithm)
    site.uploads.push(ALICE, site.project_id, OTHER, site.arrived(data), digest)
    finish(site, session, site.arrived(data), digest)
    assert read(site, digest, OTHER) == read(site, digest) == data


def test_the_same_bytes_under_both_algorithms_are_two_blobs(site):
    site.push_blob(DATA)
    site.push_blob(DATA, algorithm="sha512")
    assert BlobRow.select().count() == 2
    site.blobs.delete(ALICE, site.project_id, APP, DIGEST)
    assert read(site, digest_of(DATA, "sha512")) == DATA


def test_an_upload_finished_without_a_body_is_the_empty_blob(site, session, tmp_path):
    empty = digest_of(b"")
    assert finish(site, session, None, empty).size_bytes == 0
    assert read(site, empty) == b""
    assert upload_folders(tmp_path) == []


def test_chunks_and_a_last_chunk_become_one_blob(site, session, tmp_path):
    for start, piece in ((0, b"0123"), (4, b"45"), (6, b"6")):
        session = site.uploads.append(ALICE, APP, session.id, site.arrived(piece), start)
        assert session.received_bytes == start + len(piece)
    blob = finish(site, session, site.arrived(b"789"), start=7)
    assert blob.size_bytes == 10
    assert read(site, DIGEST) == DATA
    assert upload_folders(tmp_path) == []
    assert UploadRow.select().count() == 0


@pytest.mark.parametrize("hashed", [True, False])
def test_one_streamed_chunk_is_renamed_and_never_copied(site, session, hashed, tmp_path):
    body = site.arrived(DATA, hashed=hashed)
    inode = os.stat(body.path).st_ino
    site.uploads.append(ALICE, APP, session.id, body)
    finish(site, session)
    assert (tmp_path / "blobs" / site.storage.locate(DIGEST)).stat().st_ino == inode


def test_the_digest_taken_on_the_way_is_used_and_the_file_not_read_again(site, session, monkeypatch):
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    monkeypatch.setattr("moorage.distribution.storage.hasher", None)
    finish(site, session)
    site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), DIGEST)


def test_a_blob_that_was_streamed_is_read_once_for_its_digest(site, session, monkeypatch):
    data = os.urandom(9 << 20)
    site.uploads.append(ALICE, APP, session.id, site.arrived(data, hashed=False))
    monkeypatch.setattr("moorage.distribution.storage.hasher", None)
    finish(site, session, digest=digest_of(data))
    assert read(site, digest_of(data)) == data


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_large_blob_in_one_request_is_verified_as_well(site, algorithm):
    data = os.urandom(9 << 20)
    digest = digest_of(data, algorithm)
    body = site.arrived(data[:-1] + bytes([data[-1] ^ 1]), hashed=False)
    with pytest.raises(DigestMismatchError):
        site.uploads.push(ALICE, site.project_id, APP, body, digest)
    site.uploads.push(ALICE, site.project_id, APP, site.arrived(data, hashed=False), digest)
    assert read(site, digest) == data


def test_the_digest_of_the_first_chunk_is_not_taken_for_that_of_all(site, session):
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"0123"))
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"456789"))
    with pytest.raises(DigestMismatchError):
        finish(site, session, digest=digest_of(b"0123"))
    with pytest.raises(DigestMismatchError):
        finish(site, session, site.arrived(b"more"), digest=DIGEST)
    assert finish(site, session).size_bytes == 10


def test_an_upload_goes_on_after_a_restart(site, session, tmp_path, clock):
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"0123"))
    (tmp_path / "spool" / "rest").write_bytes(b"half")
    again = Distribution(tmp_path, clock, project_id=site.project_id)
    assert again.spool.empty() == 1
    assert again.uploads.status(ALICE, APP, session.id).received_bytes == 4
    again.uploads.append(ALICE, APP, session.id, again.arrived(b"456789"), 4)
    finish(again, session)
    assert read(again, DIGEST) == DATA


@pytest.mark.parametrize("start", [0, 3, 5])
def test_a_chunk_out_of_place_changes_nothing_and_is_told_the_place(site, session, start):
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"0123"))
    with pytest.raises(UploadRangeError) as caught:
        site.uploads.append(ALICE, APP, session.id, site.arrived(b"xx"), start)
    assert caught.value.offset == 4
    with pytest.raises(UploadRangeError) as caught:
        finish(site, session, site.arrived(b"xx"), start=start)
    assert caught.value.offset == 4
    assert site.spooled() == []
    assert finish(site, session, site.arrived(b"456789"), start=4).digest == DIGEST


def test_a_wrong_digest_leaves_the_session_to_try_again(site, session):
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"0123"))
    with pytest.raises(DigestMismatchError) as caught:
        finish(site, session, site.arrived(b"45678?"))
    assert caught.value.detail["promised"] == str(DIGEST)
    assert site.uploads.status(ALICE, APP, session.id).received_bytes == 4
    assert site.files() == set()
    assert site.spooled() == []
    assert finish(site, session, site.arrived(b"456789")).digest == DIGEST


def test_a_wrong_digest_in_one_request_stores_nothing(site, session):
    with pytest.raises(DigestMismatchError):
        site.uploads.push(ALICE, site.project_id, OTHER, site.arrived(b"else"), DIGEST)
    with pytest.raises(DigestMismatchError):
        finish(site, session, site.arrived(b"else"))
    assert (site.files(), site.spooled()) == (set(), [])
    assert site.repositories.find(OTHER) is None


def test_an_empty_chunk_changes_nothing(site, session, clock):
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    clock.forward(minutes=1)
    found = site.uploads.append(ALICE, APP, session.id, site.arrived(b""))
    assert (found.received_bytes, found.digest) == (10, DIGEST)
    assert site.uploads.status(ALICE, APP, session.id).updated_at == clock()
    assert finish(site, session).size_bytes == 10


def test_a_session_belongs_to_one_account_and_one_repository(site, session):
    site.repositories.ensure(ALICE, site.project_id, OTHER)
    for actor, repository in ((BOB, APP), (ALICE, OTHER)):
        with pytest.raises(BlobUploadUnknownError):
            site.uploads.status(actor, repository, session.id)
        with pytest.raises(BlobUploadUnknownError):
            site.uploads.append(actor, repository, session.id, site.arrived(DATA))
        with pytest.raises(BlobUploadUnknownError):
            site.uploads.finish(actor, site.project_id, repository, session.id, site.arrived(DATA), DIGEST)
        with pytest.raises(BlobUploadUnknownError):
            site.uploads.cancel(actor, repository, session.id)
    assert site.spooled() == []
    assert site.uploads.status(ALICE, APP, session.id).received_bytes == 0


@pytest.mark.parametrize("upload_id", ["", "../../etc", "0" * 32, "A" * 32, "0" * 31, "\0", "x" * 5000])
def test_an_odd_id_is_no_session(site, session, upload_id):
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.append(ALICE, APP, upload_id, site.arrived(DATA))


def test_a_cancelled_upload_is_gone_with_its_bytes(site, session, tmp_path):
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    site.uploads.cancel(ALICE, APP, session.id)
    assert upload_folders(tmp_path) == []
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.status(ALICE, APP, session.id)
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.cancel(ALICE, APP, session.id)


def test_a_chunk_that_comes_when_the_upload_just_ended_leaves_nothing_behind(
    site, session, tmp_path, monkeypatch
):
    grow = type(site.upload_store).grow

    def end_first(store, *rest):
        store.drop(session.id)
        return grow(store, *rest)

    monkeypatch.setattr(type(site.upload_store), "grow", end_first)
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    assert upload_folders(tmp_path) == []


def test_a_segment_that_a_crash_left_behind_is_replaced(site, session):
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"0123"))
    stray = site.storage.settle(site.arrived(b"a much longer chunk"))
    site.storage.append(session.id, 4, stray)  # and the process died before the row said so
    assert site.uploads.status(ALICE, APP, session.id).received_bytes == 4
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"456789"), 4)
    finish(site, session)
    assert read(site, DIGEST) == DATA


def test_a_stray_segment_is_not_counted_when_the_upload_is_finished(site, session):
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    site.storage.append(session.id, 10, site.storage.settle(site.arrived(b"stray")))
    finish(site, session)
    assert read(site, DIGEST) == DATA


def test_a_session_whose_files_are_lost_says_so(site, session, tmp_path):
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"0123"))
    site.storage.discard_upload(session.id)
    with pytest.raises(BlobUploadInvalidError):
        finish(site, session, site.arrived(b"456789"))
    site.uploads.cancel(ALICE, APP, session.id)
    assert upload_folders(tmp_path) == []


def test_sessions_that_nobody_touched_expire_and_others_do_not(site, clock, tmp_path):
    old = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, old.id, site.arrived(DATA))
    kept = site.uploads.start(ALICE, site.project_id, APP)
    clock.forward(hours=2)
    site.uploads.append(ALICE, APP, kept.id, site.arrived(DATA))
    (tmp_path / "uploads" / ("ab" * 16)).mkdir()
    assert site.uploads.expire(timedelta(hours=1)) == 1
    assert [folder.name for folder in upload_folders(tmp_path)] == [kept.id]
    assert site.uploads.status(ALICE, APP, kept.id).received_bytes == 10
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.status(ALICE, APP, old.id)


def test_an_account_has_only_so_many_uploads_open(database, tmp_path, clock):
    site = Distribution(tmp_path, clock, open_limit=2)
    first = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.start(ALICE, site.project_id, APP)
    with pytest.raises(TooManyUploadsError) as caught:
        site.uploads.start(ALICE, site.project_id, APP)
    assert caught.value.retry_after > 0
    with pytest.raises(TooManyUploadsError):
        site.uploads.admit(ALICE.key, 10, opens=True)
    site.uploads.admit(ALICE.key, 10)  # what is open may go on
    site.uploads.start(BOB, site.project_id, APP)
    site.uploads.cancel(ALICE, APP, first.id)
    site.uploads.start(ALICE, site.project_id, APP)


def test_the_first_upload_makes_the_repository_once(site):
    site.uploads.start(ALICE, site.project_id, APP)
    site.push_blob(DATA)
    assert len(site.happened(RepositoryCreated)) == 1


def test_nothing_goes_into_a_project_that_is_gone(site):
    for project_id in (site.project_id + 1, site.project("foreign")):
        site.repositories.ensure(ALICE, site.project_id, APP)
        with pytest.raises(NameUnknownError):
            site.uploads.start(ALICE, project_id, APP)
        with pytest.raises(NameUnknownError):
            site.uploads.push(ALICE, project_id, APP, site.arrived(DATA), DIGEST)
    with pytest.raises(NameUnknownError):
        site.uploads.start(ALICE, site.project_id + 2, OTHER)


def test_a_pushed_blob_is_promised_for_the_length_of_a_lease(site, clock):
    site.push_blob(DATA)
    assert BlobLinkRow.get().leased_until == clock() + LEASE
    clock.forward(hours=-5)
    site.push_blob(DATA)
    assert BlobLinkRow.get().leased_until == clock() + LEASE + timedelta(hours=5)
    BlobLinkRow.update(leased_until=None).execute()
    site.push_blob(DATA)
    assert BlobLinkRow.get().leased_until is None


def test_pushing_a_damaged_blob_again_heals_it(site, tmp_path):
    site.push_blob(DATA)
    path = tmp_path / "blobs" / site.storage.locate(DIGEST)
    os.truncate(path, 3)
    with pytest.raises(BlobUnknownError):
        site.blobs.stat(APP, DIGEST)
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    finish(site, session)
    assert read(site, DIGEST) == DATA


def test_a_row_with_a_wrong_size_is_put_right_by_the_next_push(site):
    site.push_blob(DATA)
    BlobRow.update(size_bytes=3).execute()
    site.push_blob(DATA)
    assert site.blobs.stat(APP, DIGEST).size_bytes == 10


def test_an_unsupported_algorithm_is_refused(site):
    with pytest.raises(Exception, match="not supported"):
        site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), Digest("md5", "0" * 32))
    assert site.spooled() == []
