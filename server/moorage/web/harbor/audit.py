"""`/audit-logs`, `/auditlog-exts` and the same below a project: the log of every operation.

The log is long and only grows, so nothing here ever counts it. ``X-Total-Count`` is exact up to 10,000
and stays there; ``page`` reaches as far, and beyond that only ``after`` does: the ``next`` link of every
page has it, and following those links costs the same on every page: the total comes along with the link.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlencode

import falcon

from moorage.audit.deeds import OPERATIONS
from moorage.audit.errors import CursorInvalidError
from moorage.audit.log import COUNT_LIMIT
from moorage.audit.model import Cursor, Entry, Page, Query, Result
from moorage.errors import Invalid
from moorage.identity.model import Principal, PrincipalKind
from moorage.projects.model import Role
from moorage.projects.rules import LIST_AUDIT_LOG, LIST_LOGS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import entries, query
from moorage.web.harbor.answer import send
from moorage.web.paging import NumberedPage, numbered_page
from moorage.web.standing import may

Render = Callable[[Entry], Mapping[str, object]]

_WORD = query.EXACT
_CONDITIONS: query.Allowed = {
    "username": query.PART,
    "resource": query.PART,
    "resource_type": _WORD,
    "operation": query.ANY,
    "op_time": query.RANGE,
    "operation_result": _WORD,
    "actor_kind": _WORD,
    "address": _WORD,
    "request_id": _WORD,
    "project": _WORD,
    "repository": _WORD,
    "tag": _WORD,
    "digest": _WORD,
    "result": _WORD,
    "text": frozenset({query.Match.PART}),
}
_NEWEST_FIRST = "-op_time"


class PageTooDeepError(Invalid):
    """A page that lies beyond what can be asked for by its number."""


class AuditLogsResource:
    """The log of everything that the caller may read: all of it for administrators and auditors, for others
    that of the projects they administer, for robots that of the projects whose log they may list.
    """

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "list_audit_log")}

    def __init__(self, services: Services, render: Render) -> None:
        self._services = services
        self._render = render

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of it, newest first."""
        caller: Caller = req.context.caller
        asked = readable(self._services, caller.principal, wanted(req))
        send_entries(self._services, req, resp, asked, self._render)


