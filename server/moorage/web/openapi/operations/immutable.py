"""Rules by which tags stay as they are."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import PAGED, asked, created, page_of, ref, sorts

_TAG = "immutable"
_RULES = "/projects/{project_name_or_id}/immutabletagrules"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", _RULES): Operation(
        _TAG,
        "List the immutability rules of a project",
        {200: page_of(ref("ImmutableRule"), "A page of them, in the order in which they decide.")},
        parameters=(*PAGED, asked("disabled=true", "disabled=false"), sorts("id", "priority")),
    ),
    ("POST", _RULES): Operation(
        _TAG,
        "Make an immutability rule",
        {201: created("It holds.")},
        body=Body(ref("NewImmutableRule")),
        refusals=frozenset({409}),
        description="It holds at once, for tags that are there already too.",
    ),
    ("PUT", _RULES + "/{immutable_rule_id}"): Operation(
        _TAG,
        "Change an immutability rule",
        {200: Answer("It holds as changed.")},
        body=Body(ref("ImmutableRuleChange")),
        refusals=frozenset({409}),
    ),
    ("DELETE", _RULES + "/{immutable_rule_id}"): Operation(
        _TAG, "Delete an immutability rule", {200: Answer("What it alone kept is free.")}
    ),
}
