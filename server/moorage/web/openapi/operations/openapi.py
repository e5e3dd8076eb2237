"""The description of the API itself."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Operation, Parameter, Route
from moorage.web.openapi.shapes import TEXT, text

_TAG = "openapi"
_UNCHANGED = Answer("It is what the client has.", headers=("ETag", "Cache-Control"))
_CACHED = ("ETag", "Cache-Control")
_NONE_MATCH = Parameter("If-None-Match", "The ETag of what the client has.", TEXT, place="header")

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/openapi.json"): Operation(
        _TAG,
        "Read this description as a document of OpenAPI 3.1",
        {200: Answer("It.", {"type": "object"}, headers=_CACHED), 304: _UNCHANGED},
        parameters=(_NONE_MATCH,),
    ),
    ("GET", "/devcenter"): Operation(
        _TAG,
        "Read this description as a page",
        {
            200: Answer("The page.", TEXT, "text/html", headers=("Content-Security-Policy",)),
            304: _UNCHANGED,
        },
        parameters=(Parameter("q", "Words that operations must have.", text(most=100)), _NONE_MATCH),
    ),
    ("GET", "/devcenter/page.css"): Operation(
        _TAG,
        "Read the style sheet of that page",
        {200: Answer("It.", TEXT, "text/css", headers=_CACHED), 304: _UNCHANGED},
        parameters=(_NONE_MATCH,),
    ),
}
