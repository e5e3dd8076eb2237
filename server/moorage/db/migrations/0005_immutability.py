"""Rules by which tags stay as they are."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class ImmutabilityRuleRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE")
        disabled = peewee.BooleanField()
        priority = peewee.BigIntegerField()
        repository_decoration = peewee.TextField()
        repository_pattern = peewee.TextField()
        tag_decoration = peewee.TextField()
        tag_pattern = peewee.TextField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "immutability_rule"

    db.create_tables([ImmutabilityRuleRow], safe=False)
