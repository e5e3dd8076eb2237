"""Settings that administrators change while the registry runs."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
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

    db.create_tables([SettingRow], safe=False)
