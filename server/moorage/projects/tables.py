"""Tables of projects and members."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField
from moorage.identity.tables import UserRow


class ProjectRow(Row):
    id = IdField()
    name = NameField(unique=True)
    public = peewee.BooleanField(default=False)
    owner = peewee.ForeignKeyField(UserRow, null=True, on_delete="SET NULL")
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "project"


class MemberRow(Row):
    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
    user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE")
    role = peewee.SmallIntegerField()

    class Meta:
        table_name = "member"
        indexes = ((("project", "user"), True),)
