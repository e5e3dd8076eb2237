"""`/configurations` and `/internalconfig`: the settings of the site."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.configuration.keys import KEYS
from moorage.projects.rules import READ_SETTINGS, UPDATE_SETTINGS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, render
from moorage.web.harbor.answer import send


class ConfigurationsResource:
    """Every setting, with what it holds and whether it can be changed."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_SETTINGS, "get_configuration"),
        "PUT": Access("system", UPDATE_SETTINGS, "update_configuration", while_read_only=True),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of them but secrets."""
        send(resp, render.configurations(self._services.site.shown()))

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Change those that the body names; this is how the registry stops being read-only, too."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=KEYS).plain()
        self._services.site.change(caller.actor, asked)


class InternalConfigurationsResource:
    """The same for Harbor's own parts; there are no others here, so it can only be read."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", READ_SETTINGS, "get_configuration")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All settings but secrets."""
        send(resp, render.configurations(self._services.site.shown()))
