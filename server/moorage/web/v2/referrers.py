"""``/v2/<name>/referrers/<digest>`` (distribution-spec 1.1.1, end-12)."""

import json
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlencode

import falcon

from moorage.distribution.referrers import Referrers
from moorage.oci.digest import Digest
from moorage.oci.mediatypes import OCI_INDEX
from moorage.oci.names import RepositoryName
from moorage.projects.rules import PULL
from moorage.web.access import Access
from moorage.web.v2.renames import follows_rename


class ReferrersResource:
    """What refers to a manifest, as an image index. Nothing refers to it: an index of nothing, never 404,
    which clients take for a registry without this endpoint."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", PULL, "list_referrers"),
        "HEAD": Access("project", PULL, "list_referrers"),
    }

    def __init__(self, referrers: Referrers) -> None:
        self._referrers = referrers

    @follows_rename
    def on_get(self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, digest: str) -> None:
        """Send the descriptors, of one artifact type if the client asks for one."""
        # A plus sign that a client forgot to encode arrives as a blank, which no media type has.
        artifact_type = (req.get_param("artifactType") or "").replace(" ", "+") or None
        last = req.get_param("last")
        page = self._referrers.page(
            name, Digest.parse(digest), artifact_type, None if last is None else Digest.parse(last)
        )
        if page.next is not None:
            query = {"last": str(page.next), **({"artifactType": artifact_type} if artifact_type else {})}
            resp.set_header("Link", f'<{req.path}?{urlencode(query)}>; rel="next"')
        if artifact_type is not None:
            resp.set_header("OCI-Filters-Applied", "artifactType")
        resp.content_type = OCI_INDEX
        resp.data = json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": page.descriptors}
        ).encode()

    on_head = on_get
