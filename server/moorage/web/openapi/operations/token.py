"""Registry tokens (Docker's token specification, and the OAuth2 form of it)."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import TEXT, array, one_of, ref, shape

_TAG = "token"
_TOKEN = Answer("A token for what the account has of it.", ref("Token"), headers=("Cache-Control",))
_FIELDS = {
    "grant_type": one_of("password", "refresh_token"),
    "service": TEXT,
    "scope": TEXT,
    "username": TEXT,
    "password": TEXT,
    "refresh_token": TEXT,
    "access_type": one_of("online", "offline"),
    "client_id": TEXT,
}

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/service/token"): Operation(
        _TAG,
        "Get a registry token with a Basic credential, or nobody's without one",
        {200: _TOKEN},
        parameters=(
            Parameter("service", "The name of the registry, as its challenge has it.", TEXT),
            Parameter("scope", "What the token is for, such as repository:dock/app:pull,push.", array(TEXT)),
            Parameter("offline_token", "true: a refresh token is wanted too.", one_of("true", "false")),
            Parameter("account", "Overlooked.", TEXT),
            Parameter("client_id", "Overlooked.", TEXT),
        ),
    ),
    ("POST", "/service/token"): Operation(
        _TAG,
        "Get a registry token with a password or a refresh token, in a form",
        {200: _TOKEN},
        body=Body(
            shape(_FIELDS, optional=[name for name in _FIELDS if name != "grant_type"], closed=False),
            "application/x-www-form-urlencoded",
        ),
    ),
}
