"""Members of projects."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGED, TEXT, created, page_of, ref

_TAG = "member"
_ALL = "/projects/{project_name_or_id}/members"
_ONE = _ALL + "/{mid}"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", _ALL): Operation(
        _TAG,
        "List the members of a project",
        {200: page_of(ref("Member"), "A page of them, by name.")},
        parameters=(*PAGED, Parameter("entityname", "A part of the name.", TEXT)),
    ),
    ("POST", _ALL): Operation(
        _TAG,
        "Give a user or a group a role in a project",
        {201: created("The membership is made.")},
        body=Body(ref("NewMember")),
        refusals=frozenset({409}),
        description="Somebody whom only the directory has becomes known here; 503 while it is away.",
    ),
    ("GET", _ONE): Operation(_TAG, "Read a membership", {200: Answer("The membership.", ref("Member"))}),
    ("PUT", _ONE): Operation(
        _TAG, "Give a member another role", {200: Answer("It is given.")}, body=Body(ref("MemberChange"))
    ),
    ("DELETE", _ONE): Operation(_TAG, "Take a member out of a project", {200: Answer("It is done.")}),
}
