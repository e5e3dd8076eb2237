"""Repositories: of everybody, and of one project."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import PAGED, asked, page_of, ref, sorts

_TAG = "repository"
_LISTED = (
    *PAGED,
    asked("name=v", "name=~v"),
    sorts("name", "repository_id", "creation_time", "update_time", "pull_count"),
)
_REPOSITORY = "/projects/{project_name}/repositories/{repository_name}"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/repositories"): Operation(
        _TAG,
        "List the repositories of every project that the caller may see",
        {200: page_of(ref("Repository"), "A page of them, by name unless told otherwise.")},
        parameters=_LISTED,
    ),
    ("GET", "/projects/{project_name}/repositories"): Operation(
        _TAG,
        "List the repositories of a project",
        {200: page_of(ref("Repository"), "A page of them, by name unless told otherwise.")},
        parameters=_LISTED,
    ),
    ("GET", _REPOSITORY): Operation(
        _TAG, "Read a repository", {200: Answer("The repository.", ref("Repository"))}
    ),
    ("PUT", _REPOSITORY): Operation(
        _TAG,
        "Describe a repository",
        {200: Answer("It has the description.")},
        body=Body(ref("RepositoryChange")),
    ),
    ("DELETE", _REPOSITORY): Operation(
        _TAG,
        "Delete a repository with everything in it",
        {200: Answer("It is gone.")},
        refusals=frozenset({412}),
        description="Refused with 412 while a rule of the project keeps one of its tags.",
    ),
}
