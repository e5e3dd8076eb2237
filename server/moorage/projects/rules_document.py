"""The table of `rules` as a page of the documentation: ``server/docs/permissions.md``."""

from moorage.projects.model import Permission, Role, SystemPermission
from moorage.projects.rules import AUDITOR, IN_PERSON, PUBLIC, SYSTEM, SYSTEM_AUDITOR, TABLE

_DOCUMENTED = (Role.LIMITED_GUEST, Role.GUEST, Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN)
_PREFACE = (
    "# Permissions",
    "",
    "Printed from `moorage/projects/rules.py`; change it there.",
    "",
    "A member of a project has one role in it. A robot of a project has exactly the permissions on its own",
    "list, each of them one of this table; nobody can give a robot a permission that they do not hold",
    "themselves. A system robot has such a list for each project that it is for, or for all of them, and",
    "one for what lies outside projects. A system administrator may do everything everywhere. An auditor",
    "may read what the last column marks, in every project, besides what their role allows. In a public",
    "project everybody, logged in or not, may also do what the first column marks.",
    "",
    "A role is looked up on every request: taking it away works at once, also for tokens given out before.",
    "",
)
_SYSTEM_PREFACE = (
    "## Outside projects",
    "",
    "System administrators may do all of this. What is marked in the last column can be given to a system",
    "robot; what names a feature that this release lacks can be given as well and opens nothing yet.",
    "",
    "| Permission | auditor | can be given to robots |",
    "|---|:-:|:-:|",
)


def markdown() -> str:
    """The page; a test keeps the file equal."""
    columns = [*(role.name.lower().replace("_", " ") for role in _DOCUMENTED), "auditor"]
    lines = [
        *_PREFACE,
        "| Permission | anyone, if public | " + " | ".join(columns) + " |",
        "|---|" + ":-:|" * (len(columns) + 1),
        *(_row(permission) for permission in sorted(TABLE)),
        "",
        *_SYSTEM_PREFACE,
        *(_system_row(permission) for permission in sorted(SYSTEM)),
        "",
    ]
    return "\n".join(lines)


def _row(permission: Permission) -> str:
    held = [
        permission in PUBLIC,
        *(role in TABLE[permission] for role in _DOCUMENTED),
        permission in AUDITOR,
    ]
    return _line(permission, held)


def _system_row(permission: SystemPermission) -> str:
    return _line(permission, [permission in SYSTEM_AUDITOR, permission not in IN_PERSON])


def _line(permission: Permission | SystemPermission, held: list[bool]) -> str:
    marks = " | ".join("x" if each else " " for each in held)
    return f"| {permission.resource}: {permission.action} | {marks} |"
