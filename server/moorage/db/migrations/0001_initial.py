"""The first schema."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice; names sort by their bytes.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    bytewise: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class UserRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        name = peewee.TextField(unique=True, constraints=bytewise)
        email = peewee.TextField()
        real_name = peewee.TextField()
        comment = peewee.TextField()
        password_hash = peewee.TextField()
        admin = peewee.BooleanField()
        disabled = peewee.BooleanField()
        generation = peewee.IntegerField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "account"

    class AccessTokenRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE")
        name = peewee.TextField()
        hint = peewee.TextField()
        secret_digest = peewee.TextField(unique=True)
        created_at = peewee.BigIntegerField()
        expires_at = peewee.BigIntegerField(null=True)
        used_at = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "access_token"
            indexes = ((("user", "name"), True),)

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        name = peewee.TextField(unique=True, constraints=bytewise)
        public = peewee.BooleanField()
        owner = peewee.ForeignKeyField(UserRow, null=True, on_delete="SET NULL")
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class RepositoryRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, on_delete="RESTRICT")
        name = peewee.TextField(unique=True, constraints=bytewise)
        description = peewee.TextField()
        pull_count = peewee.BigIntegerField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "repository"

    class BlobRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        digest = peewee.TextField(unique=True, constraints=bytewise)
        size_bytes = peewee.BigIntegerField()
        created_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "blob"

    class BlobLinkRow(peewee.Model):
        repository = peewee.ForeignKeyField(RepositoryRow, on_delete="RESTRICT", index=False)
        blob = peewee.ForeignKeyField(BlobRow, on_delete="RESTRICT")
        leased_until = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "blob_link"
            primary_key = peewee.CompositeKey("repository", "blob")

    class EntryRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        at = peewee.BigIntegerField()
        request_id = peewee.TextField()
        actor_kind = peewee.TextField()
        actor = peewee.TextField(constraints=bytewise)
        address = peewee.TextField(constraints=bytewise)
        user_agent = peewee.TextField()
        operation = peewee.TextField()
        resource_type = peewee.TextField()
        resource = peewee.TextField(constraints=bytewise)
        project_id = peewee.BigIntegerField(null=True)
        project = peewee.TextField()
        repository = peewee.TextField()
        tag = peewee.TextField()
        digest = peewee.TextField()
        result = peewee.TextField()
        detail = peewee.TextField(constraints=bytewise)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "audit_entry"
            indexes = (
                (("at", "id"), False),
                (("project_id", "at", "id"), False),
                (("actor", "at", "id"), False),
            )

    class LoginFailureRow(peewee.Model):
        subject = peewee.TextField(primary_key=True)
        failures = peewee.IntegerField()
        first_at = peewee.BigIntegerField()
        locked_until = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "login_failure"

    class ManifestRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        repository = peewee.ForeignKeyField(RepositoryRow, on_delete="RESTRICT", index=False)
        digest = peewee.TextField(constraints=bytewise)
        media_type = peewee.TextField()
        artifact_type = peewee.TextField()
        config_media_type = peewee.TextField()
        subject = peewee.TextField(null=True, constraints=bytewise)
        size_bytes = peewee.BigIntegerField()
        pushed_at = peewee.BigIntegerField()
        pulled_at = peewee.BigIntegerField(null=True)
        body = peewee.BlobField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "manifest"
            indexes = (
                (("repository", "digest"), True),
                (("repository", "subject", "digest"), False),
                (("repository", "pushed_at"), False),
            )

    class ManifestBlobRow(peewee.Model):
        manifest = peewee.ForeignKeyField(ManifestRow, on_delete="CASCADE", index=False)
        repository_id = peewee.BigIntegerField()
        blob_id = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
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

    class ManifestChildRow(peewee.Model):
        parent = peewee.ForeignKeyField(ManifestRow, on_delete="CASCADE", index=False)
        digest = peewee.TextField(constraints=bytewise)
        child = peewee.ForeignKeyField(ManifestRow, null=True, on_delete="RESTRICT")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "manifest_child"
            primary_key = peewee.CompositeKey("parent", "digest")
            indexes = ((("digest",), False),)

    class MemberRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
        user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE")
        role = peewee.SmallIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "member"
            indexes = ((("project", "user"), True),)

    class RobotRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project_id = peewee.BigIntegerField(index=True)
        name = peewee.TextField(unique=True, constraints=bytewise)
        description = peewee.TextField()
        secret_digest = peewee.TextField()
        disabled = peewee.BooleanField()
        generation = peewee.IntegerField()
        expires_at = peewee.BigIntegerField(null=True)
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()
        created_by = peewee.TextField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "robot"

    class RobotRightRow(peewee.Model):
        robot = peewee.ForeignKeyField(RobotRow, on_delete="CASCADE", index=False)
        resource = peewee.TextField()
        action = peewee.TextField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "robot_right"
            primary_key = peewee.CompositeKey("robot", "resource", "action")

    class TagRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        repository = peewee.ForeignKeyField(RepositoryRow, on_delete="RESTRICT", index=False)
        name = peewee.TextField(constraints=bytewise)
        manifest = peewee.ForeignKeyField(ManifestRow, on_delete="RESTRICT")
        pushed_at = peewee.BigIntegerField()
        pulled_at = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "tag"
            indexes = ((("repository", "name"), True),)

    class UploadRow(peewee.Model):
        id = peewee.TextField(primary_key=True)
        repository = peewee.ForeignKeyField(RepositoryRow, on_delete="CASCADE")
        subject = peewee.TextField(index=True)
        received_bytes = peewee.BigIntegerField()
        digest = peewee.TextField(null=True)
        started_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField(index=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "upload"

    db.create_tables(
        [
            UserRow,
            AccessTokenRow,
            ProjectRow,
            RepositoryRow,
            BlobRow,
            BlobLinkRow,
            EntryRow,
            LoginFailureRow,
            ManifestRow,
            ManifestBlobRow,
            ManifestChildRow,
            MemberRow,
            RobotRow,
            RobotRightRow,
            TagRow,
            UploadRow,
        ],
        safe=False,
    )
