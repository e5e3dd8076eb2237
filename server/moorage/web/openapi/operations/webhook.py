"""Webhooks: policies, what they were told, and how it was delivered."""

from collections.abc import Mapping

from moorage.web.harbor.histories import STATUSES
from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import (
    PAGED,
    TEXT,
    array,
    asked,
    created,
    one_of,
    page_of,
    ref,
    sorts,
    whole,
)

_TAG = "webhook"
_WEBHOOK = "/projects/{project_name_or_id}/webhook"
_POLICIES = _WEBHOOK + "/policies"
_POLICY = _POLICIES + "/{webhook_policy_id}"
_TASKS = _POLICY + "/executions/{execution_id}/tasks"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", _POLICIES): Operation(
        _TAG,
        "List the webhook policies of a project",
        {200: page_of(ref("WebhookPolicy"), "A page of them, the oldest first unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("name=v", "name=~v"),
            sorts("id", "name", "creation_time", "update_time", "enabled"),
        ),
    ),
    ("POST", _POLICIES): Operation(
        _TAG,
        "Make a webhook policy",
        {201: created("It is made; the secret is shown this once.", ref("WebhookSecret"))},
        body=Body(ref("NewWebhookPolicy")),
        refusals=frozenset({409}),
    ),
    ("GET", _POLICY): Operation(
        _TAG,
        "Read a webhook policy",
        {200: Answer("The policy, without its secrets.", ref("WebhookPolicy"))},
    ),
    ("PUT", _POLICY): Operation(
        _TAG,
        "Replace a webhook policy",
        {200: Answer("It is replaced.")},
        body=Body(ref("NewWebhookPolicy")),
        refusals=frozenset({409}),
    ),
    ("DELETE", _POLICY): Operation(
        _TAG,
        "Delete a webhook policy with its history",
        {200: Answer("It is gone; what waits is not sent.")},
    ),
    ("POST", _POLICY + "/test"): Operation(
        _TAG, "Send each target of a webhook policy a test", {201: created("The tests are on their way.")}
    ),
    ("GET", _POLICY + "/executions"): Operation(
        _TAG,
        "List what a webhook policy was told of",
        {200: page_of(ref("WebhookRun"), "A page of it, the newest first unless told otherwise.")},
        parameters=(*PAGED, asked(), sorts("id", "creation_time", "start_time")),
    ),
    ("GET", _TASKS): Operation(
        _TAG,
        "List the deliveries of one event",
        {200: page_of(ref("WebhookTask"), "A page of them, in the order of the targets.")},
        parameters=(*PAGED, asked(), sorts()),
    ),
    ("GET", _TASKS + "/{task_id}/log"): Operation(
        _TAG,
        "Read what became of one delivery",
        {200: Answer("A line for each attempt.", TEXT, "text/plain")},
    ),
    ("GET", _WEBHOOK + "/events"): Operation(
        _TAG,
        "Read what webhook policies can ask for",
        {200: Answer("Events, kinds of targets and forms of bodies.", ref("WebhookEvents"))},
    ),
    ("GET", _WEBHOOK + "/lasttrigger"): Operation(
        _TAG,
        "Read when each webhook policy was last told of something",
        {200: Answer("A line for each policy and kind of event.", array(ref("WebhookLastTrigger")))},
    ),
    ("GET", _WEBHOOK + "/jobs"): Operation(
        _TAG,
        "List the deliveries of a webhook policy",
        {200: page_of(ref("WebhookJob"), "A page of them, the newest first.")},
        parameters=(
            Parameter("policy_id", "The number of the policy.", whole(1, 10**18 - 1), required=True),
            Parameter("status", "Only those in one of these states.", array(one_of(*STATUSES.values()))),
            *PAGED,
            asked(),
            sorts(),
        ),
    ),
}
