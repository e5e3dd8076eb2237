"""What clients of Harbor say about when a job is to run: at once, in a rhythm, or never."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import falcon

from moorage.web.harbor import body

MANUAL = "Manual"
NONE = "None"
CUSTOM = "Custom"
#: The rhythms that have a name, as Harbor's portal writes them.
_CRONS: Mapping[str, str] = {"Hourly": "0 0 * * * *", "Daily": "0 0 0 * * *", "Weekly": "0 0 0 * * 0"}
#: Harbor's words for a rhythm without a name.
_FREE = (CUSTOM, "Schedule")
_TYPES = (MANUAL, *_CRONS, *_FREE, NONE)
#: What Harbor's clients send back because they got it.
_ECHOED = frozenset(
    {
        *("id", "status", "deleted", "creation_time", "update_time"),
        *("job_name", "job_kind", "job_parameters", "job_status"),
    }
)
#: Parameters of other jobs that Terraform sends along with those of one.
_FOREIGN = frozenset(
    {
        *("delete_untagged", "delete_tag", "workers", "dry_run", "time_window", "redis_url_reg"),
        *("audit_retention_hour", "include_operations", "include_event_types"),
    }
)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a job is to run.

    Attributes:
        pattern: Harbor's word for the rhythm; `MANUAL` for at once, `NONE` for never.
        cron: six fields; empty for these two.
        parameters: what the job is asked for.
    """

    pattern: str
    cron: str
    parameters: body.Body


def read(req: falcon.Request, known: Collection[str]) -> Timetable:
    """What the request's body says.

    Args:
        known: the names of the job's parameters.

    Raises:
        BodyInvalidError: it says it in a way that is not understood, or does not say when.
    """
    asked = body.read(req, known={"schedule", "parameters"}, overlooked=_ECHOED)
    when = asked.part("schedule", known={"type", "cron"}, overlooked={"next_scheduled_time"})
    if when is None:
        raise body.BodyInvalidError("schedule is missing; it is an object")
    parameters = asked.part("parameters", known=known, overlooked=_FOREIGN - set(known))
    pattern, cron = _rhythm(when.text("type"), when.text("cron", ""))
    return Timetable(pattern, cron, parameters or body.Body({}, known=known))


def _rhythm(pattern: str, cron: str) -> tuple[str, str]:
    if pattern not in _TYPES:
        raise body.BodyInvalidError(f"schedule.type is one of {', '.join(_TYPES)}")
    if pattern in (MANUAL, NONE):
        return pattern, ""
    cron = cron or _CRONS.get(pattern, "")
    if not cron:
        raise body.BodyInvalidError(f"schedule.cron is missing; the type {pattern} needs it")
    return CUSTOM if pattern in _FREE else pattern, cron
