"""`/system/purgeaudit`: taking old entries out of the log, its runs and its schedule."""

from collections.abc import Mapping
from typing import ClassVar

from moorage.audit.deeds import OPERATIONS
from moorage.audit.purge import MOST_HOURS, OTHERS
from moorage.projects.rules import LIST_PURGE, READ_PURGE, START_PURGE, STOP_PURGE, UPDATE_PURGE
from moorage.web.access import Access
from moorage.web.harbor import body, entries, jobs

_KIND = "purge"
_HOURS = "audit_retention_hour"
#: Harbor's older and newer name for what is purged.
_EVENTS = ("include_event_types", "include_operations")
#: Events of Harbor's that never happen here.
_UNHEARD = frozenset({"logout_user", "update_configuration"})
_SHOWN = 80


class PurgeHistoryResource(jobs.HistoryResource):
    """Every purge."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", LIST_PURGE, "list_purge")}
    kind = _KIND


class PurgeRunResource(jobs.RunResource):
    """One purge."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_PURGE, "get_purge"),
        "PUT": Access("system", STOP_PURGE, "stop_purge"),
    }
    kind = _KIND


class PurgeRunLogResource(jobs.RunLogResource):
    """The log of one purge."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", READ_PURGE, "get_purge_log")}
    kind = _KIND


class PurgeScheduleResource(jobs.ScheduleResource):
    """When purges begin."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_PURGE, "get_purge_schedule"),
        "POST": Access("system", START_PURGE, "start_purge"),
        "PUT": Access("system", UPDATE_PURGE, "update_purge_schedule"),
    }
    kind = _KIND
    path = ("system", "purgeaudit")
    known = frozenset({"dry_run", _HOURS, *_EVENTS})

    def parameters(self, asked: body.Body) -> Mapping[str, object]:
        """Hours left out: the limits of the settings; events left out: all of them."""
        found: dict[str, object] = {"dry_run": asked.flag("dry_run", False)}
        if _HOURS in asked:
            found["keep_hours"] = asked.number(_HOURS)
            if not 1 <= asked.number(_HOURS) <= MOST_HOURS:
                raise body.BodyInvalidError(f"parameters.{_HOURS} is not a number from 1 to {MOST_HOURS}")
        texts = [text for name in _EVENTS if (text := asked.text(name, "").strip())]
        if texts:
            named = ",".join(texts)
            found["event_types"] = named
            found["operations"] = sorted(
                {each for name in named.split(",") for each in operations(name.strip())}
            )
        return found


def operations(event: str) -> set[str]:
    """Our operations that one of Harbor's events stands for.

    A verb alone stands for everything done by it. Blobs come and go with artifacts, and have no event
    of their own in Harbor.

    Raises:
        BodyInvalidError: Harbor has no such event, and neither have we.
    """
    if event == OTHERS or event in _UNHEARD:
        return {event}
    verb, _, noun = event.partition("_")
    verbs, nouns = entries.verbs(verb), {noun, "blob"} if noun == "artifact" else {noun}
    parts = {each: each.partition("_") for each in OPERATIONS}
    named = {each for each, (does, _, what) in parts.items() if does in verbs and (not noun or what in nouns)}
    if not named:
        raise body.BodyInvalidError(f"parameters.{_EVENTS[0]}: there is no event {event[:_SHOWN]!r}")
    return named
