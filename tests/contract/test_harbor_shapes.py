"""What `web.harbor` renders has the fields of Harbor's API v2.0, each of the right kind, and no others."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from moorage.audit.model import Entry, Result
from moorage.distribution.model import (
    IndexEntry,
    Label,
    ManifestSummary,
    ProjectUsage,
    Repository,
    TagEntry,
)
from moorage.gc.model import Outlook
from moorage.health import Finding, State
from moorage.identity.model import AccessToken, PermissionKind, Robot, RobotPermission, RobotRight, User
from moorage.jobs import model as jobs
from moorage.oci import mediatypes
from moorage.oci.descriptor import Descriptor, Platform
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName
from moorage.projects.model import ImmutabilityRule, Member, Permission, Project, Role
from moorage.projects.selectors import Selector
from moorage.retention.document import document, rules_document
from moorage.retention.model import Policy, Rule, Template
from moorage.web.harbor import (
    additions,
    contents,
    entries,
    histories,
    immutable,
    render,
    retention_runs,
    webhook_runs,
    webhooks,
)
from moorage.web.harbor.routes import routes
from moorage.webhooks.model import Delivery, EventType, LastTrigger, Occurrence, Target, TargetKind
from moorage.webhooks.model import Policy as Webhook

DOCUMENTATION = Path(__file__).parents[2] / "server" / "docs" / "harbor-api.md"
AT = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
DIGEST = digest_of(b"one")

PROJECT = Project(1, "dock", True, 7, "alice", AT, AT)
USER = User(7, "alice", "a@example.com", "Alice", "hi", True, False, 3, AT, AT)
ROBOT = Robot(
    id=9,
    project_id=1,
    name="robot$dock+ci",
    description="builds",
    disabled=False,
    generation=1,
    expires_at=AT + timedelta(days=30),
    created_at=AT,
    updated_at=AT,
    permissions=(
        RobotPermission(
            PermissionKind.PROJECT,
            1,
            frozenset({RobotRight("repository", "push"), RobotRight("repository", "pull")}),
        ),
    ),
    created_by="alice",
)
TOKEN = AccessToken(3, 7, "laptop", "moor_pat_abcd", AT, None, None)
REPOSITORY = Repository(4, 1, RepositoryName("dock/deep/app"), "about", 12, AT, AT)
MANIFEST = ManifestSummary(
    id=5,
    repository_id=4,
    digest=DIGEST,
    media_type=mediatypes.OCI_MANIFEST,
    artifact_type=mediatypes.OCI_CONFIG,
    config_media_type=mediatypes.OCI_CONFIG,
    subject=None,
    size_bytes=1234,
    pushed_at=AT,
    pulled_at=None,
)
TAG = TagEntry(6, 4, "1.0", DIGEST, AT, None)
LABEL = Label(13, 1, "tested", "by hand", "#1D5100", AT, AT)
LINE = IndexEntry(
    5,
    8,
    Descriptor(
        mediatypes.OCI_MANIFEST,
        DIGEST,
        10,
        annotations={"a": "b"},
        platform=Platform("arm64", "linux", "6", ("sse4",), "v8"),
        urls=("https://example.com/x",),
    ),
)
WELL = Finding(State.WELL)
USAGE = ProjectUsage(1, "dock", 7, "alice", 100, 5, AT, AT)
ENTRY = Entry(
    id=11,
    at=AT,
    request_id="req-1",
    actor_kind="user",
    actor="alice",
    address="192.0.2.1",
    user_agent="docker/27",
    operation="push_artifact",
    resource_type="artifact",
    resource="dock/deep/app:1.0",
    project_id=1,
    project="dock",
    repository="dock/deep/app",
    tag="1.0",
    digest=str(DIGEST),
    result=Result.DENIED,
    detail="",
)

RULE = ImmutabilityRule(12, 1, False, 0, Selector("**", "repoMatches"), Selector("v*"), AT)

POLICY = Policy(
    4,
    1,
    (Rule(1, Template.LATEST_PUSHED, 10, (Selector("v*"),), (Selector("**", "repoMatches"),)),),
    AT,
    AT,
)
RUN = jobs.Execution(
    id=21,
    kind="gc",
    subject=0,
    project_id=None,
    trigger=jobs.Trigger.RESTART,
    state=jobs.State.SUCCESS,
    parameters={"dry_run": False},
    progress={"blobs": 3},
    result={"freed_bytes": 10, "blobs": 3},
    message="done",
    requested_by="admin",
    attempts=1,
    stop_requested=False,
    created_at=AT,
    started_at=AT,
    updated_at=AT,
    ended_at=None,
)
SCHEDULE = jobs.Schedule(22, "purge", 0, None, "Daily", "0 0 0 * * *", {"dry_run": True}, AT, None, AT)

Shape = Mapping[str, type]
_COUNTS = ("project_admin", "maintainer", "developer", "guest", "limited_guest")
WEBHOOK = Webhook(
    id=3,
    project_id=1,
    name="ci",
    description="",
    enabled=True,
    event_types=(EventType.PUSH_ARTIFACT,),
    targets=(Target(TargetKind.HTTP, "https://hooks.example.com/", "Bearer secret"),),
    secret="secret",
    creator="alice",
    created_at=AT,
    updated_at=AT,
)
OCCURRENCE = Occurrence(
    5, 3, "PUSH_ARTIFACT", "alice", {"occur_at": 7, "event_data": {}}, AT, {jobs.State.SUCCESS: 1}, AT
)
DELIVERY = Delivery(
    id=6,
    occurrence_id=5,
    policy_id=3,
    event_type="PUSH_ARTIFACT",
    kind=TargetKind.HTTP,
    address="https://hooks.example.com/",
    state=jobs.State.SUCCESS,
    failures=0,
    deaths=0,
    status_code=200,
    message="",
    log="",
    created_at=AT,
    started_at=AT,
    updated_at=AT,
    ended_at=AT,
)
_HISTORY: Shape = {
    "id": int,
    "job_name": str,
    "job_kind": str,
    "job_parameters": str,
    "schedule": dict,
    "job_status": str,
    "deleted": bool,
    "creation_time": str,
    "update_time": str,
}
_LOG: Shape = {
    "id": int,
    "username": str,
    "resource": str,
    "resource_type": str,
    "operation": str,
    "op_time": str,
}
SHAPES: Mapping[str, tuple[render.Json, Shape]] = {
    "Project": (
        render.project(PROJECT, role=Role.DEVELOPER, admin=False, repositories=2),
        {
            "project_id": int,
            "owner_id": int,
            "owner_name": str,
            "name": str,
            "creation_time": str,
            "update_time": str,
            "deleted": bool,
            "togglable": bool,
            "current_user_role_id": int,
            "current_user_role_ids": list,
            "repo_count": int,
            "metadata": dict,
            "cve_allowlist": dict,
        },
    ),
    "ProjectMetadata": (dict(render.metadata(PROJECT)), {"public": str}),
    "ProjectSummary": (
        render.summary(repositories=2, members={Role.GUEST: 3}, usage=USAGE),
        {"repo_count": int, "quota": dict, **{f"{name}_count": int for name in _COUNTS}},
    ),
    "Quota": (
        render.quota(USAGE),
        {
            "id": int,
            "ref": dict,
            "hard": dict,
            "used": dict,
            "near_limit": bool,
            "creation_time": str,
            "update_time": str,
        },
    ),
    "ProjectMemberEntity": (
        render.member(Member(2, 1, 7, "alice", Role.MAINTAINER)),
        {
            "id": int,
            "project_id": int,
            "entity_name": str,
            "role_name": str,
            "role_id": int,
            "entity_id": int,
            "entity_type": str,
        },
    ),
    "ImmutableRule": (
        immutable.rendered(RULE),
        {
            "id": int,
            "priority": int,
            "disabled": bool,
            "action": str,
            "template": str,
            "tag_selectors": list,
            "scope_selectors": dict,
        },
    ),
    "ImmutableSelector": (
        immutable.rendered(RULE)["tag_selectors"][0],  # type: ignore[index]
        {"kind": str, "decoration": str, "pattern": str, "extras": str},
    ),
    "UserResp": (
        render.user(USER),
        {
            "email": str,
            "realname": str,
            "comment": str,
            "user_id": int,
            "username": str,
            "sysadmin_flag": bool,
            "admin_role_in_auth": bool,
            "creation_time": str,
            "update_time": str,
            "moorage": dict,
        },
    ),
    "UserSearchRespItem": (render.user_found(USER), {"user_id": int, "username": str}),
    "Permission": (
        render.permission(Permission("repository", "pull"), "/"),
        {"resource": str, "action": str},
    ),
    "Robot": (
        render.robot(ROBOT, {1: "dock"}),
        {
            "id": int,
            "name": str,
            "description": str,
            "level": str,
            "duration": int,
            "editable": bool,
            "disable": bool,
            "expires_at": int,
            "permissions": list,
            "creation_time": str,
            "update_time": str,
        },
    ),
    "RobotCreated": (
        render.robot_created(ROBOT, "hidden"),
        {"id": int, "name": str, "secret": str, "creation_time": str, "expires_at": int},
    ),
    "RobotSec": (render.robot_secret("hidden"), {"secret": str}),
    "Repository": (
        contents.repository(REPOSITORY, 3),
        {
            "id": int,
            "project_id": int,
            "name": str,
            "description": str,
            "artifact_count": int,
            "pull_count": int,
            "creation_time": str,
            "update_time": str,
        },
    ),
    "Artifact": (
        contents.artifact(
            MANIFEST,
            REPOSITORY,
            tags=[contents.tag(TAG, 5)],
            labels=[contents.label(LABEL)],
            references=[contents.reference(LINE)],
            accessories=[],
            annotations={"a": "b"},
            attributes={"os": "linux"},
        ),
        {
            "id": int,
            "type": str,
            "media_type": str,
            "manifest_media_type": str,
            "artifact_type": str,
            "project_id": int,
            "repository_id": int,
            "repository_name": str,
            "digest": str,
            "size": int,
            "push_time": str,
            "pull_time": str,
            "extra_attrs": dict,
            "annotations": dict,
            "references": list,
            "tags": list,
            "labels": list,
            "accessories": list,
            "addition_links": dict,
        },
    ),
    "Tag": (
        contents.tag(TAG, 5),
        {
            "id": int,
            "repository_id": int,
            "artifact_id": int,
            "name": str,
            "push_time": str,
            "pull_time": str,
            "immutable": bool,
        },
    ),
    "Label": (
        contents.label(LABEL),
        {
            "id": int,
            "name": str,
            "description": str,
            "color": str,
            "scope": str,
            "project_id": int,
            "creation_time": str,
            "update_time": str,
        },
    ),
    "AdditionLink": (
        contents.artifact(
            MANIFEST,
            REPOSITORY,
            tags=None,
            labels=None,
            references=[],
            accessories=None,
            annotations={},
            attributes={},
        )["addition_links"]["build_history"],  # type: ignore[index]
        {"href": str, "absolute": bool},
    ),
    "BuildHistoryEntry": (additions.step({"created_by": "RUN x"}), {"created": str, "created_by": str}),
    "Reference": (
        contents.reference(LINE),
        {
            "parent_id": int,
            "child_id": int,
            "child_digest": str,
            "platform": dict,
            "annotations": dict,
            "urls": list,
        },
    ),
    "Accessory": (
        contents.accessory(replace(MANIFEST, id=8, subject=DIGEST), MANIFEST, REPOSITORY),
        {
            "id": int,
            "artifact_id": int,
            "subject_artifact_id": int,
            "subject_artifact_digest": str,
            "subject_artifact_repo": str,
            "size": int,
            "digest": str,
            "type": str,
            "icon": str,
            "creation_time": str,
        },
    ),
    "AuditLog": (entries.audit_log(ENTRY), _LOG),
    "AuditLogExt": (
        entries.audit_log_ext(ENTRY),
        {**_LOG, "operation_description": str, "operation_result": bool, "moorage": dict},
    ),
    "RetentionPolicy": (
        document(POLICY, "0 0 3 * * *"),
        {"id": int, "algorithm": str, "rules": list, "trigger": dict, "scope": dict},
    ),
    "RetentionRule": (
        rules_document(POLICY.rules)[0],
        {
            "id": int,
            "priority": int,
            "disabled": bool,
            "action": str,
            "template": str,
            "params": dict,
            "tag_selectors": list,
            "scope_selectors": dict,
        },
    ),
    "RetentionExecution": (
        retention_runs.run(replace(RUN, kind="retention", subject=4)),
        {
            "id": int,
            "policy_id": int,
            "start_time": str,
            "end_time": str,
            "status": str,
            "trigger": str,
            "dry_run": bool,
            "moorage": dict,
        },
    ),
    "RetentionExecutionTask": (
        retention_runs.task(
            jobs.Task(3, 2, "dock/deep/app", jobs.State.SUCCESS, {"total": 9, "retained": 4}, "", AT, AT)
        ),
        {
            "id": int,
            "execution_id": int,
            "repository": str,
            "job_id": str,
            "status": str,
            "status_code": int,
            "status_revision": int,
            "start_time": str,
            "end_time": str,
            "total": int,
            "retained": int,
        },
    ),
    "WebhookPolicy": (
        webhooks.rendered(WEBHOOK),
        {
            "id": int,
            "name": str,
            "description": str,
            "project_id": int,
            "targets": list,
            "event_types": list,
            "creator": str,
            "creation_time": str,
            "update_time": str,
            "enabled": bool,
        },
    ),
    "WebhookTargetObject": (
        webhooks.rendered(WEBHOOK)["targets"][0],  # type: ignore[index]
        {"type": str, "address": str, "skip_cert_verify": bool, "payload_format": str},
    ),
    "WebhookLastTrigger": (
        webhooks.last_trigger(WEBHOOK, LastTrigger(3, "PUSH_ARTIFACT", AT)),
        {
            "policy_name": str,
            "event_type": str,
            "enabled": bool,
            "creation_time": str,
            "last_trigger_time": str,
        },
    ),
    "Execution": (
        webhook_runs.run(OCCURRENCE),
        {
            "id": int,
            "vendor_type": str,
            "vendor_id": int,
            "status": str,
            "status_message": str,
            "metrics": dict,
            "trigger": str,
            "extra_attrs": dict,
            "start_time": str,
            "end_time": str,
        },
    ),
    "Task": (
        webhook_runs.task(DELIVERY),
        {
            "id": int,
            "execution_id": int,
            "status": str,
            "status_message": str,
            "run_count": int,
            "extra_attrs": dict,
            "creation_time": str,
            "update_time": str,
            "start_time": str,
            "end_time": str,
        },
    ),
    "WebhookJob": (
        webhook_runs.job(DELIVERY, OCCURRENCE),
        {
            "id": int,
            "policy_id": int,
            "event_type": str,
            "notify_type": str,
            "status": str,
            "job_detail": str,
            "creation_time": str,
            "update_time": str,
        },
    ),
    "GCHistory": (histories.history(RUN), {**_HISTORY, "moorage": dict}),
    "ExecHistory": (histories.history(replace(RUN, kind="purge")), {**_HISTORY, "moorage": dict}),
    "Schedule": (histories.schedule(SCHEDULE, "purge"), _HISTORY),
    "Schedule.none": (histories.schedule(None, "gc"), _HISTORY),
    "ScheduleTask": (
        histories.schedule_task(SCHEDULE),
        {"id": int, "vendor_type": str, "vendor_id": int, "cron": str, "update_time": str},
    ),
    # Ours: Harbor does not say when space comes free.
    "Forecast": (
        histories.forecast(Outlook(1, AT, AT, 2, 3, AT)),
        {
            "waiting_bytes": int,
            "waiting_from": str,
            "waiting_until": str,
            "waiting_manifests": int,
            "trash_bytes": int,
            "trash_until": str,
        },
    ),
    "OverallHealthStatus": (
        render.health({"database": WELL, "storage": Finding(State.DEGRADED, "full")}, detailed=True),
        {"status": str, "components": list},
    ),
    "Search.project": (
        render.search_project(PROJECT, 2),
        {
            "project_id": int,
            "name": str,
            "owner_id": int,
            "owner_name": str,
            "creation_time": str,
            "update_time": str,
            "metadata": dict,
            "repo_count": int,
        },
    ),
    "SearchRepository": (
        contents.search_repository(REPOSITORY, public=True, artifacts=2),
        {
            "project_id": int,
            "project_name": str,
            "project_public": bool,
            "repository_name": str,
            "pull_count": int,
            "artifact_count": int,
        },
    ),
    # Ours: Harbor has no personal access tokens.
    "AccessToken": (
        render.access_token(TOKEN),
        {
            "id": int,
            "name": str,
            "hint": str,
            "creation_time": str,
            "expires_at": int,
            "last_used_time": str,
        },
    ),
}
SHOWN_ONCE = {"RobotCreated", "RobotSec"}


@pytest.mark.parametrize("name", SHAPES)
def test_an_object_has_exactly_the_fields_of_the_contract(name: str) -> None:
    rendered, shape = SHAPES[name]
    assert set(rendered) == set(shape)
    for field, kind in shape.items():
        value = rendered[field]
        # A bool is an int to Python, and not to anybody else.
        assert isinstance(value, kind), field
        assert isinstance(value, bool) == (kind is bool), field


@pytest.mark.parametrize("name", SHAPES)
def test_an_object_is_json_and_its_moments_are_utc(name: str) -> None:
    rendered, _ = SHAPES[name]
    text = json.dumps(rendered)
    assert json.loads(text) == rendered
    for field, value in rendered.items():
        if field.endswith("_time"):
            assert value in ("2026-03-04T05:06:07.890Z", "0001-01-01T00:00:00.000Z")


def test_no_secret_is_rendered_but_where_one_is_shown_once() -> None:
    for name, (rendered, _) in SHAPES.items():
        text = json.dumps(rendered)
        assert ("secret" in text) == (name in SHOWN_ONCE), name
        assert "password" not in text
        assert "generation" not in text
    assert "secret" in render.access_token(TOKEN, "hidden")


def test_a_robot_without_an_end_says_so_as_harbors_do() -> None:
    endless = render.robot(replace(ROBOT, expires_at=None), {1: "dock"})
    assert (endless["expires_at"], endless["duration"]) == (-1, -1)
    assert render.robot(ROBOT, {1: "dock"})["duration"] == 30


def test_the_access_of_a_robot_is_in_a_fixed_order() -> None:
    (permission,) = render.robot(ROBOT, {1: "dock"})["permissions"]  # type: ignore[misc]
    assert permission == {
        "kind": "project",
        "namespace": "dock",
        "access": [
            {"resource": "repository", "action": "pull"},
            {"resource": "repository", "action": "push"},
        ],
    }


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (mediatypes.OCI_CONFIG, "IMAGE"),
        (mediatypes.DOCKER_CONFIG, "IMAGE"),
        ("application/vnd.cncf.helm.config.v1+json", "CHART"),
        ("application/vnd.cncf.model.config.v1+json", "CNAI"),
        ("application/vnd.example.model.config.v1+json", "MODEL"),
        ("application/vnd.oci.empty.v1+json", "UNKNOWN"),
        ("text/plain", "UNKNOWN"),
        ("", "UNKNOWN"),
    ],
)
def test_the_kind_of_an_artifact_follows_from_its_config(config: str, kind: str) -> None:
    assert contents.kind(replace(MANIFEST, config_media_type=config)) == kind


def test_an_index_is_an_image() -> None:
    found = replace(MANIFEST, media_type=mediatypes.OCI_INDEX, config_media_type="", artifact_type="")
    assert contents.kind(found) == "IMAGE"


def test_a_child_that_is_absent_has_no_number() -> None:
    assert contents.reference(replace(LINE, child_id=None))["child_id"] == 0


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_harbors_number_and_name(role: Role) -> None:
    names = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer", 5: "limitedGuest"}
    rendered = render.member(Member(2, 1, 7, "alice", role))
    assert rendered["role_name"] == names[rendered["role_id"]]  # type: ignore[index]


def test_a_fault_is_told_only_to_whoever_may_know() -> None:
    findings = {"database": WELL, "storage": Finding(State.ILL, "no room in /secret/path")}
    assert "/secret/path" in json.dumps(render.health(findings, detailed=True))
    plain = render.health(findings, detailed=False)
    assert plain == {
        "status": "unhealthy",
        "components": [
            {"name": "database", "status": "healthy"},
            {"name": "storage", "status": "unhealthy"},
        ],
    }


def test_a_warning_leaves_a_part_healthy_and_is_told_only_to_whoever_may_know() -> None:
    findings = {"storage": Finding(State.WARNING, "81 % of the disk are used")}
    assert render.health(findings, detailed=True) == {
        "status": "healthy",
        "components": [{"name": "storage", "status": "healthy", "warning": "81 % of the disk are used"}],
    }
    assert "81" not in json.dumps(render.health(findings, detailed=False))


@pytest.mark.parametrize(
    ("operation", "verb"),
    [
        ("push_artifact", "create"),
        ("mount_blob", "create"),
        ("pull_artifact", "pull"),
        ("move_tag", "update"),
        ("delete_tag", "delete"),
        ("login_user", "login"),
    ],
)
def test_the_log_speaks_harbors_verbs(operation: str, verb: str) -> None:
    assert entries.audit_log(replace(ENTRY, operation=operation))["operation"] == verb
    assert operation.partition("_")[0] in entries.verbs(verb)


def test_the_documentation_lists_every_route_and_no_other() -> None:
    nothing: Any = None  # the resources are only asked for what they declare
    lines = [
        f"| `{path}` | {', '.join(sorted(resource.access))} |"  # type: ignore[attr-defined]
        for path, resource in routes(nothing, nothing).items()
    ]
    documented = DOCUMENTATION.read_text(encoding="utf-8").partition("|---|---|\n")[2].splitlines()
    assert documented == lines


def test_every_route_demands_what_it_should() -> None:
    nothing: Any = None
    demanded = {}
    for path, resource in routes(nothing, nothing).items():
        for method, access in resource.access.items():  # type: ignore[attr-defined]
            inside = access.scope == "project"
            demanded[f"{method} {path}"] = ":".join(access.permission) if inside else access.scope
    assert demanded == {_whole(short): demand for short, demand in DEMANDS.items()}


def _whole(short: str) -> str:
    named = "/projects/{project_name}"
    for name, path in (
        ("<repository>", named + "/repositories/{repository_name}"),
        ("<named>", named),
        ("<webhook>", "<project>/webhook/policies/{webhook_policy_id}"),
        ("<project>", "/projects/{project_name_or_id}"),
    ):
        short = short.replace(name, path)
    return short


#: Written by hand: the routes themselves are what this checks.
DEMANDS = {
    "GET /labels": "signed_in",
    "POST /labels": "signed_in",
    "GET /labels/{label_id}": "signed_in",
    "PUT /labels/{label_id}": "signed_in",
    "DELETE /labels/{label_id}": "signed_in",
    "GET <project>/artifacts": "artifact:list",
    "POST <repository>/artifacts/{reference}/labels": "artifact-label:create",
    "DELETE <repository>/artifacts/{reference}/labels/{label_id}": "artifact-label:delete",
    "GET <repository>/artifacts/{reference}/additions/vulnerabilities": "artifact-addition:read",
    "GET <repository>/artifacts/{reference}/additions/{addition}": "artifact-addition:read",
    "GET /ping": "anyone",
    "GET /health": "anyone",
    "GET /systeminfo": "anyone",
    "GET /systeminfo/volumes": "system",
    "GET /systeminfo/getcert": "anyone",
    "GET /directory": "system",
    "PUT /directory": "system",
    "DELETE /directory": "system",
    "POST /directory/ping": "system",
    "GET /configurations": "system",
    "PUT /configurations": "system",
    "GET /internalconfig": "system",
    "GET /session": "signed_in",
    "POST /session": "anyone",
    "DELETE /session": "anyone",
    "GET /system/CVEAllowlist": "signed_in",
    "PUT /system/CVEAllowlist": "system",
    "GET /search": "anyone",
    "GET /statistics": "signed_in",
    "GET /projects": "anyone",
    "HEAD /projects": "anyone",
    "POST /projects": "signed_in",
    "GET <project>": "project:read",
    "PUT <project>": "project:update",
    "DELETE <project>": "project:delete",
    "GET <project>/_deletable": "project:delete",
    "GET <project>/summary": "project:read",
    "GET <project>/metadatas": "metadata:read",
    "POST <project>/metadatas": "metadata:create",
    "GET <project>/metadatas/": "metadata:read",
    "POST <project>/metadatas/": "metadata:create",
    "GET <project>/metadatas/{meta_name}": "metadata:read",
    "PUT <project>/metadatas/{meta_name}": "metadata:update",
    "DELETE <project>/metadatas/{meta_name}": "metadata:delete",
    "GET <project>/members": "member:list",
    "POST <project>/members": "member:create",
    "GET <project>/members/{mid}": "member:read",
    "PUT <project>/members/{mid}": "member:update",
    "DELETE <project>/members/{mid}": "member:delete",
    "GET <project>/scanner": "scanner:read",
    "PUT <project>/scanner": "scanner:create",
    "GET <project>/scanner/candidates": "scanner:create",
    "GET /scanners": "system",
    "POST /scanners": "system",
    "POST /scanners/ping": "system",
    "GET /scanners/{registration_id}": "system",
    "PUT /scanners/{registration_id}": "system",
    "PATCH /scanners/{registration_id}": "system",
    "DELETE /scanners/{registration_id}": "system",
    "GET /scanners/{registration_id}/metadata": "system",
    "GET <project>/webhook/policies": "notification-policy:list",
    "POST <project>/webhook/policies": "notification-policy:create",
    "GET <project>/webhook/events": "notification-policy:read",
    "GET <project>/webhook/lasttrigger": "notification-policy:list",
    "GET <project>/webhook/jobs": "notification-policy:list",
    "GET <webhook>": "notification-policy:read",
    "PUT <webhook>": "notification-policy:update",
    "DELETE <webhook>": "notification-policy:delete",
    "POST <webhook>/test": "notification-policy:update",
    "GET <webhook>/executions": "notification-policy:read",
    "GET <webhook>/executions/{execution_id}/tasks": "notification-policy:read",
    "GET <webhook>/executions/{execution_id}/tasks/{task_id}/log": "notification-policy:read",
    "GET <project>/immutabletagrules": "immutable-tag:list",
    "POST <project>/immutabletagrules": "immutable-tag:create",
    "PUT <project>/immutabletagrules/{immutable_rule_id}": "immutable-tag:update",
    "DELETE <project>/immutabletagrules/{immutable_rule_id}": "immutable-tag:delete",
    "GET <named>/logs": "log:list",
    "GET <named>/auditlog-exts": "log:list",
    "GET <named>/auditlog-exts/export": "log:list",
    "GET /repositories": "anyone",
    "GET <named>/repositories": "repository:list",
    "GET <repository>": "repository:read",
    "PUT <repository>": "repository:update",
    "DELETE <repository>": "repository:delete",
    "GET <repository>/artifacts": "artifact:list",
    "POST <repository>/artifacts": "artifact:create",
    "GET <repository>/artifacts/{reference}": "artifact:read",
    "DELETE <repository>/artifacts/{reference}": "artifact:delete",
    "GET <repository>/artifacts/{reference}/accessories": "accessory:list",
    "GET <repository>/artifacts/{reference}/tags": "tag:list",
    "POST <repository>/artifacts/{reference}/tags": "tag:create",
    "DELETE <repository>/artifacts/{reference}/tags/{tag_name}": "tag:delete",
    # The policy names the project; each call asks what the caller may do there.
    "GET /former-project-names": "system",
    "DELETE /former-project-names/{former_name}": "system",
    "GET /quotas": "system",
    "GET /quotas/{quota_id}": "system",
    "PUT /quotas/{quota_id}": "system",
    "POST /retentions": "signed_in",
    "GET /retentions/metadatas": "signed_in",
    "GET /retentions/{retention_id}": "signed_in",
    "PUT /retentions/{retention_id}": "signed_in",
    "DELETE /retentions/{retention_id}": "signed_in",
    "GET /retentions/{retention_id}/simulation": "signed_in",
    "GET /retentions/{retention_id}/executions": "signed_in",
    "POST /retentions/{retention_id}/executions": "signed_in",
    "PATCH /retentions/{retention_id}/executions/{execution_id}": "signed_in",
    "GET /retentions/{retention_id}/executions/{execution_id}/tasks": "signed_in",
    "GET /retentions/{retention_id}/executions/{execution_id}/tasks/{task_id}": "signed_in",
    "GET /permissions": "signed_in",
    "GET /robots": "signed_in",
    "POST /robots": "signed_in",
    "GET /robots/{robot_id}": "signed_in",
    "PUT /robots/{robot_id}": "signed_in",
    "PATCH /robots/{robot_id}": "signed_in",
    "DELETE /robots/{robot_id}": "signed_in",
    "GET /users": "system",
    "POST /users": "system",
    "GET /users/current": "signed_in",
    "GET /users/current/permissions": "signed_in",
    "GET /users/current/tokens": "signed_in",
    "POST /users/current/tokens": "signed_in",
    "DELETE /users/current/tokens/{token_id}": "signed_in",
    "GET /users/search": "signed_in",
    "GET /users/{user_id}": "signed_in",
    "PUT /users/{user_id}": "signed_in",
    "DELETE /users/{user_id}": "system",
    "PUT /users/{user_id}/sysadmin": "system",
    "PUT /users/{user_id}/auditor": "system",
    "PUT /users/{user_id}/password": "signed_in",
    "PUT /users/{user_id}/cli_secret": "signed_in",
    "GET /usergroups": "system",
    "POST /usergroups": "system",
    "GET /usergroups/search": "signed_in",
    "GET /usergroups/{group_id}": "system",
    "PUT /usergroups/{group_id}": "system",
    "DELETE /usergroups/{group_id}": "system",
    "GET /audit-logs": "signed_in",
    "GET /auditlog-exts": "signed_in",
    "GET /auditlog-exts/events": "system",
    "GET /auditlog-exts/export": "signed_in",
    "GET /system/gc": "system",
    "GET /system/gc/schedule": "system",
    "GET /system/gc/forecast": "system",
    "POST /system/gc/schedule": "system",
    "PUT /system/gc/schedule": "system",
    "GET /system/gc/{run_id}": "system",
    "PUT /system/gc/{run_id}": "system",
    "GET /system/gc/{run_id}/log": "system",
    "GET /system/purgeaudit": "system",
    "GET /system/purgeaudit/schedule": "system",
    "POST /system/purgeaudit/schedule": "system",
    "PUT /system/purgeaudit/schedule": "system",
    "GET /system/purgeaudit/{run_id}": "system",
    "PUT /system/purgeaudit/{run_id}": "system",
    "GET /system/purgeaudit/{run_id}/log": "system",
    "GET /schedules": "system",
    "GET /schedules/{job_type}/paused": "signed_in",
}
