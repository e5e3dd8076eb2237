"""Garbage collection, purges of the log, and when they run."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import PAGED, TEXT, asked, created, page_of, ref, sorts

_STATUS = ("job_status=v", "status=v")


def _of_job(tag: str, base: str, run: str, body: str) -> dict[Route, Operation]:
    """What each of the two jobs offers.

    Args:
        run: what people call a run of it.
        body: the schema of what its schedule takes.
    """
    schedule = f"{base}/schedule"
    one = f"{base}/{{run_id}}"
    asks = Body(ref(body), description="`Manual` begins one at once; `None` ends the schedule.")
    return {
        ("GET", base): Operation(
            tag,
            f"List every {run}",
            {200: page_of(ref("JobRun"), "A page of them, the newest first unless told otherwise.")},
            parameters=(*PAGED, asked(*_STATUS), sorts("id", "creation_time", "start_time")),
        ),
        ("GET", one): Operation(tag, f"Read a {run}", {200: Answer("How far it is.", ref("JobRun"))}),
        ("PUT", one): Operation(
            tag, f"Stop a {run}", {200: Answer("It will stop; one that is over stays as it is.")}
        ),
        ("GET", f"{one}/log"): Operation(
            tag, f"Read the log of a {run}", {200: Answer("What it said so far.", TEXT, "text/plain")}
        ),
        ("GET", schedule): Operation(
            tag,
            "Read the schedule",
            {200: Answer("It; of type None when there is none.", ref("JobSchedule"))},
        ),
        ("POST", schedule): Operation(
            tag,
            f"Set the schedule where there is none, or begin a {run}",
            {201: created("It is set, or has begun.")},
            body=asks,
            refusals=frozenset({409}),
        ),
        ("PUT", schedule): Operation(
            tag,
            f"Replace the schedule, or begin a {run}",
            {200: Answer("It is replaced, or has begun.")},
            body=asks,
            refusals=frozenset({409}),
        ),
    }


OPERATIONS: Mapping[Route, Operation] = {
    **_of_job("gc", "/system/gc", "collection", "GcScheduleAsked"),
    ("GET", "/system/gc/forecast"): Operation(
        "gc", "What becomes free, and when", {200: Answer("As it looks now.", ref("GcForecast"))}
    ),
    **_of_job("purge", "/system/purgeaudit", "purge", "PurgeScheduleAsked"),
    ("GET", "/schedules"): Operation(
        "schedule",
        "List every schedule",
        {200: page_of(ref("Schedule"), "A page of them.")},
        parameters=(*PAGED, asked(), sorts()),
    ),
    ("GET", "/schedules/{job_type}/paused"): Operation(
        "schedule", "Whether schedules wait", {200: Answer("They never do.", ref("Paused"))}
    ),
}
