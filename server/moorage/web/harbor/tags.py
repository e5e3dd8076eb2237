"""`.../artifacts/{}/tags`: the names of an artifact."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

import falcon

from moorage.distribution.errors import ManifestUnknownError
from moorage.errors import Conflict
from moorage.oci.names import Tag
from moorage.projects.rules import CREATE_TAG, DELETE_TAG, LIST_TAGS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, contents, query
from moorage.web.harbor.answer import send_created, send_page
from moorage.web.harbor.artifact_paths import ArtifactPath, artifact_at
from moorage.web.harbor.shown import immutable_among
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

    def on_get(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """A page of them, the youngest first."""
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "-push_time")
        asked = query.conditions(req, _CONDITIONS).get("name")
        with_status = query.flag_parameter(req, "with_immutable_status")
        within, found = artifact_at(self._services, req, path)
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
        items = [contents.tag(each, found.id, immutable=each.id in kept) for each in shown]
        send_page(req, resp, page, items, total)

    def on_post(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """Give the artifact another name, which nothing else in the repository may have."""
        caller: Caller = req.context.caller
        within, found = artifact_at(self._services, req, path)
        name = Tag.parse(body.read(req, known={"name"}, overlooked=_OVERLOOKED).text("name"))
        self._services.tags.check_movable(caller.project_id, within.name, name, found.digest)
        if self._services.manifests.find_summary(within.name, name) is not None:
            raise TagExistsError(f"the repository has a tag {name} already")
        self._services.tags.put(caller.actor, caller.project_id, within.name, name, found.digest)
        send_created(
            resp,
            *("projects", path["project_name"], "repositories", path["repository_name"]),
            *("artifacts", str(found.digest), "tags", name),
        )


class TagResource:
    """One tag of an artifact."""

    access: ClassVar[Mapping[str, Access]] = {"DELETE": Access("project", DELETE_TAG, "delete_tag")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, tag_name: str, **path: Unpack[ArtifactPath]
    ) -> None:
        """Take the name away; the artifact and its other names stay."""
        caller: Caller = req.context.caller
        within, found = artifact_at(self._services, req, path)
        name = Tag.parse(tag_name)
        named = self._services.manifests.find_summary(within.name, name)
        if named is None or named.digest != found.digest:
            raise ManifestUnknownError.of(name)
        self._services.tags.delete(caller.actor, caller.project_id, within.name, name, expected=found.digest)
