"""How much projects may hold."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGED, TEXT, asked, page_of, ref, sorts, text

_TAG = "quota"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/quotas"): Operation(
        _TAG,
        "List the quotas of all projects",
        {200: page_of(ref("Quota"), "A page of them, by number unless told otherwise.")},
        parameters=(
            *PAGED,
            asked(),
            sorts("id", "hard.storage", "used.storage", "creation_time", "update_time"),
            Parameter("reference", "The kind of thing; only projects have quotas.", TEXT),
            Parameter("reference_id", "The number of the project.", text(pattern="^[0-9]{0,18}$")),
        ),
    ),
    ("GET", "/quotas/{quota_id}"): Operation(
        _TAG, "Read the quota of a project", {200: Answer("The quota.", ref("Quota"))}
    ),
    ("PUT", "/quotas/{quota_id}"): Operation(
        _TAG,
        "Set the limit of a project",
        {200: Answer("It is set.")},
        body=Body(ref("QuotaBody")),
        description="A limit below what is used leaves what is there, and refuses what is new.",
    ),
}
