"""Projects."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import (
    FLAG,
    PAGED,
    TEXT,
    asked,
    created,
    described,
    one_of,
    page_of,
    ref,
    sorts,
)

_TAG = "project"
_PROJECT = "/projects/{project_name_or_id}"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/projects"): Operation(
        _TAG,
        "List the projects that the caller may know of",
        {200: page_of(ref("ProjectOfList"), "A page of them, by name unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("name=v", "name=~v", "owner=v", "public=true", "public=false"),
            sorts("name", "project_id", "creation_time", "update_time"),
            Parameter("name", "A part of the name.", TEXT),
            Parameter("public", "Only public ones, or only others.", FLAG),
            Parameter("owner", "The name of the owner.", TEXT),
            Parameter(
                "with_detail", "With counts, roles and allowlists.", described(FLAG, "true if not said.")
            ),
        ),
    ),
    ("HEAD", "/projects"): Operation(
        _TAG,
        "Find out whether there is a project of that name",
        {200: Answer("There is.")},
        parameters=(
            Parameter("project_name", "The name.", {"type": "string", "minLength": 1}, required=True),
        ),
        refusals=frozenset({404}),
    ),
    ("POST", "/projects"): Operation(
        _TAG,
        "Make a project",
        {201: created("It is made.")},
        parameters=(
            Parameter(
                "X-Resource-Name-In-Location",
                "Point to it by its name, not by its number.",
                one_of("true", "false"),
                place="header",
            ),
        ),
        body=Body(ref("NewProject")),
        refusals=frozenset({403, 404, 409}),
    ),
    ("GET", _PROJECT): Operation(_TAG, "Read a project", {200: Answer("The project.", ref("Project"))}),
    ("PUT", _PROJECT): Operation(
        _TAG,
        "Change a project",
        {200: Answer("It is changed.")},
        body=Body(ref("ProjectChange")),
        refusals=frozenset({403, 409}),
        description="Another `project_name` renames it; the name that it had goes on leading to it.",
    ),
    ("DELETE", _PROJECT): Operation(
        _TAG,
        "Delete a project that has no repositories",
        {200: Answer("It is gone.")},
        refusals=frozenset({412}),
    ),
    ("GET", "/former-project-names"): Operation(
        _TAG,
        "List the names that projects had before they were renamed",
        {200: page_of(ref("FormerProjectName"), "A page of them, by name.")},
        parameters=PAGED,
    ),
    ("DELETE", "/former-project-names/{former_name}"): Operation(
        _TAG,
        "Let others have a name that a project had",
        {200: Answer("It leads nowhere any more.")},
        refusals=frozenset({404}),
        description="Whoever takes it next is pulled from by clients that still use it.",
    ),
    ("GET", _PROJECT + "/_deletable"): Operation(
        _TAG,
        "Find out whether a project could be deleted",
        {200: Answer("Whether, and if not, why.", ref("ProjectDeletable"))},
    ),
    ("GET", _PROJECT + "/summary"): Operation(
        _TAG, "Read how much there is in a project", {200: Answer("The figures.", ref("ProjectSummary"))}
    ),
}
