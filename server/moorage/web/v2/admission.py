"""May this upload come in? Asked before the first byte of its body is taken.

nginx asks by a sub-request, our own channel by a call; both get the same decision. The request
itself is judged again when it arrives in full: what is refused here never costs a byte on the disk.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar, cast
from urllib.parse import parse_qs, unquote

import falcon

from moorage.audit.log import AuditLog
from moorage.audit.model import Deed
from moorage.db.connection import DatabaseIllError, close_connection
from moorage.distribution.uploads import Uploads
from moorage.errors import Denied, MoorageError, NotFound, Unauthenticated
from moorage.events import Actor
from moorage.oci.digest import Digest, DigestInvalidError
from moorage.oci.names import RepositoryName
from moorage.web.access import Access, Caller, Guarded
from moorage.web.authentication import IS_READ_ONLY, ReadOnlyError
from moorage.web.credentials import parse_authorization
from moorage.web.door import CredentialNeededError
from moorage.web.problems import status_of
from moorage.web.router import Found
from moorage.web.transfer import number_of_bytes
from moorage.web.v2.door import RegistryDoor, check_path
from moorage.web.v2.uploads import checked_session_id

ADMISSION_PATH = "/_admission"

_log = logging.getLogger(__name__)


class AdmissionDeniedError(Denied):
    """The upload may not come in."""


class Admission:
    """Decides by the same routes, door and sessions that the upload itself will meet.

    Args:
        find: the router's `find`.
    """

    def __init__(
        self,
        door: RegistryDoor,
        uploads: Uploads,
        find: Callable[[str], Found | None],
        is_read_only: Callable[[], bool],
    ) -> None:
        self._door = door
        self._uploads = uploads
        self._find = find
        self._is_read_only = is_read_only

    def decide(
        self, method: str, target: str, authorization: str | None, address: str, declared_bytes: int
    ) -> None:
        """Return if the upload may come in.

        Args:
            target: the raw request target, query and all.
            declared_bytes: of the body; 0 when its length is not known.

        Raises:
            MoorageError: it may not.
        """
        access, params = self._wanted(method, target)
        proof = self._door.prove(parse_authorization(authorization), address)
        standing = self._door.decide(proof, access, params)
        if self._is_read_only():
            raise ReadOnlyError(IS_READ_ONLY)
        session_id = params.get("session_id")
        if session_id is not None:
            principal = proof.principal
            actor = Actor(principal.key, principal.kind.value, principal.name, address)
            self._uploads.status(actor, params["name"], checked_session_id(session_id))
        named = parse_qs(target.partition("?")[2]).get("digest")
        self._uploads.admit(
            proof.principal.key,
            declared_bytes,
            opens=session_id is None and named is None,
            project_id=None if standing is None else standing.project_id,
            digest=None if named is None else _digest(named[0]),
        )

    def deed(self, method: str, target: str, req: falcon.Request) -> Deed | None:
        """What the upload was to do, for the log; None when it named no repository.

        Args:
            req: the request that asks for the decision.
        """
        try:
            access, params = self._wanted(method, target)
            params["name"] = RepositoryName.parse(params["name"])
        except MoorageError:
            return None
        return self._door.deed(access, params, req)

    def _wanted(self, method: str, target: str) -> tuple[Access, dict[str, Any]]:
        check_path(target)
        found = self._find(unquote(target.partition("?")[0]))
        if found is None:
            raise NotFound("there is no such route")
        access = cast(Guarded, found[0]).access.get(method)
        if access is None or access.scope != "project":
            raise AdmissionDeniedError("no body is taken here")
        return access, dict(found[2])

    def __call__(self, method: str, target: str, headers: Mapping[str, str], address: str) -> bool:
        """Whether the upload may come in; for our own channel.

        Args:
            headers: by their names in lower case, with dashes.
        """
        try:
            self.decide(
                method,
                target,
                headers.get("authorization"),
                address,
                number_of_bytes(headers.get("content-length")),
            )
        except MoorageError:
            return False
        except DatabaseIllError:
            close_connection()
            return False
        except Exception:
            _log.exception("the admission of an upload failed")
            return False
        return True


class AdmissionResource:
    """What nginx's `auth_request` asks; it understands 2xx, 401 and 403.

    An upload that is refused here never comes, so the log learns of it here. Our own channel lets the
    request in without its body, and what refuses it then tells the log.
    """

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "admit_upload")}

    def __init__(self, admission: Admission, door: RegistryDoor, audit: AuditLog) -> None:
        self._admission = admission
        self._door = door
        self._audit = audit

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer about the request that the ``X-Original-...`` headers describe."""
        environ = req.env
        try:
            self._admission.decide(
                environ.get("HTTP_X_ORIGINAL_METHOD", ""),
                environ.get("HTTP_X_ORIGINAL_URI", ""),
                environ.get("HTTP_AUTHORIZATION"),
                environ.get("REMOTE_ADDR", ""),
                number_of_bytes(environ.get("HTTP_X_ORIGINAL_LENGTH")),
            )
        except Unauthenticated as error:
            resp.set_header("WWW-Authenticate", self._door.challenge(req, error))
            if isinstance(error, CredentialNeededError) and error.denied:
                self._note_denied(req, "")
            raise
        except MoorageError as error:
            if isinstance(error, Denied):
                self._note_denied(req, error.message)
            # 403 is the only other "no" that nginx understands; it tells the client by this header.
            resp.set_header("X-Refusal", str(status_of(type(error)).value))
            resp.set_header("X-Refusal-Text", json.dumps(error.message)[1:-1])
            raise AdmissionDeniedError(error.message) from error
        resp.status = HTTPStatus.NO_CONTENT

    def _note_denied(self, req: falcon.Request, why: str) -> None:
        caller: Caller = req.context.caller
        environ = req.env
        deed = self._admission.deed(
            environ.get("HTTP_X_ORIGINAL_METHOD", ""), environ.get("HTTP_X_ORIGINAL_URI", ""), req
        )
        if deed is not None:
            self._audit.note_denied(caller.actor, replace(deed, detail=why))


def _digest(text: str) -> Digest | None:
    """None for what is no digest: the request itself says so."""
    try:
        return Digest.parse(text)
    except DigestInvalidError:
        return None
