"""Queries of the garbage collector: what is in use, and the removal of what is not."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks, listed
from moorage.distribution.model import BlobFacts, ManifestFacts, ManifestKey, StoredBlob
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Values in one statement; a text of its own for each number below that.
_WIDTH = 250

# A lease on what a manifest needs is none, whatever it says: the edge's key keeps the link.
_KEPT = (
    "(l.leased_until IS NULL OR EXISTS (SELECT 1 FROM manifest_blob n "
    "WHERE n.repository_id = l.repository_id AND n.blob_id = l.blob_id))"
)
_BLOBS = (
    "SELECT b.id, b.digest, b.size_bytes, "
    "max(CASE WHEN l.blob_id IS NOT NULL AND KEPT THEN 1 ELSE 0 END), "
    "sum(CASE WHEN l.leased_until <= ? AND NOT KEPT THEN 1 ELSE 0 END), "
    "min(CASE WHEN l.leased_until > ? AND NOT KEPT THEN l.leased_until END), "
    "max(CASE WHEN l.leased_until > ? AND NOT KEPT THEN l.leased_until END) "
    "FROM blob b LEFT JOIN blob_link l ON l.blob_id = b.id "
    "WHERE b.digest IN ({}) GROUP BY b.id, b.digest, b.size_bytes"
).replace("KEPT", _KEPT)
_MANIFESTS = (
    "SELECT m.id, r.name, m.digest, length(m.body), m.pushed_at, m.pulled_at, "
    "EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id), "
    "(SELECT min(c.parent_id) FROM manifest_child c WHERE c.child_id = m.id), "
    "(SELECT s.id FROM manifest s WHERE s.repository_id = m.repository_id AND s.digest = m.subject), "
    "(SELECT max(h.held_until) FROM manifest_hold h "
    "WHERE h.repository_id = m.repository_id AND h.digest = m.digest) "
)
_BY_KEY = (
    "WITH wanted (name, digest) AS (VALUES {}) " + _MANIFESTS + "FROM wanted w "
    "JOIN repository r ON r.name = w.name "
    "JOIN manifest m ON m.repository_id = r.id AND m.digest = w.digest"
)
_BY_ID = _MANIFESTS + "FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE m.id IN ({})"
_LOCK = "SELECT id FROM manifest WHERE id IN ({}) ORDER BY id"
_NEEDED = (
    "SELECT b.digest FROM blob b WHERE b.digest IN ({}) "
    "AND EXISTS (SELECT 1 FROM blob_link l WHERE l.blob_id = b.id AND l.leased_until IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM blob_link l WHERE l.blob_id = b.id AND l.leased_until <= ?)"
)
_KNOWN = "SELECT id, digest, size_bytes FROM blob WHERE digest IN ({})"
_DELETE_BLOBS = (
    "DELETE FROM blob WHERE id IN ({}) "
    "AND NOT EXISTS (SELECT 1 FROM blob_link l WHERE l.blob_id = blob.id) RETURNING id"
)
_LOCK_BLOBS = "SELECT id FROM blob WHERE id IN ({}) ORDER BY id FOR UPDATE"


class CondemnStore:
    """Reads what the collector must know; removes rows of blobs."""

    _parents = Statement("SELECT parent_id FROM manifest_child WHERE child_id = ?")
    _children = Statement("SELECT digest FROM manifest_child WHERE parent_id = ? AND child_id IS NOT NULL")
    _referrers = Statement(
        "SELECT m.digest FROM repository r JOIN manifest m ON m.repository_id = r.id "
        "WHERE r.name = ? AND m.subject = ? ORDER BY m.digest"
    )

    def blob_facts(self, digests: Iterable[Digest], now: datetime) -> dict[Digest, BlobFacts]:
        """The blobs that have a row."""
        moment = to_microseconds(now)
        found: dict[Digest, BlobFacts] = {}
        for some in chunks(digests, _WIDTH):
            rows = listed(_BLOBS, len(some)).all(moment, moment, moment, *map(str, some))
            found.update((facts.digest, facts) for facts in map(_blob, rows))
        return found

    def needed_blobs(self, digests: Iterable[Digest], now: datetime) -> set[Digest]:
        """Those that a repository holds for good, and of which no lease is over."""
        moment = to_microseconds(now)
        found: set[Digest] = set()
        for some in chunks(digests, _WIDTH):
            named = {str(digest): digest for digest in some}
            found.update(named[text] for (text,) in listed(_NEEDED, len(named)).all(*named, moment))
        return found

    def known_blobs(self, digests: Iterable[Digest]) -> dict[Digest, StoredBlob]:
        """The rows of the blobs that have one."""
        found: dict[Digest, StoredBlob] = {}
        for some in chunks(digests, _WIDTH):
            named = {str(digest): digest for digest in some}
            for number, text, size in listed(_KNOWN, len(named)).all(*named):
                found[named[text]] = StoredBlob(number, named[text], size)
        return found

    def manifest_facts(self, keys: Iterable[ManifestKey]) -> list[ManifestFacts]:
        """Those of the manifests that are there."""
        found: list[ManifestFacts] = []
        for some in chunks(keys, _WIDTH):
            values = [value for key in some for value in (key.repository, str(key.digest))]
            found += map(_manifest, listed(_BY_KEY, len(some), "(?, ?)").all(*values))
        return found

    def lock_manifests(self, manifest_ids: Sequence[int]) -> list[ManifestFacts]:
        """The manifests, each locked so that nobody can refer to it before this transaction ends.

        What somebody else works on is left out, and so is what is gone.
        """
        found: list[ManifestFacts] = []
        for some in chunks(sorted(manifest_ids), _WIDTH):
            text = _LOCK + " FOR UPDATE SKIP LOCKED" if is_postgresql() else _LOCK
            locked = [row[0] for row in listed(text, len(some)).all(*some)]
            if locked:
                found += map(_manifest, listed(_BY_ID, len(locked)).all(*locked))
        return found

    def delete_blobs(self, blob_ids: Iterable[int]) -> set[int]:
        """Remove the rows of blobs that nobody holds; returns which went.

        Raises:
            IntegrityError: somebody took hold of one at this moment; none went.
        """
        gone: set[int] = set()
        for some in chunks(sorted(blob_ids), _WIDTH):
            if is_postgresql():  # a mount that has not ended is waited for, and then seen
                listed(_LOCK_BLOBS, len(some)).all(*some)
            gone.update(row[0] for row in listed(_DELETE_BLOBS, len(some)).all(*some))
        return gone

    def parents(self, manifest_id: int) -> list[int]:
        """The indexes that list the manifest."""
        return [row[0] for row in self._parents.all(manifest_id)]

    def children(self, manifest_id: int) -> list[Digest]:
        """The manifests that an index lists and that are there."""
        return [Digest.read(text) for (text,) in self._children.all(manifest_id)]

    def referrers(self, key: ManifestKey) -> list[Digest]:
        """The manifests that name this one as their subject."""
        return [Digest.read(text) for (text,) in self._referrers.all(key.repository, str(key.digest))]


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_microseconds(value)


def _blob(row: tuple[Any, ...]) -> BlobFacts:
    number, digest, size, kept, expired, next_end, last_end = row
    ends = _moment(next_end), _moment(last_end)
    return BlobFacts(number, Digest.read(digest), size, bool(kept), int(expired or 0), *ends)


def _manifest(row: tuple[Any, ...]) -> ManifestFacts:
    number, name, digest, size, pushed, pulled, tagged, parent_id, subject_id, held_until = row
    return ManifestFacts(
        id=number,
        key=ManifestKey(RepositoryName(name), Digest.read(digest)),
        size_bytes=size,
        pushed_at=from_microseconds(pushed),
        pulled_at=_moment(pulled),
        tagged=bool(tagged),
        parent_id=parent_id,
        subject_id=subject_id,
        held_until=_moment(held_until),
    )
