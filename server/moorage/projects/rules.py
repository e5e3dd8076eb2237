"""Who may do what: the one table that guards the routes, prints the documentation and makes the tests.

Pure: it looks nothing up. `projects.access` says what an account is in a project, this module what
that allows.
"""

from collections.abc import Collection, Mapping

from moorage.identity.model import RobotRight
from moorage.projects.model import AccountStanding, Permission, Role, Standing, SystemPermission

_EVERY_ROLE = frozenset(Role)
_FROM_GUEST = _EVERY_ROLE - {Role.LIMITED_GUEST}
_FROM_DEVELOPER = _FROM_GUEST - {Role.GUEST}
_FROM_MAINTAINER = _FROM_DEVELOPER - {Role.DEVELOPER}
_PROJECT_ADMIN = frozenset({Role.PROJECT_ADMIN})

_CRUD = ("create", "read", "update", "delete", "list")

# Resource by resource: the least role that holds each action. Names and rights are Harbor's.
_ROWS: Mapping[str, Mapping[frozenset[Role], tuple[str, ...]]] = {
    "accessory": {_EVERY_ROLE: ("list",)},
    "artifact": {_EVERY_ROLE: ("read", "list"), _FROM_DEVELOPER: ("create",), _FROM_MAINTAINER: ("delete",)},
    "artifact-addition": {_EVERY_ROLE: ("read",)},
    "artifact-label": {_FROM_DEVELOPER: ("create", "delete")},
    "configuration": {_EVERY_ROLE: ("read",), _PROJECT_ADMIN: ("update",)},
    "export-cve": {_FROM_DEVELOPER: ("create", "read", "list")},
    "immutable-tag": {_FROM_MAINTAINER: ("create", "update", "delete", "list")},
    "label": {_FROM_GUEST: ("read", "list"), _FROM_MAINTAINER: ("create", "update", "delete")},
    "log": {_PROJECT_ADMIN: ("list",)},
    "member": {_FROM_GUEST: ("read", "list"), _PROJECT_ADMIN: ("create", "update", "delete")},
    "metadata": {_FROM_MAINTAINER: ("read",), _PROJECT_ADMIN: ("create", "update", "delete")},
    "notification-policy": {
        _FROM_MAINTAINER: ("read", "list"),
        _PROJECT_ADMIN: ("create", "update", "delete"),
    },
    "preheat-policy": {_PROJECT_ADMIN: _CRUD},
    "project": {_EVERY_ROLE: ("read",), _PROJECT_ADMIN: ("update", "delete")},
    "quota": {_EVERY_ROLE: ("read",)},
    "repository": {
        _EVERY_ROLE: ("list", "read", "pull"),
        _FROM_DEVELOPER: ("create", "update", "push"),
        _FROM_MAINTAINER: ("delete",),
    },
    "robot": {_FROM_GUEST: ("read", "list"), _PROJECT_ADMIN: ("create", "update", "delete")},
    "sbom": {_EVERY_ROLE: ("read",), _FROM_MAINTAINER: ("create", "stop")},
    "scan": {_EVERY_ROLE: ("read",), _FROM_MAINTAINER: ("create", "stop")},
    "scanner": {_EVERY_ROLE: ("read",), _PROJECT_ADMIN: ("create",)},
    "tag": {_EVERY_ROLE: ("list",), _FROM_DEVELOPER: ("create",), _FROM_MAINTAINER: ("delete",)},
    "tag-retention": {_FROM_DEVELOPER: (*_CRUD, "operate")},
}

#: Which roles hold each permission inside a project.
TABLE: Mapping[Permission, frozenset[Role]] = {
    Permission(resource, action): roles
    for resource, row in _ROWS.items()
    for roles, actions in row.items()
    for action in actions
}

