"""The one middleware: request id, who is calling, may they, and how it went.

Each app has exactly one of these objects: every hook of a middleware costs each request some
microseconds.
"""

import logging
import os
import re
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from time import perf_counter
from typing import Any, cast

import falcon

from moorage.audit.log import AuditLog
from moorage.db.connection import DatabaseIllError
from moorage.errors import Denied, RateLimited, Unauthenticated, Unsupported
from moorage.events import Actor
from moorage.identity.errors import BadCredentialsError
from moorage.identity.model import ANONYMOUS, Principal
from moorage.projects.errors import QuotaExceededError
from moorage.web.access import Access, Caller, Guarded
from moorage.web.credentials import Basic, Bearer, parse_authorization
from moorage.web.door import NO_PROOF, CredentialNeededError, Door, Proof
from moorage.web.problems import Refusal

#: Called with the operation, the status and the seconds of each request.
Observe = Callable[[str, int, float], None]

#: Called when a push was refused: by whom, the project, the repository, the figures.
Full = Callable[[Actor, int, str, str], None]

UNROUTED = "unrouted"
_request_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_USER_AGENT_LENGTH = 256

_log = logging.getLogger(__name__)


#: Methods that change nothing, on any route.
READS = frozenset({"GET", "HEAD", "OPTIONS"})
IS_READ_ONLY = "the registry is read-only at the moment; an administrator can end that"

#: For who uses a name that a project had (distribution-spec 1.1.1, "Warnings"; RFC 7234 section 5.5).
RENAMED = '299 - "this project was renamed and is called {} now"'


class ReadOnlyError(Denied):
    """An administrator has said that nothing may be changed for now."""


class MethodUnsupportedError(Unsupported):
    """The route does not know the method."""


