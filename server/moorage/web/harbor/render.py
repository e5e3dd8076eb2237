"""Projects, people and figures as Harbor's JSON; `contents` and `entries` have the rest. Pure.

No secret ever passes through here, apart from the two answers that show one once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from moorage.configuration.model import Shown
from moorage.distribution.model import ProjectUsage
from moorage.health import Finding
from moorage.identity.model import AccessToken, Group, PermissionKind, Robot, RobotPermission, User
from moorage.projects.model import Allowlist, Member, Permission, Project, Role, SystemPermission

Json = dict[str, object]

#: Harbor's words for "never".
NEVER = "0001-01-01T00:00:00.000Z"
NO_EXPIRY = -1
#: Harbor's namespaces of a robot's permissions that are not in one project.
OUTSIDE = "/"
EVERYWHERE = "*"
#: Harbor's number of groups that come from elsewhere and have a name, no distinguished name.
GROUP_TYPE = 2
ROLE_NAMES: Mapping[Role, str] = {
    Role.PROJECT_ADMIN: "projectAdmin",
    Role.MAINTAINER: "maintainer",
    Role.DEVELOPER: "developer",
    Role.GUEST: "guest",
    Role.LIMITED_GUEST: "limitedGuest",
}
_STRONGEST_FIRST = tuple(ROLE_NAMES)


def moment(value: datetime | None) -> str:
    """A moment as Harbor writes it, in UTC with milliseconds."""
    if value is None:
        return NEVER
    return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def flag(value: bool) -> str:
    """A setting of a project's metadata, which are strings."""
    return "true" if value else "false"


def project(
    found: Project,
    *,
    role: Role | None,
    admin: bool,
    repositories: int,
    retention_id: int | None = None,
    stored: Mapping[str, str] | None = None,
    allowed: Allowlist | None = None,
    reasons: bool = False,
) -> Json:
    """A project; `role` and `admin` are the caller's, `stored` is its metadata.

    `reasons` means the same as for `allowlist`.
    """
    roles = [] if role is None else [int(role)]
    return {
        "project_id": found.id,
        "owner_id": found.owner_id,
        "owner_name": found.owner_name,
        "name": found.name,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
        "deleted": False,
        "togglable": admin or role is Role.PROJECT_ADMIN,
        "current_user_role_id": roles[0] if roles else 0,
        "current_user_role_ids": roles,
        "repo_count": repositories,
        "metadata": metadata(found, retention_id, stored),
        "cve_allowlist": allowlist(allowed, found.id, reasons=reasons),
    }


def plain_project(found: Project, stored: Mapping[str, str] | None = None) -> Json:
    """A project for whoever wants no details: without counts, roles and allowlist."""
    return {
        "project_id": found.id,
        "owner_id": found.owner_id,
        "owner_name": found.owner_name,
        "name": found.name,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
        "deleted": False,
        "metadata": metadata(found, stored=stored),
    }


def allowlist(found: Allowlist | None, project_id: int = 0, *, reasons: bool = True) -> Json:
    """A list of vulnerabilities; that of the site has no project.

    Args:
        reasons: say why each is put up with, and who said so; these fields are ours.
    """
    answer: Json = {"id": project_id, "project_id": project_id, "items": []}
    if found is None:
        return answer
    answer["items"] = [
        {
            "cve_id": item.cve_id,
            **({"reason": item.reason, "author": item.author} if reasons else {}),
            "creation_time": moment(item.added_at),
        }
        for item in found.items
    ]
    if found.expires_at is not None:
        answer["expires_at"] = int(found.expires_at.timestamp())
    if found.created_at is not None:
        answer |= {"creation_time": moment(found.created_at), "update_time": moment(found.updated_at)}
    return answer


