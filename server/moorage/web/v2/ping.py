"""``/v2/``: is this a registry, and is the credential good (distribution-spec 1.1.1, "Endpoints", end-1)."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.web.access import Access


class PingResource:
    """Answers 200 to whoever has proved who they are; an anonymous token is proof enough."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "ping"),
        "HEAD": Access("signed_in", None, "ping"),
    }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Say yes."""
        resp.content_type = "application/json"
        resp.data = b"{}"

    on_head = on_get
