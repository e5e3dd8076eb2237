"""Runs of jobs and their schedules as Harbor's JSON. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime

from moorage.gc.model import Outlook
from moorage.jobs.model import Execution, LogLine, Schedule, State, Trigger
from moorage.web.harbor.render import NEVER, Json, moment

#: Harbor's names of jobs; the others are ours.
JOB_NAMES: Mapping[str, str] = {
    "gc": "GARBAGE_COLLECTION",
    "purge": "PURGE_AUDIT_LOG",
    "retention": "RETENTION",
}
STATUSES: Mapping[State, str] = {
    State.PENDING: "Pending",
    State.RUNNING: "Running",
    State.SUCCESS: "Success",
    State.ERROR: "Error",
    State.STOPPED: "Stopped",
}
#: What clients of Harbor take a schedule's type for.
NO_SCHEDULE = "None"
_WHOLE_REGISTRY = -1
#: What a collection came to, in Harbor's words.
_FREED = {"freed_bytes": "freed_space", "blobs": "purged_blobs", "manifests": "purged_manifests"}


def job_name(kind: str) -> str:
    """Harbor's name of a job."""
    return JOB_NAMES.get(kind, kind.upper())


def history(found: Execution) -> Json:
    """A run; what Harbor has no field for is below `moorage`."""
    return {
        "id": found.id,
        "job_name": job_name(found.kind),
        "job_kind": found.trigger.value.upper(),
        "job_parameters": json.dumps({**parameters(found.kind, found.parameters), **_freed(found)}),
        "schedule": {
            "type": "Manual" if found.trigger is Trigger.MANUAL else "Schedule",
            "cron": "",
            "next_scheduled_time": NEVER,
        },
        "job_status": STATUSES[found.state],
        "deleted": False,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.ended_at or found.updated_at),
        "moorage": {
            "progress": dict(found.progress),
            "result": dict(found.result),
            "message": found.message,
            "trigger": found.trigger.value,
            "requested_by": found.requested_by,
            "attempts": found.attempts,
            "stop_requested": found.stop_requested,
            "started_time": moment(found.started_at),
            "ended_time": moment(found.ended_at),
        },
    }


def schedule(found: Schedule | None, kind: str) -> Json:
    """When a job runs by itself, in the form of a run as Harbor has it."""
    cron = "" if found is None else found.cron
    return {
        "id": 0 if found is None else found.id,
        "job_name": "",
        "job_kind": cron,
        "job_parameters": json.dumps({} if found is None else parameters(kind, found.parameters)),
        "schedule": {
            "type": NO_SCHEDULE if found is None else found.pattern,
            "cron": cron,
            "next_scheduled_time": moment(None if found is None else found.next_at),
        },
        "job_status": "",
        "deleted": False,
        "creation_time": moment(None if found is None else found.updated_at),
        "update_time": moment(None if found is None else found.updated_at),
    }


def schedule_task(found: Schedule) -> Json:
    """A schedule among those of all jobs."""
    return {
        "id": found.id,
        "vendor_type": job_name(found.kind),
        "vendor_id": found.subject or _WHOLE_REGISTRY,
        "cron": found.cron,
        "update_time": moment(found.updated_at),
    }


def parameters(kind: str, found: Mapping[str, object]) -> Json:
    """What a job was asked for, in Harbor's words."""
    if kind != "purge":
        return dict(found)
    operations = found.get("operations")
    named = ",".join(map(str, operations)) if isinstance(operations, list) else ""
    theirs: Json = {
        "dry_run": found.get("dry_run", False),
        "include_event_types": found.get("event_types", named),
    }
    if found.get("keep_hours") is not None:
        theirs["audit_retention_hour"] = found["keep_hours"]
    return theirs


def forecast(found: Outlook) -> Json:
    """What a collection would find later on, without anybody doing anything. Ours."""
    return {
        "waiting_bytes": found.waiting_bytes,
        "waiting_from": _or_none(found.waiting_from),
        "waiting_until": _or_none(found.waiting_until),
        "waiting_manifests": found.manifests,
        "trash_bytes": found.trash_bytes,
        "trash_until": _or_none(found.trash_until),
    }


def log_line(found: LogLine) -> str:
    """A line of a run's log."""
    return f"{moment(found.at)} [{found.level.upper()}] {found.text}\n"


def _or_none(value: datetime | None) -> str | None:
    return None if value is None else moment(value)


def _freed(found: Execution) -> Json:
    if found.kind != "gc":
        return {}
    return {theirs: found.result[ours] for ours, theirs in _FREED.items() if ours in found.result}
