"""Runs of jobs, their schedules, and what is asked of them."""

from collections.abc import Mapping

from moorage.audit.purge import MOST_HOURS
from moorage.jobs.model import Trigger
from moorage.web.harbor.histories import STATUSES
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    NUMBER,
    TEXT,
    nullable,
    one_of,
    shape,
    taken,
    whole,
)

_ECHOED = (
    *("id", "status", "deleted", "creation_time", "update_time"),
    *("job_name", "job_kind", "job_parameters", "job_status"),
)
_GC: Mapping[str, Json] = {"delete_untagged": FLAG, "dry_run": FLAG, "workers": whole(1, 10)}
_PURGE: Mapping[str, Json] = {
    "dry_run": FLAG,
    "audit_retention_hour": whole(1, MOST_HOURS),
    "include_event_types": TEXT,
    "include_operations": TEXT,
}
_FOREIGN = (
    *("delete_untagged", "delete_tag", "workers", "dry_run", "time_window", "redis_url_reg"),
    *("audit_retention_hour", "include_operations", "include_event_types"),
)
_OBJECT: Json = {"type": "object"}
_WHEN = shape({"type": TEXT, "cron": TEXT, "next_scheduled_time": MOMENT})
_RUN: Mapping[str, Json] = {
    "job_name": TEXT,
    "job_kind": TEXT,
    "job_parameters": {"type": "string", "description": "JSON in a text."},
    "schedule": _WHEN,
    "deleted": {"const": False},
    "creation_time": MOMENT,
    "update_time": MOMENT,
}


def _asked(parameters: Mapping[str, Json]) -> Json:
    when = taken(
        {
            "type": one_of("Manual", "Hourly", "Daily", "Weekly", "Custom", "Schedule", "None"),
            "cron": {
                "type": "string",
                "description": "Six fields, seconds first; needed by Custom and Schedule.",
            },
        },
        needed=["type"],
        overlooked=["next_scheduled_time"],
    )
    return taken(
        {"schedule": when, "parameters": taken(parameters, overlooked=_FOREIGN)},
        needed=["schedule"],
        overlooked=_ECHOED,
    )


SCHEMAS: Mapping[str, Json] = {
    "JobRun": shape(
        {
            "id": ID,
            **_RUN,
            "job_status": one_of(*STATUSES.values()),
            "moorage": shape(
                {
                    "progress": _OBJECT,
                    "result": _OBJECT,
                    "message": TEXT,
                    "trigger": one_of(*(each.value for each in Trigger)),
                    "requested_by": TEXT,
                    "attempts": COUNT,
                    "stop_requested": FLAG,
                    "started_time": MOMENT,
                    "ended_time": MOMENT,
                }
            ),
        }
    ),
    "JobSchedule": shape({"id": COUNT, **_RUN, "job_status": TEXT}),
    "GcScheduleAsked": _asked(_GC),
    "PurgeScheduleAsked": _asked(_PURGE),
    "GcForecast": shape(
        {
            "waiting_bytes": COUNT,
            "waiting_from": nullable(MOMENT),
            "waiting_until": nullable(MOMENT),
            "waiting_manifests": COUNT,
            "trash_bytes": COUNT,
            "trash_until": nullable(MOMENT),
        }
    ),
    "Schedule": shape(
        {"id": COUNT, "vendor_type": TEXT, "vendor_id": NUMBER, "cron": TEXT, "update_time": MOMENT}
    ),
    "Paused": shape({"paused": {"const": False}}),
}
