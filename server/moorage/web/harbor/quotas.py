"""`/quotas`: how much each project may hold, and how much it does; for system administrators."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.distribution.model import ProjectUsage
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.rules import LIST_QUOTAS, READ_ANY_QUOTA, UPDATE_QUOTA
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, query, render
from moorage.web.harbor.answer import send, send_page
from moorage.web.harbor.body import BodyInvalidError
from moorage.web.paging import NumberedPage, numbered_page

#: The only kind of thing that has a quota.
_REFERENCE = "project"
_SORTS = {
    "id": "id",
    "hard.storage": "limit",
    "used.storage": "used",
    "creation_time": "created_at",
    "update_time": "updated_at",
}


class QuotasResource:
    """The quotas of all projects; one that was never set is in the list too, without a limit."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", LIST_QUOTAS, "list_quotas")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them, or the one of the project that ``reference_id`` numbers."""
        page = numbered_page(req)
        query.conditions(req, {})
        sort = query.order(req, _SORTS, "id")
        found, total = self._found(req, page, sort)
        send_page(req, resp, page, [render.quota(each) for each in found], total)

    def _found(self, req: falcon.Request, page: NumberedPage, sort: str) -> tuple[list[ProjectUsage], int]:
        usage = self._services.usage
        if req.get_param("reference") not in (None, "", _REFERENCE):
            return [], 0
        number = req.get_param("reference_id")
        if number:
            try:
                one = usage.project(query.whole_number(number, "'reference_id'"))
            except ProjectUnknownError:
                return [], 0
            return [one][page.offset : page.offset + page.limit], 1
        return usage.projects(limit=page.limit, offset=page.offset, sort=sort), usage.count_projects()


class QuotaResource:
    """The quota of one project; its number is the project's."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_ANY_QUOTA, "get_quota"),
        "PUT": Access("system", UPDATE_QUOTA, "update_quota"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, quota_id: str) -> None:
        """The quota."""
        send(resp, render.quota(self._services.usage.project(query.whole_number(quota_id, "a quota's id"))))

    def on_put(self, req: falcon.Request, resp: falcon.Response, *, quota_id: str) -> None:
        """Set the limit: a number of bytes, or -1 for none."""
        caller: Caller = req.context.caller
        hard = body.read(req, known={"hard"}).part("hard", known={"storage"})
        if hard is None:
            raise BodyInvalidError("hard is missing; it is an object")
        number = query.whole_number(quota_id, "a quota's id")
        self._services.quotas.set_limit(caller.actor, number, hard.number("storage"))
