"""The table of policies; when they run is with the schedules of jobs."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField
from moorage.projects.tables import ProjectRow


class RetentionPolicyRow(Row):
    """A policy; `rules` is a JSON list of rules in Harbor's form."""

    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, unique=True, on_delete="CASCADE")
    rules = peewee.TextField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "retention_policy"
