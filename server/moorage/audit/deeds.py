"""What each event is called in the log: one row of `TABLE` for every class in `moorage.events`."""

from collections.abc import Callable, Mapping
from typing import Any

from moorage import events
from moorage.audit.model import Deed
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName


def artifact(
    operation: str,
    project_id: int | None,
    repository: RepositoryName,
    *,
    tag: str = "",
    digest: Digest | None = None,
    detail: str = "",
    resource_type: str = "artifact",
) -> Deed:
    """Something done to what a tag or a digest names inside a repository."""
    shown = f":{tag}" if tag else f"@{digest}" if digest else ""
    return Deed(
        operation=operation,
        resource_type=resource_type,
        resource=f"{repository}{shown}",
        project_id=project_id,
        project=repository.project,
        repository=repository,
        tag=tag,
        digest="" if digest is None else str(digest),
        detail=detail,
    )


def blob(
    operation: str, project_id: int | None, repository: RepositoryName, digest: Digest, detail: str = ""
) -> Deed:
    """Something done to a blob that a repository holds."""
    return artifact(operation, project_id, repository, digest=digest, detail=detail, resource_type="blob")


def _user(operation: str, event: Any, detail: str = "") -> Deed:
    return Deed(operation, "user", event.name, detail=detail)


def _group(operation: str, event: Any, detail: str = "") -> Deed:
    return Deed(operation, "user_group", event.name, detail=detail)


def _access_token(operation: str, event: Any) -> Deed:
    return Deed(operation, "access_token", event.name, detail=f"of user {event.user_id}")


def _robot(operation: str, event: Any, detail: str = "") -> Deed:
    project = event.name.partition("$")[2].partition("+")[0] if event.project_id else ""
    return Deed(operation, "robot", event.name, event.project_id or None, project, detail=detail)


def _project(operation: str, event: Any, detail: str = "") -> Deed:
    return Deed(operation, "project", event.name, event.project_id, event.name, detail=detail)


def _member(operation: str, event: Any, detail: str = "") -> Deed:
    return Deed(operation, "member", event.member, event.project_id, event.project, detail=detail)


def _repository(operation: str, event: Any, detail: str = "") -> Deed:
    return artifact(operation, event.project_id, event.repository, detail=detail, resource_type="repository")


def _push(event: events.ManifestPushed) -> Deed:
    detail = "" if event.created else "known already"
    return artifact(
        "push_artifact",
        event.project_id,
        event.repository,
        tag=event.tag or "",
        digest=event.digest,
        detail=detail,
    )


def _tag(operation: str, event: Any, detail: str = "") -> Deed:
    return artifact(
        operation,
        event.project_id,
        event.repository,
        tag=event.tag,
        digest=event.digest,
        detail=detail,
        resource_type="tag",
    )


def _tag_moved(event: events.TagMoved) -> Deed:
    if event.previous is None:
        return _tag("create_tag", event)
    return _tag("move_tag", event, f"from {event.previous}")


def _label(operation: str, event: events.LabelEvent, detail: str = "") -> Deed:
    return Deed(operation, "label", event.name, event.project_id, event.project, detail=detail)


def _labelled(operation: str, event: events.LabelAdded | events.LabelRemoved) -> Deed:
    return artifact(
        operation,
        event.project_id,
        event.repository,
        digest=event.digest,
        detail=event.label,
        resource_type="artifact_label",
    )


def _job(verb: str, event: Any, detail: str = "") -> Deed:
    return Deed(
        f"{verb}_{event.kind.replace('-', '_')}",
        "job",
        f"{event.kind} {event.execution_id}",
        event.project_id,
        detail=detail,
    )


def _schedule(event: events.ScheduleChanged) -> Deed:
    return Deed("update_schedule", "schedule", event.kind, event.project_id, detail=event.what)


Describe = Callable[[Any], Deed]

