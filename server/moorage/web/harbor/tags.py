"""`.../artifacts/{}/tags`: the names of an artifact."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.distribution.errors import ManifestUnknownError
from moorage.errors import Conflict
from moorage.oci.names import Tag
from moorage.projects.rules import CREATE_TAG, DELETE_TAG, LIST_TAGS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, contents, query
from moorage.web.harbor.answer import send_created, send_page
from moorage.web.harbor.artifacts import artifact_of, immutable_among
from moorage.web.harbor.paths import repository_of
from moorage.web.paging import numbered_page

_SORTS = {name: name for name in ("name", "push_time", "pull_time")}
_CONDITIONS: query.Allowed = {"name": query.PART}
#: What Harbor's clients send along in the body about a new tag.
_OVERLOOKED = frozenset(
    {"id", "repository_id", "artifact_id", "push_time", "pull_time", "immutable", "signed"}
)


class TagExistsError(Conflict):
    """The repository has a tag of that name."""


class TagsResource:
    """The tags of an artifact."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_TAGS, "list_artifact_tags"),
        "POST": Access("project", CREATE_TAG, "create_tag"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        project_name: str,
        repository_name: str,
        reference: str,
    ) -> None:
        """A page of them, the youngest first."""
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "-push_time")
        asked = query.conditions(req, _CONDITIONS).get("name")
        with_status = query.flag_parameter(req, "with_immutable_status")
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found = artifact_of(self._services, within, reference)
        tags = self._services.tags
        if asked is not None and asked.match is query.Match.EXACT:
            named = self._services.manifests.tags_of([found.id]).get(found.id, [])
            exact = [each for each in named if each.name == asked.value]
            shown, total = exact[page.offset : page.offset + page.limit], len(exact)
        else:
            part = "" if asked is None else asked.value
            shown = tags.entries(
                within.name, digest=found.digest, q=part, limit=page.limit, offset=page.offset, sort=sort
            )
            total = tags.count(within.name, digest=found.digest, q=part)
        kept = immutable_among(self._services, within, shown) if with_status else set()
        items = [contents.tag(each, found.id, immutable=each.name in kept) for each in shown]
        send_page(req, resp, page, items, total)

    def on_post(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        project_name: str,
        repository_name: str,
        reference: str,
    ) -> None:
        """Give the artifact another name, which nothing else in the repository may have."""
        caller: Caller = req.context.caller
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found = artifact_of(self._services, within, reference)
        name = Tag.parse(body.read(req, known={"name"}, overlooked=_OVERLOOKED).text("name"))
        self._services.tags.check_movable(caller.project_id, within.name, name, found.digest)
        if self._services.manifests.find_summary(within.name, name) is not None:
            raise TagExistsError(f"the repository has a tag {name} already")
        self._services.tags.put(caller.actor, caller.project_id, within.name, name, found.digest)
        send_created(
            resp,
            *("projects", project_name, "repositories", repository_name),
            *("artifacts", str(found.digest), "tags", name),
        )


class TagResource:
    """One tag of an artifact."""

    access: ClassVar[Mapping[str, Access]] = {"DELETE": Access("project", DELETE_TAG, "delete_tag")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_delete(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        project_name: str,
        repository_name: str,
        reference: str,
        tag_name: str,
    ) -> None:
        """Take the name away; the artifact and its other names stay."""
        caller: Caller = req.context.caller
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found = artifact_of(self._services, within, reference)
        name = Tag.parse(tag_name)
        named = self._services.manifests.find_summary(within.name, name)
        if named is None or named.digest != found.digest:
            raise ManifestUnknownError.of(name)
        self._services.tags.delete(caller.actor, caller.project_id, within.name, name)
