"""Queries for lists of manifests as people look at them."""

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

import peewee

from moorage.distribution.artifact_filter import ArtifactFilter, Texts, kind_of
from moorage.distribution.errors import ListTooWideError
from moorage.distribution.model import ManifestSummary
from moorage.distribution.tables import ArtifactLabelRow, ManifestChildRow, ManifestRow, RepositoryRow, TagRow
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
    "repository_name": RepositoryRow.name,
}
_CONFIG_TYPE = peewee.fn.COALESCE(peewee.fn.NULLIF(ManifestRow.config_media_type, ""), ManifestRow.media_type)
#: Texts that lists can be asked for, as `web.harbor.contents` shows them.
TEXTS: dict[str, Any] = {
    "digest": ManifestRow.digest,
    "media_type": _CONFIG_TYPE,
    "manifest_media_type": ManifestRow.media_type,
    "artifact_type": peewee.fn.COALESCE(peewee.fn.NULLIF(ManifestRow.artifact_type, ""), _CONFIG_TYPE),
    "repository_name": RepositoryRow.name,
}
#: Numbers and moments that lists can be asked for.
SPANS = {
    "size": ManifestRow.size_bytes,
    "push_time": ManifestRow.pushed_at,
    "pull_time": ManifestRow.pulled_at,
}
#: Different types of content that one question about kinds goes through.
_MOST_TYPES = 500
_ONE = peewee.SQL("1")

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
    are neither listed by an index nor attached to a subject. It is of one repository, or of all those
    of a project, which is then given by its number.
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
        self, within: RepositoryName | int, wanted: ArtifactFilter, limit: int, offset: int, sort: str
    ) -> list[ManifestSummary]:
        """Manifests that meet all conditions.

        Raises:
            ListTooWideError: too many types of content would have to be told apart.
        """
        column = SORTS[sort.removeprefix("-")]
        order = column.desc(nulls="last") if sort.startswith("-") else column.asc(nulls="first")
        rows = _listed(within, wanted).order_by(order, ManifestRow.id.desc()).limit(limit).offset(offset)
        return [_summary(row) for row in rows.tuples()]

    def count(self, within: RepositoryName | int, wanted: ArtifactFilter) -> int:
        """How many `page` goes through."""
        counted: int = _listed(within, wanted).count()
        return counted


def _select(within: RepositoryName | int) -> Any:
    rows = ManifestRow.select(*_COLUMNS).join(RepositoryRow, on=(RepositoryRow.id == ManifestRow.repository))
    return rows.where(_inside(within))


def _inside(within: RepositoryName | int) -> Any:
    if isinstance(within, str):
        return RepositoryRow.name == within
    return RepositoryRow.project == within


def _listed(within: RepositoryName | int, wanted: ArtifactFilter) -> Any:
    rows = _select(within).where(_shown(ManifestRow, wanted.tagged))
    for condition in _conditions(within, wanted):
        rows = rows.where(condition)
    return rows


def _shown(manifest: Any, tagged: bool | None) -> Any:
    has_tag = peewee.fn.EXISTS(TagRow.select(_ONE).where(TagRow.manifest == manifest.id))
    if tagged:
        return has_tag
    is_child = peewee.fn.EXISTS(ManifestChildRow.select(_ONE).where(ManifestChildRow.child == manifest.id))
    alone = manifest.subject.is_null() & ~is_child
    return ~has_tag & alone if tagged is False else has_tag | alone


def _conditions(within: RepositoryName | int, wanted: ArtifactFilter) -> Iterable[Any]:
    if wanted.tags != Texts():
        named = TagRow.select(TagRow.manifest).join(RepositoryRow)
        yield ManifestRow.id << named.where(_inside(within), _text(TagRow.name, wanted.tags))
    for key, texts in wanted.texts.items():
        yield _text(TEXTS[key], texts)
    for key, span in wanted.spans.items():
        if span.low is not None:
            yield SPANS[key] >= span.low
        if span.high is not None:
            yield SPANS[key] <= span.high
    for label in wanted.labels:
        yield ManifestRow.id << _bearing([label])
    if wanted.any_labels:
        yield ManifestRow.id << _bearing(wanted.any_labels)
    if wanted.kinds:
        yield _of_kinds(within, wanted.kinds)
    if wanted.latest:
        yield ManifestRow.id << _latest(within)


def _text(column: Any, wanted: Texts) -> Any:
    if wanted.part:
        return column.contains(wanted.part)  # which escapes wildcards
    return column << wanted.values


def _bearing(labels: Iterable[int]) -> Any:
    return ArtifactLabelRow.select(ArtifactLabelRow.manifest).where(ArtifactLabelRow.label << list(labels))


def _of_kinds(within: RepositoryName | int, kinds: Iterable[str]) -> Any:
    """Kinds follow from types by a rule that is no SQL, and of types there are few."""
    types: Any = ManifestRow.select(ManifestRow.media_type, ManifestRow.config_media_type).join(RepositoryRow)
    types = list(types.where(_inside(within)).distinct().limit(_MOST_TYPES + 1).tuples())
    if len(types) > _MOST_TYPES:
        raise ListTooWideError("there are too many types of content here; ask for media_type instead")
    by_type: dict[str, list[str]] = defaultdict(list)
    for media_type, config_type in types:
        if kind_of(media_type, config_type) in kinds:
            by_type[media_type].append(config_type)
    wanted = [
        (ManifestRow.media_type == media_type) & (ManifestRow.config_media_type << config_types)
        for media_type, config_types in by_type.items()
    ]
    return reduce(or_, wanted) if wanted else ManifestRow.id.is_null()


def _latest(within: RepositoryName | int) -> Any:
    other = ManifestRow.alias()
    youngest = other.select(other.id).where(other.repository == RepositoryRow.id, _shown(other, None))
    youngest = youngest.order_by(other.pushed_at.desc(), other.id.desc()).limit(1)
    return RepositoryRow.select(youngest).where(_inside(within))


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
