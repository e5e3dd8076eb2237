"""Projects that were renamed: the names they had, and the login names that their robots had."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    # Sorted by its bytes on both databases.
    sorted_: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class RobotRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "robot"

    class FormerNameRow(peewee.Model):
        name = peewee.TextField(primary_key=True, constraints=sorted_)
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE")
        renamed_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project_former_name"

    class FormerLoginRow(peewee.Model):
        name = peewee.TextField(primary_key=True, constraints=sorted_)
        robot = peewee.ForeignKeyField(RobotRow, on_delete="CASCADE")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "robot_former_login"

    db.create_tables([FormerNameRow, FormerLoginRow], safe=False)