class Authentication:
    """Lets a request through to its responder with `req.context.caller` set, or not at all."""

    def __init__(
        self,
        door: Door,
        audit: AuditLog,
        observe: Observe,
        is_read_only: Callable[[], bool],
        full: Full = lambda *_: None,
    ) -> None:
        self._door = door
        self._audit = audit
        self._observe = observe
        self._is_read_only = is_read_only
        self._full = full
        self._headers = tuple(door.headers.items())

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Give the request its id and refuse a target that could be read in two ways."""
        context, environ = req.context, req.env
        context.started = perf_counter()
        sent = environ.get("HTTP_X_REQUEST_ID")
        context.request_id = sent if sent is not None and _request_id(sent) else os.urandom(16).hex()
        resp.set_headers((("X-Request-Id", context.request_id), *self._headers))
        self._door.check_target(environ)

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Find out who is calling and whether they may."""
        access = cast(Guarded, resource).access.get(req.method)
        if access is None:
            raise MethodUnsupportedError(f"{req.method} is not offered here")
        proof = NO_PROOF
        try:
            proof = self._prove(req)
            standing = self._door.judge(proof, access, params, req)
        except Unauthenticated as error:
            resp.set_header("WWW-Authenticate", self._door.challenge(req, error))
            if isinstance(error, CredentialNeededError) and error.denied:
                self._note_denied(req, access, proof, params)
            raise
        except Denied:
            self._note_denied(req, access, proof, params)
            raise
        if standing is not None and standing.present_name:
            resp.set_header("Warning", RENAMED.format(standing.present_name))
        req.context.caller = Caller(proof.principal, actor_of(req, proof.principal), proof.claims, standing)
        if req.method not in READS and not access.while_read_only and self._is_read_only():
            raise ReadOnlyError(IS_READ_ONLY)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        """Count and log the request."""
        if not hasattr(req.context, "started"):  # Falcon refused it before any hook ran
            return
        status = resp.status_code
        seconds = perf_counter() - req.context.started
        operation = _operation(req, resource)
        if status == HTTPStatus.METHOD_NOT_ALLOWED and resource is not None:
            resp.set_header("Allow", ", ".join(sorted(cast(Guarded, resource).access)))
        elif status == HTTPStatus.UNAUTHORIZED and resp.get_header("WWW-Authenticate") is None:
            resp.set_header("WWW-Authenticate", self._door.challenge(req, Unauthenticated()))
        self._observe(operation, status, seconds)
        self._note_refusal(req, resource)
        level = _level(status)
        if _log.isEnabledFor(level):
            _log.log(level, "request", extra=_line(req, operation, status, seconds))

    def _prove(self, req: falcon.Request) -> Proof:
        header = req.env.get("HTTP_AUTHORIZATION")
        if header is None:
            return self._door.recognise(req.env)
        credential = parse_authorization(header)
        try:
            return self._door.prove(credential, req.env.get("REMOTE_ADDR", ""))
        except (BadCredentialsError, RateLimited) as error:
            self._note_failure(req, credential, error.message)
            raise

    def _note_failure(self, req: falcon.Request, credential: Basic | Bearer | None, why: str) -> None:
        if isinstance(credential, Basic):
            self._audit.note_login(False, tried(req, credential.name), why)

    def _note_refusal(self, req: falcon.Request, resource: object) -> None:
        """Tell the log what was refused behind the door: by a quota, an immutable tag, the path's object."""
        refusal: Refusal | None = getattr(req.context, "refusal", None)
        caller: Caller | None = getattr(req.context, "caller", None)
        if refusal is None or caller is None:  # the door has told of what it refused itself
            return
        access = cast(Guarded, resource).access[req.method]
        # An upload's admission: it tells of the upload itself, under that one's name.
        if access.scope == "anyone":
            return
        deed = self._door.deed(access, refusal.params, req)
        project_id = caller.project_id or deed.project_id
        self._audit.note_denied(
            caller.actor, replace(deed, project_id=project_id, detail=refusal.error.message)
        )
        if isinstance(refusal.error, QuotaExceededError) and project_id and deed.repository:
            try:
                self._full(caller.actor, project_id, deed.repository, refusal.error.message)
            except DatabaseIllError as error:
                _log.warning("nobody could be told of a full project", extra={"cause": str(error)})
            except Exception:  # a notice never changes the answer
                _log.exception("nobody could be told of a full project")

    def _note_denied(self, req: falcon.Request, access: Access, proof: Proof, params: dict[str, Any]) -> None:
        self._audit.note_denied(actor_of(req, proof.principal), self._door.deed(access, params, req))


def tried(req: falcon.Request, name: str) -> Actor:
    """The actor of a login that failed: nobody, under the name that was tried."""
    return _named(req, ANONYMOUS.key, ANONYMOUS.kind.value, name)


def actor_of(req: falcon.Request, principal: Principal) -> Actor:
    """The actor of whatever this request does."""
    return _named(req, principal.key, principal.kind.value, principal.name)


def _named(req: falcon.Request, key: str, kind: str, name: str) -> Actor:
    environ = req.env
    return Actor(
        key,
        kind,
        name,
        environ.get("REMOTE_ADDR", ""),
        environ.get("HTTP_USER_AGENT", "")[:_USER_AGENT_LENGTH],
        req.context.request_id,
    )


def _level(status: int) -> int:
    """Whatever went well is in the log of operations already; here it is for those who look for it."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return logging.ERROR
    return logging.INFO if status >= HTTPStatus.BAD_REQUEST else logging.DEBUG


def _operation(req: falcon.Request, resource: object) -> str:
    if resource is None:
        return UNROUTED
    access = cast(Guarded, resource).access.get(req.method)
    return UNROUTED if access is None else access.operation


def _line(req: falcon.Request, operation: str, status: int, seconds: float) -> dict[str, object]:
    caller: Caller | None = getattr(req.context, "caller", None)
    return {
        "request_id": req.context.request_id,
        "method": req.method,
        "path": req.path,
        "status": status,
        "seconds": round(seconds, 6),
        "operation": operation,
        "actor": "" if caller is None else caller.principal.name,
        "address": req.env.get("REMOTE_ADDR", ""),
        "user_agent": req.env.get("HTTP_USER_AGENT", "")[:_USER_AGENT_LENGTH],
    }
