"""The queue of what may have become garbage."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField


class CandidateRow(Row):
    """`repository` is a name and no key: a candidate outlives what it is about and does no harm."""

    id = IdField()
    kind = NameField()
    repository = NameField()
    digest = NameField()
    due_at = MomentField()
    version = peewee.BigIntegerField()
    tries = peewee.IntegerField()
    cause = peewee.TextField()
    fault = peewee.TextField()
    created_at = MomentField()

    class Meta:
        table_name = "gc_candidate"
        indexes = (
            (("kind", "repository", "digest"), True),
            (("kind", "due_at", "id"), False),
        )
