"""Labels of artifacts."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice; names sort by their bytes.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    plain: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class ManifestRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "manifest"

    class LabelRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, null=True, on_delete="CASCADE")
        scope_id = peewee.BigIntegerField()
        name = peewee.TextField(constraints=plain)
        description = peewee.TextField()
        color = peewee.TextField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "label"
            indexes = ((("scope_id", "name"), True),)

    class ArtifactLabelRow(peewee.Model):
        manifest = peewee.ForeignKeyField(ManifestRow, on_delete="CASCADE", index=False)
        label = peewee.ForeignKeyField(LabelRow, on_delete="CASCADE")
        added_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "artifact_label"
            primary_key = peewee.CompositeKey("manifest", "label")

    db.create_tables([LabelRow, ArtifactLabelRow], safe=False)
