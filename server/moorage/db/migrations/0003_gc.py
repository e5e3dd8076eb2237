"""Candidates for garbage collection, and holds on manifests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import peewee
from playhouse.migrate import SchemaMigrator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Untagged manifests of an older release are looked at after so long: nobody knows since when they are.
_UNTAGGED = timedelta(days=7)

# Blobs that a repository holds for a while only.
_LEASED = """
INSERT INTO gc_candidate (kind, repository, digest, due_at, version, tries, cause, fault, created_at)
SELECT 'blob', '', b.digest, min(l.leased_until), 1, 0, 'leased', '', CAST(? AS BIGINT)
FROM blob b JOIN blob_link l ON l.blob_id = b.id WHERE l.leased_until IS NOT NULL GROUP BY b.digest
"""
# Blobs that nobody holds.
_HELD_BY_NOBODY = """
INSERT INTO gc_candidate (kind, repository, digest, due_at, version, tries, cause, fault, created_at)
SELECT 'blob', '', b.digest, CAST(? AS BIGINT), 1, 0, 'let go', '', CAST(? AS BIGINT)
FROM blob b WHERE NOT EXISTS (SELECT 1 FROM blob_link l WHERE l.blob_id = b.id)
"""
# Manifests that neither a tag nor an index names.
_NAMED_BY_NOTHING = """
INSERT INTO gc_candidate (kind, repository, digest, due_at, version, tries, cause, fault, created_at)
SELECT 'manifest', r.name, m.digest, CAST(? AS BIGINT), 1, 0, 'untagged', '', CAST(? AS BIGINT)
FROM manifest m JOIN repository r ON r.id = m.repository_id
WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
AND NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id)
"""


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    bytewise: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class RepositoryRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "repository"

    class CandidateRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        kind = peewee.TextField(constraints=bytewise)
        repository = peewee.TextField(constraints=bytewise)
        digest = peewee.TextField(constraints=bytewise)
        due_at = peewee.BigIntegerField()
        version = peewee.BigIntegerField()
        tries = peewee.IntegerField()
        cause = peewee.TextField()
        fault = peewee.TextField()
        created_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "gc_candidate"
            indexes = (
                (("kind", "repository", "digest"), True),
                (("kind", "due_at", "id"), False),
            )

    class ManifestHoldRow(peewee.Model):
        repository = peewee.ForeignKeyField(RepositoryRow, on_delete="CASCADE", index=False)
        digest = peewee.TextField(constraints=bytewise)
        holder = peewee.TextField(constraints=bytewise, index=True)
        held_until = peewee.BigIntegerField(index=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "manifest_hold"
            primary_key = peewee.CompositeKey("repository", "digest", "holder")

    db.create_tables([CandidateRow, ManifestHoldRow], safe=False)
    _carry_over(db.execute_sql, "?" if sqlite else "%s")


def _carry_over(execute_sql: Callable[..., object], place: str) -> None:
    """Everything of an older release that is garbage or may become it without any further event."""
    now = datetime.now(UTC)
    moment = (now - _EPOCH) // timedelta(microseconds=1)
    untagged = (now + _UNTAGGED - _EPOCH) // timedelta(microseconds=1)
    execute_sql(_LEASED.replace("?", place), (moment,))
    execute_sql(_HELD_BY_NOBODY.replace("?", place), (moment, moment))
    execute_sql(_NAMED_BY_NOTHING.replace("?", place), (untagged, moment))
