"""What Harbor's answers have in common: JSON bodies, lists in pages, and where a new thing is."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

import falcon

from moorage.web.paging import NumberedPage, tell_total

BASE = "/api/v2.0"


def send(resp: falcon.Response, content: object) -> None:
    """Answer with JSON."""
    resp.content_type = "application/json"
    resp.data = json.dumps(content, ensure_ascii=False).encode()


def send_page(
    req: falcon.Request, resp: falcon.Response, page: NumberedPage, items: Sequence[object], total: int
) -> None:
    """Answer with one page of a list of `total` entries."""
    tell_total(req, resp, page, total)
    send(resp, items)


def send_created(resp: falcon.Response, *path: str | int, content: object = None) -> None:
    """Answer 201; the new thing is at `path` below the API, whose parts are encoded here."""
    resp.status = HTTPStatus.CREATED
    resp.set_header("Location", "/".join((BASE, *(quote(str(part), safe="") for part in path))))
    if content is not None:
        send(resp, content)
