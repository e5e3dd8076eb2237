"""Tables of accounts."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField


class UserRow(Row):
    id = IdField()
    name = NameField(unique=True)
    email = peewee.TextField(default="")
    real_name = peewee.TextField(default="")
    comment = peewee.TextField(default="")
    password_hash = peewee.TextField()
    admin = peewee.BooleanField(default=False)
    disabled = peewee.BooleanField(default=False)
    generation = peewee.IntegerField(default=1)
    created_at = MomentField()
    updated_at = MomentField()
    source = peewee.TextField(default="local", constraints=[peewee.SQL("DEFAULT 'local'")])
    directory_admin = peewee.BooleanField(default=False, constraints=[peewee.SQL("DEFAULT FALSE")])
    seen_at = MomentField(null=True)
    left_at = MomentField(null=True)
    auditor = peewee.BooleanField(default=False, constraints=[peewee.SQL("DEFAULT FALSE")])

    class Meta:
        table_name = "account"  # "user" is a reserved word of PostgreSQL


class GroupRow(Row):
    """A group of the directory that this registry knows of."""

    id = IdField()
    name = NameField(unique=True)
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "user_group"  # "group" is a reserved word of SQL


class GroupMemberRow(Row):
    """Who is in a group, as the directory last said."""

    user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE", index=False)
    group = peewee.ForeignKeyField(GroupRow, on_delete="CASCADE")

    class Meta:
        table_name = "user_group_member"
        primary_key = peewee.CompositeKey("user", "group")


class RobotRow(Row):
    """`project_id` is a plain number here: projects lie on a higher floor and delete their robots.

    It is 0 for robots of the system.
    """

    id = IdField()
    project_id = peewee.BigIntegerField(index=True)
    name = NameField(unique=True)
    description = peewee.TextField(default="")
    secret_digest = peewee.TextField()
    disabled = peewee.BooleanField(default=False)
    generation = peewee.IntegerField(default=1)
    expires_at = MomentField(null=True)
    created_at = MomentField()
    updated_at = MomentField()
    created_by = peewee.TextField(default="")

    class Meta:
        table_name = "robot"


class FormerLoginRow(Row):
    """A login name that a robot had before its project was renamed; it still opens the door."""

    name = NameField(primary_key=True)
    robot = peewee.ForeignKeyField(RobotRow, on_delete="CASCADE")

    class Meta:
        table_name = "robot_former_login"


class RobotRightRow(Row):
    """`kind` is a `PermissionKind`; `project_id` is 0 for every project, and outside of projects."""

    robot = peewee.ForeignKeyField(RobotRow, on_delete="CASCADE", index=False)
    kind = peewee.TextField()
    project_id = peewee.BigIntegerField(index=True)
    resource = peewee.TextField()
    action = peewee.TextField()

    class Meta:
        table_name = "robot_right"
        primary_key = peewee.CompositeKey("robot", "kind", "project_id", "resource", "action")


class AccessTokenRow(Row):
    id = IdField()
    user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE")
    name = peewee.TextField()
    hint = peewee.TextField()
    secret_digest = peewee.TextField(unique=True)
    created_at = MomentField()
    expires_at = MomentField(null=True)
    used_at = MomentField(null=True)

    class Meta:
        table_name = "access_token"
        indexes = ((("user", "name"), True),)


class SessionRow(Row):
    """A session of the portal under the digest of its secret; `generation` is the account's at its start."""

    digest = NameField(primary_key=True)
    user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE")
    generation = peewee.IntegerField()
    created_at = MomentField()
    seen_at = MomentField()
    expires_at = MomentField()

    class Meta:
        table_name = "session"


class LoginFailureRow(Row):
    """Failed logins counted by `subject`: an address, or a name seen from an address."""

    subject = peewee.TextField(primary_key=True)
    failures = peewee.IntegerField()
    first_at = MomentField()
    locked_until = MomentField(null=True)

    class Meta:
        table_name = "login_failure"


class DirectoryConnectionRow(Row):
    """The one connection to a directory; domains and privileges are JSON lists, the secret is sealed."""

    id = peewee.IntegerField(primary_key=True)
    address = peewee.TextField()
    account = peewee.TextField()
    authorities = peewee.TextField()
    thumbprint = peewee.TextField()
    domains = peewee.TextField()
    admin_privileges = peewee.TextField()
    admin_group = peewee.TextField()
    secret = peewee.TextField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "directory_connection"
