"""Repositories, artifacts and tags as Harbor's JSON. Pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from moorage.distribution.artifact_filter import CHART, IMAGE, MODEL, kind_of
from moorage.distribution.model import IndexEntry, Label, ManifestSummary, Repository, TagEntry
from moorage.web.harbor.answer import BASE
from moorage.web.harbor.render import Json, moment

_ADDITIONS: Mapping[str, tuple[str, ...]] = {
    IMAGE: ("build_history",),
    CHART: ("readme.md", "values.yaml", "dependencies"),
    MODEL: ("readme.md", "license", "files"),
}
#: A bill of materials that somebody attached; whatever has one can be asked for it.
SBOM = "sbom"
#: What a bill of materials calls itself, as an artifact or as its file: SPDX, CycloneDX, Harbor's own.
SBOM_TYPES = frozenset(
    {
        "application/spdx+json",
        "application/vnd.cyclonedx+json",
        "application/vnd.goharbor.harbor.sbom.v1",
    }
)


def repository(found: Repository, artifacts: int) -> Json:
    """A repository."""
    return {
        "id": found.id,
        "project_id": found.project_id,
        "name": found.name,
        "description": found.description,
        "artifact_count": artifacts,
        "pull_count": found.pull_count,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def tag(found: TagEntry, artifact_id: int, *, immutable: bool = False) -> Json:
    """A tag; `immutable` is told only to whoever asks for it, as Harbor does."""
    return {
        "id": found.id,
        "repository_id": found.repository_id,
        "artifact_id": artifact_id,
        "name": found.name,
        "push_time": moment(found.pushed_at),
        "pull_time": moment(found.pulled_at),
        "immutable": immutable,
    }


def label(found: Label) -> Json:
    """A label; the project of everybody's is 0."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "color": found.color,
        "scope": scope_of(found),
        "project_id": found.project_id or 0,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def scope_of(found: Label) -> str:
    """Harbor's letter for whose label it is."""
    return "g" if found.project_id is None else "p"


def artifact(
    found: ManifestSummary,
    within: Repository,
    *,
    tags: Sequence[Json] | None,
    labels: Sequence[Json] | None,
    references: Sequence[Json],
    accessories: Sequence[Json] | None,
    annotations: Mapping[str, str],
    attributes: Mapping[str, object],
) -> Json:
    """A manifest; `tags`, `labels` and `accessories` are None when they were not asked for.

    Where accessories are shown, a bill of materials among them is linked to as an addition.
    """
    plain = found.config_media_type or found.media_type
    return {
        "id": found.id,
        "type": kind(found),
        "media_type": plain,
        "manifest_media_type": found.media_type,
        "artifact_type": found.artifact_type or plain,
        "project_id": within.project_id,
        "repository_id": found.repository_id,
        "repository_name": within.name,
        "digest": str(found.digest),
        "size": found.size_bytes,
        "push_time": moment(found.pushed_at),
        "pull_time": moment(found.pulled_at),
        "extra_attrs": dict(attributes),
        "annotations": dict(annotations),
        "references": list(references),
        "tags": None if tags is None else list(tags),
        "labels": None if labels is None else list(labels),
        "accessories": None if accessories is None else list(accessories),
        "addition_links": {
            name: {"absolute": False, "href": f"{_path(found, within)}/additions/{name}"}
            for name in (*additions_of(found), *_attached_additions(accessories or ()))
        },
    }


def kind(found: ManifestSummary) -> str:
    """Harbor's word for what an artifact is."""
    return kind_of(found.media_type, found.config_media_type)


def additions_of(found: ManifestSummary) -> tuple[str, ...]:
    """What more can be read of the artifact; an index has nothing of its own."""
    return _ADDITIONS.get(kind(found), ()) if found.config_media_type else ()


def is_sbom(found: ManifestSummary) -> bool:
    """Whether it is a bill of materials."""
    return _type(found) in SBOM_TYPES


def _attached_additions(accessories: Sequence[Json]) -> tuple[str, ...]:
    return (SBOM,) if any(each["type"] in SBOM_TYPES for each in accessories) else ()


def _type(found: ManifestSummary) -> str:
    return found.artifact_type or found.config_media_type or found.media_type


def _path(found: ManifestSummary, within: Repository) -> str:
    repository = quote(quote(within.name.path, safe=""), safe="")
    return f"{BASE}/projects/{within.name.project}/repositories/{repository}/artifacts/{found.digest}"


def reference(entry: IndexEntry) -> Json:
    """A line of an index; `child_id` is 0 while the child is absent."""
    child = entry.descriptor
    answer: Json = {
        "parent_id": entry.parent_id,
        "child_id": entry.child_id or 0,
        "child_digest": str(child.digest),
        "annotations": dict(child.annotations),
        "urls": list(child.urls),
    }
    if child.platform is not None:
        answer["platform"] = {
            "architecture": child.platform.architecture,
            "os": child.platform.os,
            "os.version": child.platform.os_version,
            "os.features": list(child.platform.os_features),
            "variant": child.platform.variant,
        }
    return answer


def accessory(found: ManifestSummary, subject: ManifestSummary, within: Repository) -> Json:
    """A manifest that says something about another one."""
    return {
        "id": found.id,
        "artifact_id": found.id,
        "subject_artifact_id": subject.id,
        "subject_artifact_digest": str(subject.digest),
        "subject_artifact_repo": within.name,
        "digest": str(found.digest),
        "size": found.size_bytes,
        "type": _type(found),
        "icon": "",
        "creation_time": moment(found.pushed_at),
    }


def search_repository(found: Repository, *, public: bool, artifacts: int) -> Json:
    """A repository among what a search found."""
    return {
        "project_id": found.project_id,
        "project_name": found.name.project,
        "project_public": public,
        "repository_name": found.name,
        "pull_count": found.pull_count,
        "artifact_count": artifacts,
    }
