"""`/scanners` and `/projects/{}/scanner`: who looks for vulnerabilities in artifacts.

Credentials are taken and never given back.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import falcon

from moorage.projects.rules import (
    CHOOSE_SCANNER,
    CREATE_SCANNER,
    DELETE_SCANNER,
    LIST_SCANNERS,
    READ_PROJECT_SCANNER,
    READ_SCANNER,
    UPDATE_SCANNER,
)
from moorage.scanners.document import ECHOED, FIELDS, draft_of
from moorage.scanners.model import Draft, Metadata, Registration
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, query
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.render import Json, moment
from moorage.web.paging import numbered_page

_SORTS = {"name": "name", "url": "url", "create_time": "created_at", "update_time": "updated_at"}
_CONDITIONS: query.Allowed = {
    "name": query.PART,
    "url": query.PART,
    "disabled": query.EXACT,
    "is_default": query.EXACT,
}
_CANDIDATE_SORTS = {name: field for name, field in _SORTS.items() if name != "url"}
_CANDIDATE_CONDITIONS: query.Allowed = {"name": query.PART, "is_default": query.EXACT}


class ScannersResource:
    """Every registration."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", LIST_SCANNERS, "list_scanners"),
        "POST": Access("system", CREATE_SCANNER, "create_scanner"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them, the oldest first unless told otherwise."""
        page = numbered_page(req)
        found = _asked(req, self._services.scanners.all(), _SORTS, _CONDITIONS)
        shown = found[page.offset : page.offset + page.limit]
        send_page(req, resp, page, [rendered(each) for each in shown], len(found))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Register one; it is not asked, which ``ping`` is for."""
        caller: Caller = req.context.caller
        made = self._services.scanners.create(caller.actor, _draft(self._services, req))
        send_created(resp, "scanners", made.uuid)


class ScannerPingResource:
    """Whether a scanner answers, before it is registered."""

    access: ClassVar[Mapping[str, Access]] = {
        "POST": Access("system", CREATE_SCANNER, "ping_scanner", while_read_only=True)
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Ask it who it is, with the credential of the body and none that is kept."""
        self._services.scanners.ping(_draft(self._services, req))


class ScannerResource:
    """One registration."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_SCANNER, "get_scanner"),
        "PUT": Access("system", UPDATE_SCANNER, "update_scanner"),
        "PATCH": Access("system", UPDATE_SCANNER, "set_default_scanner"),
        "DELETE": Access("system", DELETE_SCANNER, "delete_scanner"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, registration_id: str) -> None:
        """The registration, without its credential."""
        send(resp, rendered(self._services.scanners.get(registration_id)))

    def on_put(self, req: falcon.Request, resp: falcon.Response, *, registration_id: str) -> None:
        """Replace it; its credential stays if the body has none and it would go where it went before."""
        caller: Caller = req.context.caller
        self._services.scanners.get(registration_id)
        self._services.scanners.change(caller.actor, registration_id, _draft(self._services, req))

    def on_patch(self, req: falcon.Request, resp: falcon.Response, *, registration_id: str) -> None:
        """Make it the default, or end that."""
        caller: Caller = req.context.caller
        self._services.scanners.get(registration_id)
        wanted = body.read(req, known={"is_default"}).flag("is_default")
        self._services.scanners.set_default(caller.actor, registration_id, wanted)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, *, registration_id: str) -> None:
        """Forget it; the answer says what it was."""
        caller: Caller = req.context.caller
        send(resp, rendered(self._services.scanners.delete(caller.actor, registration_id)))


class ScannerMetadataResource:
    """What a registered scanner says of itself."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", READ_SCANNER, "get_scanner_metadata")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, registration_id: str) -> None:
        """Ask it now."""
        send(resp, _metadata(self._services.scanners.metadata(registration_id)))


class ProjectScannerResource:
    """The scanner of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_PROJECT_SCANNER, "get_project_scanner"),
        "PUT": Access("project", CHOOSE_SCANNER, "set_project_scanner"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """What the project chose, else the default."""
        caller: Caller = req.context.caller
        send(resp, _shown(caller, self._services.project_scanners.get(caller.project_id)))

    def on_put(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Choose one."""
        caller: Caller = req.context.caller
        uuid = body.read(req, known={"uuid"}).text("uuid")
        self._services.project_scanners.choose(caller.actor, caller.project_id, uuid)


class ProjectScannerCandidatesResource:
    """What a project can choose."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", CHOOSE_SCANNER, "list_project_scanner_candidates")
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A page of them, the oldest first unless told otherwise."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        candidates = self._services.project_scanners.candidates()
        found = _asked(req, candidates, _CANDIDATE_SORTS, _CANDIDATE_CONDITIONS)
        shown = found[page.offset : page.offset + page.limit]
        send_page(req, resp, page, [_shown(caller, each) for each in shown], len(found))


def rendered(found: Registration) -> Json:
    """A registration without its credential."""
    return {
        "uuid": found.uuid,
        "name": found.name,
        "description": found.description,
        "url": found.url,
        "disabled": found.disabled,
        "is_default": found.is_default,
        "auth": found.auth.value,
        "skip_certVerify": found.skip_cert_verify,
        "use_internal_addr": found.use_internal_addr,
        "create_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def _shown(caller: Caller, found: Registration) -> Json:
    """For people of a project: where a scanner is inside the network is not theirs to know."""
    whole = rendered(found)
    if caller.standing is not None and caller.standing.admin:
        return whole
    hidden = ("url", "auth", "skip_certVerify", "use_internal_addr")
    return {name: value for name, value in whole.items() if name not in hidden}


def _metadata(found: Metadata) -> Json:
    return {
        "scanner": {"name": found.name, "vendor": found.vendor, "version": found.version},
        "capabilities": [
            {
                "type": each.type,
                "consumes_mime_types": list(each.consumes),
                "produces_mime_types": list(each.produces),
            }
            for each in found.capabilities
        ],
        "properties": dict(found.properties),
    }


def _draft(services: Services, req: falcon.Request) -> Draft:
    asked = body.read(req, known=FIELDS, overlooked=ECHOED)
    return draft_of(asked.plain(), services.outbound.check)


def _asked(
    req: falcon.Request,
    found: Sequence[Registration],
    sorts: Mapping[str, str],
    conditions: query.Allowed,
) -> list[Registration]:
    order = query.order(req, sorts, "")
    wanted = list(query.conditions(req, conditions).values())
    chosen = [each for each in found if all(_fits(each, condition) for condition in wanted)]
    if order:
        chosen.sort(key=lambda each: getattr(each, order.removeprefix("-")), reverse=order.startswith("-"))
    return chosen


def _fits(found: Registration, asked: query.Condition) -> bool:
    value = getattr(found, asked.key)
    if isinstance(value, bool):
        return value is asked.flag()
    if asked.match is query.Match.PART:
        return asked.value.lower() in str(value).lower()
    return bool(value == asked.value)
