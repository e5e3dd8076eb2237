"""`/system/CVEAllowlist`: the vulnerabilities that the whole site puts up with."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.rules import UPDATE_SETTINGS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, project_body, render
from moorage.web.harbor.answer import send


class AllowlistResource:
    """The one list; a project has its own in its body."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "get_allowlist"),
        "PUT": Access("system", UPDATE_SETTINGS, "update_allowlist"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The list."""
        send(resp, render.allowlist(self._services.allowlists.system()))

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Put another in its place."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=project_body.ALLOWLIST_FIELDS, overlooked=project_body.ALLOWLIST_ECHOES)
        self._services.allowlists.replace_system(caller.actor, project_body.allowlist(asked))
