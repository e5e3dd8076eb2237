"""`/repositories` and `/projects/{}/repositories`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import falcon

from moorage.distribution.model import Repository
from moorage.errors import Invalid
from moorage.identity.text import is_storable
from moorage.oci.names import NameInvalidError
from moorage.projects.rules import (
    DELETE_REPOSITORY,
    LIST_REPOSITORIES,
    READ_REPOSITORY,
    UPDATE_REPOSITORY,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, contents, query, render
from moorage.web.harbor.answer import send, send_page
from moorage.web.harbor.paths import full_name, repository_of
from moorage.web.paging import numbered_page

MAX_DESCRIPTION = 64 * 1024
_SORTS = {
    "name": "name",
    "repository_id": "id",
    "creation_time": "creation_time",
    "update_time": "update_time",
    "pull_count": "pull_count",
}
_CONDITIONS: query.Allowed = {"name": query.PART}


class DescriptionInvalidError(Invalid):
    """A description that cannot be kept."""


class AllRepositoriesResource:
    """The repositories of all projects that the caller may see."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "list_all_repositories")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "name")
        asked = query.conditions(req, _CONDITIONS).get("name")
        exact = asked is not None and asked.match is query.Match.EXACT
        text = "" if asked is None else asked.value
        name, part = (text, "") if exact else ("", text)
        overview = self._services.overview
        found = overview.repositories(
            caller.principal, q=part, name=name, limit=page.limit, offset=page.offset, sort=sort
        )
        total = overview.count_repositories(caller.principal, q=part, name=name)
        send_page(req, resp, page, _rendered(self._services, found), total)


class RepositoriesResource:
    """The repositories of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_REPOSITORIES, "list_repositories")
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name: str) -> None:
        """A page of them."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "name")
        asked = query.conditions(req, _CONDITIONS).get("name")
        repositories = self._services.repositories
        if asked is not None and asked.match is query.Match.EXACT:
            named = self._named(caller.project_id, project_name, asked.value)
            found = named[page.offset : page.offset + page.limit]
            send_page(req, resp, page, _rendered(self._services, found), len(named))
            return
        part = "" if asked is None else asked.value
        found = repositories.list(caller.project_id, q=part, limit=page.limit, offset=page.offset, sort=sort)
        total = repositories.count(caller.project_id, q=part)
        send_page(req, resp, page, _rendered(self._services, found), total)

    def _named(self, project_id: int, project_name: str, name: str) -> Sequence[Repository]:
        """The repository of that name, with or without the project in front."""
        try:
            found = self._services.repositories.find(
                full_name(project_name, name.removeprefix(f"{project_name}/"))
            )
        except NameInvalidError:
            return ()
        return () if found is None or found.project_id != project_id else (found,)


class RepositoryResource:
    """One repository."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_REPOSITORY, "get_repository"),
        "PUT": Access("project", UPDATE_REPOSITORY, "update_repository"),
        "DELETE": Access("project", DELETE_REPOSITORY, "delete_repository"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, project_name: str, repository_name: str
    ) -> None:
        """The repository."""
        found = repository_of(req, self._services.repositories, project_name, repository_name)
        counts = self._services.details.artifact_counts([found.id])
        send(resp, contents.repository(found, counts.get(found.id, 0)))

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, *, project_name: str, repository_name: str
    ) -> None:
        """Describe it; of what Harbor's clients send back, only the description counts."""
        caller: Caller = req.context.caller
        found = repository_of(req, self._services.repositories, project_name, repository_name)
        asked = body.read(req, known={"description"}, overlooked=_RENDERED)
        description = asked.text("description")
        if len(description) > MAX_DESCRIPTION or not is_storable(description):
            raise DescriptionInvalidError(f"description has NUL or more than {MAX_DESCRIPTION} characters")
        self._services.repositories.set_description(caller.actor, found.name, description)

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, project_name: str, repository_name: str
    ) -> None:
        """Delete it with everything in it."""
        caller: Caller = req.context.caller
        found = repository_of(req, self._services.repositories, project_name, repository_name)
        self._services.repositories.delete(caller.actor, found.name)


_RENDERED = frozenset(
    {"id", "project_id", "name", "artifact_count", "pull_count", "creation_time", "update_time"}
)


def _rendered(services: Services, found: Sequence[Repository]) -> list[render.Json]:
    counts = services.details.artifact_counts([each.id for each in found])
    return [contents.repository(each, counts.get(each.id, 0)) for each in found]
