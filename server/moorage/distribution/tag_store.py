"""Queries for tags."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks
from moorage.distribution.model import TagEntry
from moorage.distribution.name_list import NameList
from moorage.distribution.tables import ManifestRow, RepositoryRow, TagRow
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag

#: What lists can be sorted by.
SORTS = {"name": TagRow.name, "push_time": TagRow.pushed_at, "pull_time": TagRow.pulled_at}


@dataclass(frozen=True, slots=True)
class Named:
    """What a tag names."""

    tag_id: int
    manifest_id: int
    digest: Digest
    pushed_at: datetime


class TagStore:
    """Reads and writes the table `tag`."""

    _names = NameList(
        "SELECT group_concat(name, ',') FROM (SELECT t.name FROM repository r "
        "JOIN tag t ON t.repository_id = r.id WHERE r.name = ? AND t.name > ? "
        "ORDER BY t.name LIMIT ?) listed"
    )
    _find = Statement(
        "SELECT t.id, m.id, m.digest, t.pushed_at FROM tag t JOIN manifest m ON m.id = t.manifest_id "
        "WHERE t.repository_id = ? AND t.name = ?"
    )
    _find_alone = Statement(
        "SELECT t.id, m.id, m.digest, t.pushed_at FROM tag t JOIN manifest m ON m.id = t.manifest_id "
        "WHERE t.repository_id = ? AND t.name = ? FOR UPDATE OF t"
    )
    _insert = Statement(
        "INSERT INTO tag (repository_id, name, manifest_id, pushed_at, pulled_at) VALUES (?, ?, ?, ?, NULL) "
        "ON CONFLICT (repository_id, name) DO NOTHING"
    )
    _move = Statement("UPDATE tag SET manifest_id = ?, pushed_at = ? WHERE id = ?")
    _delete = Statement("DELETE FROM tag WHERE id = ?")
    _delete_of = Statement("DELETE FROM tag WHERE manifest_id = ? RETURNING name")
    _all_names = Statement("SELECT name FROM tag WHERE repository_id = ? ORDER BY name")
    _pulled = Statement(
        "UPDATE tag SET pulled_at = ? WHERE name = ? "
        "AND repository_id = (SELECT id FROM repository WHERE name = ?) "
        "AND (pulled_at IS NULL OR pulled_at < ?)"
    )

    def names(self, repository: RepositoryName, most: int, last: str) -> list[str]:
        """Names after `last`, ordered by their bytes."""
        return self._names.all(repository, last, most)

    def all_names(self, repository_id: int) -> list[str]:
        """Every tag of the repository, ordered by their bytes."""
        return [row[0] for row in self._all_names.all(repository_id)]

    def find(self, repository_id: int, name: str) -> Named | None:
        """What the tag names; on PostgreSQL nobody else moves it before this transaction ends."""
        statement = self._find_alone if is_postgresql() else self._find
        row = statement.one(repository_id, name)
        return None if row is None else Named(row[0], row[1], Digest.parse(row[2]), from_microseconds(row[3]))

    def insert(self, repository_id: int, name: Tag, manifest_id: int, now: datetime) -> bool:
        """Make a tag; False when there is one of that name."""
        return self._insert.run(repository_id, name, manifest_id, to_microseconds(now)) > 0

    def move(self, tag_id: int, manifest_id: int, now: datetime) -> None:
        """Make the tag name another manifest, or the same one anew."""
        self._move.run(manifest_id, to_microseconds(now), tag_id)

    def delete(self, tag_id: int) -> None:
        """Remove a tag."""
        self._delete.run(tag_id)

    def delete_of_manifest(self, manifest_id: int) -> list[str]:
        """Remove every tag of a manifest; returns their names in order."""
        return sorted(row[0] for row in self._delete_of.all(manifest_id))

    def delete_all(self, repository_id: int) -> None:
        """Remove every tag of a repository."""
        TagRow.delete().where(TagRow.repository == repository_id).execute()

    def page(
        self, repository: RepositoryName, digest: Digest | None, q: str, *, limit: int, offset: int, sort: str
    ) -> list[TagEntry]:
        """Tags, of one manifest or of all, whose name has `q` in it."""
        column = SORTS[sort.removeprefix("-")]
        order = column.desc(nulls="last") if sort.startswith("-") else column.asc(nulls="first")
        rows = _entries(repository, digest, q).order_by(order, TagRow.id).limit(limit).offset(offset)
        return [_entry(row) for row in rows.tuples()]

    def count(self, repository: RepositoryName, digest: Digest | None, q: str) -> int:
        """How many `page` goes through."""
        counted: int = _entries(repository, digest, q).count()
        return counted

    def of_manifests(self, manifest_ids: Iterable[int]) -> dict[int, list[TagEntry]]:
        """The tags of each manifest, the youngest first; a manifest without any is left out."""
        found: dict[int, list[TagEntry]] = defaultdict(list)
        for chunk in chunks(manifest_ids):
            rows = _select().where(TagRow.manifest << chunk).order_by(TagRow.pushed_at.desc(), TagRow.id)
            for row in rows.tuples():
                entry = _entry(row)
                found[row[-1]].append(entry)
        return dict(found)

    def note_pull(self, repository: str, tag: str, at: datetime) -> None:
        """Remember when the tag was last pulled."""
        moment = to_microseconds(at)
        self._pulled.run(moment, tag, repository, moment)


def _select() -> Any:
    columns = (
        TagRow.id,
        TagRow.repository,
        TagRow.name,
        ManifestRow.digest,
        TagRow.pushed_at,
        TagRow.pulled_at,
        TagRow.manifest,
    )
    return TagRow.select(*columns).join(ManifestRow)


def _entries(repository: RepositoryName, digest: Digest | None, q: str) -> Any:
    rows = _select().join(RepositoryRow, on=(RepositoryRow.id == TagRow.repository))
    rows = rows.where(RepositoryRow.name == repository)
    if digest is not None:
        rows = rows.where(ManifestRow.digest == str(digest))
    if q:
        rows = rows.where(TagRow.name.contains(q))  # which escapes wildcards
    return rows


def _entry(row: tuple[Any, ...]) -> TagEntry:
    number, repository_id, name, digest, pushed, pulled, _ = row
    return TagEntry(number, repository_id, name, Digest.parse(digest), pushed, pulled)
