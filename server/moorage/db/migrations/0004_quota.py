"""Storage limits of projects, and what each of them uses."""

from typing import Any

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class QuotaRow(peewee.Model):
        project = peewee.ForeignKeyField(ProjectRow, primary_key=True, on_delete="CASCADE")
        limit_bytes = peewee.BigIntegerField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project_quota"

    class ProjectBlobRow(peewee.Model):
        project_id = peewee.BigIntegerField()
        blob_id = peewee.BigIntegerField()
        links = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project_blob"
            primary_key = peewee.CompositeKey("project_id", "blob_id")

    class ProjectUsageRow(peewee.Model):
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
        stripe = peewee.SmallIntegerField()
        bytes = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project_usage"
            primary_key = peewee.CompositeKey("project", "stripe")

    db.create_tables([QuotaRow, ProjectBlobRow, ProjectUsageRow], safe=False)
    # What projects hold already.
    execute: Any = db.execute_sql
    execute(
        "INSERT INTO project_blob (project_id, blob_id, links) "
        "SELECT r.project_id, l.blob_id, count(*) FROM blob_link l "
        "JOIN repository r ON r.id = l.repository_id GROUP BY r.project_id, l.blob_id"
    )
    execute(
        "INSERT INTO project_usage (project_id, stripe, bytes) "
        "SELECT t.project_id, 0, sum(t.bytes) FROM ("
        "SELECT p.project_id, b.size_bytes AS bytes FROM project_blob p JOIN blob b ON b.id = p.blob_id "
        "UNION ALL SELECT r.project_id, length(m.body) AS bytes FROM manifest m "
        "JOIN repository r ON r.id = m.repository_id) t GROUP BY t.project_id"
    )
