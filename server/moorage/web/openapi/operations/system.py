"""Whether the registry is well, and what clients need to know of it before they begin."""

from collections.abc import Mapping

from prometheus_client.exposition import CONTENT_TYPE_LATEST

from moorage.web.openapi.model import Answer, Operation, Route
from moorage.web.openapi.shapes import TEXT, ref

_TEXT = "text/plain"
_METRICS = CONTENT_TYPE_LATEST.partition(";")[0]

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/healthz"): Operation("health", "Whether the process answers", {200: Answer("ok", TEXT, _TEXT)}),
    ("GET", "/readyz"): Operation(
        "health",
        "Whether requests can be served",
        {
            200: Answer("They can, though a part that they do not need may be ill.", ref("Health")),
            503: Answer("They cannot.", ref("Health")),
        },
    ),
    ("GET", "/health"): Operation(
        "health",
        "Which part is ill",
        {200: Answer("Every part; the status is 200 even if one is ill.", ref("Health"))},
        description="What is wrong with it, administrators alone are told.",
    ),
    ("GET", "/metrics"): Operation(
        "health",
        "Figures for Prometheus",
        {200: Answer("All of them.", TEXT, _METRICS)},
        refusals=frozenset({403}),
        description="For system administrators, and for whoever asks from the machine itself.",
    ),
    ("GET", "/ping"): Operation("ping", "Whether this API is there", {200: Answer("Pong", TEXT, _TEXT)}),
    ("GET", "/systeminfo"): Operation(
        "systeminfo",
        "What clients need to know before they begin",
        {200: Answer("It; the release only for whoever has an account.", ref("SystemInfo"))},
    ),
    ("GET", "/systeminfo/volumes"): Operation(
        "systeminfo", "The disk that content lies on", {200: Answer("Its size, in bytes.", ref("Volumes"))}
    ),
    ("GET", "/systeminfo/getcert"): Operation(
        "systeminfo",
        "Download the certificate that clients have to trust",
        {200: Answer("It.", TEXT, "application/x-pem-file", ("Content-Disposition",))},
        refusals=frozenset({404}),
    ),
}
