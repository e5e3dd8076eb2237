"""Is it alive, is it ready, and which part is ill."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

import falcon

from moorage.health import State
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
    """``/readyz``: 200 when requests can be served, else 503, for whoever spreads the load.

    A disk too full for uploads is no reason to send pulls elsewhere, and least of all the deletions
    that make room: the answer stays 200, and its body names the part as unhealthy.
    """

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("anyone", None, "read_readiness"),
        "HEAD": Access("anyone", None, "read_readiness"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Look at every part."""
        findings = self._services.health()
        if any(each.state is State.ILL for each in findings.values()):
            resp.status = HTTPStatus.SERVICE_UNAVAILABLE
        send_health(req, resp, findings)

    on_head = on_get
