"""The errors that an operation can answer with, as far as they follow from its route."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from moorage.web.openapi.model import JSON, Json, Operation
from moorage.web.openapi.shapes import TEXT, array, ref, shape
from moorage.web.router import Endpoint

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Of whatever is called: a header that cannot be read, a bad credential, too many of them, an ill server.
_ALWAYS = frozenset({400, 401, 429, 500, 503})
_BODY = frozenset({413, 415})
_MEANINGS: Mapping[int, str] = {
    400: "The request is malformed.",
    401: "A credential is needed, or the one that was sent is not good.",
    403: "The caller may not do this, or there is no such project.",
    404: "There is no such thing.",
    405: "The operation is not offered.",
    406: "None of the acceptable forms is offered.",
    409: "It is there already, or not in the state that the call needs.",
    410: "It is gone.",
    412: "A rule of the project, or something that depends on it, forbids this.",
    413: "The body is too large.",
    415: "The body is of a kind that is not taken.",
    416: "The range does not exist.",
    422: "The request is understood and makes no sense.",
    429: "Too many attempts; try again later.",
    500: "Something went wrong in the server, whose log has more.",
    502: "Another server gave no usable answer.",
    503: "A part that the call needs is ill; try again later.",
    504: "Another server gave no answer in time.",
    507: "The storage is full.",
}
_HEADERS: Mapping[int, str] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
SCHEMAS: Mapping[str, Json] = {
    "Errors": shape(
        {"errors": array(shape({"code": TEXT, "message": TEXT}))}, description="Why a call failed."
    ),
    "RegistryErrors": shape(
        {
            "errors": array(
                shape({"code": TEXT, "message": TEXT, "detail": {"type": "object"}}, optional=["detail"])
            )
        },
        description="Why a call of the distribution API failed.",
    ),
}


def statuses(endpoint: Endpoint, operation: Operation) -> list[int]:
    """Every status with which the operation refuses."""
    found = set(_ALWAYS | operation.refusals)
    if endpoint.access.scope != "anyone" or endpoint.method not in _READS:
        found.add(403)
    if "{" in endpoint.template:
        found.add(404)
    if operation.body is not None:
        found |= _BODY
    return sorted(found - set(operation.answers))


def responses(endpoint: Endpoint, operation: Operation) -> dict[str, object]:
    """References to the answers that refuse, by status."""
    family = _family(endpoint)
    return {
        str(each): {"$ref": f"#/components/responses/{family}{each}"}
        for each in statuses(endpoint, operation)
    }


def components(documented: Iterable[tuple[Endpoint, Operation]]) -> dict[str, object]:
    """The answers that refuse, those that any operation refers to."""
    used = {
        (_family(endpoint), status)
        for endpoint, operation in documented
        for status in statuses(endpoint, operation)
    }
    return {f"{family}{status}": _component(family, status) for family, status in sorted(used)}


def _component(family: str, status: int) -> dict[str, object]:
    made: dict[str, object] = {"description": _MEANINGS.get(status, HTTPStatus(status).phrase + ".")}
    if status in _HEADERS:
        name = _HEADERS[status]
        made["headers"] = {name: {"$ref": f"#/components/headers/{name}"}}
    if family != "Head":
        name = "RegistryErrors" if family == "Registry" else "Errors"
        made["content"] = {JSON: {"schema": ref(name)}}
    return made


def _family(endpoint: Endpoint) -> str:
    if endpoint.method == "HEAD":
        return "Head"
    return "Registry" if endpoint.is_registry else "Refusal"
