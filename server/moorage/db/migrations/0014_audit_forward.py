"""How far the log of operations was forwarded to a syslog server."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []

    class ForwardRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        name = peewee.TextField(unique=True)
        target = peewee.TextField()
        owner = peewee.TextField()
        settled_id = peewee.BigIntegerField()
        sent_id = peewee.BigIntegerField()
        sent_at = peewee.BigIntegerField(null=True)
        sent = peewee.BigIntegerField()
        dropped = peewee.BigIntegerField()
        untold = peewee.BigIntegerField()
        dropped_at = peewee.BigIntegerField(null=True)
        connected = peewee.BooleanField()
        error = peewee.TextField()
        beat_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "audit_forward"

    db.create_tables([ForwardRow], safe=False)
