"""``/v2/_catalog``: Docker's list of repositories, which the distribution spec leaves out."""

import json
from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.distribution.catalog import Catalog
from moorage.web.access import Access, Caller
from moorage.web.paging import cut, key_page

#: The scope that Docker's clients ask a token for.
CATALOG_GRANT = "registry:catalog:*"


class CatalogResource:
    """The repositories that hold something and that the caller may see; everyone may ask."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "list_catalog", CATALOG_GRANT),
        "HEAD": Access("signed_in", None, "list_catalog", CATALOG_GRANT),
    }

    def __init__(self, catalog: Catalog, page_limit: int) -> None:
        self._catalog = catalog
        self._page_limit = page_limit

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send one page of them."""
        caller: Caller = req.context.caller
        page = key_page(req, self._page_limit)
        found = self._catalog.page(caller.principal.kind, caller.principal.id, page.limit + 1, page.last)
        resp.content_type = "application/json"
        resp.data = json.dumps({"repositories": cut(req, resp, page, found)}).encode()

    on_head = on_get
