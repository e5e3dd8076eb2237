"""``/v2/<name>/blobs/<digest>`` (distribution-spec 1.1.1, end-2, end-10)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

import falcon

from moorage.audit.log import AuditLog
from moorage.distribution.blobs import Blobs
from moorage.distribution.model import StoredBlob
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.rules import DELETE_ARTIFACT, PULL
from moorage.web.access import Access, Caller
from moorage.web.transfer import UnsatisfiableError, is_unchanged, send_file, send_redirect, wanted_span
from moorage.web.v2.renames import follows_rename

# Content never changes under its digest; but not everyone may see it, so no shared cache may keep it.
_CACHE_CONTROL = "private, max-age=31536000, immutable"


class BlobResource:
    """Blobs that the repository holds."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", PULL, "pull_blob"),
        "HEAD": Access("project", PULL, "stat_blob"),
        "DELETE": Access("project", DELETE_ARTIFACT, "delete_blob"),
    }

    def __init__(self, blobs: Blobs, audit: AuditLog, *, behind_nginx: bool) -> None:
        self._blobs = blobs
        self._audit = audit
        self._behind_nginx = behind_nginx

    @follows_rename
    def on_get(self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, digest: str) -> None:
        """Send the blob or a range of it."""
        wanted = Digest.parse(digest)
        if not (self._behind_nginx and self._redirect(req, resp, name, wanted)):
            self._stream(req, resp, name, wanted)

    @follows_rename
    def on_head(self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, digest: str) -> None:
        """Say that the blob is here, which promises that it stays for a while."""
        found = self._blobs.stat(name, Digest.parse(digest))
        if not self._describe(req, resp, found):
            resp.content_length = found.size_bytes

    @follows_rename
    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, digest: str
    ) -> None:
        """Take the blob out of this repository."""
        caller: Caller = req.context.caller
        self._blobs.delete(caller.actor, caller.project_id, name, Digest.parse(digest))
        resp.status = HTTPStatus.ACCEPTED

    def _redirect(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, digest: Digest
    ) -> bool:
        """Let the proxy send the blob; False when it cannot reach where the blob lies."""
        found, location = self._blobs.locate(name, digest)
        if location is None:
            return False
        self._note_pull(req, name, digest)
        if not self._describe(req, resp, found):
            send_redirect(resp, location)
        return True

    def _stream(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, digest: Digest
    ) -> None:
        found, file = self._blobs.open(name, digest)
        sent = False
        try:
            etag = _etag(found)
            span = None if is_unchanged(req, etag) else wanted_span(req, etag, found.size_bytes)
            self._note_pull(req, name, digest)
            if not self._describe(req, resp, found):
                send_file(resp, file, found.size_bytes, span)
                sent = True
        except UnsatisfiableError:
            resp.set_header("Content-Range", f"bytes */{found.size_bytes}")
            raise
        finally:
            if not sent:
                file.close()

    def _note_pull(self, req: falcon.Request, name: RepositoryName, digest: Digest) -> None:
        caller: Caller = req.context.caller
        self._audit.note_blob_pull(caller.actor, caller.project_id, name, digest)

    def _describe(self, req: falcon.Request, resp: falcon.Response, found: StoredBlob) -> bool:
        """Set what every answer about the blob carries; whether the client has it already (304)."""
        etag = _etag(found)
        resp.set_headers(
            (
                ("Docker-Content-Digest", str(found.digest)),
                ("ETag", etag),
                ("Accept-Ranges", "bytes"),
                ("Cache-Control", _CACHE_CONTROL),
            )
        )
        if is_unchanged(req, etag):
            resp.status = HTTPStatus.NOT_MODIFIED
            return True
        resp.content_type = "application/octet-stream"
        return False


def _etag(found: StoredBlob) -> str:
    return f'"{found.digest}"'
