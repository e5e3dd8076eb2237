"""``/v2/<name>/manifests/<reference>`` (distribution-spec 1.1.1, end-3, end-7, end-9)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

import falcon

from moorage.audit.log import AuditLog
from moorage.distribution.errors import ManifestUnknownError
from moorage.distribution.manifests import Manifests
from moorage.distribution.model import ManifestKey, StoredManifest
from moorage.distribution.tags import Tags
from moorage.gc.candidates import Candidates
from moorage.oci.digest import Digest
from moorage.oci.manifest import MAX_MANIFEST_BYTES
from moorage.oci.mediatypes import of_content_type
from moorage.oci.names import RepositoryName, Tag, TagInvalidError, parse_reference
from moorage.projects.rules import DELETE_ARTIFACT, DELETE_TAG, PULL, PUSH
from moorage.web.access import Access, Caller
from moorage.web.origin import Origin
from moorage.web.transfer import is_unchanged, small_body
from moorage.web.v2.renames import follows_rename


class ManifestResource:
    """Manifests, byte for byte as they were pushed, by tag and by digest.

    ``Accept`` is not consulted: to give another representation would give another digest, and
    every client reads the stored media type anyway.
    """

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", PULL, "pull_artifact"),
        "HEAD": Access("project", PULL, "stat_artifact"),
        "PUT": Access("project", PUSH, "push_artifact"),
        "DELETE": Access("project", DELETE_ARTIFACT, "delete_artifact", tag_permission=DELETE_TAG),
    }

    def __init__(
        self, manifests: Manifests, tags: Tags, candidates: Candidates, audit: AuditLog, origin: Origin
    ) -> None:
        self._manifests = manifests
        self._tags = tags
        self._candidates = candidates
        self._audit = audit
        self._origin = origin

    @follows_rename
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, reference: str
    ) -> None:
        """Send the manifest; this is what counts as a pull."""
        wanted = _to_read(reference)
        found = self._manifests.get(name, wanted)
        caller: Caller = req.context.caller
        tag = wanted if isinstance(wanted, Tag) else ""
        self._audit.note_pull(caller.actor, caller.project_id, name, tag, found.digest)
        _send(req, resp, found)

    @follows_rename
    def on_head(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, reference: str
    ) -> None:
        """Send the same headers and no body; clients ask this to learn a digest.

        Or whether they need to push a manifest: that it is there is a promise.
        """
        wanted = _to_read(reference)
        found = self._manifests.get(name, wanted)
        if isinstance(wanted, Digest):
            self._candidates.promise(ManifestKey(name, wanted))
        _send(req, resp, found)

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, reference: str
    ) -> None:
        """Take a manifest, under a tag or only its digest."""
        target = parse_reference(reference)
        body = small_body(req, MAX_MANIFEST_BYTES)
        caller: Caller = req.context.caller
        media_type = of_content_type(req.content_type) or None
        result = self._manifests.put(caller.actor, caller.project_id, name, target, media_type, body)
        resp.status = HTTPStatus.CREATED
        resp.set_headers(
            (
                ("Location", f"{self._origin.of(req.env)}/v2/{name}/manifests/{result.digest}"),
                ("Docker-Content-Digest", str(result.digest)),
            )
        )
        if result.subject is not None:
            resp.set_header("OCI-Subject", str(result.subject))

    @follows_rename
    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, reference: str
    ) -> None:
        """Delete a manifest with all its tags, or one tag and nothing else."""
        target = parse_reference(reference)
        caller: Caller = req.context.caller
        if isinstance(target, Digest):
            self._manifests.delete(caller.actor, caller.project_id, name, target)
        else:
            self._tags.delete(caller.actor, caller.project_id, name, target)
        resp.status = HTTPStatus.ACCEPTED


def _send(req: falcon.Request, resp: falcon.Response, found: StoredManifest) -> None:
    digest = str(found.digest)
    etag = f'"{digest}"'
    resp.set_headers((("Docker-Content-Digest", digest), ("ETag", etag)))
    if is_unchanged(req, etag):
        resp.status = HTTPStatus.NOT_MODIFIED
    else:
        resp.content_type = found.media_type
        resp.data = found.body


def _to_read(reference: str) -> Tag | Digest:
    """A reference that no manifest can have is one that no manifest has: 404, as clients expect."""
    try:
        return parse_reference(reference)
    except TagInvalidError:
        raise ManifestUnknownError.of(reference) from None
