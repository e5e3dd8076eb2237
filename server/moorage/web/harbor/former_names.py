"""`/former-project-names`: what projects were called before they were renamed."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.model import FormerName
from moorage.projects.rules import LIST_ALL_PROJECTS, RELEASE_NAME
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import render
from moorage.web.harbor.answer import send_page
from moorage.web.paging import numbered_page


class FormerNamesResource:
    """All names that lead to a project which is called otherwise now."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", LIST_ALL_PROJECTS, "list_former_names")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them."""
        page = numbered_page(req)
        names = self._services.names
        found = names.former(page.limit, page.offset)
        send_page(req, resp, page, [_rendered(each) for each in found], names.count_former())


class FormerNameResource:
    """One of them."""

    access: ClassVar[Mapping[str, Access]] = {"DELETE": Access("system", RELEASE_NAME, "delete_former_name")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_delete(self, req: falcon.Request, resp: falcon.Response, *, former_name: str) -> None:
        """Let others have it."""
        caller: Caller = req.context.caller
        self._services.names.release(caller.actor, former_name)


def _rendered(former: FormerName) -> render.Json:
    return {
        "name": former.name,
        "project_id": former.project_id,
        "project_name": former.project_name,
        "renamed_time": render.moment(former.renamed_at),
    }
