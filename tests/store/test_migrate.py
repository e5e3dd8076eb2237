"""Migrations: from nothing to the tables of the code, never over a newer schema, never without a copy."""

import sqlite3
import subprocess

import pytest
from peewee import sort_models

from moorage.audit import tables as audit
from moorage.configuration import tables as configuration
from moorage.db import migrate
from moorage.db.connection import IntegrityError, Row, database, is_postgresql
from moorage.distribution import tables as distribution
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.usage import Usage
from moorage.distribution.usage_store import UsageStore
from moorage.gc import tables as gc
from moorage.identity import tables as identity
from moorage.jobs import tables as jobs
from moorage.projects import tables as projects
from moorage.retention import tables as retention
from moorage.scanners import tables as scanners
from moorage.webhooks import tables as webhooks

MODULES = (configuration, identity, projects, distribution, audit, gc, jobs, retention, scanners, webhooks)
SECOND = """
import peewee
def up(migrator, db):
    db.execute_sql("CREATE TABLE second (id INTEGER)")
"""
BROKEN = """
def up(migrator, db):
    db.execute_sql("CREATE TABLE half (id INTEGER)")
    raise RuntimeError("power cut")
"""


def rows() -> list[type[Row]]:
    found = [
        each
        for module in MODULES
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Row) and each.__module__ == module.__name__
    ]
    return sort_models(found)


def described() -> list[tuple]:
    """Every column and index of the bound database, with types, as the database itself tells them."""
    if is_postgresql():
        columns = (
            "SELECT table_name, column_name, data_type, is_nullable, collation_name "
            "FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'schema_migration' "
            "ORDER BY 1, 2"
        )
        indexes = (
            "SELECT tablename, indexdef FROM pg_indexes "
            "WHERE schemaname = 'public' AND tablename <> 'schema_migration' ORDER BY 1, 2"
        )
        keys = (
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' ORDER BY 1, 2"
        )
        return [row for query in (columns, indexes, keys) for row in database.execute_sql(query).fetchall()]
    query = (
        "SELECT tbl_name, name, sql FROM sqlite_master "
        "WHERE tbl_name <> 'schema_migration' AND tbl_name NOT LIKE 'sqlite%' ORDER BY 1, 2"
    )
    return database.execute_sql(query).fetchall()


@pytest.fixture
def later(tmp_path):
    """A release that brings one migration more than this one."""
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "0001_initial.py").write_text((migrate._FOLDER / "0001_initial.py").read_text())
    return folder


def test_migrations_from_nothing_give_the_tables_of_the_code(database_url, tmp_path):
    assert migrate.upgrade(tmp_path / "backups") == sorted(
        path.stem for path in migrate._FOLDER.glob("[0-9]*.py")
    )
    migrated = described()
    database.drop_tables(rows())
    database.create_tables(rows())
    assert described() == migrated


def test_a_second_start_changes_nothing_and_copies_nothing(database_url, tmp_path):
    migrate.upgrade(tmp_path / "backups")
    assert migrate.upgrade(tmp_path / "backups") == []
    assert copies(tmp_path) == []


def test_a_schema_of_a_newer_release_is_refused(database_url, tmp_path, later):
    (later / "0002_second.py").write_text(SECOND)
    migrate.upgrade(tmp_path / "backups", later)
    with pytest.raises(migrate.SchemaNewerError, match="0002_second"):
        migrate.upgrade(tmp_path / "backups")


def test_the_database_is_copied_before_a_migration(database_url, tmp_path, later):
    migrate.upgrade(tmp_path / "backups", later)
    identity.LoginFailureRow.create(subject="kept", failures=1, first_at=0)
    (later / "0002_second.py").write_text(SECOND)
    migrate.upgrade(tmp_path / "backups", later)
    (copy,) = copies(tmp_path)
    assert copy.stat().st_mode & 0o077 == 0
    if is_postgresql():
        listed = subprocess.run(["pg_restore", "--list", copy], capture_output=True, text=True, check=True)
        assert "login_failure" in listed.stdout
        assert "second" not in listed.stdout
    else:
        kept = sqlite3.connect(copy)
        assert kept.execute("SELECT subject FROM login_failure").fetchall() == [("kept",)]
        assert not kept.execute("SELECT 1 FROM sqlite_master WHERE name = 'second'").fetchall()
        kept.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(database_url, tmp_path, later):
    migrate.upgrade(tmp_path / "backups", later)
    (later / "0002_broken.py").write_text(BROKEN)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate.upgrade(tmp_path / "backups", later)
    assert not database.table_exists("half")
    assert migrate.status(later).pending == ("0002_broken",)


def test_without_a_copy_nothing_is_migrated(database_url, tmp_path, later):
    migrate.upgrade(tmp_path / "backups", later)
    (later / "0002_second.py").write_text(SECOND)
    blocked = tmp_path / "blocked"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "_make_durable", fail_with_full_disk)
        with pytest.raises(migrate.BackupFailedError, match="No space left"):
            migrate.upgrade(blocked, later)
    assert migrate.status(later).pending == ("0002_second",)
    assert not list(blocked.glob("*.partial"))


