"""The log of every operation."""

from collections.abc import Mapping

from moorage.audit.lines import FORMS
from moorage.audit.log import COUNT_LIMIT
from moorage.web.openapi.model import Answer, Operation, Parameter, Route
from moorage.web.openapi.shapes import PAGE_SIZE, TEXT, array, asked, one_of, page_of, ref, text, whole

_TAG = "auditlog"
_PROJECT = "/projects/{project_name}"
_ASKED = (
    asked(
        "username=v",
        "username=~v",
        "resource=v",
        "resource=~v",
        "resource_type=v",
        "operation=v",
        "operation={a b}",
        "op_time=[from~to]",
        "operation_result=true",
        "result=success, denied or failed",
        "actor_kind=v",
        "address=v",
        "request_id=v",
        "project=v",
        "repository=v",
        "tag=v",
        "digest=v",
        "text=~v",
    ),
    Parameter("sort", "The log is read newest first.", one_of("-op_time")),
)
_NUMBER = Parameter(
    "page", "The number of the page; they reach the newest entries only.", whole(1, COUNT_LIMIT)
)
_LISTED = (
    _NUMBER,
    PAGE_SIZE,
    *_ASKED,
    Parameter(
        "after", "Of the link to the next page: where that begins.", text(least=1, pattern="^[A-Za-z0-9_-]+$")
    ),
)
_EXPORTED = (
    *_ASKED,
    Parameter("format", "One JSON object a line, or CSV.", {**one_of(*FORMS), "default": "jsonl"}),
)
_PAGE = "A page of it, the newest first. The count is exact up to 10,000 and stays there."
_FILE = Answer(
    "All of it, the newest first.",
    TEXT,
    "application/x-ndjson",
    headers=("Content-Disposition",),
    also={"text/csv": TEXT},
)

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/audit-logs"): Operation(
        _TAG, "Read the log, in its older form", {200: page_of(ref("AuditLog"), _PAGE)}, parameters=_LISTED
    ),
    ("GET", "/auditlog-exts"): Operation(
        _TAG, "Read the log", {200: page_of(ref("AuditLogExt"), _PAGE)}, parameters=_LISTED
    ),
    ("GET", "/auditlog-exts/events"): Operation(
        _TAG,
        "List the operations that the log knows",
        {200: Answer("All of them.", array(ref("AuditEvent")))},
    ),
    ("GET", "/auditlog-exts/export"): Operation(
        _TAG, "Export the log", {200: _FILE}, parameters=_EXPORTED, refusals=frozenset({503})
    ),
    ("GET", _PROJECT + "/logs"): Operation(
        _TAG,
        "Read the log of a project, in its older form",
        {200: page_of(ref("AuditLog"), _PAGE)},
        parameters=_LISTED,
    ),
    ("GET", _PROJECT + "/auditlog-exts"): Operation(
        _TAG, "Read the log of a project", {200: page_of(ref("AuditLogExt"), _PAGE)}, parameters=_LISTED
    ),
    ("GET", _PROJECT + "/auditlog-exts/export"): Operation(
        _TAG, "Export the log of a project", {200: _FILE}, parameters=_EXPORTED, refusals=frozenset({503})
    ),
}
