"""One's own account, rights and personal access tokens."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import FLAG, PAGED, array, created, page_of, ref, text

_TAG = "user"
_CURRENT = "/users/current"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", _CURRENT): Operation(
        _TAG,
        "Read one's own account",
        {200: Answer("The account.", ref("User"))},
        refusals=frozenset({412}),
        description="412 for robots, which are no users.",
    ),
    ("GET", _CURRENT + "/permissions"): Operation(
        _TAG,
        "List what the caller may do",
        {200: Answer("All of it, in the system or in one project.", array(ref("Right")))},
        parameters=(
            Parameter(
                "scope",
                "/project/<number> for what one may do there.",
                text(pattern="^(/?project/[0-9]{1,18}/?)?$"),
            ),
            Parameter("relative", "Leave the scope out of the names of resources.", FLAG),
        ),
    ),
    ("GET", _CURRENT + "/tokens"): Operation(
        _TAG,
        "List one's own personal access tokens",
        {200: page_of(ref("AccessToken"), "A page of them, oldest first, without their secrets.")},
        parameters=PAGED,
    ),
    ("POST", _CURRENT + "/tokens"): Operation(
        _TAG,
        "Make a personal access token",
        {
            201: created(
                "The token; this is the only answer that shows its secret.", ref("AccessTokenCreated")
            )
        },
        body=Body(ref("NewAccessToken")),
        refusals=frozenset({409}),
        description="A token cannot make tokens (403).",
    ),
    ("DELETE", _CURRENT + "/tokens/{token_id}"): Operation(
        _TAG, "Revoke a personal access token, at once", {200: Answer("It is void.")}
    ),
}
