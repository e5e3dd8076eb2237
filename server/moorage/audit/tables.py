"""The table of the log: append-only, read by keyset on `(at, id)`."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField


class EntryRow(Row):
    """No foreign keys: an entry outlives whatever it speaks of.

    The columns that people search are `NameField`: PostgreSQL folds their case in a search just as
    SQLite does, whatever the locale of the machine.
    """

    id = IdField()
    at = MomentField()
    request_id = peewee.TextField()
    actor_kind = peewee.TextField()
    actor = NameField()
    address = NameField()
    user_agent = peewee.TextField()
    operation = peewee.TextField()
    resource_type = peewee.TextField()
    resource = NameField()
    project_id = peewee.BigIntegerField(null=True)
    project = peewee.TextField()
    repository = peewee.TextField()
    tag = peewee.TextField()
    digest = peewee.TextField()
    result = peewee.TextField()
    detail = NameField()

    class Meta:
        table_name = "audit_entry"
        indexes = (
            (("at", "id"), False),
            (("project_id", "at", "id"), False),
            (("actor", "at", "id"), False),
        )


class ForwardRow(Row):
    """How far the log was forwarded: one row for each stream, of which there is one."""

    id = IdField()
    name = peewee.TextField(unique=True)
    target = peewee.TextField()
    #: Who forwards; whoever comes later puts its own name here, and the earlier one writes no more.
    owner = peewee.TextField()
    settled_id = peewee.BigIntegerField()
    sent_id = peewee.BigIntegerField()
    sent_at = MomentField(null=True)
    sent = peewee.BigIntegerField()
    dropped = peewee.BigIntegerField()
    untold = peewee.BigIntegerField()
    dropped_at = MomentField(null=True)
    connected = peewee.BooleanField()
    error = peewee.TextField()
    beat_at = MomentField()

    class Meta:
        table_name = "audit_forward"


class SegmentRow(Row):
    """A range of entries, by their numbers, whose signs are known.

    It has 256 blocks of `block_entries` numbers each; `times` holds the moments of the newest entry of
    each block and then those of the oldest, -1 where a block has none.
    """

    id = IdField()
    first_id = peewee.BigIntegerField()
    last_id = peewee.BigIntegerField()
    block_entries = peewee.IntegerField()
    buckets = peewee.IntegerField()
    oldest_at = peewee.BigIntegerField()
    newest_at = peewee.BigIntegerField()
    times = peewee.BlobField()

    class Meta:
        table_name = "audit_segment"
        indexes = ((("first_id", "block_entries"), True),)


class BucketRow(Row):
    """Signs of a segment and the blocks that have them; written with the segment and never changed."""

    segment_id = peewee.BigIntegerField()
    bucket = peewee.IntegerField()
    postings = peewee.BlobField()

    class Meta:
        table_name = "audit_bucket"
        primary_key = peewee.CompositeKey("segment_id", "bucket")
