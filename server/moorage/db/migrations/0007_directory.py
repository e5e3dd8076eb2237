"""The connection to a directory of people."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    class DirectoryConnectionRow(peewee.Model):
        id = peewee.IntegerField(primary_key=True)
        address = peewee.TextField()
        account = peewee.TextField()
        authorities = peewee.TextField()
        thumbprint = peewee.TextField()
        domains = peewee.TextField()
        admin_privileges = peewee.TextField()
        admin_group = peewee.TextField()
        secret = peewee.TextField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "directory_connection"

    db.create_tables([DirectoryConnectionRow], safe=False)
