"""Models as Harbor's JSON: every field name of the contract is here. Pure.

No secret ever passes through here, apart from the two answers that show one once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from moorage.audit.model import Entry, Result
from moorage.distribution.model import IndexEntry, ManifestSummary, Repository, TagEntry
from moorage.identity.model import AccessToken, Robot, User
from moorage.oci import mediatypes
from moorage.projects.model import Member, Permission, Project, Role

Json = dict[str, object]

#: Harbor's words for "never".
NEVER = "0001-01-01T00:00:00.000Z"
NO_EXPIRY = -1
ROLE_NAMES: Mapping[Role, str] = {
    Role.PROJECT_ADMIN: "projectAdmin",
    Role.MAINTAINER: "maintainer",
    Role.DEVELOPER: "developer",
    Role.GUEST: "guest",
    Role.LIMITED_GUEST: "limitedGuest",
}
_STRONGEST_FIRST = tuple(ROLE_NAMES)
_VERBS = {"push": "create", "move": "update", "mount": "create"}
_DAY_SECONDS = 86_400
_artifact_kind = re.compile(r"application/vnd\.[^.]+\.(.+)\.config\.[^.]+").fullmatch


def moment(value: datetime | None) -> str:
    """A moment as Harbor writes it, in UTC with milliseconds."""
    if value is None:
        return NEVER
    return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def flag(value: bool) -> str:
    """A setting of a project's metadata, which are strings."""
    return "true" if value else "false"


def project(found: Project, *, role: Role | None, admin: bool, repositories: int) -> Json:
    """A project; `role` and `admin` are the caller's."""
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
        "metadata": metadata(found),
        "cve_allowlist": {"project_id": found.id, "items": []},
    }


def metadata(found: Project) -> dict[str, str]:
    """The settings of a project."""
    return {"public": flag(found.public)}


def summary(*, repositories: int, members: Mapping[Role, int] | None, used_bytes: int) -> Json:
    """How much there is in a project; `members` is None for callers who may not see them."""
    answer: Json = {
        "repo_count": repositories,
        "quota": {"hard": {"storage": NO_EXPIRY}, "used": {"storage": used_bytes}},
    }
    if members is not None:
        for role in _STRONGEST_FIRST:
            answer[f"{role.name.lower()}_count"] = members.get(role, 0)
    return answer