class ProjectLogsResource:
    """The log of one project."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", LIST_LOGS, "list_project_log")}

    def __init__(self, services: Services, render: Render) -> None:
        self._services = services
        self._render = render

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name: str) -> None:
        """A page of it, newest first."""
        caller: Caller = req.context.caller
        asked = replace(wanted(req), project_id=caller.project_id)
        send_entries(self._services, req, resp, asked, self._render)


class AuditEventsResource:
    """The operations that the log knows."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", LIST_AUDIT_LOG, "list_audit_events")}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of them."""
        send(resp, [{"event_type": name} for name in OPERATIONS])


def readable(services: Services, principal: Principal, asked: Query) -> Query:
    """What is asked for, narrowed to what this account may read."""
    if may(services, principal, LIST_AUDIT_LOG):
        return asked
    if principal.kind is PrincipalKind.USER:
        found = services.roles.projects_with(principal.id, Role.PROJECT_ADMIN)
    else:
        found = services.roles.projects_of_robot(principal.id, LIST_LOGS)
    return replace(asked, project_ids=tuple(found))


def wanted(req: falcon.Request) -> Query:
    """What the request's ``q`` asks the log for.

    Raises:
        QueryInvalidError: it asks for something else.
    """
    asked = query.conditions(req, _CONDITIONS)
    query.order(req, {"op_time": "op_time"}, _NEWEST_FIRST)
    if (req.get_param("sort") or _NEWEST_FIRST) != _NEWEST_FIRST:
        raise query.QueryInvalidError(f"sort: the log is read newest first, which is {_NEWEST_FIRST}")
    username, resource = asked.get("username"), asked.get("resource")
    found = Query(
        actor=_of(username, query.Match.EXACT),
        actor_part=_of(username, query.Match.PART),
        actor_kind=_of(asked.get("actor_kind")),
        resource_type=_of(asked.get("resource_type")),
        resource=_of(resource, query.Match.EXACT),
        resource_part=_of(resource, query.Match.PART),
        project=_of(asked.get("project")),
        repository=_of(asked.get("repository")),
        tag=_of(asked.get("tag")),
        digest=_of(asked.get("digest")),
        result=_result(asked),
        address=_of(asked.get("address")),
        request_id=_of(asked.get("request_id")),
        text=_of(asked.get("text")),
    )
    if "operation" in asked:
        names = asked["operation"].values
        verbs = tuple(each for name in names if "_" not in name for each in entries.verbs(name))
        found = replace(found, operations=tuple(name for name in names if "_" in name), verbs=verbs)
    if "op_time" in asked:
        since, until = asked["op_time"].moments()
        found = replace(found, since=since, until=until)
    return found


def send_entries(
    services: Services, req: falcon.Request, resp: falcon.Response, asked: Query, render: Render
) -> None:
    """Answer with one page of the log.

    Raises:
        PageTooDeepError: the page's number is too high.
        CursorInvalidError: ``after`` is not from a link of ours.
    """
    page = numbered_page(req)
    after = req.get_param("after")
    if after is not None:
        place, known = _place(after)
        found = services.audit.page(asked, page.limit, place)
        total = max(services.audit.count(asked), len(found.entries)) if known is None else known
    elif page.offset + page.limit > COUNT_LIMIT:
        raise PageTooDeepError(
            f"'page' reaches the newest {COUNT_LIMIT} entries only; follow the links to the next page, "
            "whose parameter 'after' reaches all of them"
        )
    else:
        found, total = services.audit.page_and_total(asked, page.limit, page.offset)
    total = min(total, COUNT_LIMIT)
    resp.set_header("X-Total-Count", str(total))
    links = _links(req, page, found, total, by_number=after is None)
    if links:
        resp.set_header("Link", " , ".join(links))
    send(resp, [render(each) for each in found.entries])


def _place(after: str) -> tuple[Cursor, int | None]:
    """Where a page begins, and the total of the page that linked to it, which need not be counted again.

    Raises:
        CursorInvalidError: it is not from a link of ours.
    """
    place, dot, total = after.partition(".")
    if not dot:
        return Cursor.parse(place), None
    if not (total.isascii() and total.isdecimal() and len(total) <= len(str(COUNT_LIMIT))):
        raise CursorInvalidError("'after' is not a place that this server gave out")
    return Cursor.parse(place), int(total)


def _links(req: falcon.Request, page: NumberedPage, found: Page, total: int, *, by_number: bool) -> list[str]:
    links = []
    kept = {name: value for name, value in req.params.items() if name not in ("page", "page_size", "after")}
    if by_number and page.number > 1:
        text = urlencode({**kept, "page": page.number - 1, "page_size": page.size}, doseq=True)
        links.append(f'<{req.path}?{text}>; rel="prev"')
    if found.next is not None:
        text = urlencode({**kept, "page_size": page.size, "after": f"{found.next}.{total}"}, doseq=True)
        links.append(f'<{req.path}?{text}>; rel="next"')
    return links


def _of(condition: query.Condition | None, match: query.Match | None = None) -> str | None:
    return None if condition is None or match not in (None, condition.match) else condition.value


def _result(asked: Mapping[str, query.Condition]) -> Result | None:
    if "operation_result" in asked:  # Harbor's, which knows only good and bad
        if asked["operation_result"].flag():
            return Result.SUCCESS
        raise query.QueryInvalidError("q: ask for result=denied or result=failed")
    if "result" not in asked:
        return None
    try:
        return Result(asked["result"].value)
    except ValueError as error:
        known = ", ".join(Result)
        raise query.QueryInvalidError(f"q: 'result' is one of {known}") from error
