"""Queries for lists of manifests as people look at them."""

from typing import Any

import peewee

from moorage.distribution.model import ManifestSummary
from moorage.distribution.tables import ManifestChildRow, ManifestRow, RepositoryRow, TagRow
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag

#: What lists can be sorted by.
SORTS = {
    "id": ManifestRow.id,
    "digest": ManifestRow.digest,
    "push_time": ManifestRow.pushed_at,
    "pull_time": ManifestRow.pulled_at,
    "size": ManifestRow.size_bytes,
    "type": ManifestRow.artifact_type,
}

_COLUMNS = (
    ManifestRow.id,
    ManifestRow.repository,
    ManifestRow.digest,
    ManifestRow.media_type,
    ManifestRow.artifact_type,
    ManifestRow.config_media_type,
    ManifestRow.subject,
    ManifestRow.size_bytes,
    ManifestRow.pushed_at,
    ManifestRow.pulled_at,
)


class ArtifactStore:
    """Reads the table `manifest` without the bytes.

    A list holds what was pushed for its own sake: whatever has a tag, and untagged manifests that
    are neither listed by an index nor attached to a subject.
    """

    def find(self, repository: RepositoryName, reference: Tag | Digest) -> ManifestSummary | None:
        """One manifest, whatever it is."""
        rows = _select(repository)
        if isinstance(reference, Digest):
            rows = rows.where(ManifestRow.digest == str(reference))
        else:
            rows = rows.join(TagRow, on=(TagRow.manifest == ManifestRow.id)).where(TagRow.name == reference)
        row = rows.tuples().first()
        return None if row is None else _summary(row)

    def page(
        self, repository: RepositoryName, tagged: bool | None, limit: int, offset: int, sort: str
    ) -> list[ManifestSummary]:
        """Manifests; with `tagged` only those that have a tag, or have none."""
        column = SORTS[sort.removeprefix("-")]
        order = column.desc(nulls="last") if sort.startswith("-") else column.asc(nulls="first")
        rows = _listed(repository, tagged).order_by(order, ManifestRow.id.desc()).limit(limit).offset(offset)
        return [_summary(row) for row in rows.tuples()]

    def count(self, repository: RepositoryName, tagged: bool | None) -> int:
        """How many `page` goes through."""
        counted: int = _listed(repository, tagged).count()
        return counted


def _select(repository: RepositoryName) -> Any:
    rows = ManifestRow.select(*_COLUMNS).join(RepositoryRow, on=(RepositoryRow.id == ManifestRow.repository))
    return rows.where(RepositoryRow.name == repository)


def _listed(repository: RepositoryName, tagged: bool | None) -> Any:
    has_tag = peewee.fn.EXISTS(TagRow.select(peewee.SQL("1")).where(TagRow.manifest == ManifestRow.id))
    is_child = peewee.fn.EXISTS(
        ManifestChildRow.select(peewee.SQL("1")).where(ManifestChildRow.child == ManifestRow.id)
    )
    rows = _select(repository)
    if tagged:
        return rows.where(has_tag)
    alone = ManifestRow.subject.is_null() & ~is_child
    return rows.where(~has_tag & alone) if tagged is False else rows.where(has_tag | alone)


def _summary(row: tuple[Any, ...]) -> ManifestSummary:
    number, repository_id, digest, media_type, artifact_type, config_type, subject, size, pushed, pulled = row
    return ManifestSummary(
        id=number,
        repository_id=repository_id,
        digest=Digest.parse(digest),
        media_type=media_type,
        artifact_type=artifact_type,
        config_media_type=config_type,
        subject=None if subject is None else Digest.parse(subject),
        size_bytes=size,
        pushed_at=pushed,
        pulled_at=pulled,
    )
