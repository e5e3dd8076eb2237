"""Is it alive, is it ready, and which part is ill."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

import falcon

from moorage.services import Services
from moorage.web.access import Access
from moorage.web.harbor.system import send_health


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
        send_health(req, resp, faults)

    on_head = on_get
