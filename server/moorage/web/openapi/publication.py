"""`/api/v2.0/openapi.json` and the page made of it: both the same until the next release."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import ClassVar

import falcon

from moorage import __version__
from moorage.errors import Invalid
from moorage.web.access import Access
from moorage.web.harbor.answer import BASE
from moorage.web.openapi.document import document
from moorage.web.openapi.page import MOST_SEARCHED, Page
from moorage.web.openapi.tables import operations, schemas
from moorage.web.router import Endpoint
from moorage.web.transfer import is_unchanged

DOCUMENT_PATH = BASE + "/openapi.json"
PAGE_PATH = "/devcenter"
STYLE_PATH = "/devcenter/page.css"
# A browser asks each time whether it has changed; nothing of it is anybody's secret.
_CACHE_CONTROL = "public, no-cache"
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class SearchInvalidError(Invalid):
    """What is searched for on the page is too long."""


class _File:
    """Content that stays as it is while the program runs, plain and packed."""

    def __init__(self, content: bytes, content_type: str) -> None:
        self._plain = content
        self._packed = gzip.compress(content, mtime=0)
        self._content_type = content_type
        self._etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'

    def send(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with it, or that the client has it."""
        resp.set_headers(
            (("ETag", self._etag), ("Cache-Control", _CACHE_CONTROL), ("Vary", "Accept-Encoding"))
        )
        if is_unchanged(req, self._etag):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = self._content_type
        if "gzip" in req.env.get("HTTP_ACCEPT_ENCODING", ""):
            resp.set_header("Content-Encoding", "gzip")
            resp.data = self._packed
        else:
            resp.data = self._plain


@dataclass(frozen=True)
class _Made:
    """What is given out.

    Attributes:
        whole_page: `page` when nothing is searched for.
    """

    document: _File
    page: Page
    whole_page: _File
    style: _File


@cache
def _make(endpoints: tuple[Endpoint, ...]) -> _Made:
    made = document(endpoints, operations(), schemas(), __version__)
    page = Page(made, DOCUMENT_PATH, STYLE_PATH)
    style = files("moorage.web.openapi").joinpath("pages", "page.css").read_bytes()
    return _Made(
        document=_File(json.dumps(made, ensure_ascii=False).encode(), "application/json"),
        page=page,
        whole_page=_File(page.html().encode(), falcon.MEDIA_HTML),
        style=_File(style, "text/css; charset=utf-8"),
    )


class Publication:
    """What the resources below give out, once `publish` was told of every endpoint."""

    made: _Made

    def add_routes(self, app: "falcon.App[falcon.Request, falcon.Response]") -> None:
        """Add the paths of the document and the page."""
        app.add_route(DOCUMENT_PATH, DocumentResource(self))
        app.add_route(PAGE_PATH, PageResource(self))
        app.add_route(STYLE_PATH, StyleResource(self))

    def publish(self, endpoints: Iterable[Endpoint]) -> None:
        """Make the document and the page of these endpoints."""
        self.made = _make(tuple(endpoints))


class DocumentResource:
    """The document; whoever may not call an operation may still know of it."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "get_openapi")}

    def __init__(self, publication: Publication) -> None:
        self._publication = publication

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send it."""
        self._publication.made.document.send(req, resp)


class PageResource:
    """The page for people."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "get_devcenter")}

    def __init__(self, publication: Publication) -> None:
        self._publication = publication

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send all of it, or what the client searches for."""
        searched = req.get_param("q") or ""
        if len(searched) > MOST_SEARCHED:
            raise SearchInvalidError(f"'q' has more than {MOST_SEARCHED} characters")
        resp.set_headers((("Content-Security-Policy", _POLICY), ("Referrer-Policy", "no-referrer")))
        if searched.strip():
            resp.content_type = falcon.MEDIA_HTML
            resp.data = self._publication.made.page.html(searched).encode("utf-8", "replace")
        else:
            self._publication.made.whole_page.send(req, resp)


class StyleResource:
    """How the page looks."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "get_devcenter_style")}

    def __init__(self, publication: Publication) -> None:
        self._publication = publication

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send it."""
        self._publication.made.style.send(req, resp)
