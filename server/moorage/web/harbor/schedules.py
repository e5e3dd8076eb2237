"""`/schedules`: when jobs run by themselves, and whether they do at the moment."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.rules import LIST_SCHEDULES
from moorage.services import Services
from moorage.web.access import Access
from moorage.web.harbor import histories, query
from moorage.web.harbor.answer import send, send_page
from moorage.web.paging import numbered_page

_ALL = "all"


class SchedulesResource:
    """Every schedule, those of the settings included."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", LIST_SCHEDULES, "list_schedules")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        found = self._services.schedules.list(page.limit, page.offset)
        total = self._services.schedules.count()
        send_page(req, resp, page, [histories.schedule_task(each) for each in found], total)


class SchedulePausedResource:
    """Whether schedules wait; here they never do."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "get_schedules_paused")}

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_type: str) -> None:
        """Harbor's answer, for all jobs together."""
        if job_type.lower() != _ALL:
            raise query.QueryInvalidError(f"the kind of job can only be {_ALL!r}")
        send(resp, {"paused": False})