LIST_ACCESSORIES = Permission("accessory", "list")
READ_ARTIFACT = Permission("artifact", "read")
LIST_ARTIFACTS = Permission("artifact", "list")
CREATE_ARTIFACT = Permission("artifact", "create")
DELETE_ARTIFACT = Permission("artifact", "delete")
READ_ADDITION = Permission("artifact-addition", "read")
READ_CONFIGURATION = Permission("configuration", "read")
UPDATE_CONFIGURATION = Permission("configuration", "update")
CREATE_IMMUTABLE = Permission("immutable-tag", "create")
UPDATE_IMMUTABLE = Permission("immutable-tag", "update")
DELETE_IMMUTABLE = Permission("immutable-tag", "delete")
LIST_IMMUTABLE = Permission("immutable-tag", "list")
READ_LABEL = Permission("label", "read")
LIST_LABELS = Permission("label", "list")
LIST_LOGS = Permission("log", "list")
READ_MEMBER = Permission("member", "read")
LIST_MEMBERS = Permission("member", "list")
CREATE_MEMBER = Permission("member", "create")
UPDATE_MEMBER = Permission("member", "update")
DELETE_MEMBER = Permission("member", "delete")
READ_METADATA = Permission("metadata", "read")
CREATE_METADATA = Permission("metadata", "create")
UPDATE_METADATA = Permission("metadata", "update")
DELETE_METADATA = Permission("metadata", "delete")
READ_PROJECT = Permission("project", "read")
UPDATE_PROJECT = Permission("project", "update")
DELETE_PROJECT = Permission("project", "delete")
READ_QUOTA = Permission("quota", "read")
LIST_REPOSITORIES = Permission("repository", "list")
READ_REPOSITORY = Permission("repository", "read")
UPDATE_REPOSITORY = Permission("repository", "update")
DELETE_REPOSITORY = Permission("repository", "delete")
PULL = Permission("repository", "pull")
PUSH = Permission("repository", "push")
READ_ROBOT = Permission("robot", "read")
LIST_ROBOTS = Permission("robot", "list")
CREATE_ROBOT = Permission("robot", "create")
UPDATE_ROBOT = Permission("robot", "update")
DELETE_ROBOT = Permission("robot", "delete")
READ_SBOM = Permission("sbom", "read")
READ_SCAN = Permission("scan", "read")
LIST_TAGS = Permission("tag", "list")
CREATE_TAG = Permission("tag", "create")
DELETE_TAG = Permission("tag", "delete")
CREATE_RETENTION = Permission("tag-retention", "create")
READ_RETENTION = Permission("tag-retention", "read")
UPDATE_RETENTION = Permission("tag-retention", "update")
DELETE_RETENTION = Permission("tag-retention", "delete")
LIST_RETENTION = Permission("tag-retention", "list")
OPERATE_RETENTION = Permission("tag-retention", "operate")

#: What anyone, known or not, may do in a public project.
PUBLIC: frozenset[Permission] = frozenset(
    {
        LIST_ACCESSORIES,
        LIST_ARTIFACTS,
        LIST_LABELS,
        LIST_REPOSITORIES,
        LIST_TAGS,
        PULL,
        READ_ADDITION,
        READ_ARTIFACT,
        READ_CONFIGURATION,
        READ_LABEL,
        READ_PROJECT,
        READ_REPOSITORY,
        READ_SBOM,
        READ_SCAN,
    }
)

#: Every right that a robot can be given: it lives in one project, and so do all of them.
ROBOT_RIGHTS: frozenset[RobotRight] = frozenset(RobotRight(*permission) for permission in TABLE)


LIST_USERS = SystemPermission("user", "list")
READ_USER = SystemPermission("user", "read")
CREATE_USER = SystemPermission("user", "create")
UPDATE_USER = SystemPermission("user", "update")
DELETE_USER = SystemPermission("user", "delete")
LIST_AUDIT_LOG = SystemPermission("audit-log", "list")
READ_SYSTEM = SystemPermission("system", "read")
UPDATE_SYSTEM = SystemPermission("system", "update")
LIST_GC = SystemPermission("gc", "list")
READ_GC = SystemPermission("gc", "read")
START_GC = SystemPermission("gc", "start")
STOP_GC = SystemPermission("gc", "stop")
UPDATE_GC = SystemPermission("gc", "update")
LIST_PURGE = SystemPermission("purge-audit", "list")
READ_PURGE = SystemPermission("purge-audit", "read")
START_PURGE = SystemPermission("purge-audit", "start")
STOP_PURGE = SystemPermission("purge-audit", "stop")
UPDATE_PURGE = SystemPermission("purge-audit", "update")
LIST_QUOTAS = SystemPermission("quota", "list")
READ_ANY_QUOTA = SystemPermission("quota", "read")
UPDATE_QUOTA = SystemPermission("quota", "update")
LIST_SCHEDULES = SystemPermission("schedule", "list")

