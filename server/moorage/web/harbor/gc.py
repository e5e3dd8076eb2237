"""`/system/gc`: garbage collection, its runs and its schedule."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.rules import LIST_GC, READ_GC, START_GC, STOP_GC, UPDATE_GC
from moorage.services import Services
from moorage.web.access import Access
from moorage.web.harbor import body, histories, jobs
from moorage.web.harbor.answer import send

_KIND = "gc"
_WORKERS = 10


class GcHistoryResource(jobs.HistoryResource):
    """Every collection."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", LIST_GC, "list_gc")}
    kind = _KIND


class GcRunResource(jobs.RunResource):
    """One collection."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_GC, "get_gc"),
        "PUT": Access("system", STOP_GC, "stop_gc"),
    }
    kind = _KIND


class GcRunLogResource(jobs.RunLogResource):
    """The log of one collection."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", READ_GC, "get_gc_log")}
    kind = _KIND


class GcForecastResource:
    """What becomes free, and when; Harbor leaves it to guessing."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", READ_GC, "get_gc_forecast")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """As it looks now: a push may need some of it again."""
        send(resp, histories.forecast(self._services.collection.outlook()))


class GcScheduleResource(jobs.ScheduleResource):
    """When collections begin."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_GC, "get_gc_schedule"),
        "POST": Access("system", START_GC, "start_gc"),
        "PUT": Access("system", UPDATE_GC, "update_gc_schedule"),
    }
    kind = _KIND
    path = ("system", "gc")
    known = frozenset({"delete_untagged", "dry_run", "workers"})

    def parameters(self, asked: body.Body) -> Mapping[str, object]:
        """`delete_untagged` as in the settings unless told; `workers` has no effect, one is enough."""
        found: dict[str, object] = {"dry_run": asked.flag("dry_run", False)}
        if "delete_untagged" in asked:
            found["delete_untagged"] = asked.flag("delete_untagged")
        if "workers" in asked:
            found["workers"] = asked.number("workers")
            if not 1 <= asked.number("workers") <= _WORKERS:
                raise body.BodyInvalidError(f"parameters.workers is not a number from 1 to {_WORKERS}")
        return found
