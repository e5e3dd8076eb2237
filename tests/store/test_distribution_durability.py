"""What an answer promises: what is synced when, and what a full disk does."""

import errno
import os

import pytest

from moorage.db.connection import database as handle
from moorage.db.connection import is_postgresql
from moorage.distribution import disk
from moorage.distribution.errors import ManifestUnknownError, StorageFullError
from moorage.distribution.storage import FilesystemStorage, Space
from moorage.distribution.tables import BlobRow, UploadRow
from moorage.oci.digest import digest_of
from moorage.oci.names import Tag
from tests.support.distribution import ALICE, APP, Distribution, image

DATA = b"x" * 1024
DIGEST = digest_of(DATA)


@pytest.fixture
def site(database, tmp_path, clock):
    site = Distribution(tmp_path, clock)
    site.push_blob(b"first")  # makes the repository
    return site


class Journal:
    """What became durable, in order: names of files and folders, and "commit"."""

    def __init__(self, monkeypatch):
        self.steps = []
        fsync, commit = os.fsync, type(handle.obj).commit

        def noted_fsync(descriptor):
            self.steps.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            fsync(descriptor)

        def noted_commit(self_):
            commit(self_)
            self.steps.append("commit")

        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(type(handle.obj), "commit", noted_commit)


@pytest.fixture
def journal(site, monkeypatch):
    return Journal(monkeypatch)


def test_a_push_in_one_request_costs_three_syncs_in_the_safe_order(site, journal, tmp_path):
    body = site.arrived(DATA)
    site.uploads.push(ALICE, site.project_id, APP, body, DIGEST)
    folder = str((tmp_path / "blobs" / site.storage.locate(DIGEST)).parent)
    assert journal.steps == [body.path, folder, "commit"]


def test_a_session_with_one_body_costs_a_commit_to_open_and_three_syncs_to_finish(site, journal, tmp_path):
    session = site.uploads.start(ALICE, site.project_id, APP)
    assert journal.steps == ["commit"]
    body = site.arrived(DATA, hashed=False)
    site.uploads.finish(ALICE, site.project_id, APP, session.id, body, DIGEST)
    folder = str((tmp_path / "blobs" / site.storage.locate(DIGEST)).parent)
    assert journal.steps[1:] == [body.path, folder, "commit"]


def test_a_chunk_is_durable_before_the_row_says_so_and_not_synced_twice(site, journal, tmp_path):
    session = site.uploads.start(ALICE, site.project_id, APP)
    body = site.arrived(DATA)
    journal.steps.clear()
    site.uploads.append(ALICE, APP, session.id, body)
    uploads = tmp_path / "uploads"
    assert journal.steps == [body.path, str(uploads), str(uploads / session.id), "commit"]
    journal.steps.clear()
    site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)
    folder = str((tmp_path / "blobs" / site.storage.locate(DIGEST)).parent)
    assert journal.steps == [folder, "commit"]


def test_a_manifest_with_its_tag_is_one_commit(site, journal):
    body = image(b"first")
    site.push_manifest(body, "v1")
    assert journal.steps == ["commit"]
    journal.steps.clear()
    site.manifests.delete(ALICE, site.project_id, APP, digest_of(body))
    assert journal.steps == ["commit"]


def test_looking_commits_nothing(site, journal):
    site.push_manifest(image(b"first"), "v1")
    journal.steps.clear()
    site.manifests.get(APP, Tag("v1"))
    site.blobs.stat(APP, digest_of(b"first"))
    site.tags.names(APP, 10)
    assert journal.steps == []


def no_room(*_args, **_more):
    raise OSError(errno.ENOSPC, "No space left on device")


def quota_used_up(*_args, **_more):
    raise OSError(errno.EDQUOT, "Disk quota exceeded")


@pytest.mark.parametrize("failure", [no_room, quota_used_up])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_refuses_a_push_and_changes_nothing(site, monkeypatch, step, failure):
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA[:100]))
    before = site.files()
    with monkeypatch.context() as patch:
        patch.setattr(os, step, failure)
        with pytest.raises(StorageFullError):
            site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), DIGEST)
        with pytest.raises(StorageFullError):
            site.uploads.append(ALICE, APP, session.id, site.arrived(DATA[100:]))
        with pytest.raises(StorageFullError):
            site.uploads.finish(ALICE, site.project_id, APP, session.id, site.arrived(DATA[100:]), DIGEST)
    assert site.spooled() == []
    assert site.files() == before
    assert BlobRow.select().where(BlobRow.digest == str(DIGEST)).count() == 0
    assert site.uploads.status(ALICE, APP, session.id).received_bytes == 100
    site.uploads.finish(ALICE, site.project_id, APP, session.id, site.arrived(DATA[100:]), DIGEST)
    assert site.blobs.stat(APP, DIGEST).size_bytes == 1024


