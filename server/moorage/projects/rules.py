"""Who may do what: the one table that guards the routes, makes the tests, and that `rules_document` prints.

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
_READS = ("read", "list")
_CHANGES = ("create", "update", "delete")

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
    "metadata": {_FROM_MAINTAINER: ("read", "list"), _PROJECT_ADMIN: ("create", "update", "delete")},
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

# Resource by resource: what auditors may do as well, and what only administrators and robots with the
# right may. Names are Harbor's, but for the last: what no robot can be given.
_SYSTEM_ROWS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "audit-log": (("list",), ()),
    "catalog": (("read",), ()),
    "configuration": (("read",), ("update",)),
    "directory": ((), ("read", "update", "delete")),
    "export-cve": ((), ("create", "read")),
    "garbage-collection": (_READS, ("create", "update", "stop")),
    "jobservice-monitor": (("list",), ("stop",)),
    "label": (("read",), _CHANGES),
    "ldap-user": (("list",), ("create",)),
    "preheat-instance": (_READS, _CHANGES),
    "project": (("list",), ("create",)),
    "purge-audit": (_READS, ("create", "update", "stop")),
    "quota": (_READS, ("update",)),
    "registry": (_READS, _CHANGES),
    "replication": (_READS, ("create",)),
    "replication-adapter": (("list",), ()),
    "replication-policy": (_READS, _CHANGES),
    "robot": (_READS, _CHANGES),
    "scan-all": (("read",), ("create", "update", "stop")),
    "scanner": (_READS, _CHANGES),
    "security-hub": ((), _READS),
    "system-volumes": (("read",), ()),
    "user": (_READS, _CHANGES),
    "user-group": (_READS, _CHANGES),
    "administrator": ((), ("create", "update", "delete")),
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
ADD_LABEL = Permission("artifact-label", "create")
REMOVE_LABEL = Permission("artifact-label", "delete")
CREATE_LABEL = Permission("label", "create")
UPDATE_LABEL = Permission("label", "update")
DELETE_LABEL = Permission("label", "delete")
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
LIST_WEBHOOKS = Permission("notification-policy", "list")
READ_WEBHOOK = Permission("notification-policy", "read")
CREATE_WEBHOOK = Permission("notification-policy", "create")
UPDATE_WEBHOOK = Permission("notification-policy", "update")
DELETE_WEBHOOK = Permission("notification-policy", "delete")
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
READ_PROJECT_SCANNER = Permission("scanner", "read")
CHOOSE_SCANNER = Permission("scanner", "create")
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

#: What auditors may read in every project: who may do what, and what was done. Nothing that comes out of
#: an artifact is among it.
AUDITOR: frozenset[Permission] = frozenset(
    {
        LIST_IMMUTABLE,
        LIST_LABELS,
        LIST_LOGS,
        LIST_MEMBERS,
        LIST_REPOSITORIES,
        LIST_RETENTION,
        LIST_ROBOTS,
        READ_CONFIGURATION,
        READ_LABEL,
        READ_MEMBER,
        READ_METADATA,
        READ_PROJECT,
        READ_QUOTA,
        READ_REPOSITORY,
        READ_RETENTION,
        READ_ROBOT,
        Permission("metadata", "list"),
        Permission("notification-policy", "list"),
        Permission("notification-policy", "read"),
    }
)

#: Every right in a project that a robot can be given.
ROBOT_RIGHTS: frozenset[RobotRight] = frozenset(RobotRight(*permission) for permission in TABLE)


LIST_USERS = SystemPermission("user", "list")
READ_USER = SystemPermission("user", "read")
CREATE_USER = SystemPermission("user", "create")
UPDATE_USER = SystemPermission("user", "update")
DELETE_USER = SystemPermission("user", "delete")
LIST_GROUPS = SystemPermission("user-group", "list")
READ_GROUP = SystemPermission("user-group", "read")
CREATE_GROUP = SystemPermission("user-group", "create")
UPDATE_GROUP = SystemPermission("user-group", "update")
DELETE_GROUP = SystemPermission("user-group", "delete")
LIST_DIRECTORY = SystemPermission("ldap-user", "list")
IMPORT_DIRECTORY = SystemPermission("ldap-user", "create")
READ_CONNECTION = SystemPermission("directory", "read")
UPDATE_CONNECTION = SystemPermission("directory", "update")
DELETE_CONNECTION = SystemPermission("directory", "delete")
LIST_AUDIT_LOG = SystemPermission("audit-log", "list")
READ_CATALOG = SystemPermission("catalog", "read")
READ_SETTINGS = SystemPermission("configuration", "read")
UPDATE_SETTINGS = SystemPermission("configuration", "update")
READ_VOLUMES = SystemPermission("system-volumes", "read")
LIST_GC = SystemPermission("garbage-collection", "list")
READ_GC = SystemPermission("garbage-collection", "read")
START_GC = SystemPermission("garbage-collection", "create")
STOP_GC = SystemPermission("garbage-collection", "stop")
UPDATE_GC = SystemPermission("garbage-collection", "update")
LIST_PURGE = SystemPermission("purge-audit", "list")
READ_PURGE = SystemPermission("purge-audit", "read")
START_PURGE = SystemPermission("purge-audit", "create")
STOP_PURGE = SystemPermission("purge-audit", "stop")
UPDATE_PURGE = SystemPermission("purge-audit", "update")
READ_GLOBAL_LABEL = SystemPermission("label", "read")
CREATE_GLOBAL_LABEL = SystemPermission("label", "create")
UPDATE_GLOBAL_LABEL = SystemPermission("label", "update")
DELETE_GLOBAL_LABEL = SystemPermission("label", "delete")
LIST_ALL_PROJECTS = SystemPermission("project", "list")
CREATE_PROJECT = SystemPermission("project", "create")
LIST_QUOTAS = SystemPermission("quota", "list")
READ_ANY_QUOTA = SystemPermission("quota", "read")
UPDATE_QUOTA = SystemPermission("quota", "update")
LIST_SYSTEM_ROBOTS = SystemPermission("robot", "list")
READ_SYSTEM_ROBOT = SystemPermission("robot", "read")
LIST_SCANNERS = SystemPermission("scanner", "list")
READ_SCANNER = SystemPermission("scanner", "read")
CREATE_SCANNER = SystemPermission("scanner", "create")
UPDATE_SCANNER = SystemPermission("scanner", "update")
DELETE_SCANNER = SystemPermission("scanner", "delete")
LIST_SCHEDULES = SystemPermission("jobservice-monitor", "list")
STOP_JOBS = SystemPermission("jobservice-monitor", "stop")
#: Who administers and who audits, and the passwords of those who do.
APPOINT = SystemPermission("administrator", "update")
#: Robots whose rights reach beyond one project.
MANAGE_SYSTEM_ROBOTS = SystemPermission("administrator", "create")

#: A name that a project had: whoever takes it next is pulled from by those who still use it.
RELEASE_NAME = SystemPermission("administrator", "delete")

#: What lies outside every project, and is guarded by `system_permitted`.
SYSTEM: frozenset[SystemPermission] = frozenset(
    SystemPermission(resource, action)
    for resource, (audited, others) in _SYSTEM_ROWS.items()
    for action in (*audited, *others)
)
#: What auditors may do outside projects.
SYSTEM_AUDITOR: frozenset[SystemPermission] = frozenset(
    SystemPermission(resource, action)
    for resource, (audited, _) in _SYSTEM_ROWS.items()
    for action in audited
)
#: What only a system administrator may do; no robot can be given it.
IN_PERSON: frozenset[SystemPermission] = frozenset(
    {APPOINT, MANAGE_SYSTEM_ROBOTS, RELEASE_NAME, READ_CONNECTION, UPDATE_CONNECTION, DELETE_CONNECTION}
)
#: Every right outside projects that a robot can be given.
SYSTEM_ROBOT_RIGHTS: frozenset[RobotRight] = frozenset(
    RobotRight(*permission) for permission in SYSTEM - IN_PERSON
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
    if standing.auditor and permission in AUDITOR:
        return True
    return permission in TABLE and (standing.admin or standing.role in TABLE[permission])


def system_permitted(standing: AccountStanding, permission: SystemPermission) -> bool:
    """Whether an account may do something that lies outside every project."""
    if not standing.active or permission not in SYSTEM:
        return False
    if standing.rights is not None:
        return permission not in IN_PERSON and RobotRight(*permission) in standing.rights
    return standing.admin or (standing.auditor and permission in SYSTEM_AUDITOR)


def robot_rights_allowed(standing: Standing | None, rights: Collection[RobotRight]) -> bool:
    """Whether an account with this standing may hand these rights to a robot of the same project.

    Nobody can give away what they do not hold themselves.
    """
    return all(permitted(standing, Permission(right.resource, right.action)) for right in rights)
