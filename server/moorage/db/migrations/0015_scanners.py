"""Scanners of vulnerabilities: registrations, the default, and what projects chose."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice; names sort by their bytes.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    by_bytes: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class ScannerRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        uuid = peewee.TextField(unique=True, constraints=by_bytes)
        name = peewee.TextField(unique=True, constraints=by_bytes)
        url = peewee.TextField(unique=True, constraints=by_bytes)
        description = peewee.TextField()
        auth = peewee.TextField()
        credential = peewee.TextField()
        skip_cert_verify = peewee.BooleanField()
        use_internal_addr = peewee.BooleanField()
        disabled = peewee.BooleanField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "scanner"

    class ScannerDefaultRow(peewee.Model):
        id = peewee.IntegerField(primary_key=True)
        scanner = peewee.ForeignKeyField(ScannerRow, on_delete="CASCADE")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "scanner_default"

    class ProjectScannerRow(peewee.Model):
        project = peewee.ForeignKeyField(ProjectRow, primary_key=True, on_delete="CASCADE")
        scanner = peewee.ForeignKeyField(ScannerRow, on_delete="CASCADE")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project_scanner"

    db.create_tables([ScannerRow, ScannerDefaultRow, ProjectScannerRow], safe=False)
