"""Tables of the registry.

`RESTRICT` foreign keys are the judge between a push and the garbage collector: a blob's row
cannot go while a manifest or a repository holds it. Nothing cascades from `blob`.
"""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField
from moorage.projects.tables import ProjectRow


class RepositoryRow(Row):
    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, on_delete="RESTRICT")
    name = NameField(unique=True)
    description = peewee.TextField(default="")
    pull_count = peewee.BigIntegerField(default=0)
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "repository"


class BlobRow(Row):
    id = IdField()
    digest = NameField(unique=True)
    size_bytes = peewee.BigIntegerField()
    created_at = MomentField()

    class Meta:
        table_name = "blob"


class BlobLinkRow(Row):
    """A repository holds a blob: for good (`leased_until` is null) or as a promise to a client."""

    repository = peewee.ForeignKeyField(RepositoryRow, on_delete="RESTRICT", index=False)
    blob = peewee.ForeignKeyField(BlobRow, on_delete="RESTRICT")
    leased_until = MomentField(null=True)

    class Meta:
        table_name = "blob_link"
        primary_key = peewee.CompositeKey("repository", "blob")


class ProjectBlobRow(Row):
    """How many repositories of a project hold a blob; the row goes with the last of them.

    It only counts the links, so it points at nothing: a key would be looked up at every push.
    """

    project_id = peewee.BigIntegerField()
    blob_id = peewee.BigIntegerField()
    links = peewee.BigIntegerField()

    class Meta:
        table_name = "project_blob"
        primary_key = peewee.CompositeKey("project_id", "blob_id")


class ProjectUsageRow(Row):
    """A part of the bytes that a project holds; the sum of its rows is what it uses.

    Each writer adds to one of several rows, so that pushes to one project do not wait for each
    other; one row alone may be negative.
    """

    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
    stripe = peewee.SmallIntegerField()
    bytes = peewee.BigIntegerField()

    class Meta:
        table_name = "project_usage"
        primary_key = peewee.CompositeKey("project", "stripe")


class ManifestRow(Row):
    id = IdField()
    repository = peewee.ForeignKeyField(RepositoryRow, on_delete="RESTRICT", index=False)
    digest = NameField()
    media_type = peewee.TextField()
    artifact_type = peewee.TextField(default="")
    config_media_type = peewee.TextField(default="")
    subject = NameField(null=True)
    size_bytes = peewee.BigIntegerField()
    pushed_at = MomentField()
    pulled_at = MomentField(null=True)
    body = peewee.BlobField()

    class Meta:
        table_name = "manifest"
        indexes = (
            (("repository", "digest"), True),
            (("repository", "subject", "digest"), False),
            (("repository", "pushed_at"), False),
        )


class ManifestHoldRow(Row):
    """A running job reads the manifest: the collector leaves it alone until then."""

    repository = peewee.ForeignKeyField(RepositoryRow, on_delete="CASCADE", index=False)
    digest = NameField()
    holder = NameField(index=True)
    held_until = MomentField(index=True)

    class Meta:
        table_name = "manifest_hold"
        primary_key = peewee.CompositeKey("repository", "digest", "holder")


class ManifestBlobRow(Row):
    """An edge: the manifest needs the blob, and so its repository must go on holding it.

    The key points at the repository's link and not at the blob: a link that is needed cannot go,
    and through the link's own key neither can the blob.
    """

    manifest = peewee.ForeignKeyField(ManifestRow, on_delete="CASCADE", index=False)
    repository_id = peewee.BigIntegerField()
    blob_id = peewee.BigIntegerField()

    class Meta:
        table_name = "manifest_blob"
        primary_key = peewee.CompositeKey("manifest", "blob_id")
        indexes = ((("repository_id", "blob_id"), False),)
        constraints = (
            peewee.SQL(
                "FOREIGN KEY (repository_id, blob_id) "
                "REFERENCES blob_link (repository_id, blob_id) ON DELETE RESTRICT"
            ),
        )
        depends_on = (BlobLinkRow,)


class ManifestChildRow(Row):
    """An edge: the index lists the child; `child` is null while a sparse index lacks it."""

    parent = peewee.ForeignKeyField(ManifestRow, on_delete="CASCADE", index=False)
    digest = NameField()
    child = peewee.ForeignKeyField(ManifestRow, on_delete="RESTRICT", null=True)

    class Meta:
        table_name = "manifest_child"
        primary_key = peewee.CompositeKey("parent", "digest")
        indexes = ((("digest",), False),)


class TagRow(Row):
    id = IdField()
    repository = peewee.ForeignKeyField(RepositoryRow, on_delete="RESTRICT", index=False)
    name = NameField()
    manifest = peewee.ForeignKeyField(ManifestRow, on_delete="RESTRICT")
    pushed_at = MomentField()
    pulled_at = MomentField(null=True)

    class Meta:
        table_name = "tag"
        indexes = ((("repository", "name"), True),)


class UploadRow(Row):
    id = peewee.TextField(primary_key=True)
    repository = peewee.ForeignKeyField(RepositoryRow, on_delete="CASCADE")
    subject = peewee.TextField(index=True)
    received_bytes = peewee.BigIntegerField(default=0)
    digest = peewee.TextField(null=True)
    started_at = MomentField()
    updated_at = MomentField(index=True)

    class Meta:
        table_name = "upload"


class LabelRow(Row):
    """A label of a project, or of everybody's.

    `scope_id` is the project's number, and 0 without one: a unique index takes nulls for different.
    """

    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, null=True, on_delete="CASCADE")
    scope_id = peewee.BigIntegerField()
    name = NameField()
    description = peewee.TextField()
    color = peewee.TextField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "label"
        indexes = ((("scope_id", "name"), True),)


class ArtifactLabelRow(Row):
    """A manifest bears a label; the row goes with either of them."""

    manifest = peewee.ForeignKeyField(ManifestRow, on_delete="CASCADE", index=False)
    label = peewee.ForeignKeyField(LabelRow, on_delete="CASCADE")
    added_at = MomentField()

    class Meta:
        table_name = "artifact_label"
        primary_key = peewee.CompositeKey("manifest", "label")