def member(found: Member) -> Json:
    """A user's role in a project."""
    return {
        "id": found.id,
        "project_id": found.project_id,
        "entity_name": found.user_name,
        "entity_id": found.user_id,
        "entity_type": "u",
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
        "admin_role_in_auth": False,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def user_found(found: User) -> Json:
    """What everybody may know of an account."""
    return {"user_id": found.id, "username": found.name}


def permission(found: Permission, scope: str) -> Json:
    """Something the caller may do; `scope` is put in front of the resource."""
    return {"resource": f"{scope}{found.resource}", "action": found.action}


def robot(found: Robot, project_name: str) -> Json:
    """A robot account, without its secret."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "level": "project",
        "duration": _days(found),
        "editable": True,
        "disable": found.disabled,
        "expires_at": _expiry(found),
        "permissions": [
            {
                "kind": "project",
                "namespace": project_name,
                "access": [
                    {"resource": right.resource, "action": right.action}
                    for right in sorted(found.rights, key=lambda right: (right.resource, right.action))
                ],
            }
        ],
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


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


def repository(found: Repository, artifacts: int) -> Json:
    """A repository."""
    return {
        "id": found.id,
        "project_id": found.project_id,
        "name": found.name,
        "description": found.description,
        "artifact_count": artifacts,
        "pull_count": found.pull_count,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def tag(found: TagEntry, artifact_id: int) -> Json:
    """A tag."""
    return {
        "id": found.id,
        "repository_id": found.repository_id,
        "artifact_id": artifact_id,
        "name": found.name,
        "push_time": moment(found.pushed_at),
        "pull_time": moment(found.pulled_at),
        "immutable": False,
    }


def artifact(
    found: ManifestSummary,
    within: Repository,
    *,
    tags: Sequence[Json] | None,
    references: Sequence[Json],
    accessories: Sequence[Json] | None,
    annotations: Mapping[str, str],
) -> Json:
    """A manifest; `tags` and `accessories` are None when they were not asked for."""
    return {
        "id": found.id,
        "type": kind(found),
        "media_type": found.config_media_type or found.media_type,
        "manifest_media_type": found.media_type,
        "artifact_type": found.artifact_type or found.config_media_type or found.media_type,
        "project_id": within.project_id,
        "repository_id": found.repository_id,
        "repository_name": within.name,
        "digest": str(found.digest),
        "size": found.size_bytes,
        "push_time": moment(found.pushed_at),
        "pull_time": moment(found.pulled_at),
        "extra_attrs": {},
        "annotations": dict(annotations),
        "references": list(references),
        "tags": None if tags is None else list(tags),
        "labels": [],
        "accessories": None if accessories is None else list(accessories),
        "addition_links": {},
    }


def kind(found: ManifestSummary) -> str:
    """Harbor's word for what an artifact is."""
    if found.media_type in mediatypes.INDEXES or found.config_media_type in _IMAGE_CONFIGS:
        return "IMAGE"
    match = _artifact_kind(found.config_media_type)
    if match is None:
        return "UNKNOWN"
    name = match[1].upper()
    return "CHART" if name == "HELM" else name


def reference(entry: IndexEntry) -> Json:
    """A line of an index; `child_id` is 0 while the child is absent."""
    child = entry.descriptor
    answer: Json = {
        "parent_id": entry.parent_id,
        "child_id": entry.child_id or 0,
        "child_digest": str(child.digest),
        "annotations": dict(child.annotations),
        "urls": list(child.urls),
    }
    if child.platform is not None:
        answer["platform"] = {
            "architecture": child.platform.architecture,
            "os": child.platform.os,
            "os.version": child.platform.os_version,
            "os.features": list(child.platform.os_features),
            "variant": child.platform.variant,
        }
    return answer


def accessory(found: ManifestSummary, subject: ManifestSummary, within: Repository) -> Json:
    """A manifest that says something about another one."""
    return {
        "id": found.id,
        "artifact_id": found.id,
        "subject_artifact_id": subject.id,
        "subject_artifact_digest": str(subject.digest),
        "subject_artifact_repo": within.name,
        "digest": str(found.digest),
        "size": found.size_bytes,
        "type": found.artifact_type or found.config_media_type or found.media_type,
        "icon": "",
        "creation_time": moment(found.pushed_at),
    }


def audit_log(found: Entry) -> Json:
    """An entry of the log in Harbor's older form."""
    return {
        "id": found.id,
        "username": found.actor,
        "resource": found.resource,
        "resource_type": found.resource_type,
        "operation": verb(found.operation),
        "op_time": moment(found.at),
    }


def audit_log_ext(found: Entry) -> Json:
    """An entry of the log in Harbor's newer form, and what that one lacks below `moorage`."""
    return {
        **audit_log(found),
        "operation_description": describe(found),
        "operation_result": found.result is Result.SUCCESS,
        "moorage": {
            "actor_kind": found.actor_kind,
            "address": found.address,
            "user_agent": found.user_agent,
            "request_id": found.request_id,
            "operation": found.operation,
            "project_id": found.project_id,
            "project": found.project,
            "repository": found.repository,
            "tag": found.tag,
            "digest": found.digest,
            "result": found.result.value,
            "detail": found.detail,
        },
    }


def verb(operation: str) -> str:
    """Harbor's word for the verb of one of our operations, for instance ``create`` for ``push_artifact``."""
    first = operation.partition("_")[0]
    return _VERBS.get(first, first)


def describe(found: Entry) -> str:
    """An entry in one line."""
    words = f"{found.operation.replace('_', ' ')} {found.resource}".strip()
    return f"{words} ({found.detail})" if found.detail else words


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


def search_repository(found: Repository, *, public: bool, artifacts: int) -> Json:
    """A repository among what a search found."""
    return {
        "project_id": found.project_id,
        "project_name": found.name.project,
        "project_public": public,
        "repository_name": found.name,
        "pull_count": found.pull_count,
        "artifact_count": artifacts,
    }


def statistic(counts: Mapping[str, int]) -> Json:
    """How many projects and repositories there are; the totals are for administrators."""
    return dict(counts)


def health(faults: Mapping[str, str | None], *, detailed: bool) -> Json:
    """Which part is ill; what is wrong with it only for those who may know."""
    components = []
    for name, fault in faults.items():
        part = {"name": name, "status": "healthy" if fault is None else "unhealthy"}
        if fault is not None and detailed:
            part["error"] = fault
        components.append(part)
    ill = any(fault is not None for fault in faults.values())
    return {"status": "unhealthy" if ill else "healthy", "components": components}


def strongest(roles: Iterable[Role]) -> Role | None:
    """The role among these that may do most."""
    held = set(roles)
    return next((role for role in _STRONGEST_FIRST if role in held), None)


_IMAGE_CONFIGS = frozenset({mediatypes.OCI_CONFIG, mediatypes.DOCKER_CONFIG})


def _expiry(found: Robot) -> int:
    return NO_EXPIRY if found.expires_at is None else int(found.expires_at.timestamp())


def _days(found: Robot) -> int:
    if found.expires_at is None:
        return NO_EXPIRY
    return max(1, round((found.expires_at - found.created_at).total_seconds() / _DAY_SECONDS))
