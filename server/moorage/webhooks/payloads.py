"""What is sent: Harbor's own form, CloudEvents 1.0 (JSON format), Slack's blocks. Pure.

The facts of an occurrence are `occur_at` in seconds since 1970 and `event_data`, the part that all
forms have in common; `request_id` when there was a request.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moorage.webhooks.model import PING, EventType, Facts, Format, Occurrence, Target, TargetKind

JSON = "application/json"
CLOUD_EVENTS_JSON = "application/cloudevents+json"
#: Types of Harbor's CloudEvents; receivers compare them.
CLOUD_TYPES: Mapping[str, str] = {
    EventType.PUSH_ARTIFACT: "harbor.artifact.pushed",
    EventType.PULL_ARTIFACT: "harbor.artifact.pulled",
    EventType.DELETE_ARTIFACT: "harbor.artifact.deleted",
    EventType.QUOTA_EXCEED: "harbor.quota.exceeded",
    EventType.QUOTA_WARNING: "harbor.quota.warned",
    EventType.TAG_RETENTION: "harbor.tag_retention.finished",
    EventType.REPLICATION: "harbor.replication.status.changed",
    EventType.SCANNING_COMPLETED: "harbor.scan.completed",
    EventType.SCANNING_FAILED: "harbor.scan.failed",
    EventType.SCANNING_STOPPED: "harbor.scan.stopped",
    PING: "moorage.ping",
}
_TITLES: Mapping[str, str] = {
    EventType.PUSH_ARTIFACT: "Artifact pushed",
    EventType.PULL_ARTIFACT: "Artifact pulled",
    EventType.DELETE_ARTIFACT: "Artifact deleted",
    EventType.QUOTA_EXCEED: "Quota exceeded",
    EventType.QUOTA_WARNING: "Quota nearly used up",
    EventType.TAG_RETENTION: "Tag retention finished",
    PING: "Test of a webhook",
}
_SLACK_FIELD = 2000


@dataclass(frozen=True, slots=True)
class Payload:
    """A body and what it is."""

    content_type: str
    body: bytes


def payload(occurrence: Occurrence, project_id: int, target: Target) -> Payload:
    """What a target is sent."""
    if target.kind is TargetKind.SLACK:
        return Payload(JSON, _json(_slack(occurrence)))
    if target.payload_format is Format.CLOUD_EVENTS:
        return Payload(CLOUD_EVENTS_JSON, _json(_cloud_event(occurrence, project_id)))
    return Payload(JSON, _json(default_form(occurrence)))


def default_form(occurrence: Occurrence) -> dict[str, object]:
    """Harbor's own form."""
    return {
        "type": occurrence.event_type,
        "occur_at": occurrence.facts["occur_at"],
        "operator": occurrence.operator,
        "event_data": occurrence.facts["event_data"],
    }


def artifact_facts(
    *,
    host: str,
    at: datetime,
    repository: str,
    public: bool,
    created_at: datetime | None,
    references: Sequence[tuple[str, str]],
    request_id: str = "",
) -> Facts:
    """Facts about artifacts of a repository.

    Args:
        host: under which clients know the registry.
        created_at: when the repository was made.
        references: a tag, or "" for none, and a digest each.
    """
    data = {
        "resources": [
            {
                "digest": digest,
                "tag": tag or digest,
                "resource_url": f"{host}/{repository}{f':{tag}' if tag else f'@{digest}'}",
            }
            for tag, digest in references
        ],
        "repository": _repository(repository, public, created_at),
    }
    return _facts(at, data, request_id)


def quota_facts(
    *, at: datetime, repository: str, public: bool, created_at: datetime | None, details: str
) -> Facts:
    """Facts about a storage limit; `details` are a sentence with the figures."""
    data = {
        "repository": _repository(repository, public, created_at),
        "custom_attributes": {"Details": details},
    }
    return _facts(at, data, "")


def retention_facts(
    *, at: datetime, host: str, project: str, policy_id: int, total: int, retained: int, state: str
) -> Facts:
    """Facts about a run of a retention policy."""
    data = {
        "retention": {
            "total": total,
            "retained": retained,
            "harbor_hostname": host,
            "project_name": project,
            "retention_policy_id": policy_id,
            "result": state.upper(),
        }
    }
    return _facts(at, data, "")


def ping_facts(*, at: datetime, project: str) -> Facts:
    """Facts about somebody trying a policy out."""
    return _facts(at, {"custom_attributes": {"Details": f"a test of a webhook of project {project}"}}, "")


def _facts(at: datetime, data: Mapping[str, object], request_id: str) -> Facts:
    found: dict[str, object] = {"occur_at": int(at.timestamp()), "event_data": data}
    if request_id:
        found["request_id"] = request_id
    return found


def _repository(repository: str, public: bool, created_at: datetime | None) -> dict[str, object]:
    project, _, name = repository.partition("/")
    shown: dict[str, object] = {
        "name": name,
        "namespace": project,
        "repo_full_name": repository,
        "repo_type": "public" if public else "private",
    }
    if created_at is not None:
        shown["date_created"] = int(created_at.timestamp())
    return shown


def _cloud_event(occurrence: Occurrence, project_id: int) -> dict[str, object]:
    """CloudEvents 1.0.2, "JSON Event Format" section 3; `operator` and `requestid` are extensions."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": str(occurrence.id),
        "source": f"/projects/{project_id}/webhook/policies/{occurrence.policy_id}",
        "type": CLOUD_TYPES[occurrence.event_type],
        "datacontenttype": JSON,
        "time": _moment(occurrence.facts["occur_at"]),
        "data": occurrence.facts["event_data"],
    }
    if occurrence.operator:
        event["operator"] = occurrence.operator
    if occurrence.facts.get("request_id"):
        event["requestid"] = occurrence.facts["request_id"]
    return event


def _slack(occurrence: Occurrence) -> dict[str, object]:
    title = _TITLES.get(occurrence.event_type, occurrence.event_type)
    by = f" by {_escaped(occurrence.operator)}" if occurrence.operator else ""
    lines = [_escaped(line) for line in _lines(occurrence.facts["event_data"])]
    summary = f"{title}{by}" + (f": {lines[0]}" if lines else "")
    text = "\n".join([f"*{title}*{by}", *lines, _moment(occurrence.facts["occur_at"])])
    return {
        "text": summary[:_SLACK_FIELD],
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text[:_SLACK_FIELD]}}],
    }


def _lines(data: Any) -> list[str]:
    """What a person wants to know of it."""
    lines = [str(each["resource_url"]) for each in data.get("resources", ())]
    if not lines and "repository" in data:
        lines.append(str(data["repository"]["repo_full_name"]))
    if "retention" in data:
        run = data["retention"]
        lines.append(
            f"project {run['project_name']}: {run['retained']} of {run['total']} artifacts kept, "
            f"{str(run['result']).lower()}"
        )
    lines += [str(each) for each in data.get("custom_attributes", {}).values()]
    return lines


def _escaped(text: str) -> str:
    """Slack's three characters, or names of tags could call people and hide links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _moment(seconds: object) -> str:
    if not isinstance(seconds, int):
        raise TypeError("seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
