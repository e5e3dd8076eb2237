"""`/search` and `/statistics`: over everything that the caller may see."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import contents, query, render
from moorage.web.harbor.answer import send

#: Harbor's answer has no pages; this is the most of either kind that it holds.
MOST = 100


class SearchResource:
    """Projects and repositories by a part of their names."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "search")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The first of each, by name."""
        caller: Caller = req.context.caller
        part = req.get_param("q") or ""
        if len(part) > query.MAX_LENGTH:
            raise query.QueryInvalidError(f"'q' has more than {query.MAX_LENGTH} characters")
        overview = self._services.overview
        projects = self._services.projects.visible(caller.principal, name=part, limit=MOST, offset=0)
        repositories = overview.repositories(caller.principal, q=part, limit=MOST)
        counts = overview.repository_counts([each.id for each in projects])
        artifacts = self._services.details.artifact_counts([each.id for each in repositories])
        public = overview.public_among({each.project_id for each in repositories})
        send(
            resp,
            {
                "project": [render.search_project(each, counts.get(each.id, 0)) for each in projects],
                "repository": [
                    contents.search_repository(
                        each, public=each.project_id in public, artifacts=artifacts.get(each.id, 0)
                    )
                    for each in repositories
                ],
            },
        )


class StatisticsResource:
    """How many projects and repositories the caller may see; for administrators, what there is."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "get_statistics")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The figures."""
        caller: Caller = req.context.caller
        projects, overview = self._services.projects, self._services.overview
        answer = {}
        for name, public in (("public", True), ("private", False)):
            answer[f"{name}_project_count"] = projects.count_visible(caller.principal, public=public)
            answer[f"{name}_repo_count"] = overview.count_repositories(caller.principal, public=public)
        if caller.principal.admin:
            answer["total_project_count"] = answer["public_project_count"] + answer["private_project_count"]
            answer["total_repo_count"] = answer["public_repo_count"] + answer["private_repo_count"]
            answer["total_storage_consumption"] = overview.stored_bytes()
        send(resp, answer)
