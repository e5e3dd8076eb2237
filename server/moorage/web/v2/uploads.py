"""``/v2/<name>/blobs/uploads/`` (distribution-spec 1.1.1, end-4 to end-6, end-11, end-13)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import ClassVar

import falcon

from moorage.distribution.errors import BlobUploadUnknownError, UploadRangeError
from moorage.distribution.model import StoredBlob, UploadSession
from moorage.distribution.uploads import Uploads
from moorage.oci.digest import Digest
from moorage.oci.names import NameInvalidError, RepositoryName
from moorage.projects.rules import PUSH
from moorage.web.access import Access, Caller
from moorage.web.door import Proof
from moorage.web.origin import Origin
from moorage.web.transfer import Bodies, chunk_start
from moorage.web.v2.door import RegistryDoor

_is_session_id = re.compile(r"[0-9a-f]{32}").fullmatch


class UploadsResource:
    """Opens uploads; takes a whole blob at once; mounts what is here already."""

    access: ClassVar[Mapping[str, Access]] = {"POST": Access("project", PUSH, "start_upload")}

    def __init__(self, uploads: Uploads, bodies: Bodies, door: RegistryDoor, origin: Origin) -> None:
        self._uploads = uploads
        self._bodies = bodies
        self._door = door
        self._origin = origin

    def on_post(self, req: falcon.Request, resp: falcon.Response, name: RepositoryName) -> None:
        """Mount, or take the whole blob, or open a session: the first of them that can be done."""
        caller: Caller = req.context.caller
        mount = req.get_param("mount")
        if mount is not None:
            mounted = self._mount(caller, name, Digest.parse(mount), req.get_param("from"))
            if mounted is not None:
                _tell_stored(resp, self._origin.of(req.env), name, mounted)
                return
        digest = req.get_param("digest")
        promised = None if digest is None else Digest.parse(digest)
        if self._bodies.were_refused(req):
            project_id, declared = caller.project_id, self._bodies.declared(req)
            self._uploads.admit(caller.actor.key, declared, project_id=project_id, digest=promised)
        else:  # a body that was let in lies in the spool by now
            self._uploads.admit(caller.actor.key)
        if promised is None:
            session = self._uploads.start(caller.actor, caller.project_id, name)
            _tell_session(resp, self._origin.of(req.env), name, session)
            resp.status = HTTPStatus.ACCEPTED
            return
        with self._bodies.content(req) as body:
            chunk_start(req, body.size)
            stored = self._uploads.push(caller.actor, caller.project_id, name, body, promised)
        _tell_stored(resp, self._origin.of(req.env), name, stored)

    def _mount(
        self, caller: Caller, name: RepositoryName, digest: Digest, source: str | None
    ) -> StoredBlob | None:
        """None when there is nothing to mount, or nothing that the caller may pull: one answer for both."""
        proof = Proof(caller.principal, caller.claims)
        wanted: RepositoryName | None = None
        if source is not None:
            try:
                named = RepositoryName.parse(source)
            except NameInvalidError:  # another registry's kind of name; the client then uploads
                return None
            wanted = self._door.pullable(proof, named)
            if wanted is None:
                return None
        readable = partial(self._door.may_read, proof)
        return self._uploads.mount(caller.actor, caller.project_id, name, digest, wanted, readable)


class UploadResource:
    """One upload under way. It belongs to the account that opened it, in the repository it is for."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", PUSH, "stat_upload"),
        "PATCH": Access("project", PUSH, "append_upload"),
        "PUT": Access("project", PUSH, "finish_upload"),
        "DELETE": Access("project", PUSH, "cancel_upload"),
    }

    def __init__(self, uploads: Uploads, bodies: Bodies, origin: Origin) -> None:
        self._uploads = uploads
        self._bodies = bodies
        self._origin = origin

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, session_id: str
    ) -> None:
        """Say how many bytes are here for good."""
        caller: Caller = req.context.caller
        session = self._uploads.status(caller.actor, name, checked_session_id(session_id))
        _tell_session(resp, self._origin.of(req.env), name, session)
        resp.status = HTTPStatus.NO_CONTENT

    def on_patch(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, session_id: str
    ) -> None:
        """Add a chunk."""
        caller: Caller = req.context.caller
        upload_id = checked_session_id(session_id)
        self._explain_refusal(req, name, upload_id)
        with self._bodies.content(req) as body, self._told_place(req, resp, name, upload_id):
            start = chunk_start(req, body.size)
            session = self._uploads.append(caller.actor, name, upload_id, body, start)
        _tell_session(resp, self._origin.of(req.env), name, session)
        resp.status = HTTPStatus.ACCEPTED

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, session_id: str
    ) -> None:
        """Finish, with a last chunk or without."""
        caller: Caller = req.context.caller
        upload_id = checked_session_id(session_id)
        digest = Digest.parse(req.get_param("digest") or "")
        self._explain_refusal(req, name, upload_id, digest)
        with self._bodies.received(req) as body, self._told_place(req, resp, name, upload_id):
            start = chunk_start(req, 0 if body is None else body.size)
            stored = self._uploads.finish(
                caller.actor, caller.project_id, name, upload_id, body, digest, start
            )
        _tell_stored(resp, self._origin.of(req.env), name, stored)

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, session_id: str
    ) -> None:
        """Give the upload up."""
        caller: Caller = req.context.caller
        self._uploads.cancel(caller.actor, name, checked_session_id(session_id))
        resp.status = HTTPStatus.NO_CONTENT

    def _explain_refusal(
        self, req: falcon.Request, name: RepositoryName, upload_id: str, digest: Digest | None = None
    ) -> None:
        """Raise what made the admission refuse the body, if it did."""
        if self._bodies.were_refused(req):
            caller: Caller = req.context.caller
            self._uploads.status(caller.actor, name, upload_id)
            self._uploads.admit(
                caller.actor.key, self._bodies.declared(req), project_id=caller.project_id, digest=digest
            )

    @contextmanager
    def _told_place(
        self, req: falcon.Request, resp: falcon.Response, name: RepositoryName, upload_id: str
    ) -> Iterator[None]:
        """A client whose chunk was out of place is told where the upload stands."""
        try:
            yield
        except UploadRangeError as error:
            _tell_place(resp, self._origin.of(req.env), name, upload_id, error.offset)
            raise


def checked_session_id(text: str) -> str:
    """The id of an upload session, if it can be one.

    Raises:
        BlobUploadUnknownError: it cannot.
    """
    if _is_session_id(text) is None:
        raise BlobUploadUnknownError("there is no such upload")
    return text


def _tell_session(resp: falcon.Response, origin: str, name: RepositoryName, session: UploadSession) -> None:
    _tell_place(resp, origin, name, session.id, session.received_bytes)


def _tell_place(
    resp: falcon.Response, origin: str, name: RepositoryName, upload_id: str, received_bytes: int
) -> None:
    # No range of bytes is empty; clients know "0-0" as the one of an upload that has just begun.
    resp.set_headers(
        (
            ("Location", f"{origin}/v2/{name}/blobs/uploads/{upload_id}"),
            ("Range", f"0-{max(received_bytes - 1, 0)}"),
            ("Docker-Upload-UUID", upload_id),
        )
    )


def _tell_stored(resp: falcon.Response, origin: str, name: RepositoryName, stored: StoredBlob) -> None:
    resp.status = HTTPStatus.CREATED
    resp.set_headers(
        (
            ("Location", f"{origin}/v2/{name}/blobs/{stored.digest}"),
            ("Docker-Content-Digest", str(stored.digest)),
        )
    )