def test_what_projects_hold_is_counted_by_the_migration_that_brings_the_counters(
    database_url, tmp_path, later
):
    migrate.upgrade(tmp_path / "backups", later)
    for statement in (
        "INSERT INTO project (id, name, public, created_at, updated_at) VALUES (1, 'dock', FALSE, 0, 0)",
        "INSERT INTO project (id, name, public, created_at, updated_at) VALUES (2, 'quay', FALSE, 0, 0)",
        "INSERT INTO project (id, name, public, created_at, updated_at) VALUES (3, 'pier', FALSE, 0, 0)",
        "INSERT INTO repository (id, project_id, name, description, pull_count, created_at, updated_at) "
        "VALUES (1, 1, 'a', '', 0, 0, 0), (2, 1, 'b', '', 0, 0, 0), (3, 2, 'c', '', 0, 0, 0)",
        "INSERT INTO blob (id, digest, size_bytes, created_at) VALUES (1, 'sha256:a', 100, 0)",
        "INSERT INTO blob (id, digest, size_bytes, created_at) VALUES (2, 'sha256:b', 20, 0)",
        "INSERT INTO blob_link (repository_id, blob_id, leased_until) VALUES (1, 1, NULL), (2, 1, 5)",
        "INSERT INTO blob_link (repository_id, blob_id, leased_until) VALUES (3, 1, 5), (3, 2, NULL)",
        "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, config_media_type, "
        "size_bytes, pushed_at, body) VALUES (1, 'sha256:c', '', '', '', 999, 0, CAST('1234567' AS {blob}))",
    ):
        database.execute_sql(statement.replace("{blob}", "BYTEA" if is_postgresql() else "BLOB"))
    migrate.upgrade(tmp_path / "backups")
    counted = distribution.ProjectBlobRow.select().order_by(
        distribution.ProjectBlobRow.project_id, distribution.ProjectBlobRow.blob_id
    )
    assert list(counted.tuples()) == [(1, 1, 2), (2, 1, 1), (2, 2, 1)]
    usage = Usage(UsageStore(), OverviewStore())
    assert usage.of_many([1, 2, 3]) == {1: 107, 2: 120, 3: 0}
    assert [usage.recount(number) for number in (1, 2, 3)] == [False] * 3


def test_rights_of_robots_stay_in_their_projects_when_rights_get_a_place(database_url, tmp_path):
    before = tmp_path / "before"
    before.mkdir()
    for path in sorted(migrate._FOLDER.glob("[0-9]*.py")):
        if path.name < "0009":
            (before / path.name).write_text(path.read_text())
    migrate.upgrade(tmp_path / "backups", before)
    for statement in (
        "INSERT INTO account (id, name, email, real_name, comment, password_hash, admin, disabled, "
        "generation, created_at, updated_at) VALUES (1, 'alice', '', '', '', '', FALSE, FALSE, 1, 0, 0)",
        "INSERT INTO robot (id, project_id, name, description, secret_digest, disabled, generation, "
        "created_at, updated_at, created_by) VALUES (5, 7, 'robot$dock+ci', '', 'x', FALSE, 1, 0, 0, '')",
        "INSERT INTO robot_right (robot_id, resource, action) VALUES (5, 'repository', 'pull')",
    ):
        database.execute_sql(statement)
    migrate.upgrade(tmp_path / "backups")
    held = identity.RobotRightRow.select().tuples()
    assert list(held) == [(5, "project", 7, "repository", "pull")]
    (account,) = identity.UserRow.select()
    assert (account.name, account.auditor) == ("alice", False)


def test_members_stay_members_when_groups_can_be_members_too(database_url, tmp_path, later):
    migrate.upgrade(tmp_path / "backups", later)
    for statement in (
        "INSERT INTO account (name, email, real_name, comment, password_hash, admin, disabled, generation, "
        "created_at, updated_at) VALUES ('alice', '', '', '', 'x', TRUE, FALSE, 1, 0, 0)",
        "INSERT INTO project (name, public, created_at, updated_at) VALUES ('dock', FALSE, 0, 0)",
        "INSERT INTO project (name, public, created_at, updated_at) VALUES ('quay', FALSE, 0, 0)",
        "INSERT INTO member (project_id, user_id, role) VALUES (1, 1, 4), (2, 1, 2)",
        "DELETE FROM member WHERE id = 2",
    ):
        database.execute_sql(statement)
    migrate.upgrade(tmp_path / "backups")
    assert list(projects.MemberRow.select().tuples()) == [(1, 1, 1, None, 4)]
    alice = identity.UserRow.get_by_id(1)
    assert (alice.source, alice.directory_admin, alice.seen_at, alice.left_at) == ("local", False, None, None)
    # The number of a member who is gone is not given out again.
    assert projects.MemberRow.insert(project=2, user=1, role=3).execute() == 3
    for wrong in ({}, {"user": 1, "group": 1}):
        with pytest.raises(IntegrityError):
            projects.MemberRow.insert(project=1, role=3, **wrong).execute()


def fail_with_full_disk(path) -> None:
    raise OSError(28, "No space left on device")


def copies(tmp_path):
    return sorted(p for p in (tmp_path / "backups").glob("*") if p.suffix in (".sqlite", ".dump"))
