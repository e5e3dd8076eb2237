"""`/projects/{}/repositories/{}/artifacts`: what was pushed, and copies of it."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

import falcon

from moorage.distribution.copies import Route
from moorage.distribution.errors import ManifestInUseError, ManifestUnknownError
from moorage.errors import Invalid, PreconditionFailed
from moorage.identity.model import Principal
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.rules import (
    CREATE_ARTIFACT,
    DELETE_ARTIFACT,
    LIST_ACCESSORIES,
    LIST_ARTIFACTS,
    PULL,
    READ_ARTIFACT,
    permitted,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import artifact_query, contents, query
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.artifact_paths import ArtifactPath, artifact_at
from moorage.web.harbor.attributes import SINGLE_BYTES
from moorage.web.harbor.paths import full_name, repository_of
from moorage.web.harbor.shown import Shown, rendered
from moorage.web.paging import numbered_page


class ArtifactInUseError(PreconditionFailed):
    """An index lists the artifact."""

    code = "VIOLATE_FOREIGN_KEY_CONSTRAINT"


class CopySourceInvalidError(Invalid):
    """``from`` names no artifact."""


class ArtifactsResource:
    """The artifacts of a repository."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_ARTIFACTS, "list_artifacts"),
        "POST": Access("project", CREATE_ARTIFACT, "copy_artifact"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, project_name: str, repository_name: str
    ) -> None:
        """A page of them, the youngest first."""
        page = numbered_page(req)
        sort = query.order(req, artifact_query.SORTS, "-push_time")
        wanted, shown = artifact_query.artifact_filter(req), Shown.of(req)
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        manifests = self._services.manifests
        found = manifests.page(within.name, wanted, limit=page.limit, offset=page.offset, sort=sort)
        details = self._services.details.of(found)
        items = rendered(self._services, {within.id: within}, found, details, shown)
        send_page(req, resp, page, items, manifests.count(within.name, wanted))

    def on_post(
        self, req: falcon.Request, resp: falcon.Response, *, project_name: str, repository_name: str
    ) -> None:
        """Copy what ``from`` names into this repository, signatures and all."""
        caller: Caller = req.context.caller
        target = full_name(project_name, repository_name)
        source, reference = _copy_source(req.get_param("from"))
        source = self._readable(caller.principal, source, reference)
        route = Route(caller.actor, source, caller.project_id, target)
        digest = self._services.copies.copy(route, reference)
        send_created(
            resp, "projects", project_name, "repositories", repository_name, "artifacts", str(digest)
        )

    def _readable(
        self, principal: Principal, source: RepositoryName, reference: Tag | Digest
    ) -> RepositoryName:
        """What the source is called now; an artifact that the caller may not pull is as good as none."""
        standing = self._services.access.standing(
            principal.kind, principal.id, principal.generation, source.project
        )
        if standing is None or not permitted(standing, PULL):
            raise ManifestUnknownError.of(reference)
        return source.within(standing.present_name) if standing.present_name else source


class ProjectArtifactsResource:
    """The artifacts of all repositories of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_ARTIFACTS, "list_project_artifacts")
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A page of them, the youngest first; with ``latest_in_repository`` one of each repository."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        sort = query.order(req, artifact_query.SORTS, "-push_time")
        latest = bool(query.flag_parameter(req, "latest_in_repository"))
        wanted, shown = artifact_query.artifact_filter(req, latest=latest), Shown.of(req)
        manifests = self._services.manifests
        found = manifests.page(caller.project_id, wanted, limit=page.limit, offset=page.offset, sort=sort)
        repositories = self._services.repositories.by_ids({each.repository_id for each in found})
        found = [each for each in found if each.repository_id in repositories]  # deleted meanwhile
        details = self._services.details.of(found)
        items = rendered(self._services, repositories, found, details, shown)
        send_page(req, resp, page, items, manifests.count(caller.project_id, wanted))


class ArtifactResource:
    """One artifact, by a tag or its digest."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_ARTIFACT, "get_artifact"),
        "DELETE": Access("project", DELETE_ARTIFACT, "delete_artifact"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """The artifact, with what its config says."""
        shown = Shown.of(req)
        within, found = artifact_at(self._services, req, path)
        details = {found.id: self._services.details.of_one(found)}
        (item,) = rendered(
            self._services, {within.id: within}, [found], details, shown, attribute_bytes=SINGLE_BYTES
        )
        send(resp, item)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """Delete the artifact with all its tags and what belongs to it alone."""
        caller: Caller = req.context.caller
        within, found = artifact_at(self._services, req, path)
        try:
            self._services.manifests.delete(
                caller.actor, caller.project_id, within.name, found.digest, with_parts=True
            )
        except ManifestInUseError as error:
            raise ArtifactInUseError(error.message) from error


class AccessoriesResource:
    """What is attached to an artifact: signatures, bills of materials and the like."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", LIST_ACCESSORIES, "list_accessories")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """A page of them, the oldest first."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        within, found = artifact_at(self._services, req, path)
        details = self._services.details
        attached = details.attached([found], limit=page.limit, offset=page.offset)
        items = [contents.accessory(each, found, within) for each in attached.get(found.id, ())]
        send_page(req, resp, page, items, details.count_attached(found))


def _copy_source(text: str | None) -> tuple[RepositoryName, Tag | Digest]:
    if not text:
        raise CopySourceInvalidError("'from' is missing: project/repository:tag or project/repository@digest")
    name, at, digest = text.partition("@")
    if at:
        return RepositoryName.parse(name), Digest.parse(digest)
    name, colon, tag = text.rpartition(":")
    if not colon:
        raise CopySourceInvalidError("'from' names neither a tag nor a digest")
    return RepositoryName.parse(name), Tag.parse(tag)
