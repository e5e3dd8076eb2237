"""People and groups of a directory, and groups as members of projects."""

from typing import Any

import peewee
from playhouse.migrate import SchemaMigrator

_ACCOUNT = (
    "ALTER TABLE account ADD COLUMN \"source\" TEXT NOT NULL DEFAULT 'local'",
    'ALTER TABLE account ADD COLUMN "directory_admin" {flag} NOT NULL DEFAULT FALSE',
    'ALTER TABLE account ADD COLUMN "seen_at" {moment}',
    'ALTER TABLE account ADD COLUMN "left_at" {moment}',
)


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    by_bytes: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class UserRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "account"

    class GroupRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        name = peewee.TextField(unique=True, constraints=by_bytes)
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user_group"

    class GroupMemberRow(peewee.Model):
        user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE", index=False)
        group = peewee.ForeignKeyField(GroupRow, on_delete="CASCADE")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user_group_member"
            primary_key = peewee.CompositeKey("user", "group")

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class MemberRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
        user = peewee.ForeignKeyField(UserRow, null=True, on_delete="CASCADE")
        group = peewee.ForeignKeyField(GroupRow, null=True, on_delete="CASCADE")
        role = peewee.SmallIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "member"
            indexes = ((("project", "user"), True), (("project", "group"), True))
            constraints = (peewee.Check("(user_id IS NULL) <> (group_id IS NULL)"),)

    types = {"flag": "INTEGER" if sqlite else "BOOLEAN", "moment": "INTEGER" if sqlite else "BIGINT"}
    run: Any = db.execute_sql
    for statement in _ACCOUNT:
        run(statement.format(**types))
    db.create_tables([GroupRow, GroupMemberRow], safe=False)
    _remake_members(db, MemberRow, sqlite=sqlite)


def _remake_members(db: Any, table: type[peewee.Model], *, sqlite: bool) -> None:
    """A member can be a group: SQLite cannot take a NOT NULL away, so the table is made anew on both."""
    rows = db.execute_sql("SELECT id, project_id, user_id, role FROM member").fetchall()
    # The highest number that was ever given out, which may be that of a member who is gone.
    sequence = (
        "SELECT seq FROM sqlite_sequence WHERE name = 'member'"
        if sqlite
        else "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM member_id_seq"
    )
    last = db.execute_sql(sequence).fetchone()
    db.execute_sql("DROP TABLE member")
    db.create_tables([table], safe=False)
    for row in rows:
        table.insert(id=row[0], project=row[1], user=row[2], role=row[3]).execute()
    if last is None or not last[0]:
        return
    if not sqlite:
        db.execute_sql("SELECT setval('member_id_seq', %s)", (last[0],))
        return
    if db.execute_sql("UPDATE sqlite_sequence SET seq = ? WHERE name = 'member'", (last[0],)).rowcount == 0:
        db.execute_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('member', ?)", (last[0],))
