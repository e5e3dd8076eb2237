"""Accounts of people."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGED, asked, created, page_of, ref, sorts

_TAG = "user"
_ONE = "/users/{user_id}"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/users"): Operation(
        _TAG,
        "List all users",
        {200: page_of(ref("User"), "A page of them, by name.")},
        parameters=(*PAGED, asked("username=v", "username=~v"), sorts()),
    ),
    ("POST", "/users"): Operation(
        _TAG,
        "Make an account, never an administrator's",
        {201: created("It is made.")},
        body=Body(ref("NewUser")),
        refusals=frozenset({409}),
    ),
    ("GET", "/users/search"): Operation(
        _TAG,
        "Search people by a part of their names",
        {
            200: page_of(
                ref("UserFound"),
                "A page of them, those with an account first. While the directory is away a Warning says so.",
            )
        },
        parameters=(
            *PAGED,
            Parameter("username", "A part of the name.", {"type": "string", "minLength": 1}, required=True),
        ),
    ),
    ("GET", _ONE): Operation(
        _TAG,
        "Read an account: one's own, or anybody's for administrators",
        {200: Answer("The account.", ref("User"))},
    ),
    ("PUT", _ONE): Operation(
        _TAG,
        "Change the profile of an account",
        {200: Answer("It is changed.")},
        body=Body(ref("UserProfile")),
    ),
    ("DELETE", _ONE): Operation(
        _TAG,
        "Delete an account",
        {200: Answer("It is gone.")},
        refusals=frozenset({409}),
        description="409 for the last local administrator.",
    ),
    ("PUT", _ONE + "/sysadmin"): Operation(
        _TAG,
        "Make a user a system administrator, or a common user",
        {200: Answer("It is done.")},
        body=Body(ref("UserAdminBody")),
        refusals=frozenset({409}),
        description="409 for the last local administrator.",
    ),
    ("PUT", _ONE + "/auditor"): Operation(
        _TAG,
        "Make a user an auditor, or no longer",
        {200: Answer("It is done.")},
        body=Body(ref("UserAuditorBody")),
    ),
    ("PUT", _ONE + "/password"): Operation(
        _TAG,
        "Set a password; every session and token of that account ends",
        {200: Answer("It is set.")},
        body=Body(ref("UserPasswordBody")),
        description="Whoever sets their own sends the old one, too: 403 when it is wrong.",
    ),
    ("PUT", _ONE + "/cli_secret"): Operation(
        _TAG,
        "Set a secret for the command line, which nobody has here",
        {},
        body=Body(ref("UserCliSecretBody")),
        refusals=frozenset({412}),
        description="Always refused: passwords and personal access tokens work on the command line.",
    ),
}