#: What lies outside every project: only system administrators may do it.
SYSTEM: frozenset[SystemPermission] = frozenset(
    {
        LIST_USERS,
        READ_USER,
        CREATE_USER,
        UPDATE_USER,
        DELETE_USER,
        LIST_AUDIT_LOG,
        READ_SYSTEM,
        UPDATE_SYSTEM,
        LIST_GC,
        READ_GC,
        START_GC,
        STOP_GC,
        UPDATE_GC,
        LIST_PURGE,
        READ_PURGE,
        START_PURGE,
        STOP_PURGE,
        UPDATE_PURGE,
        LIST_QUOTAS,
        READ_ANY_QUOTA,
        UPDATE_QUOTA,
        LIST_SCHEDULES,
    }
)


def permitted(standing: Standing | None, permission: Permission) -> bool:
    """Whether an account with this standing in a project may do it there.

    A void account (deleted, disabled, expired, of an older generation) may do nothing at all, not
    even what strangers may: whoever shows its credential must be told that it is void.

    Args:
        standing: from `Access`; None when there is no such project.
    """
    if standing is None or not standing.active:
        return False
    if standing.public and permission in PUBLIC:
        return True
    if standing.rights is not None:
        return permission in TABLE and RobotRight(*permission) in standing.rights
    return permission in TABLE and (standing.admin or standing.role in TABLE[permission])


def system_permitted(standing: AccountStanding, permission: SystemPermission) -> bool:
    """Whether an account may do something that lies outside every project."""
    return standing.active and standing.admin and permission in SYSTEM


def robot_rights_allowed(standing: Standing | None, rights: Collection[RobotRight]) -> bool:
    """Whether an account with this standing may hand these rights to a robot of the same project.

    Nobody can give away what they do not hold themselves.
    """
    return all(permitted(standing, Permission(right.resource, right.action)) for right in rights)


def markdown() -> str:
    """The documentation of this table: ``server/docs/permissions.md``, kept equal by a test."""
    columns = [role.name.lower().replace("_", " ") for role in _DOCUMENTED]
    lines = [
        *_PREFACE,
        "| Permission | anyone, if public | " + " | ".join(columns) + " |",
        "|---|" + ":-:|" * (len(columns) + 1),
        *(_markdown_row(permission) for permission in sorted(TABLE)),
        "",
        *_SYSTEM_PREFACE,
        *(f"* {resource}: {action}" for resource, action in sorted(SYSTEM)),
        "",
    ]
    return "\n".join(lines)


_DOCUMENTED = (Role.LIMITED_GUEST, Role.GUEST, Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN)
_PREFACE = (
    "# Permissions",
    "",
    "Printed from `moorage/projects/rules.py`; change it there.",
    "",
    "A member of a project has one role in it. A robot account lives in one project and has exactly the",
    "permissions on its own list, each of them one of this table; nobody can give a robot a permission that",
    "they do not hold themselves. A system administrator may do everything in every project. In a public",
    "project everybody, logged in or not, may also do what the first column marks.",
    "",
    "A role is looked up on every request: taking it away works at once, also for tokens given out before.",
    "",
)
_SYSTEM_PREFACE = ("## Outside projects", "", "Only system administrators:", "")


def _markdown_row(permission: Permission) -> str:
    held = [permission in PUBLIC, *(role in TABLE[permission] for role in _DOCUMENTED)]
    marks = " | ".join("x" if each else " " for each in held)
    return f"| {permission.resource}: {permission.action} | {marks} |"
