"""The log: where its entries are, by what they say; filled in the background."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []

    class SegmentRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        first_id = peewee.BigIntegerField()
        last_id = peewee.BigIntegerField()
        block_entries = peewee.IntegerField()
        buckets = peewee.IntegerField()
        oldest_at = peewee.BigIntegerField()
        newest_at = peewee.BigIntegerField()
        times = peewee.BlobField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "audit_segment"
            indexes = ((("first_id", "block_entries"), True),)

    class BucketRow(peewee.Model):
        segment_id = peewee.BigIntegerField()
        bucket = peewee.IntegerField()
        postings = peewee.BlobField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "audit_bucket"
            primary_key = peewee.CompositeKey("segment_id", "bucket")

    db.create_tables([SegmentRow, BucketRow], safe=False)
