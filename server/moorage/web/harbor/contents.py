"""Repositories, artifacts and tags as Harbor's JSON. Pure."""

import re
from collections.abc import Mapping, Sequence

from moorage.distribution.model import IndexEntry, ManifestSummary, Repository, TagEntry
from moorage.oci import mediatypes
from moorage.web.harbor.render import Json, moment

_IMAGE_CONFIGS = frozenset({mediatypes.OCI_CONFIG, mediatypes.DOCKER_CONFIG})
_artifact_kind = re.compile(r"application/vnd\.[^.]+\.(.+)\.config\.[^.]+").fullmatch


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


def artifact(
    found: ManifestSummary,
    within: Repository,
    *,
    tags: Sequence[Json] | None,
    references: Sequence[Json],
    accessories: Sequence[Json] | None,
    annotations: Mapping[str, str],
) -> Json:
    """A manifest; `tags` and `accessories` are None when they were not asked for."""
    return {
        "id": found.id,
        "type": kind(found),
        "media_type": found.config_media_type or found.media_type,
        "manifest_media_type": found.media_type,
        "artifact_type": found.artifact_type or found.config_media_type or found.media_type,
        "project_id": within.project_id,
        "repository_id": found.repository_id,
        "repository_name": within.name,
        "digest": str(found.digest),
        "size": found.size_bytes,
        "push_time": moment(found.pushed_at),
        "pull_time": moment(found.pulled_at),
        "extra_attrs": {},
        "annotations": dict(annotations),
        "references": list(references),
        "tags": None if tags is None else list(tags),
        "labels": [],
        "accessories": None if accessories is None else list(accessories),
        "addition_links": {},
    }


def kind(found: ManifestSummary) -> str:
    """Harbor's word for what an artifact is."""
    if found.media_type in mediatypes.INDEXES or found.config_media_type in _IMAGE_CONFIGS:
        return "IMAGE"
    match = _artifact_kind(found.config_media_type)
    if match is None:
        return "UNKNOWN"
    name = match[1].upper()
    return "CHART" if name == "HELM" else name


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
        "type": found.artifact_type or found.config_media_type or found.media_type,
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
