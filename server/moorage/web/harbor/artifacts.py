"""`/projects/{}/repositories/{}/artifacts`: what was pushed, and copies of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import ClassVar

import falcon

from moorage.distribution.copies import Route
from moorage.distribution.details import NOTHING, Detail
from moorage.distribution.errors import BlobUnknownError, ManifestInUseError, ManifestUnknownError
from moorage.distribution.model import ManifestSummary, Repository, TagEntry
from moorage.errors import Invalid, PreconditionFailed
from moorage.identity.model import Principal
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag, TagInvalidError, parse_reference
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
from moorage.web.harbor import contents, query, render
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.paths import full_name, repository_of
from moorage.web.paging import NumberedPage, numbered_page

_SORTS = {name: name for name in ("id", "digest", "push_time", "pull_time", "size", "type")}
_CONDITIONS: query.Allowed = {"tags": query.EXACT}
#: Values of `tags` that ask for artifacts that have one, or none.
_TAGGED = {"*": True, "nil": False}
_CONFIG_BYTES = 1024 * 1024
_CONFIG_FIELDS = ("architecture", "os", "variant", "created", "author", "config")


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
        sort = query.order(req, _SORTS, "-push_time")
        asked = query.conditions(req, _CONDITIONS).get("tags")
        shown = Shown.of(req)
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found, total = self._found(within.name, asked, page, sort)
        details = self._services.details.of(found)
        send_page(req, resp, page, rendered(self._services, within, found, details, shown), total)

    def on_post(
        self, req: falcon.Request, resp: falcon.Response, *, project_name: str, repository_name: str
    ) -> None:
        """Copy what ``from`` names into this repository, signatures and all."""
        caller: Caller = req.context.caller
        target = full_name(project_name, repository_name)
        source, reference = _copy_source(req.get_param("from"))
        self._check_readable(caller.principal, source, reference)
        route = Route(caller.actor, source, caller.project_id, target)
        digest = self._services.copies.copy(route, reference)
        send_created(
            resp, "projects", project_name, "repositories", repository_name, "artifacts", str(digest)
        )

    def _found(
        self, name: RepositoryName, asked: query.Condition | None, page: NumberedPage, sort: str
    ) -> tuple[list[ManifestSummary], int]:
        manifests = self._services.manifests
        if asked is not None and asked.value not in _TAGGED:
            found = self._tagged(name, asked.value)
            return found[page.offset : page.offset + page.limit], len(found)
        tagged = None if asked is None else _TAGGED[asked.value]
        listed = manifests.page(name, tagged=tagged, limit=page.limit, offset=page.offset, sort=sort)
        return listed, manifests.count(name, tagged=tagged)

    def _tagged(self, name: RepositoryName, tag: str) -> list[ManifestSummary]:
        try:
            found = self._services.manifests.find_summary(name, Tag.parse(tag))
        except TagInvalidError:
            return []
        return [] if found is None else [found]

    def _check_readable(self, principal: Principal, source: RepositoryName, reference: Tag | Digest) -> None:
        """An artifact that the caller may not pull is as good as none."""
        standing = self._services.access.standing(
            principal.kind, principal.id, principal.generation, source.project
        )
        if not permitted(standing, PULL):
            raise ManifestUnknownError.of(reference)


class ArtifactResource:
    """One artifact, by a tag or its digest."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_ARTIFACT, "get_artifact"),
        "DELETE": Access("project", DELETE_ARTIFACT, "delete_artifact"),
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
        """The artifact, with what its config says."""
        shown = Shown.of(req)
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found = artifact_of(self._services, within, reference)
        detail = self._services.details.of_one(found)
        attributes = self._attributes(within, found, detail)
        (item,) = rendered(self._services, within, [found], {found.id: detail}, shown)
        send(resp, {**item, "extra_attrs": attributes})

    def on_delete(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        project_name: str,
        repository_name: str,
        reference: str,
    ) -> None:
        """Delete the artifact and all its tags."""
        caller: Caller = req.context.caller
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found = artifact_of(self._services, within, reference)
        try:
            self._services.manifests.delete(caller.actor, caller.project_id, within.name, found.digest)
        except ManifestInUseError as error:
            raise ArtifactInUseError(error.message) from error

    def _attributes(self, within: Repository, found: ManifestSummary, detail: Detail) -> render.Json:
        """What an image's config says of it: a small file that a pull would read as well."""
        if detail.config is None or contents.kind(found) != "IMAGE":
            return {}
        try:
            blob, file = self._services.blobs.open(within.name, detail.config)
        except BlobUnknownError:
            return {}
        with file:
            if blob.size_bytes > _CONFIG_BYTES:
                return {}
            try:
                content = json.loads(file.read(_CONFIG_BYTES))
            except (ValueError, RecursionError):
                return {}
        if not isinstance(content, dict):
            return {}
        return {name: content[name] for name in _CONFIG_FIELDS if content.get(name) not in (None, "")}


