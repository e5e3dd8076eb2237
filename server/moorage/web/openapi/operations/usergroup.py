"""Groups of the directory."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGED, TEXT, created, page_of, ref

_TAG = "usergroup"
_ONE = "/usergroups/{group_id}"
_ASKS = "The directory is asked for it: 409 where none is connected, 503 while it is away."

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/usergroups"): Operation(
        _TAG,
        "List the groups that are known here",
        {200: page_of(ref("UserGroup"), "A page of them, by name.")},
        parameters=(
            *PAGED,
            Parameter("group_name", "A part of the name.", TEXT),
            Parameter("ldap_group_dn", "No group has a distinguished name here.", TEXT),
        ),
    ),
    ("POST", "/usergroups"): Operation(
        _TAG,
        "Make a group of the directory known",
        {201: created("It is known.")},
        body=Body(ref("UserGroupBody")),
        refusals=frozenset({409}),
        description=_ASKS,
    ),
    ("GET", "/usergroups/search"): Operation(
        _TAG,
        "Search groups by a part of their names",
        {
            200: page_of(
                ref("UserGroupFound"),
                "A page of them, those that are known first. While the directory is away a Warning says so.",
            )
        },
        parameters=(
            *PAGED,
            Parameter("groupname", "A part of the name.", {"type": "string", "minLength": 1}, required=True),
        ),
    ),
    ("GET", _ONE): Operation(_TAG, "Read a group", {200: Answer("The group.", ref("UserGroup"))}),
    ("PUT", _ONE): Operation(
        _TAG,
        "Follow a group to the name that it has in the directory now",
        {200: Answer("It is done.")},
        body=Body(ref("UserGroupBody")),
        refusals=frozenset({409}),
        description=_ASKS,
    ),
    ("DELETE", _ONE): Operation(
        _TAG, "Forget a group and the roles that it gives", {200: Answer("It is forgotten.")}
    ),
}
