"""Artifacts with what belongs to them, in as many statements for a hundred as for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import falcon

from moorage.distribution.details import NOTHING, Detail
from moorage.distribution.model import ManifestSummary, Repository, TagEntry
from moorage.services import Services
from moorage.web.harbor import contents, query, render
from moorage.web.harbor.attributes import LISTED_BYTES, attributes_of

#: What clients may ask to see and no artifact has here (yet): signed tags, scans, bills of materials.
_TAKEN = ("with_signature", "with_scan_overview", "with_sbom_overview", "with_inherited_accessory")


@dataclass(frozen=True, slots=True)
class Shown:
    """Which parts of an artifact the request wants to see."""

    tags: bool
    labels: bool
    accessories: bool
    immutable: bool

    @classmethod
    def of(cls, req: falcon.Request) -> "Shown":
        """Harbor's defaults: tags, and nothing else.

        Raises:
            QueryInvalidError: a flag is neither true nor false.
        """
        for name in _TAKEN:
            query.flag_parameter(req, name)
        return cls(
            tags=query.flag_parameter(req, "with_tag") is not False,
            labels=bool(query.flag_parameter(req, "with_label")),
            accessories=bool(query.flag_parameter(req, "with_accessory")),
            immutable=bool(query.flag_parameter(req, "with_immutable_status")),
        )


def rendered(
    services: Services,
    repositories: Mapping[int, Repository],
    found: Sequence[ManifestSummary],
    details: Mapping[int, Detail],
    shown: Shown,
    *,
    attribute_bytes: int = LISTED_BYTES,
) -> list[render.Json]:
    """Artifacts of one project.

    Args:
        repositories: by number, at least those that the artifacts lie in.
        attribute_bytes: a larger config is not read.
    """
    numbers = [each.id for each in found]
    tags = services.manifests.tags_of(numbers) if shown.tags else {}
    labels = services.labels.of_artifacts(numbers) if shown.labels else {}
    kept = _kept(services, repositories, tags) if shown.immutable else set()
    attached = services.details.attached(found) if shown.accessories else {}
    items = []
    for each in found:
        detail, within = details.get(each.id, NOTHING), repositories[each.repository_id]
        own = [contents.tag(one, each.id, immutable=one.id in kept) for one in tags.get(each.id, ())]
        accessories = [contents.accessory(one, each, within) for one in attached.get(each.id, ())]
        items.append(
            contents.artifact(
                each,
                within,
                tags=own if shown.tags else None,
                labels=[contents.label(one) for one in labels.get(each.id, ())] if shown.labels else None,
                references=[contents.reference(entry) for entry in detail.entries],
                accessories=accessories if shown.accessories else None,
                annotations=detail.annotations,
                attributes=attributes_of(services.reading, each, detail, attribute_bytes),
            )
        )
    return items


def immutable_among(services: Services, within: Repository, tags: Sequence[TagEntry]) -> set[int]:
    """The numbers of those tags of a repository that a rule of the project keeps."""
    return _kept(services, {within.id: within}, {0: tags}) if tags else set()


def _kept(
    services: Services, repositories: Mapping[int, Repository], tags: Mapping[int, Sequence[TagEntry]]
) -> set[int]:
    if not tags:
        return set()
    (project_id,) = {each.project_id for each in repositories.values()}
    names = [each.name for each in repositories.values()]
    protections = services.immutability.protections(project_id, names)
    return {
        tag.id
        for some in tags.values()
        for tag in some
        if protections[repositories[tag.repository_id].name].rule_of(tag.name) is not None
    }
