"""Retention: what projects keep, what a policy would do, and what its runs did."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGED, TEXT, asked, created, page_of, ref, sorts, text

_TAG = "retention"
_POLICY = "/retentions/{retention_id}"
_RUNS = _POLICY + "/executions"
_RUN = _RUNS + "/{execution_id}"
_UNKNOWN = frozenset({404})
_DENIED = frozenset({403, 404})

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/retentions/metadatas"): Operation(
        _TAG,
        "Read what retention rules can say",
        {200: Answer("Templates and selectors.", ref("RetentionMetadata"))},
    ),
    ("POST", "/retentions"): Operation(
        _TAG,
        "Give a project its retention policy",
        {201: created("The project has it.")},
        body=Body(ref("NewRetentionPolicy")),
        refusals=frozenset({403, 404, 409}),
    ),
    ("GET", _POLICY): Operation(
        _TAG,
        "Read a retention policy",
        {200: Answer("The policy, and when it runs next.", ref("RetentionPolicy"))},
        refusals=_UNKNOWN,
    ),
    ("PUT", _POLICY): Operation(
        _TAG,
        "Replace the rules and the rhythm of a retention policy",
        {200: Answer("It is replaced.")},
        body=Body(ref("RetentionPolicyChange")),
        refusals=frozenset({403, 404, 409}),
    ),
    ("DELETE", _POLICY): Operation(
        _TAG,
        "Delete a retention policy",
        {200: Answer("It is gone; everything is kept.")},
        refusals=_DENIED,
    ),
    ("GET", _POLICY + "/simulation"): Operation(
        _TAG,
        "See what a retention policy would do to a repository right now",
        {
            200: Answer(
                "For each tag which rule decides.", ref("RetentionSimulation"), headers=("X-Total-Count",)
            )
        },
        parameters=(
            Parameter("repository", "Its name without the project.", text(least=1), required=True),
            *PAGED,
            asked(),
            sorts(),
        ),
        refusals=_UNKNOWN,
    ),
    ("GET", _RUNS): Operation(
        _TAG,
        "List the runs of a retention policy",
        {200: page_of(ref("RetentionRun"), "A page of them, the newest first.")},
        parameters=(*PAGED, asked(), sorts()),
        refusals=_DENIED,
    ),
    ("POST", _RUNS): Operation(
        _TAG,
        "Run a retention policy, or try it out",
        {201: created("It is to run.")},
        body=Body(ref("NewRetentionRun")),
        refusals=frozenset({403, 404, 409}),
        description="Refused with 409 while another run of the policy waits or works.",
    ),
    ("PATCH", _RUN): Operation(
        _TAG,
        "Stop a run of a retention policy",
        {200: Answer("It ends, if it is not over.")},
        body=Body(ref("RetentionRunStop")),
        refusals=_DENIED,
    ),
    ("GET", _RUN + "/tasks"): Operation(
        _TAG,
        "List the repositories that a run of a retention policy went through",
        {200: page_of(ref("RetentionTask"), "A page of them, in their order.")},
        parameters=(*PAGED, asked(), sorts()),
        refusals=_DENIED,
    ),
    ("GET", _RUN + "/tasks/{task_id}"): Operation(
        _TAG,
        "Read what a run of a retention policy did to a repository",
        {200: Answer("A line for each artifact.", TEXT, "text/plain")},
        refusals=_DENIED,
    ),
}
