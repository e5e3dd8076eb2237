"""Retention: the policy of each project."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class RetentionPolicyRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, unique=True, on_delete="CASCADE")
        rules = peewee.TextField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "retention_policy"

    db.create_tables([RetentionPolicyRow], safe=False)
