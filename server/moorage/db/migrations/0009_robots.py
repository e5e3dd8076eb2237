"""Robots of the system: rights say where they hold. Accounts that audit."""

from typing import Any

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []

    class RobotRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "robot"

    class RobotRightRow(peewee.Model):
        robot = peewee.ForeignKeyField(RobotRow, on_delete="CASCADE", index=False)
        kind = peewee.TextField()
        project_id = peewee.BigIntegerField(index=True)
        resource = peewee.TextField()
        action = peewee.TextField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "robot_right"
            primary_key = peewee.CompositeKey("robot", "kind", "project_id", "resource", "action")

    execute: Any = db.execute_sql
    # Every right held so far was one in the robot's own project. The table is made anew, since its key
    # changes; nothing refers to it.
    execute(
        "CREATE TEMPORARY TABLE held AS SELECT r.id, r.project_id, rr.resource, rr.action "
        "FROM robot_right rr JOIN robot r ON r.id = rr.robot_id"
    )
    execute("DROP TABLE robot_right")
    db.create_tables([RobotRightRow], safe=False)
    execute(
        "INSERT INTO robot_right (robot_id, kind, project_id, resource, action) "
        "SELECT id, 'project', project_id, resource, action FROM held"
    )
    execute("DROP TABLE held")
    # With a constant, SQLite adds a column without making the table anew.
    execute(
        'ALTER TABLE account ADD COLUMN "auditor" {} NOT NULL DEFAULT FALSE'.format(
            "INTEGER" if sqlite else "BOOLEAN"
        )
    )
