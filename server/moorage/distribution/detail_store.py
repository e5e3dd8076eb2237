"""Queries for what stands beside each manifest of a list."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import peewee

from moorage.distribution.chunks import chunks
from moorage.distribution.model import ManifestSummary, StoredManifest
from moorage.distribution.tables import ManifestChildRow, ManifestRow, TagRow
from moorage.oci.digest import Digest


class DetailStore:
    """Reads only; one statement a question, however many manifests it is about."""

    def bodies(self, manifest_ids: Iterable[int], most_bytes: int) -> dict[int, StoredManifest]:
        """The manifests whose bodies have at most `most_bytes`."""
        found: dict[int, StoredManifest] = {}
        for chunk in chunks(manifest_ids):
            columns = (
                ManifestRow.id,
                ManifestRow.repository,
                ManifestRow.digest,
                ManifestRow.media_type,
                ManifestRow.body,
            )
            small = peewee.fn.LENGTH(ManifestRow.body) <= most_bytes
            rows: Any = ManifestRow.select(*columns).where((ManifestRow.id << chunk) & small)
            for number, repository, digest, media_type, body in rows.tuples():
                found[number] = StoredManifest(
                    number, repository, Digest.parse(digest), media_type, bytes(body)
                )
        return found

    def child_ids(self, parent_ids: Iterable[int]) -> dict[int, dict[Digest, int]]:
        """The children that are there, by their parents and digests."""
        found: dict[int, dict[Digest, int]] = defaultdict(dict)
        for chunk in chunks(parent_ids):
            rows: Any = ManifestChildRow.select(
                ManifestChildRow.parent, ManifestChildRow.digest, ManifestChildRow.child
            ).where((ManifestChildRow.parent << chunk) & ManifestChildRow.child.is_null(False))
            for parent, digest, child in rows.tuples():
                found[parent][Digest.parse(digest)] = child
        return dict(found)

    def listed_counts(self, repository_ids: Iterable[int]) -> dict[int, int]:
        """How many manifests of each repository `ArtifactStore.page` goes through."""
        found: dict[int, int] = {}
        for chunk in chunks(repository_ids):
            rows: Any = ManifestRow.select(ManifestRow.repository, peewee.fn.COUNT(ManifestRow.id))
            rows = rows.where((ManifestRow.repository << chunk) & _listed())
            found.update(rows.group_by(ManifestRow.repository).tuples())
        return found

    def attached(
        self, repository_ids: Iterable[int], subjects: Iterable[Digest], limit: int, offset: int
    ) -> list[ManifestSummary]:
        """Manifests that name one of the subjects, the oldest first."""
        rows = _attached(repository_ids, subjects).order_by(ManifestRow.id).limit(limit).offset(offset)
        return [_summary(row) for row in rows]

    def count_attached(self, repository_ids: Iterable[int], subjects: Iterable[Digest]) -> int:
        """How many `attached` goes through."""
        counted: int = _attached(repository_ids, subjects).count()
        return counted


def _listed() -> Any:
    """Manifests that have a tag, or were pushed for their own sake."""
    tagged = TagRow.select(peewee.SQL("1")).where(TagRow.manifest == ManifestRow.id)
    child = ManifestChildRow.select(peewee.SQL("1")).where(ManifestChildRow.child == ManifestRow.id)
    alone = ManifestRow.subject.is_null() & ~peewee.fn.EXISTS(child)
    return peewee.fn.EXISTS(tagged) | alone


def _attached(repository_ids: Iterable[int], subjects: Iterable[Digest]) -> Any:
    columns = [field for field in ManifestRow._meta.sorted_fields if field is not ManifestRow.body]
    return ManifestRow.select(*columns).where(
        (ManifestRow.repository << list(repository_ids))
        & (ManifestRow.subject << [str(each) for each in subjects])
    )


def _summary(row: Any) -> ManifestSummary:
    return ManifestSummary(
        id=row.id,
        repository_id=row.repository_id,
        digest=Digest.parse(row.digest),
        media_type=row.media_type,
        artifact_type=row.artifact_type,
        config_media_type=row.config_media_type,
        subject=Digest.parse(row.subject),
        size_bytes=row.size_bytes,
        pushed_at=row.pushed_at,
        pulled_at=row.pulled_at,
    )
