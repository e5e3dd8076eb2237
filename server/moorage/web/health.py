"""Is it alive, is it ready, and which part is ill."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

import falcon

from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import render
from moorage.web.harbor.answer import send


class LivenessResource:
    """``/healthz``: this process answers. It looks at nothing else, so that an ill database does not
    make a supervisor kill a server that will be well again by itself.
    """

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("anyone", None, "read_liveness"),
        "HEAD": Access("anyone", None, "read_liveness"),
    }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer."""
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "ok"

    on_head = on_get


class ReadinessResource:
    """``/readyz``: 200 when every part is well, else 503, for whoever spreads the load."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("anyone", None, "read_readiness"),
        "HEAD": Access("anyone", None, "read_readiness"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Look at every part."""
        faults = self._services.health()
        if any(fault is not None for fault in faults.values()):
            resp.status = HTTPStatus.SERVICE_UNAVAILABLE
        send(resp, _rendered(req, faults))

    on_head = on_get


class HealthResource:
    """``/api/v2.0/health``: the same in Harbor's form, where the status is in the body alone."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "read_health")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Look at every part."""
        send(resp, _rendered(req, self._services.health()))


def _rendered(req: falcon.Request, faults: Mapping[str, str | None]) -> render.Json:
    """What exactly is wrong may name paths and hosts, so only administrators see it."""
    caller: Caller = req.context.caller
    return render.health(faults, detailed=caller.principal.admin)
