"""``/v2/<name>/tags/list`` (distribution-spec 1.1.1, end-8)."""

import json
from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.distribution.tags import Tags
from moorage.oci.names import RepositoryName
from moorage.projects.rules import PULL
from moorage.web.access import Access
from moorage.web.paging import cut, key_page
from moorage.web.v2.renames import follows_rename


class TagListResource:
    """The tags of a repository, in the order of their bytes."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", PULL, "list_tags"),
        "HEAD": Access("project", PULL, "list_tags"),
    }

    def __init__(self, tags: Tags, page_limit: int) -> None:
        self._tags = tags
        self._page_limit = page_limit

    @follows_rename
    def on_get(self, req: falcon.Request, resp: falcon.Response, name: RepositoryName) -> None:
        """Send one page of them."""
        page = key_page(req, self._page_limit)
        found = self._tags.names(name, page.limit + 1, page.last)
        resp.content_type = "application/json"
        resp.data = json.dumps({"name": name, "tags": cut(req, resp, page, found)}).encode()

    on_head = on_get
