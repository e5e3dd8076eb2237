"""Settings that administrators change while the registry runs, of the site and of projects; sessions."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    # Names sort by their bytes on both.
    by_bytes: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class SettingRow(peewee.Model):
        name = peewee.TextField(primary_key=True, constraints=by_bytes)
        value = peewee.TextField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "setting"

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class MetadataRow(peewee.Model):
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
        name = peewee.TextField(constraints=by_bytes)
        value = peewee.TextField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project_metadata"
            primary_key = peewee.CompositeKey("project", "name")

    class AllowlistRow(peewee.Model):
        scope = peewee.TextField(primary_key=True, constraints=by_bytes)
        project = peewee.ForeignKeyField(ProjectRow, null=True, on_delete="CASCADE")
        expires_at = peewee.BigIntegerField(null=True)
        items = peewee.TextField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "cve_allowlist"

    class UserRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "account"

    class SessionRow(peewee.Model):
        digest = peewee.TextField(primary_key=True, constraints=by_bytes)
        user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE")
        generation = peewee.IntegerField()
        created_at = peewee.BigIntegerField()
        seen_at = peewee.BigIntegerField()
        expires_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "session"

    db.create_tables([SettingRow, MetadataRow, AllowlistRow, SessionRow], safe=False)
