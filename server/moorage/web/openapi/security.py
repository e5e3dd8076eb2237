"""The kinds of credentials, and which of them an operation takes."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.router import Endpoint
from moorage.web.session import COOKIE, CSRF_HEADER

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
SCHEMES: Mapping[str, Json] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A name with its password, CLI secret, personal access token or robot's secret.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A registry token, from /service/token.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser's session. Over TLS the name of the cookie begins with __Host-.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "What a session has to show besides its cookie when it changes something.",
    },
}


def requirements(endpoint: Endpoint, *, anybody: bool) -> list[dict[str, list[str]]]:
    """The credentials that it takes, any one of them.

    Args:
        anybody: it can also be called without any.
    """
    other = ["token"] if endpoint.is_registry else ["session"]
    if other == ["session"] and endpoint.method not in _READS:
        other.append("csrf")
    made: list[dict[str, list[str]]] = [{"basic": []}, {name: [] for name in other}]
    return [{}, *made] if anybody else made
