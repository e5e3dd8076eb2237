"""A database of an older release: what lies around in it already is found as well."""

from datetime import UTC, datetime, timedelta

import pytest

from moorage.db import migrate
from moorage.db.connection import database, is_postgresql
from moorage.gc.tables import CandidateRow
from moorage.oci.digest import digest_of

OLD = 1_000_000


@pytest.fixture
def older(tmp_path):
    """The migrations of the release before."""
    folder = tmp_path / "older"
    folder.mkdir()
    (folder / "0001_initial.py").write_text((migrate._FOLDER / "0001_initial.py").read_text())
    return folder


def insert(table: str, **values: object) -> None:
    place = "%s" if is_postgresql() else "?"
    columns, places = ", ".join(values), ", ".join([place] * len(values))
    database.execute_sql(f"INSERT INTO {table} ({columns}) VALUES ({places})", tuple(values.values()))  # noqa: S608


def manifest(number: int) -> None:
    insert(
        "manifest",
        id=number,
        repository_id=1,
        digest=str(digest_of(b"%d" % number)),
        media_type="application/vnd.oci.image.manifest.v1+json",
        artifact_type="",
        config_media_type="",
        size_bytes=1,
        pushed_at=OLD,
        body=b"%d" % number,
    )


def blob(number: int, *leases: int | None) -> None:
    insert("blob", id=number, digest=str(digest_of(b"blob %d" % number)), size_bytes=1, created_at=OLD)
    for repository, lease in enumerate(leases, 1):
        insert("blob_link", repository_id=repository, blob_id=number, leased_until=lease)


def test_garbage_of_an_older_release_is_noted(database_url, tmp_path, older):
    migrate.upgrade(tmp_path / "backups", older)
    insert("project", id=1, name="library", public=False, created_at=OLD, updated_at=OLD)
    for number in (1, 2):
        insert(
            "repository",
            id=number,
            project_id=1,
            name=f"library/app{number}",
            description="",
            pull_count=0,
            created_at=OLD,
            updated_at=OLD,
        )
    blob(1, None, OLD)  # needed in one place, promised in another
    blob(2, None)  # needed
    blob(3)  # held by nobody
    for number in (1, 2, 3):
        manifest(number)
    insert("tag", repository_id=1, name="v1", manifest_id=1, pushed_at=OLD)
    insert("manifest_child", parent_id=1, digest=str(digest_of(b"2")), child_id=2)
    migrate.upgrade(tmp_path / "backups")
    found = {(row.kind, row.repository, row.digest): row.due_at for row in CandidateRow.select()}
    untagged = ("manifest", "library/app1", str(digest_of(b"3")))
    leased, loose = (("blob", "", str(digest_of(b"blob %d" % number))) for number in (1, 3))
    now = datetime.now(UTC)
    assert set(found) == {leased, loose, untagged}
    assert found[leased] == datetime.fromtimestamp(1, UTC)
    assert found[loose] <= now
    assert timedelta(days=6.9) < found[untagged] - now <= timedelta(days=7)
