"""Tables of projects and members."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField
from moorage.identity.tables import GroupRow, UserRow


class ProjectRow(Row):
    id = IdField()
    name = NameField(unique=True)
    public = peewee.BooleanField(default=False)
    owner = peewee.ForeignKeyField(UserRow, null=True, on_delete="SET NULL")
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "project"


class FormerNameRow(Row):
    """A name that a project had; it leads to the project for as long as the row is there."""

    name = NameField(primary_key=True)
    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE")
    renamed_at = MomentField()

    class Meta:
        table_name = "project_former_name"


class MemberRow(Row):
    """A user's or a group's role in a project."""

    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
    user = peewee.ForeignKeyField(UserRow, null=True, on_delete="CASCADE")
    group = peewee.ForeignKeyField(GroupRow, null=True, on_delete="CASCADE")
    role = peewee.SmallIntegerField()

    class Meta:
        table_name = "member"
        indexes = ((("project", "user"), True), (("project", "group"), True))
        constraints = (peewee.Check("(user_id IS NULL) <> (group_id IS NULL)"),)


class QuotaRow(Row):
    """How much a project may hold; a project without a row has no limit, as one with -1."""

    project = peewee.ForeignKeyField(ProjectRow, primary_key=True, on_delete="CASCADE")
    limit_bytes = peewee.BigIntegerField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "project_quota"


class MetadataRow(Row):
    """A setting of a project under Harbor's name for it."""

    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
    name = NameField()
    value = peewee.TextField()

    class Meta:
        table_name = "project_metadata"
        primary_key = peewee.CompositeKey("project", "name")


class AllowlistRow(Row):
    """`scope` is ``system`` or ``project:`` and a number; `items` is a JSON list."""

    scope = NameField(primary_key=True)
    project = peewee.ForeignKeyField(ProjectRow, null=True, on_delete="CASCADE")
    expires_at = MomentField(null=True)
    items = peewee.TextField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "cve_allowlist"


class ImmutabilityRuleRow(Row):
    """A rule; no two of a project are for the same tags, which a lock on the project sees to."""

    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE")
    disabled = peewee.BooleanField()
    priority = peewee.BigIntegerField()
    repository_decoration = peewee.TextField()
    repository_pattern = peewee.TextField()
    tag_decoration = peewee.TextField()
    tag_pattern = peewee.TextField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "immutability_rule"
