"""The vCenter whose people may log in."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import ref

_TAG = "directory"
_CONNECTION = ref("Directory")

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/directory"): Operation(
        _TAG,
        "Read the connection to the directory",
        {200: Answer("All of it but the password.", _CONNECTION)},
    ),
    ("PUT", "/directory"): Operation(
        _TAG,
        "Connect a directory, or change the connection; it is not tried out",
        {200: Answer("The connection.", _CONNECTION)},
        body=Body(ref("DirectoryBody")),
        refusals=frozenset({409}),
    ),
    ("DELETE", "/directory"): Operation(
        _TAG,
        "Forget the connection, password and all",
        {200: Answer("It is forgotten.")},
        refusals=frozenset({409}),
        description="409 where there is none.",
    ),
    ("POST", "/directory/ping"): Operation(
        _TAG,
        "Try out a connection: the one that is kept, or the one that the body describes",
        {200: Answer("What answers there.", ref("DirectoryPing"))},
        body=Body(ref("DirectoryPingBody")),
        refusals=frozenset({409}),
        description="409 where the body is empty and none is kept; 503 with the reason if it does not work.",
    ),
}
