"""Labels, and which artifacts bear them."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGED, asked, created, one_of, page_of, ref, sorts, text, whole

_TAG = "label"
_ON_ARTIFACT = "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/labels"): Operation(
        _TAG,
        "List everybody's labels, or those of a project",
        {200: page_of(ref("Label"), "A page of them, by name unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("name=v", "name=~v", "scope=g", "scope=p", "project_id=id"),
            sorts("id", "name", "creation_time", "update_time"),
            Parameter("scope", "g for everybody's; p for those of project_id.", one_of("g", "p")),
            Parameter("project_id", "The project whose labels are wanted.", whole(0, 10**18 - 1)),
            Parameter(
                "name", "A part of the name, whatever its case.", text(most=4096, pattern="^[^\\u0000]*$")
            ),
        ),
        refusals=frozenset({403, 404}),
    ),
    ("POST", "/labels"): Operation(
        _TAG,
        "Make a label",
        {201: created("It is made.")},
        body=Body(ref("NewLabel")),
        refusals=frozenset({403, 404, 409}),
    ),
    ("GET", "/labels/{label_id}"): Operation(
        _TAG, "Read a label", {200: Answer("The label.", ref("Label"))}, refusals=frozenset({404})
    ),
    ("PUT", "/labels/{label_id}"): Operation(
        _TAG,
        "Change a label",
        {200: Answer("It is changed.")},
        body=Body(ref("LabelChange")),
        refusals=frozenset({403, 404, 409}),
    ),
    ("DELETE", "/labels/{label_id}"): Operation(
        _TAG,
        "Delete a label; no artifact bears it any more",
        {200: Answer("It is gone.")},
        refusals=frozenset({403, 404}),
    ),
    ("POST", _ON_ARTIFACT): Operation(
        _TAG,
        "Put a label on an artifact",
        {200: Answer("The artifact bears it.")},
        body=Body(ref("LabelChoice")),
        refusals=frozenset({409}),
    ),
    ("DELETE", _ON_ARTIFACT + "/{label_id}"): Operation(
        _TAG, "Take a label off an artifact", {200: Answer("The artifact does not bear it.")}
    ),
}