def metadata(
    found: Project, retention_id: int | None = None, stored: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The settings of a project; `retention_id` is the number of its retention policy, if it has one."""
    shown = {"public": flag(found.public), **(stored or {})}
    if retention_id is not None:
        shown["retention_id"] = str(retention_id)
    return shown


def summary(*, repositories: int, members: Mapping[Role, int] | None, usage: ProjectUsage | None) -> Json:
    """How much there is in a project; None for what the caller may not see."""
    answer: Json = {"repo_count": repositories}
    if usage is not None:
        answer["quota"] = {"hard": _storage(usage.limit_bytes), "used": _storage(usage.used_bytes)}
    if members is not None:
        for role in _STRONGEST_FIRST:
            answer[f"{role.name.lower()}_count"] = members.get(role, 0)
    return answer


def configurations(found: Mapping[str, Shown]) -> Json:
    """The settings of the site."""
    return {name: {"value": each.value, "editable": each.editable} for name, each in found.items()}


def quota(found: ProjectUsage) -> Json:
    """What a project may hold and does; a quota has the number of its project."""
    return {
        "id": found.project_id,
        "ref": {"id": found.project_id, "name": found.name, "owner_name": found.owner_name},
        "hard": _storage(found.limit_bytes),
        "used": _storage(found.used_bytes),
        "near_limit": found.is_near_limit,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def member(found: Member) -> Json:
    """A user's or a group's role in a project."""
    return {
        "id": found.id,
        "project_id": found.project_id,
        "entity_name": found.entity_name,
        "entity_id": found.entity_id,
        "entity_type": "g" if found.is_group else "u",
        "role_name": ROLE_NAMES[found.role],
        "role_id": int(found.role),
    }


def user(found: User) -> Json:
    """An account, without anything that proves it."""
    return {
        "user_id": found.id,
        "username": found.name,
        "email": found.email,
        "realname": found.real_name,
        "comment": found.comment,
        "sysadmin_flag": found.admin,
        "admin_role_in_auth": found.directory_admin,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
        "moorage": {"auditor": found.auditor},
    }


def user_found(found: User) -> Json:
    """What everybody may know of an account."""
    return {"user_id": found.id, "username": found.name}


def group(found: Group) -> Json:
    """A group of the directory; its type is Harbor's of groups that a name alone identifies."""
    return {"id": found.id, "group_name": found.name, "group_type": GROUP_TYPE, "ldap_group_dn": ""}


def group_found(name: str, group_id: int | None) -> Json:
    """What everybody may know of a group; one that is not known here yet has no number."""
    known = {} if group_id is None else {"id": group_id}
    return {**known, "group_name": name, "group_type": GROUP_TYPE}


def permission(found: Permission | SystemPermission, scope: str) -> Json:
    """Something the caller may do; `scope` is put in front of the resource."""
    return {"resource": f"{scope}{found.resource}", "action": found.action}


def robot(found: Robot, names: Mapping[int, str]) -> Json:
    """A robot account, without its secret; `names` are those of the projects that it is for."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "level": "system" if found.is_system else "project",
        "duration": found.duration_days,
        "editable": True,
        "disable": found.disabled,
        "expires_at": _expiry(found),
        "permissions": [
            {
                "kind": each.kind.value,
                "namespace": _namespace(each, names),
                "access": [
                    {"resource": right.resource, "action": right.action}
                    for right in sorted(each.rights, key=lambda right: (right.resource, right.action))
                ],
            }
            for each in found.permissions
            if not each.project_id or each.project_id in names
        ],
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def _namespace(found: RobotPermission, names: Mapping[int, str]) -> str:
    if found.kind is PermissionKind.SYSTEM:
        return OUTSIDE
    return names[found.project_id] if found.project_id else EVERYWHERE


def robot_created(found: Robot, secret: str) -> Json:
    """The one answer, besides `robot_secret`, that shows a robot's secret."""
    return {
        "id": found.id,
        "name": found.name,
        "secret": secret,
        "creation_time": moment(found.created_at),
        "expires_at": _expiry(found),
    }


def robot_secret(secret: str) -> Json:
    """A robot's new secret."""
    return {"secret": secret}


def access_token(found: AccessToken, secret: str | None = None) -> Json:
    """A personal access token; with its secret only where it was just made."""
    answer: Json = {
        "id": found.id,
        "name": found.name,
        "hint": found.hint,
        "creation_time": moment(found.created_at),
        "expires_at": NO_EXPIRY if found.expires_at is None else int(found.expires_at.timestamp()),
        "last_used_time": moment(found.used_at),
    }
    if secret is not None:
        answer["secret"] = secret
    return answer


def search_project(found: Project, repositories: int) -> Json:
    """A project among what a search found."""
    return {
        "project_id": found.id,
        "name": found.name,
        "owner_id": found.owner_id,
        "owner_name": found.owner_name,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
        "metadata": metadata(found),
        "repo_count": repositories,
    }


def health(findings: Mapping[str, Finding], *, detailed: bool) -> Json:
    """Which part is ill; what is wrong with it, or soon will be, only for those who may know."""
    components = []
    for name, found in findings.items():
        part = {"name": name, "status": "unhealthy" if found.is_fault else "healthy"}
        if found.text and detailed:
            part["error" if found.is_fault else "warning"] = found.text
        components.append(part)
    ill = any(found.is_fault for found in findings.values())
    return {"status": "unhealthy" if ill else "healthy", "components": components}


def _storage(size_bytes: int) -> dict[str, int]:
    return {"storage": size_bytes}


def _expiry(found: Robot) -> int:
    return NO_EXPIRY if found.expires_at is None else int(found.expires_at.timestamp())
