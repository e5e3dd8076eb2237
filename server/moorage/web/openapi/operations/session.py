"""Signing in with a browser."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import ref

_TAG = "session"
_CSRF = "X-Harbor-CSRF-Token"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/session"): Operation(
        _TAG,
        "Read who is signed in",
        {200: Answer("Who, and of a session the token for changes and its end.", ref("SessionFound"))},
    ),
    ("POST", "/session"): Operation(
        _TAG,
        "Sign in with a name and a password",
        {200: Answer("The session, which the cookie holds.", ref("Session"), headers=("Set-Cookie", _CSRF))},
        body=Body(ref("Login")),
    ),
    ("DELETE", "/session"): Operation(
        _TAG, "Sign out", {200: Answer("There is no session any more.", headers=("Set-Cookie",))}
    ),
}
