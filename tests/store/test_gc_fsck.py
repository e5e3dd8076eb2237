"""The check of database and files: what it finds, what it repairs, and that it never guesses."""

import errno
import itertools
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moorage.db.connection import database as handle
from moorage.db.connection import is_postgresql
from moorage.distribution.errors import BlobUnknownError
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.quarantine import Quarantine
from moorage.distribution.shelves import Shelves
from moorage.distribution.tables import (
    BlobLinkRow,
    BlobRow,
    ManifestBlobRow,
    ManifestChildRow,
    ManifestRow,
    ProjectBlobRow,
    ProjectUsageRow,
    RepositoryRow,
    TagRow,
)
from moorage.distribution.usage import Usage
from moorage.distribution.usage_store import UsageStore
from moorage.gc.findings import FindingKind
from moorage.gc.tables import CandidateRow
from moorage.oci.digest import Digest, digest_of
from moorage.oci.names import Tag
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, OTHER, Distribution, index
from tests.support.fsck import Fsck, everything, lawless
from tests.support.images import OCI_INDEX, OCI_MANIFEST

LAYER, SPARE = b"layer" * 100, b"spare" * 200
UPLOAD = "0123456789abcdef" * 2
CROWDED = ("00", "3a", "c7")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def site(database: str, folder: Path, clock) -> Distribution:
    """An image, an index over it, a blob of its own, and an upload under way."""
    site = Yard(folder, clock)
    digest = site.push_image("v1", LAYER)
    child = {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": manifest_size(digest)}
    site.push_manifest(index([child]), "all", media_type=OCI_INDEX)
    site.push_blob(SPARE, algorithm="sha512")
    session = site.uploads.start(ALICE, site.project_id, OTHER)
    site.uploads.append(ALICE, OTHER, session.id, site.arrived(b"on its way"))
    return site


@pytest.fixture
def fsck(site: Distribution, folder: Path) -> Fsck:
    return Fsck(site, folder)


def manifest_size(digest: Digest) -> int:
    body: bytes = ManifestRow.get(ManifestRow.digest == str(digest)).body
    return len(body)


def damaged_bytes(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def orphan(fsck: Fsck, data: bytes = b"nobody's", algorithm: str = "sha256") -> Digest:
    """A file as a crash between file and row leaves it."""
    digest = digest_of(data, algorithm)
    fsck.site.storage.place(fsck.site.storage.settle(fsck.site.arrived(data)), digest)
    return digest


# -- nothing wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("rehash", [True, False])
@pytest.mark.parametrize("repair", [True, False])
def test_a_healthy_registry_has_no_findings_and_stays_as_it_is(fsck, folder, repair, rehash):
    before = everything(folder)
    result = fsck.run(repair=repair, rehash=rehash)
    assert (result["ok"], result["findings"], result["unreadable"]) == (True, {}, 0)
    assert result["checked_blobs"] == BlobRow.select().count() == 3
    assert result["checked_bytes"] == sum(row.size_bytes for row in BlobRow.select())
    assert fsck.errors == []
    assert everything(folder) == before


def test_an_empty_registry_is_healthy(database, tmp_path, clock):
    result = Fsck(Distribution(tmp_path / "empty", clock), tmp_path / "empty").run(repair=True)
    assert (result["ok"], result["checked_blobs"]) == (True, 0)


def test_progress_tells_how_many_are_done_of_how_many(fsck):
    fsck.run()
    marks = fsck.last.marks
    assert (marks["checked_blobs"], marks["total_blobs"]) == (3, 3)
    assert marks["checked_bytes"] == marks["total_bytes"] > 0
    assert marks["findings"] == 0


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_file_without_a_row_goes_to_the_quarantine(fsck, algorithm):
    digest = orphan(fsck, algorithm=algorithm)
    assert fsck.found() == {"orphan_file": 1}
    (told,) = fsck.errors
    assert str(digest) in told
    assert "(8 bytes)" in told
    assert fsck.path(digest).exists()
    result = fsck.run(repair=True)
    assert (result["ok"], result["findings"], result["repaired"]) == (True, {"orphan_file": 1}, 1)
    assert fsck.set_aside() == {digest.hex: b"nobody's"}
    assert fsck.run(repair=True)["findings"] == {}


def test_a_blob_whose_file_was_set_aside_can_be_pushed_again(fsck):
    digest = orphan(fsck)
    fsck.run(repair=True)
    fsck.site.push_blob(b"nobody's")
    assert fsck.path(digest).read_bytes() == b"nobody's"
    assert fsck.found() == {}


@pytest.mark.parametrize("repair", [True, False])
@pytest.mark.parametrize("rehash", [True, False])
def test_a_missing_file_is_told_with_every_image_that_needs_it(fsck, repair, rehash):
    fsck.site.push_image("v2", LAYER, repository=OTHER)
    digest = digest_of(LAYER)
    fsck.path(digest).unlink()
    result = fsck.run(repair=repair, rehash=rehash)
    assert (result["ok"], result["findings"], result["remaining"]) == (False, {"missing_file": 1}, 1)
    (told,) = fsck.errors
    assert f"missing_file: {digest} ({len(LAYER)} bytes)" in told
    assert "library/app:all, library/app:v1, library/other:v2" in told
    assert BlobRow.get(BlobRow.digest == str(digest)).size_bytes == len(LAYER)
    fsck.site.push_blob(LAYER)
    assert fsck.found(rehash=rehash) == {}


def test_an_untagged_image_that_needs_a_missing_file_is_named_by_its_digest(fsck):
    digest = fsck.site.push_image(None, b"untagged", repository=OTHER)
    fsck.path(digest_of(b"untagged")).unlink()
    fsck.run()
    assert f"library/other@{digest}" in fsck.errors[0]


@pytest.mark.parametrize("data", [b"", LAYER[:-1], LAYER + b"x"])
@pytest.mark.parametrize("rehash", [True, False])
def test_a_file_of_a_wrong_size_is_set_aside_and_healed_by_a_push(fsck, data, rehash):
    digest = digest_of(LAYER)
    fsck.path(digest).write_bytes(data)
    assert fsck.found(rehash=rehash) == {"wrong_size": 1}
    assert f"its row says {len(LAYER)} bytes" in fsck.errors[0]
    assert "library/app:v1" in fsck.errors[0]
    result = fsck.run(repair=True, rehash=rehash)
    assert (result["ok"], result["repaired"], result["remaining"]) == (False, 1, 1)
    assert fsck.set_aside() == {digest.hex: data}
    assert fsck.found(repair=True) == {"missing_file": 1}
    fsck.site.push_blob(LAYER)
    assert fsck.run(rehash=rehash)["ok"] is True


@pytest.mark.parametrize("data", [LAYER, SPARE], ids=["sha256", "sha512"])
def test_a_file_of_other_bytes_is_found_and_healed_by_a_client_that_asks_first(fsck, data):
    algorithm = "sha256" if data is LAYER else "sha512"
    digest = digest_of(data, algorithm)
    fsck.path(digest).write_bytes(damaged_bytes(data))
    assert fsck.found(rehash=False) == {}
    assert fsck.found() == {"corrupt": 1}
    assert str(digest_of(damaged_bytes(data), algorithm)) in fsck.errors[0]
    # Before the repair a client is told that the blob is there, and does not send it again.
    assert fsck.site.blobs.stat(APP, digest).size_bytes == len(data)
    result = fsck.run(repair=True)
    assert (result["findings"], result["remaining"]) == ({"corrupt": 1}, 1)
    assert fsck.set_aside() == {digest.hex: damaged_bytes(data)}
    with pytest.raises(BlobUnknownError):
        fsck.site.blobs.stat(APP, digest)
    mounted = fsck.site.uploads.mount(ALICE, fsck.site.project_id, OTHER, digest, APP, lambda _: True)
    assert mounted is None
    fsck.site.push_blob(data, algorithm=algorithm)
    assert fsck.site.blobs.stat(APP, digest).size_bytes == len(data)
    with fsck.site.storage.open(digest) as file:
        assert file.read() == data
    assert fsck.run()["ok"] is True


def test_all_damage_is_found_in_one_run(fsck):
    blobs = [fsck.site.push_blob(b"blob %d" % number) for number in range(40)]
    for digest in blobs[:10]:
        fsck.path(digest).unlink()
    for digest in blobs[10:20]:
        fsck.path(digest).write_bytes(damaged_bytes(fsck.path(digest).read_bytes()))
    for digest in blobs[20:30]:
        fsck.path(digest).write_bytes(b"short")
    for number in range(10):
        orphan(fsck, b"orphan %d" % number)
    found = {"corrupt": 10, "missing_file": 10, "orphan_file": 10, "wrong_size": 10}
    assert fsck.found() == found
    assert fsck.run(repair=True)["repaired"] == 30
    assert len(fsck.set_aside()) == 30
    assert fsck.found() == {"missing_file": 30}


STRAYS = (
    "blobs/odd",
    "blobs/sha256/odd",
    "blobs/sha256/AB",
    "blobs/sha256/00/odd",
    f"blobs/sha256/00/{'a' * 64}",
    f"blobs/sha256/aa/{'a' * 128}",
    f"blobs/sha256/aa/{'A' * 64}",
    f"blobs/sha256/aa/{'a' * 64}.0123456789abcdef",
    f"blobs/sha512/aa/{'a' * 64}",
    "blobs/sha256/00/\udcff\n",
    f"blobs/sha256/00/{'x' * 250}",
)


@pytest.mark.parametrize("name", STRAYS)
def test_a_name_that_is_no_digest_is_a_stray(fsck, folder, name):
    (folder / name).write_bytes(b"stray")
    assert fsck.found() == {"stray_file": 1}
    (told,) = fsck.errors
    assert told.isprintable()
    assert "(5 bytes)" in told
    told.encode()
    result = fsck.run(repair=True)
    assert (result["ok"], result["repaired"]) == (True, 1)
    assert list(fsck.set_aside().values()) == [b"stray"]
    assert not os.path.lexists(folder / name)
    assert fsck.found() == {}


def test_a_link_or_a_folder_with_the_name_of_a_blob_is_a_stray(fsck, folder):
    outside = folder / "outside"
    outside.write_bytes(LAYER)
    digest = digest_of(LAYER)
    fsck.path(digest).unlink()
    fsck.path(digest).symlink_to(outside)
    other = folder / "blobs" / "sha256" / "bb" / ("b" * 64)
    other.mkdir()
    (other / "inner").write_bytes(b"123")
    assert fsck.found() == {"stray_file": 2, "missing_file": 1}
    fsck.run(repair=True)
    assert outside.read_bytes() == LAYER
    assert fsck.found() == {"missing_file": 1}
    assert {thing.size_bytes for thing in fsck.quarantine.list()} == {3, len(str(outside))}


def test_a_missing_folder_of_blobs_hides_nothing(fsck, folder):
    for prefix in (folder / "blobs" / "sha256").iterdir():
        shutil.rmtree(prefix)
    assert fsck.found() == {"missing_file": 2}


# -- uploads ---------------------------------------------------------------------------------


def abandoned(folder: Path, clock, hours: float, name: str = UPLOAD) -> Path:
    path = folder / "uploads" / name
    path.mkdir()
    (path / ("0" * 20)).write_bytes(b"segment")
    moment = (clock() - timedelta(hours=hours)).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_an_upload_without_a_session_is_an_orphan_once_it_is_old(fsck, folder, clock):
    path = abandoned(folder, clock, 1)
    assert fsck.found() == {}
    os.utime(path, (0, 0))
    assert fsck.found() == {"orphan_upload": 1}
    assert UPLOAD in fsck.errors[0]
    assert path.exists()
    assert fsck.run(repair=True)["ok"] is True
    assert not path.exists()
    assert [thing.size_bytes for thing in fsck.quarantine.list()] == [7]
    assert fsck.found() == {}


def test_an_old_upload_with_a_session_stays(fsck, folder):
    (path,) = (folder / "uploads").iterdir()
    os.utime(path, (0, 0))
    assert fsck.found(repair=True) == {}
    assert path.exists()


def test_a_name_that_is_no_upload_is_an_orphan_at_once(fsck, folder):
    (folder / "uploads" / "odd").write_bytes(b"x")
    assert fsck.found(repair=True) == {"orphan_upload": 1}
    assert fsck.set_aside() == {"odd": b"x"}


# -- rows ------------------------------------------------------------------------------------


def test_a_manifest_whose_body_has_another_digest_is_told_with_its_tags(fsck):
    row = ManifestRow.get(ManifestRow.media_type == OCI_MANIFEST)
    body = bytes(row.body).replace(b'"schemaVersion": 2', b'"schemaVersion" :2')
    ManifestRow.update(body=body).where(ManifestRow.id == row.id).execute()
    result = fsck.run(repair=True)
    assert (result["ok"], result["findings"]) == (False, {"corrupt_manifest": 1})
    assert row.digest in fsck.errors[0]
    assert str(digest_of(body)) in fsck.errors[0]
    assert "library/app:v1" in fsck.errors[0]
    fsck.site.manifests.delete(ALICE, fsck.site.project_id, APP, digest_of(index_body()))
    fsck.site.manifests.delete(ALICE, fsck.site.project_id, APP, Digest.parse(row.digest))
    fsck.site.push_manifest(bytes(row.body), "v1")
    assert fsck.found() == {}


def index_body() -> bytes:
    return bytes(ManifestRow.get(ManifestRow.media_type == OCI_INDEX).body)


def lose_link() -> None:
    needed = ManifestBlobRow.get()
    BlobLinkRow.delete().where(BlobLinkRow.blob == needed.blob_id).execute()
    Usage(UsageStore(), OverviewStore()).recount(1)


def lose_blob() -> None:
    spare = BlobRow.get(BlobRow.digest == str(digest_of(SPARE, "sha512")))
    BlobRow.delete().where(BlobRow.id == spare.id).execute()
    Usage(UsageStore(), OverviewStore()).recount(1)


def lose_manifest_of_tag() -> None:
    TagRow.update(manifest=10_000).where(TagRow.name == "all").execute()


def swap_child() -> None:
    parent = ManifestRow.get(ManifestRow.media_type == OCI_INDEX)
    ManifestChildRow.update(child=parent.id).execute()


def lose_child() -> None:
    ManifestChildRow.update(child=10_000).execute()


def move_tag_to_other_repository() -> None:
    TagRow.update(repository=RepositoryRow.get(RepositoryRow.name == OTHER)).where(
        TagRow.name == "v1"
    ).execute()


def lose_repository() -> None:
    RepositoryRow.update(id=5_000).where(RepositoryRow.name == OTHER).execute()


def lose_project() -> None:
    RepositoryRow.update(project=5_000).where(RepositoryRow.name == OTHER).execute()


def lose_edge() -> None:
    ManifestBlobRow.delete().where(ManifestBlobRow.blob_id == ManifestBlobRow.get().blob_id).execute()


def loosen_link() -> None:
    BlobLinkRow.update(leased_until=datetime(2030, 1, 1, tzinfo=UTC)).where(
        BlobLinkRow.blob == ManifestBlobRow.get().blob_id
    ).execute()


def lose_child_edge() -> None:
    ManifestChildRow.delete().execute()


@pytest.mark.parametrize(
    ("damage", "told", "also"),
    [
        (lose_link, "which its repository does not hold", {}),
        (lose_manifest_of_tag, "tag all names manifest 10000", {}),
        (swap_child, "which is another manifest or none", {}),
        (lose_child, "which is another manifest or none", {}),
        (move_tag_to_other_repository, "which its repository does not have", {}),
        (lose_project, "which is not there", {}),
        (lose_edge, "nothing keeps", {"dangling_edge": 2}),
        (lose_edge, "is held for good, and no manifest needs it", {"dangling_edge": 2}),
        (lose_child_edge, "nothing keeps", {}),
        (loosen_link, "which is only leased", {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_rows_that_contradict_each_other_are_told_and_left_alone(fsck, folder, damage, told, also):
    with lawless():
        damage()
    fsck.run(repair=True)  # what follows from it is set right
    before = everything(folder)
    result = fsck.run(repair=True)
    assert (result["ok"], result["findings"]) == (False, {"dangling_edge": 1, **also}), fsck.errors
    assert any(text.startswith("dangling_edge") and told in text for text in fsck.errors)
    assert everything(folder) == before


def test_a_link_to_a_blob_that_has_no_row_is_told(fsck):
    with lawless():
        lose_blob()
    assert fsck.found() == {"orphan_file": 1, "dangling_edge": 1}
    assert any("holds blob" in text for text in fsck.errors)


def test_a_row_of_another_table_is_told_where_the_database_can_tell(fsck):
    with lawless():
        lose_repository()
    found = fsck.found()
    assert found == ({} if is_postgresql() else {"dangling_edge": 1})


def test_a_row_whose_digest_is_none_is_told(fsck):
    with lawless():
        CandidateRow.delete().execute()
        BlobRow.update(digest="sha256:abc").where(BlobRow.digest.startswith("sha512")).execute()
    assert fsck.found() == {"missing_file": 1, "orphan_file": 1}
    assert any("sha256:abc" in text for text in fsck.errors)


# -- the collector's queue -------------------------------------------------------------------


def test_what_nothing_needs_and_the_collector_does_not_know_of_is_noted(fsck, folder):
    spare = digest_of(SPARE, "sha512")
    untagged = fsck.site.push_image(None, b"untagged")
    attached = fsck.site.push_image(None, b"attached", subject=untagged)
    listed = fsck.site.manifests.get(APP, Tag("v1")).digest
    fsck.site.tags.delete(ALICE, fsck.site.project_id, APP, Tag("v1"))
    assert fsck.found(repair=True) == {}
    CandidateRow.delete().execute()
    before = everything(folder)
    assert fsck.found() == {"unqueued": 2}
    assert everything(folder) == before
    assert [str(spare) in fsck.errors[0], str(untagged) in fsck.errors[1]] == [True, True]
    assert not any(str(digest) in text for text in fsck.errors for digest in (attached, listed))
    assert fsck.run(repair=True)["ok"] is True
    noted = {(row.kind, row.repository, row.digest) for row in CandidateRow.select()}
    assert noted == {("blob", "", str(spare)), ("manifest", APP, str(untagged))}
    assert fsck.found() == {}


# -- counters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda: ProjectUsageRow.update(bytes=ProjectUsageRow.bytes + 7).execute(),
        lambda: ProjectUsageRow.delete().execute(),
        lambda: ProjectBlobRow.update(links=9).execute(),
        lambda: ProjectBlobRow.delete().execute(),
        lambda: ProjectBlobRow.create(project_id=1, blob_id=99, links=1),
    ],
    ids=["sum", "no sum", "links", "no links", "stale"],
)
def test_wrong_counters_of_a_project_are_told_and_set_right(fsck, folder, damage):
    used = fsck.usage.of(fsck.site.project_id)
    healthy = fsck.site.project("healthy")
    damage()
    before = everything(folder)
    result = fsck.run()
    assert (result["ok"], result["findings"], result["repaired"]) == (False, {"usage": 1}, 0)
    assert fsck.errors[0].startswith("usage: library; counted as ")
    assert everything(folder) == before
    assert fsck.run(repair=True)["ok"] is True
    assert (fsck.usage.of(fsck.site.project_id), fsck.usage.of(healthy)) == (used, 0)
    assert fsck.run()["findings"] == {}


# -- what cannot be read ---------------------------------------------------------------------


@pytest.fixture
def blind(monkeypatch):
    """Makes a part of the disk fail."""

    def fail(name: str, when) -> None:
        real = getattr(Shelves, name)

        def look(self, *arguments):
            if when(*arguments):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(self, *arguments)

        monkeypatch.setattr(Shelves, name, look)

    return fail


def test_a_folder_that_cannot_be_read_is_told_and_nothing_in_it_is_judged(fsck, folder, blind):
    digest = digest_of(LAYER)
    fsck.path(digest).unlink()
    elsewhere = orphan(fsck, b"elsewhere")
    assert elsewhere.hex[:2] != digest.hex[:2]
    blind("shelf", lambda algorithm, prefix: (algorithm, prefix) == ("sha256", digest.hex[:2]))
    result = fsck.run(repair=True)
    assert (result["ok"], result["unreadable"], result["findings"]) == (False, 1, {"orphan_file": 1})
    assert any(f"unreadable: blobs/sha256/{digest.hex[:2]}: Input/output error" in e for e in fsck.errors)


def test_a_file_that_cannot_be_looked_at_is_neither_missing_nor_moved(fsck, blind):
    digest = orphan(fsck)
    blind("find", lambda asked: asked == digest)
    result = fsck.run(repair=True)
    assert (result["ok"], result["unreadable"], result["findings"]) == (False, 1, {})
    assert fsck.path(digest).exists()


def test_a_file_that_cannot_be_read_is_not_called_corrupt(fsck, monkeypatch):
    digest = digest_of(LAYER)
    fsck.path(digest).write_bytes(damaged_bytes(LAYER))

    def broken(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", broken)
    result = fsck.run(repair=True)
    assert (result["ok"], result["unreadable"], result["findings"]) == (False, 3, {})
    assert fsck.path(digest).exists()


def test_what_cannot_be_moved_stays_where_it_is_and_remains_a_finding(fsck, folder, monkeypatch):
    digest = orphan(fsck)
    (folder / "blobs" / "odd").write_bytes(b"stray")
    fsck.path(digest_of(LAYER)).write_bytes(damaged_bytes(LAYER))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = everything(folder)
    monkeypatch.setattr(Quarantine, "take", full)
    result = fsck.run(repair=True)
    assert (result["ok"], result["repaired"], result["remaining"]) == (False, 0, 3)
    assert result["findings"] == {"orphan_file": 1, "stray_file": 1, "corrupt": 1}
    assert ("warning", f"{digest} could not be moved to the quarantine: No space left on device") in (
        fsck.last.said
    )
    assert everything(folder) == before


def test_uploads_that_cannot_be_listed_do_not_stop_the_rest(fsck, blind):
    orphan(fsck)
    blind("uploads", lambda *_: True)
    result = fsck.run(repair=True)
    assert (result["unreadable"], result["findings"]) == (1, {"orphan_file": 1})


def test_nothing_is_repaired_when_the_database_is_damaged(fsck, folder, monkeypatch):
    digest = orphan(fsck)
    if is_postgresql():
        monkeypatch.setattr(fsck.inspection, "faults", lambda stopping: ["page 3 is damaged"])
    else:  # an index that has lost an entry hides rows, as a page that was not written does
        handle.execute_sql("PRAGMA writable_schema = 1")
        handle.execute_sql(
            "UPDATE sqlite_master SET sql = sql || ' WHERE digest > ''sha256:f''' "
            "WHERE type = 'index' AND name = 'blob_digest'"
        )
        handle.execute_sql("PRAGMA writable_schema = 0")
        handle.close()
        handle.connect()
    result = fsck.run(repair=True)
    assert result["ok"] is False
    assert result["findings"]["database"] >= 1
    assert "the database is damaged, so nothing was repaired" in result["message"]
    assert result["repaired"] == 0
    assert fsck.path(digest).exists()


# -- as a run of a job -----------------------------------------------------------------------


def test_without_repair_nothing_changes_whatever_is_wrong(fsck, folder, clock):
    orphan(fsck)
    (folder / "blobs" / "odd").write_bytes(b"x")
    abandoned(folder, clock, 5)
    fsck.path(digest_of(LAYER)).write_bytes(damaged_bytes(LAYER))
    fsck.path(digest_of(SPARE, "sha512")).write_bytes(b"short")
    before = everything(folder)
    assert fsck.run()["remaining"] == 5
    assert everything(folder) == before


@pytest.mark.parametrize("rehash", [True, False])
def test_a_run_that_was_broken_off_anywhere_goes_on_and_counts_nothing_twice(fsck, rehash):
    # Many in few folders, so that the run is broken off inside of folders as well.
    crowded = (data for data in map(b"%d".__mod__, itertools.count()) if digest_of(data).hex[:2] in CROWDED)
    for number, data in enumerate(itertools.islice(crowded, 60)):
        fsck.site.push_blob(data) if number % 2 else orphan(fsck, data)
    expected = fsck.run(rehash=rehash)
    progress: dict[str, object] = {}
    rounds = 0
    result = {"ok": None}

    while progress.get("stage") != "done":
        looks = itertools.count()
        patience = (5, 9, 4, 40)[rounds % 4]
        result = fsck.run(
            rehash=rehash,
            progress=progress,
            stop_when=lambda run, each=looks, most=patience: next(each) > most,
        )
        assert "not finished" in result["message"] or fsck.last.marks["stage"] == "done"
        progress = {**progress, **fsck.last.marks}
        rounds += 1
        assert rounds < 200
    assert rounds > 3
    for name in ("findings", "checked_blobs", "checked_bytes", "remaining"):
        assert result[name] == expected[name], name


def test_findings_beyond_a_thousand_are_counted_and_not_told(fsck, folder, monkeypatch):
    monkeypatch.setattr("moorage.gc.findings._MOST_TOLD", 5)
    for number in range(9):
        orphan(fsck, b"%d" % number)
    assert fsck.found() == {"orphan_file": 9}
    assert len(fsck.errors) == 5
    assert ("warning", "orphan_file: further ones are counted, not told") in fsck.last.said


def test_every_kind_has_a_test():
    text = Path(__file__).read_text()
    assert [kind for kind in FindingKind if f'"{kind}"' not in text] == []