class AccessoriesResource:
    """What is attached to an artifact: signatures, bills of materials and the like."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", LIST_ACCESSORIES, "list_accessories")}

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
        """A page of them, the oldest first."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        within = repository_of(req, self._services.repositories, project_name, repository_name)
        found = artifact_of(self._services, within, reference)
        details = self._services.details
        attached = details.attached([found], limit=page.limit, offset=page.offset)
        items = [contents.accessory(each, found, within) for each in attached.get(found.digest, ())]
        send_page(req, resp, page, items, details.count_attached(found))


class Shown:
    """Which parts of an artifact the request wants to see."""

    __slots__ = ("accessories", "immutable", "tags")

    def __init__(self, *, tags: bool, accessories: bool, immutable: bool) -> None:
        self.tags = tags
        self.accessories = accessories
        self.immutable = immutable

    @classmethod
    def of(cls, req: falcon.Request) -> "Shown":
        """Harbor's defaults: tags, and nothing else."""
        tags = query.flag_parameter(req, "with_tag")
        accessories = query.flag_parameter(req, "with_accessory")
        immutable = query.flag_parameter(req, "with_immutable_status")
        return cls(tags=tags is not False, accessories=bool(accessories), immutable=bool(immutable))


def artifact_of(services: Services, within: Repository, reference: str) -> ManifestSummary:
    """The artifact that the path names.

    Raises:
        TagInvalidError, DigestInvalidError: it can name none.
        ManifestUnknownError: there is none.
    """
    wanted = parse_reference(reference)
    found = services.manifests.find_summary(within.name, wanted)
    if found is None:
        raise ManifestUnknownError.of(wanted)
    return found


def rendered(
    services: Services,
    within: Repository,
    found: Sequence[ManifestSummary],
    details: Mapping[int, Detail],
    shown: Shown,
) -> list[render.Json]:
    """Artifacts with what belongs to them, in as many statements for a hundred as for one."""
    tags = services.manifests.tags_of([each.id for each in found]) if shown.tags else {}
    kept = immutable_among(services, within, chain(*tags.values())) if shown.immutable else set()
    attached = services.details.attached(found) if shown.accessories else {}
    items = []
    for each in found:
        detail = details.get(each.id, NOTHING)
        items.append(
            contents.artifact(
                each,
                within,
                tags=[contents.tag(one, each.id, immutable=one.name in kept) for one in tags.get(each.id, ())]
                if shown.tags
                else None,
                references=[contents.reference(entry) for entry in detail.entries],
                accessories=[contents.accessory(one, each, within) for one in attached.get(each.digest, ())]
                if shown.accessories
                else None,
                annotations=detail.annotations,
            )
        )
    return items


def immutable_among(services: Services, within: Repository, tags: Iterable[TagEntry]) -> set[str]:
    """The names of those of the tags that a rule of the project keeps."""
    names = [each.name for each in tags]
    return services.immutability.immutable_among(within.project_id, within.name, names) if names else set()


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
