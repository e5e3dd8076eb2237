"""The one place where a failure becomes a status and a body."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import falcon

from moorage import errors
from moorage.db.connection import (
    DatabaseIllError,
    IntegrityError,
    close_connection,
    in_transaction,
    refused_by_a_key,
)
from moorage.distribution.errors import StorageFullError
from moorage.projects.errors import ImmutableTagError

STATUSES: Mapping[type[errors.MoorageError], HTTPStatus] = {
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Denied: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Unsupported: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.RangeInvalid: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.MoorageError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
#: Codes of what Falcon itself refuses.
_CODES: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: errors.NotFound.code,
    HTTPStatus.METHOD_NOT_ALLOWED: errors.Unsupported.code,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: errors.TooLarge.code,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: errors.Unsupported.code,
}
_RETRY_SECONDS = 5
#: What the log of operations tells of: somebody may not do this, or a rule of the project forbids it.
_REFUSALS = (errors.Denied, ImmutableTagError)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused, as `req.context.refusal` holds it for the log of operations.

    Attributes:
        params: the fields of the path.
    """

    error: errors.MoorageError
    params: Mapping[str, Any]


def status_of(kind: type[errors.MoorageError]) -> HTTPStatus:
    """The status of a class of errors: its own in the table, or that of the kind above it."""
    return next(STATUSES[each] for each in kind.__mro__ if each in STATUSES)


class Problems:
    """Writes every failure as ``{"errors": [{"code", "message"}]}``.

    Args:
        details: add the third field of the distribution spec, ``detail``, where there is one.
    """

    def __init__(self, *, details: bool) -> None:
        self._details = details

    def install(self, app: "falcon.App[falcon.Request, falcon.Response]") -> None:
        """Let this object answer for everything that goes wrong in `app`."""
        app.add_error_handler(Exception, self._unforeseen)
        app.add_error_handler(falcon.HTTPError, self._refused_by_falcon)
        app.add_error_handler(errors.MoorageError, self._known)
        app.add_error_handler(IntegrityError, self._crossed)
        for kind in DatabaseIllError:
            app.add_error_handler(kind, self._database_ill)

    def write(self, resp: falcon.Response, error: errors.MoorageError) -> None:
        """Make `resp` say what `error` is."""
        status = status_of(type(error))
        if isinstance(error, errors.RateLimited):
            resp.set_header("Retry-After", str(error.retry_after))
        elif status is HTTPStatus.SERVICE_UNAVAILABLE:
            resp.set_header("Retry-After", str(_RETRY_SECONDS))
        self._write(resp, status, error.code, error.message, error.detail)

    def _known(
        self, req: falcon.Request, resp: falcon.Response, error: errors.MoorageError, params: dict[str, Any]
    ) -> None:
        if status_of(type(error)) is HTTPStatus.INTERNAL_SERVER_ERROR:
            self._unforeseen(req, resp, error, params)
            return
        if isinstance(error, _REFUSALS):
            req.context.refusal = Refusal(error, params)
        self.write(resp, error)

    def _refused_by_falcon(
        self, req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: dict[str, Any]
    ) -> None:
        status = HTTPStatus(error.status_code)
        code = _CODES.get(status, errors.Invalid.code)
        if error.headers:
            resp.set_headers(error.headers)
        self._write(resp, status, code, error.description or error.title or status.phrase, None)

    def _crossed(
        self, req: falcon.Request, resp: falcon.Response, error: IntegrityError, params: dict[str, Any]
    ) -> None:
        """Two changes that exclude each other met, at a place that has no better words for it."""
        if not refused_by_a_key(error):
            self._unforeseen(req, resp, error, params)
            return
        _log.error("two changes crossed each other", exc_info=error, extra={"request_id": _request_id(req)})
        self.write(resp, errors.Conflict("somebody else changed the same thing at this moment; try again"))

    def _database_ill(
        self, req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]
    ) -> None:
        _log.error("the database is ill", exc_info=error, extra={"request_id": _request_id(req)})
        if not in_transaction():
            # A connection that failed once may be dead for good; the next use opens another.
            close_connection()
        self.write(resp, errors.Unavailable("the database cannot be used at the moment; try again later"))

    def _unforeseen(
        self, req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]
    ) -> None:
        request_id = _request_id(req)
        _log.error("a request failed", exc_info=error, extra={"request_id": request_id})
        message = f"something went wrong here; the log knows it as request {request_id}"
        self._write(resp, HTTPStatus.INTERNAL_SERVER_ERROR, errors.MoorageError.code, message, None)

    def _write(
        self,
        resp: falcon.Response,
        status: HTTPStatus,
        code: str,
        message: str,
        detail: Mapping[str, object] | None,
    ) -> None:
        problem: dict[str, object] = {"code": code, "message": message}
        if self._details and detail is not None:
            problem["detail"] = detail
        resp.status = status
        _forget_stream(resp)
        resp.content_type = "application/json"
        resp.data = json.dumps({"errors": [problem]}).encode()


def _forget_stream(resp: falcon.Response) -> None:
    """Close the file that was about to be sent, if there was one."""
    close = getattr(resp.stream, "close", None)
    if close is not None:
        close()
    resp.stream = None


def _request_id(req: falcon.Request) -> str:
    found: str = getattr(req.context, "request_id", "")
    return found
