"""Queries for manifests and what they refer to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import to_microseconds
from moorage.distribution.chunks import chunks, listed, padded
from moorage.distribution.model import StoredManifest
from moorage.distribution.tables import ManifestBlobRow, ManifestChildRow, ManifestRow, RepositoryRow
from moorage.distribution.usage_store import UsageStore
from moorage.oci.digest import Digest
from moorage.oci.manifest import ImageIndex, ImageManifest
from moorage.oci.names import RepositoryName, Tag

#: Manifests in one statement.
_AT_ONCE = 100
_BLOBS = (
    "SELECT n.manifest_id, b.digest, b.id FROM manifest_blob n JOIN blob b ON b.id = n.blob_id "
    "WHERE n.manifest_id IN ({}) ORDER BY n.manifest_id, b.digest"
)
_CHILDREN = (
    "SELECT parent_id, digest FROM manifest_child WHERE parent_id IN ({}) AND child_id IS NOT NULL "
    "ORDER BY parent_id, digest"
)
_REFERRERS = (
    "SELECT s.id, m.digest FROM manifest s "
    "JOIN manifest m ON m.repository_id = s.repository_id AND m.subject = s.digest "
    "WHERE s.id IN ({}) ORDER BY s.id, m.digest"
)
_SUBJECTS = "SELECT id, subject FROM manifest WHERE id IN ({}) AND subject IS NOT NULL"
_DROP_BLOBS = "DELETE FROM manifest_blob WHERE manifest_id IN ({})"
_DROP_CHILDREN = "DELETE FROM manifest_child WHERE parent_id IN ({})"
_DELETE = "DELETE FROM manifest WHERE id IN ({}) RETURNING repository_id, length(body)"


@dataclass(frozen=True, slots=True)
class KnownManifest:
    """The row of a manifest, without its bytes.

    Attributes:
        size_bytes: of the body alone.
    """

    id: int
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class References:
    """What a manifest refers to, and what refers to it, as far as its repository has it.

    Attributes:
        blobs: their numbers by their digests.
        subject: whether the repository has it or not.
        referrers: the manifests that name this one as their subject.
    """

    blobs: dict[Digest, int]
    children: tuple[Digest, ...]
    referrers: tuple[Digest, ...]
    subject: Digest | None


class ManifestStore:
    """Reads and writes the tables `manifest`, `manifest_blob` and `manifest_child`; counts the bodies."""

    _by_tag = Statement(
        "SELECT m.id, m.repository_id, m.digest, m.media_type, m.body FROM repository r "
        "JOIN tag t ON t.repository_id = r.id JOIN manifest m ON m.id = t.manifest_id "
        "WHERE r.name = ? AND t.name = ?"
    )
    _by_digest = Statement(
        "SELECT m.id, m.repository_id, m.digest, m.media_type, m.body FROM repository r "
        "JOIN manifest m ON m.repository_id = r.id WHERE r.name = ? AND m.digest = ?"
    )
    _by_id = Statement("SELECT id, repository_id, digest, media_type, body FROM manifest WHERE id = ?")
    _known = Statement("SELECT id, length(body) FROM manifest WHERE repository_id = ? AND digest = ?")
    _known_shared = Statement(
        "SELECT id, length(body) FROM manifest WHERE repository_id = ? AND digest = ? FOR KEY SHARE"
    )
    _known_alone = Statement(
        "SELECT id, length(body) FROM manifest WHERE repository_id = ? AND digest = ? FOR UPDATE"
    )
    _insert = Statement(
        "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, config_media_type, subject, "
        "size_bytes, pushed_at, pulled_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?) RETURNING id"
    )
    _known_among = Statement(
        "SELECT digest, id, length(body) FROM manifest WHERE repository_id = ? "
        "AND digest IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    # Not from `blob_link`: a link that is gone must fail the edge's key and not leave the edge out.
    _need_blobs = Statement(
        "INSERT INTO manifest_blob (manifest_id, repository_id, blob_id) "
        "SELECT CAST(? AS BIGINT), CAST(? AS BIGINT), v.id FROM (SELECT CAST(? AS BIGINT) AS id "
        "UNION SELECT ? UNION SELECT ? UNION SELECT ? UNION SELECT ? UNION SELECT ? UNION SELECT ? "
        "UNION SELECT ? UNION SELECT ? UNION SELECT ? UNION SELECT ? UNION SELECT ? UNION SELECT ? "
        "UNION SELECT ? UNION SELECT ? UNION SELECT ?) v ORDER BY v.id"
    )
    _list_child = Statement("INSERT INTO manifest_child (parent_id, digest, child_id) VALUES (?, ?, ?)")
    _is_child = Statement("SELECT 1 FROM manifest_child WHERE child_id = ? LIMIT 1")
    _delete_all = Statement("DELETE FROM manifest WHERE repository_id = ? RETURNING length(body)")
    _take_in = Statement(
        "UPDATE manifest_child SET child_id = ? WHERE digest = ? AND child_id IS NULL "
        "AND parent_id IN (SELECT id FROM manifest WHERE repository_id = ?)"
    )
    _lock_digest = Statement("SELECT pg_advisory_xact_lock(?, hashtext(?))")
    _pulled_by_digest = Statement(
        "UPDATE manifest SET pulled_at = ? WHERE digest = ? "
        "AND repository_id = (SELECT id FROM repository WHERE name = ?) "
        "AND (pulled_at IS NULL OR pulled_at < ?)"
    )

    def __init__(self) -> None:
        self._usage = UsageStore()

    def by_tag(self, repository: RepositoryName, tag: Tag) -> StoredManifest | None:
        """What the tag names right now."""
        return _stored(self._by_tag.one(repository, tag))

    def by_digest(self, repository: RepositoryName, digest: Digest) -> StoredManifest | None:
        """The manifest of that digest."""
        return _stored(self._by_digest.one(repository, str(digest)))

    def by_id(self, manifest_id: int) -> StoredManifest | None:
        """The manifest of that number."""
        return _stored(self._by_id.one(manifest_id))

    def known(self, repository_id: int, digest: Digest) -> KnownManifest | None:
        """The manifest's row."""
        return _known(self._known.one(repository_id, str(digest)), digest)

    def known_shared(self, repository_id: int, digest: Digest) -> KnownManifest | None:
        """The manifest's row, which nobody can delete before this transaction ends."""
        statement = self._known_shared if is_postgresql() else self._known
        return _known(statement.one(repository_id, str(digest)), digest)

    def known_alone(self, repository_id: int, digest: Digest) -> KnownManifest | None:
        """The manifest's row, which nobody can refer to before this transaction ends."""
        statement = self._known_alone if is_postgresql() else self._known
        return _known(statement.one(repository_id, str(digest)), digest)

    def known_among(self, repository_id: int, digests: Iterable[Digest]) -> dict[Digest, KnownManifest]:
        """Those of the digests that the repository has."""
        found: dict[Digest, KnownManifest] = {}
        for texts in padded(str(digest) for digest in digests):
            for text, number, size in self._known_among.all(repository_id, *texts):
                digest = Digest.parse(text)
                found[digest] = KnownManifest(number, digest, size)
        return found

    def insert(
        self,
        repository_id: int,
        digest: Digest,
        manifest: ImageManifest | ImageIndex,
        body: bytes,
        now: datetime,
    ) -> int:
        """Write the manifest's row; returns its number.

        Raises:
            IntegrityError: the repository has it, or is gone.
            QuotaExceededError: the project has no room for its body.
        """
        ((number,),) = self._insert.all(
            repository_id,
            str(digest),
            manifest.media_type,
            manifest.artifact_type,
            manifest.config.media_type if isinstance(manifest, ImageManifest) else "",
            None if manifest.subject is None else str(manifest.subject.digest),
            manifest.size_bytes,
            to_microseconds(now),
            body,
        )
        self._usage.wrote(repository_id, len(body))
        return int(number)

    def need_blobs(self, manifest_id: int, repository_id: int, blob_ids: Iterable[int]) -> None:
        """Write the edges to blobs, which the repository must hold."""
        for ids in padded(sorted(blob_ids)):
            self._need_blobs.run(manifest_id, repository_id, *ids)

    def list_children(self, manifest_id: int, children: Mapping[Digest, int | None]) -> None:
        """Write the edges to the manifests of an index; None for one that is absent."""
        for digest, child in children.items():
            self._list_child.run(manifest_id, str(digest), child)

    def take_in(self, repository_id: int, manifest_id: int, digest: Digest) -> None:
        """Complete indexes of the repository that were pushed before this child of theirs."""
        self._take_in.run(manifest_id, str(digest), repository_id)

    def lock_digests(self, digests: Iterable[Digest]) -> None:
        """Make whoever else pushes one of these manifests wait until this transaction ends."""
        if is_postgresql():  # SQLite has one writer anyway
            for text in sorted(str(digest) for digest in digests):
                self._lock_digest.one(_DIGEST_LOCKS, text)

    def is_child(self, manifest_id: int) -> bool:
        """Whether an index lists the manifest."""
        return self._is_child.one(manifest_id) is not None

    def references(self, manifest_ids: Iterable[int]) -> dict[int, References]:
        """What each of the manifests refers to."""
        found: dict[int, References] = {}
        for some in chunks(manifest_ids, _AT_ONCE):
            blobs: dict[int, dict[Digest, int]] = {each: {} for each in some}
            children: dict[int, list[Digest]] = {each: [] for each in some}
            referrers: dict[int, list[Digest]] = {each: [] for each in some}
            for manifest_id, text, number in listed(_BLOBS, len(some)).all(*some):
                blobs[manifest_id][Digest.read(text)] = number
            for manifest_id, text in listed(_CHILDREN, len(some)).all(*some):
                children[manifest_id].append(Digest.read(text))
            for manifest_id, text in listed(_REFERRERS, len(some)).all(*some):
                referrers[manifest_id].append(Digest.read(text))
            subjects = {
                manifest_id: Digest.read(text)
                for manifest_id, text in listed(_SUBJECTS, len(some)).all(*some)
            }
            for each in some:
                found[each] = References(
                    blobs[each], tuple(children[each]), tuple(referrers[each]), subjects.get(each)
                )
        return found

    def delete(self, manifest_ids: Iterable[int]) -> None:
        """Remove manifests and what they say about others.

        Raises:
            IntegrityError: an index lists one of them, or a tag names it.
        """
        sizes: Counter[int] = Counter()
        for some in chunks(sorted(manifest_ids), _AT_ONCE):
            listed(_DROP_BLOBS, len(some)).run(*some)
            listed(_DROP_CHILDREN, len(some)).run(*some)
            for repository_id, size in listed(_DELETE, len(some)).all(*some):
                sizes[repository_id] += size
        for repository_id, size in sorted(sizes.items()):
            self._usage.removed(repository_id, size)

    def delete_all(self, repository_id: int) -> None:
        """Remove every manifest of a repository; no tag may be left."""
        ids = ManifestRow.select(ManifestRow.id).where(ManifestRow.repository == repository_id)
        ManifestChildRow.delete().where(ManifestChildRow.parent << ids).execute()
        ManifestBlobRow.delete().where(ManifestBlobRow.repository_id == repository_id).execute()
        self._usage.removed(repository_id, sum(row[0] for row in self._delete_all.all(repository_id)))

    def child_ids(self, parent_id: int) -> dict[Digest, int]:
        """The manifests that an index lists and that are there."""
        rows: Any = ManifestChildRow.select(ManifestChildRow.digest, ManifestChildRow.child).where(
            ManifestChildRow.parent == parent_id, ManifestChildRow.child.is_null(False)
        )
        return {Digest.parse(text): child for text, child in rows.tuples()}

    def referring(
        self,
        repository: RepositoryName,
        subject: Digest,
        artifact_type: str | None,
        last: Digest | None,
        most: int,
    ) -> list[tuple[StoredManifest, str]]:
        """Manifests of that subject, each with its artifact type, by digest, after `last`."""
        columns = (
            ManifestRow.id,
            ManifestRow.repository,
            ManifestRow.digest,
            ManifestRow.media_type,
            ManifestRow.body,
            ManifestRow.artifact_type,
        )
        rows: Any = ManifestRow.select(*columns).join(RepositoryRow)
        rows = rows.where(RepositoryRow.name == repository, ManifestRow.subject == str(subject))
        if artifact_type is not None:
            rows = rows.where(ManifestRow.artifact_type == artifact_type)
        if last is not None:
            rows = rows.where(ManifestRow.digest > str(last))
        found: list[tuple[StoredManifest, str]] = []
        for *plain, kind in rows.order_by(ManifestRow.digest).limit(most).tuples():
            found.append((_manifest(tuple(plain)), kind))
        return found

    def note_pull(self, repository: str, digest: str, at: datetime) -> None:
        """Remember when the manifest was last pulled."""
        moment = to_microseconds(at)
        self._pulled_by_digest.run(moment, digest, repository, moment)


#: Namespace of the advisory locks on manifests.
_DIGEST_LOCKS = 0x6D616E69


def _known(row: tuple[Any, ...] | None, digest: Digest) -> KnownManifest | None:
    return None if row is None else KnownManifest(row[0], digest, row[1])


def _stored(row: tuple[Any, ...] | None) -> StoredManifest | None:
    return None if row is None else _manifest(row)


def _manifest(row: tuple[Any, ...]) -> StoredManifest:
    number, repository_id, digest, media_type, body = row
    return StoredManifest(number, repository_id, Digest.parse(digest), media_type, bytes(body))
