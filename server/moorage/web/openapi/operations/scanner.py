"""Scanners of vulnerabilities, and the one of a project."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import FLAG, PAGED, asked, created, page_of, ref, shape, sorts, text

_TAG = "scanner"
_SCANNER = "/scanners/{registration_id}"
_OF_PROJECT = "/projects/{project_name_or_id}/scanner"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/scanners"): Operation(
        _TAG,
        "List scanners",
        {200: page_of(ref("Scanner"), "A page of them, the oldest first unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("name=v", "name=~v", "url=v", "url=~v", "disabled=true", "is_default=true"),
            sorts("name", "url", "create_time", "update_time"),
        ),
    ),
    ("POST", "/scanners"): Operation(
        _TAG,
        "Register a scanner",
        {201: created("It is registered; nobody has asked it anything.")},
        body=Body(ref("NewScanner")),
        refusals=frozenset({409}),
    ),
    ("POST", "/scanners/ping"): Operation(
        _TAG,
        "Ask a scanner who it is before it is registered",
        {200: Answer("It answers as a scanner of images.")},
        body=Body(ref("NewScanner")),
        refusals=frozenset({503}),
        description="Only the credential of the body is sent, never one that is kept.",
    ),
    ("GET", _SCANNER): Operation(
        _TAG,
        "Read a registration",
        {200: Answer("The registration, without its credential.", ref("Scanner"))},
        refusals=frozenset({404}),
    ),
    ("PUT", _SCANNER): Operation(
        _TAG,
        "Replace a registration",
        {200: Answer("It is replaced.")},
        body=Body(ref("NewScanner")),
        refusals=frozenset({404, 409}),
        description=(
            "Without access_credential the one that is kept stays, unless it would go elsewhere: when url or "
            "auth change, or skip_certVerify is switched on, it is forgotten."
        ),
    ),
    ("PATCH", _SCANNER): Operation(
        _TAG,
        "Make a scanner the default, or end that",
        {200: Answer("It is, or is not any more.")},
        body=Body(shape({"is_default": FLAG})),
        refusals=frozenset({404, 409}),
    ),
    ("DELETE", _SCANNER): Operation(
        _TAG,
        "Delete a registration",
        {200: Answer("What it was; projects that chose it have the default.", ref("Scanner"))},
        refusals=frozenset({404}),
    ),
    ("GET", _SCANNER + "/metadata"): Operation(
        _TAG,
        "Ask a registered scanner who it is",
        {200: Answer("What it says of itself.", ref("ScannerMetadata"))},
        refusals=frozenset({404, 503}),
    ),
    ("GET", _OF_PROJECT): Operation(
        _TAG,
        "Read the scanner of a project",
        {200: Answer("The one that it chose, else the default.", ref("ProjectScanner"))},
        refusals=frozenset({404}),
    ),
    ("PUT", _OF_PROJECT): Operation(
        _TAG,
        "Choose the scanner of a project",
        {200: Answer("It is chosen.")},
        body=Body(shape({"uuid": text()})),
        refusals=frozenset({409}),
    ),
    ("GET", _OF_PROJECT + "/candidates"): Operation(
        _TAG,
        "List the scanners that a project can choose",
        {200: page_of(ref("ProjectScanner"), "A page of them, the oldest first unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("name=v", "name=~v", "is_default=true"),
            sorts("name", "create_time", "update_time"),
        ),
    ),
}