TABLE: Mapping[type[events.Event], Describe] = {
    events.UserCreated: lambda e: _user("create_user", e),
    events.UserChanged: lambda e: _user("update_user", e, e.what),
    events.UserDeleted: lambda e: _user("delete_user", e),
    events.GroupCreated: lambda e: _group("create_user_group", e),
    events.GroupChanged: lambda e: _group("update_user_group", e, e.what),
    events.GroupDeleted: lambda e: _group("delete_user_group", e),
    events.AccessTokenCreated: lambda e: _access_token("create_access_token", e),
    events.AccessTokenRevoked: lambda e: _access_token("delete_access_token", e),
    events.RobotCreated: lambda e: _robot("create_robot", e, e.may),
    events.RobotChanged: lambda e: _robot("update_robot", e, f"{e.what}: {e.may}" if e.may else e.what),
    events.RobotDeleted: lambda e: _robot("delete_robot", e),
    events.DirectoryConnected: lambda e: Deed(
        "create_directory", "directory", e.address, detail=f"as {e.account}"
    ),
    events.DirectoryChanged: lambda e: Deed("update_directory", "directory", e.address, detail=e.what),
    events.DirectoryDisconnected: lambda e: Deed("delete_directory", "directory", e.address),
    events.ScannerCreated: lambda e: Deed("create_scanner", "scanner", e.name),
    events.ScannerChanged: lambda e: Deed("update_scanner", "scanner", e.name, detail=e.what),
    events.ScannerDeleted: lambda e: Deed("delete_scanner", "scanner", e.name),
    events.DirectoryDoubted: lambda e: Deed(
        "doubt_directory",
        "directory",
        "people",
        detail=f"{e.losing} of {e.known} people would have lost access at once; nobody did",
    ),
    events.ProjectCreated: lambda e: _project("create_project", e),
    events.ProjectChanged: lambda e: _project("update_project", e, e.what),
    events.ProjectRenamed: lambda e: _project("rename_project", e, f"was {e.previous}"),
    events.ProjectNameReleased: lambda e: Deed(
        "delete_former_name", "former_name", e.released, e.project_id, e.name, detail=f"of project {e.name}"
    ),
    events.ProjectDeleted: lambda e: _project("delete_project", e),
    events.MemberAdded: lambda e: _member("create_member", e, e.role),
    events.MemberChanged: lambda e: _member("update_member", e, e.role),
    events.MemberRemoved: lambda e: _member("delete_member", e),
    events.RepositoryCreated: lambda e: _repository("create_repository", e),
    events.RepositoryChanged: lambda e: _repository("update_repository", e, e.what),
    events.RepositoryDeleted: lambda e: _repository("delete_repository", e),
    events.BlobPushed: lambda e: blob(
        "push_blob", e.project_id, e.repository, e.digest, f"{e.size_bytes} bytes"
    ),
    events.BlobMounted: lambda e: blob(
        "mount_blob", e.project_id, e.repository, e.digest, f"from {e.source}"
    ),
    events.BlobDeleted: lambda e: blob("delete_blob", e.project_id, e.repository, e.digest),
    events.ManifestPushed: _push,
    events.ManifestDeleted: lambda e: artifact(
        "delete_artifact", e.project_id, e.repository, digest=e.digest
    ),
    events.TagMoved: _tag_moved,
    events.TagDeleted: lambda e: _tag("delete_tag", e),
    events.LabelCreated: lambda e: _label("create_label", e),
    events.LabelChanged: lambda e: _label("update_label", e, e.what),
    events.LabelDeleted: lambda e: _label("delete_label", e),
    events.LabelAdded: lambda e: _labelled("create_artifact_label", e),
    events.LabelRemoved: lambda e: _labelled("delete_artifact_label", e),
    events.JobRequested: lambda e: _job("start", e, f"by {e.trigger}"),
    events.JobStopped: lambda e: _job("stop", e),
    events.JobFinished: lambda e: _job("finish", e, f"{e.state}: {e.message}" if e.message else e.state),
    events.ScheduleChanged: _schedule,
    events.ConfigurationChanged: lambda e: Deed(
        "update_configuration", "configuration", "configuration", None, detail=e.what
    ),
    events.SessionClosed: lambda e: Deed("delete_session", "session", e.name),
    events.AllowlistChanged: lambda e: Deed(
        "update_allowlist", "allowlist", "system", None, detail=f"{e.count} entries"
    ),
    events.QuarantineEmptied: lambda e: Deed(
        "delete_quarantine",
        "quarantine",
        "quarantine",
        None,
        detail=f"{e.count} removed, {e.size_bytes} bytes",
    ),
}
#: What `audit.blobs` switches off: blobs come and go by the dozen with each image.
BLOB_TRAFFIC: frozenset[type[events.Event]] = frozenset({events.BlobPushed, events.BlobMounted})
#: Every operation that the log knows by name; refused ones may bear the name of any route.
OPERATIONS = (
    "create_access_token",
    "create_artifact_label",
    "create_label",
    "create_member",
    "create_project",
    "create_repository",
    "create_robot",
    "create_scanner",
    "create_tag",
    "create_user",
    "create_user_group",
    "delete_access_token",
    "delete_artifact",
    "delete_artifact_label",
    "delete_blob",
    "delete_former_name",
    "delete_label",
    "delete_member",
    "delete_project",
    "delete_quarantine",
    "delete_repository",
    "delete_robot",
    "delete_session",
    "delete_scanner",
    "delete_tag",
    "delete_user",
    "delete_user_group",
    "finish_fsck",
    "finish_gc",
    "finish_identity_refresh",
    "finish_purge",
    "finish_retention",
    "login_user",
    "mount_blob",
    "move_tag",
    "pull_artifact",
    "pull_blob",
    "push_artifact",
    "push_blob",
    "rename_project",
    "start_fsck",
    "start_gc",
    "start_identity_refresh",
    "start_purge",
    "start_retention",
    "stop_fsck",
    "stop_gc",
    "stop_identity_refresh",
    "stop_purge",
    "stop_retention",
    "update_allowlist",
    "update_configuration",
    "update_label",
    "update_member",
    "update_project",
    "update_repository",
    "update_robot",
    "update_scanner",
    "update_schedule",
    "update_user",
    "update_user_group",
)