def test_a_disk_that_fills_up_while_segments_are_joined_leaves_the_session(site, monkeypatch, tmp_path):
    session = site.uploads.start(ALICE, site.project_id, APP)
    for start in (0, 512):
        site.uploads.append(ALICE, APP, session.id, site.arrived(DATA[start : start + 512]))
    with monkeypatch.context() as patch:
        patch.setattr(os, "copy_file_range", no_room)
        with pytest.raises(StorageFullError):
            site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)
    assert len(list((tmp_path / "uploads" / session.id).iterdir())) == 2
    site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)


def test_segments_are_joined_where_the_kernel_cannot_copy(site, monkeypatch):
    def cannot(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", cannot)
    session = site.uploads.start(ALICE, site.project_id, APP)
    for start in (0, 512):
        site.uploads.append(ALICE, APP, session.id, site.arrived(DATA[start : start + 512]))
    site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_blob_that_found_no_room_in_the_database_gives_its_own_room_back(site, monkeypatch, streamed):
    def full(*_):
        raise StorageFullError

    session = site.uploads.start(ALICE, site.project_id, APP)
    first, last = (DATA[:100], DATA[100:]) if streamed else (b"", DATA)
    site.uploads.append(ALICE, APP, session.id, site.arrived(first))
    before = site.files()
    with monkeypatch.context() as patch:
        patch.setattr(type(site.blob_store), "put", full)
        with pytest.raises(StorageFullError):
            site.uploads.finish(ALICE, site.project_id, APP, session.id, site.arrived(last), DIGEST)
    assert site.files() == before
    site.uploads.finish(ALICE, site.project_id, APP, session.id, site.arrived(last), DIGEST)
    assert site.blobs.stat(APP, DIGEST).size_bytes == 1024


def test_a_blob_that_others_hold_stays_when_the_database_has_no_room(site, monkeypatch):
    def full(*_):
        raise StorageFullError

    site.push_blob(DATA)
    monkeypatch.setattr(type(site.blob_store), "put", full)
    with pytest.raises(StorageFullError):
        site.push_blob(DATA)
    assert site.blobs.stat(APP, DIGEST).size_bytes == 1024


def test_other_failures_of_the_disk_are_not_taken_for_a_full_one(site, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, "sync_file", broken)
    monkeypatch.setattr("moorage.distribution.storage.sync_file", broken)
    with pytest.raises(OSError, match="Input/output error"):
        site.uploads.push(ALICE, site.project_id, APP, site.arrived(DATA), DIGEST)
    assert site.spooled() == []


def test_a_full_database_refuses_a_push_and_deletes_still_work(site):
    if is_postgresql():
        handle.execute_sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
        )
        handle.execute_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON manifest FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
    site_body = image(b"first")
    old = None
    if not is_postgresql():
        old = site.push_manifest(image(b"first", b"first"), "old")
        pages = handle.execute_sql("PRAGMA page_count").fetchone()[0]
        handle.execute_sql(f"PRAGMA max_page_count = {pages}")
    large = image(b"first")[:-1] + b', "annotations": {"a": "' + b"x" * 100_000 + b'"}}'
    with pytest.raises(StorageFullError):
        site.push_manifest(large, "large")
    with pytest.raises(ManifestUnknownError):
        site.manifests.get(APP, Tag("large"))
    if old is not None:
        site.manifests.delete(ALICE, site.project_id, APP, old)
        handle.execute_sql("PRAGMA max_page_count = 4294967294")
    else:
        handle.execute_sql("DROP TRIGGER full_disk ON manifest")
    site.push_manifest(site_body, "v1")


def test_below_the_reserve_bodies_are_refused_before_they_come(database, tmp_path, clock, monkeypatch):
    free = [10_000]
    monkeypatch.setattr(FilesystemStorage, "space", lambda _: Space(100_000, free[0]))
    site = Distribution(tmp_path, clock, reserve_bytes=1000)
    site.uploads.admit(ALICE.key, 9000)
    with pytest.raises(StorageFullError):
        site.uploads.admit(ALICE.key, 9001)
    site.uploads.admit(ALICE.key)


def test_what_could_not_be_finished_leaves_no_session_row_without_its_bytes(site, monkeypatch):
    session = site.uploads.start(ALICE, site.project_id, APP)
    monkeypatch.setattr(type(site.upload_store), "grow", no_room)
    with pytest.raises(OSError, match="No space"):
        site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    assert UploadRow.get().received_bytes == 0
