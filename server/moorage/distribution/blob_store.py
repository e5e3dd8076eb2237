"""Queries for blobs and for which repository holds them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks, listed, padded
from moorage.distribution.model import StoredBlob
from moorage.distribution.usage_store import UsageStore
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Blobs in one statement of the collector's, which brings many.
_AT_ONCE = 250
_UNLINK_EXPIRED = (
    "DELETE FROM blob_link WHERE leased_until <= ? AND blob_id IN ({}) AND NOT EXISTS "
    "(SELECT 1 FROM manifest_blob n "
    "WHERE n.repository_id = blob_link.repository_id AND n.blob_id = blob_link.blob_id) "
    "RETURNING repository_id, blob_id"
)


@dataclass(frozen=True, slots=True)
class HeldBlob:
    """A blob as one repository holds it.

    Attributes:
        leased_until: None when it holds it for good.
    """

    blob: StoredBlob
    repository_id: int
    leased_until: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """One repository of a project, which stands for all of the project's that hold a blob."""

    project_id: int
    repository: RepositoryName


class BlobStore:
    """Reads and writes the tables `blob` and `blob_link`, and keeps count of what projects hold."""

    _held = Statement(
        "SELECT b.id, b.size_bytes, l.repository_id, l.leased_until FROM repository r "
        "JOIN blob b ON b.digest = ? "
        "JOIN blob_link l ON l.repository_id = r.id AND l.blob_id = b.id WHERE r.name = ?"
    )
    _held_among = Statement(
        "SELECT b.digest, b.id, b.size_bytes, l.leased_until FROM blob b "
        "JOIN blob_link l ON l.blob_id = b.id WHERE l.repository_id = ? "
        "AND b.digest IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    _find = Statement("SELECT id, size_bytes FROM blob WHERE digest = ?")
    _insert = Statement(
        "INSERT INTO blob (digest, size_bytes, created_at) VALUES (?, ?, ?) "
        "ON CONFLICT (digest) DO NOTHING "
        "RETURNING id"
    )
    _resize = Statement("UPDATE blob SET size_bytes = ? WHERE id = ?")
    _link = Statement(
        "INSERT INTO blob_link (repository_id, blob_id, leased_until) VALUES (?, ?, ?) "
        "ON CONFLICT (repository_id, blob_id) DO NOTHING"
    )
    # Writes in any case: whoever takes the link away at this moment must be waited for.
    _relink = Statement(
        "UPDATE blob_link SET leased_until = CASE WHEN leased_until < ? THEN ? ELSE leased_until END "
        "WHERE repository_id = ? AND blob_id = ?"
    )
    _renew = Statement(
        "UPDATE blob_link SET leased_until = ? WHERE repository_id = ? AND blob_id = ? AND leased_until < ?"
    )
    _lock_leased = Statement(
        "SELECT blob_id FROM blob_link WHERE repository_id = ? "
        "AND blob_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AND leased_until IS NOT NULL "
        "ORDER BY blob_id FOR NO KEY UPDATE"
    )
    # Waits for whoever writes an edge to one of them, and makes whoever is about to wait in turn.
    _lock_alone = Statement(
        "SELECT blob_id FROM blob_link WHERE repository_id = ? "
        "AND blob_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ORDER BY blob_id FOR UPDATE"
    )
    _keep = Statement(
        "UPDATE blob_link SET leased_until = NULL WHERE repository_id = ? "
        "AND blob_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AND leased_until IS NOT NULL"
    )
    _loosen = Statement(
        "UPDATE blob_link SET leased_until = ? WHERE repository_id = ? "
        "AND blob_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AND leased_until IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM manifest_blob n "
        "WHERE n.repository_id = blob_link.repository_id AND n.blob_id = blob_link.blob_id)"
    )
    _unlink = Statement("DELETE FROM blob_link WHERE repository_id = ? AND blob_id = ?")
    _unlink_all = Statement("DELETE FROM blob_link WHERE repository_id = ? RETURNING blob_id")
    _holders = Statement(
        "SELECT r.project_id, min(r.name) FROM blob b JOIN blob_link l ON l.blob_id = b.id "
        "JOIN repository r ON r.id = l.repository_id WHERE b.digest = ? "
        "GROUP BY r.project_id ORDER BY r.project_id = ? DESC, r.project_id LIMIT ?"
    )
    _needed = Statement("SELECT 1 FROM manifest_blob WHERE repository_id = ? AND blob_id = ? LIMIT 1")

    def __init__(self) -> None:
        self._usage = UsageStore()

    def held(self, repository: RepositoryName, digest: Digest) -> HeldBlob | None:
        """The blob, if the repository holds it, in one statement."""
        row = self._held.one(str(digest), repository)
        if row is None:
            return None
        blob_id, size, repository_id, leased_until = row
        until = None if leased_until is None else from_microseconds(leased_until)
        return HeldBlob(StoredBlob(blob_id, digest, size), repository_id, until)

    def held_among(self, repository_id: int, digests: Iterable[Digest]) -> dict[Digest, HeldBlob]:
        """Those of the digests that the repository holds."""
        found: dict[Digest, HeldBlob] = {}
        for texts in padded(str(digest) for digest in digests):
            for text, blob_id, size, leased_until in self._held_among.all(repository_id, *texts):
                digest = Digest.parse(text)
                until = None if leased_until is None else from_microseconds(leased_until)
                found[digest] = HeldBlob(StoredBlob(blob_id, digest, size), repository_id, until)
        return found

    def holders(self, digest: Digest, preferred_project: int, most: int) -> Iterator[Holder]:
        """Projects of which a repository holds the blob, the preferred one first."""
        for project_id, name in self._holders.all(str(digest), preferred_project, most):
            yield Holder(project_id, RepositoryName(name))

    def find(self, digest: Digest) -> StoredBlob | None:
        """The blob's row, whoever holds it."""
        row = self._find.one(str(digest))
        return None if row is None else StoredBlob(row[0], digest, row[1])

    def put(self, digest: Digest, size: int, now: datetime) -> StoredBlob:
        """The row of a blob whose file is in place, made if need be."""
        row = self._find.one(str(digest))
        if row is None:
            made = self._insert.all(str(digest), size, to_microseconds(now))
            if made:
                return StoredBlob(made[0][0], digest, size)
            (row,) = self._find.all(str(digest))
        blob_id, known_size = row
        if known_size != size:  # the bytes were just read and have this digest, so the row was wrong
            self._resize.run(size, blob_id)
            self._usage.resized(blob_id, size - known_size)
        return StoredBlob(blob_id, digest, size)

    def link(self, repository_id: int, blob_id: int, leased_until: datetime) -> None:
        """Make the repository hold the blob until then; what it holds longer or for good stays so.

        Raises:
            QuotaExceededError: the project did not hold the blob, and has no room for it.
            IntegrityError: there is no such blob any more.
        """
        until = to_microseconds(leased_until)
        while not self._link.run(repository_id, blob_id, until):
            if self._relink.run(until, until, repository_id, blob_id):
                return
        self._usage.linked(repository_id, blob_id)

    def renew(self, repository_id: int, blob_id: int, leased_until: datetime) -> bool:
        """Lengthen a lease; False when there is none that is shorter."""
        until = to_microseconds(leased_until)
        return self._renew.run(until, repository_id, blob_id, until) > 0

    def keep(self, repository_id: int, blob_ids: Iterable[int]) -> None:
        """Make the repository hold the blobs for good, to which edges were written just now."""
        for ids in padded(sorted(blob_ids)):
            if is_postgresql():  # in one order for all, or two transactions wait for each other in a circle
                self._lock_leased.all(repository_id, *ids)
            self._keep.run(repository_id, *ids)

    def loosen(self, repository_id: int, blob_ids: Iterable[int], leased_until: datetime) -> None:
        """Turn what the repository holds for good, and no manifest of it needs, into leases."""
        for ids in padded(sorted(blob_ids)):
            if is_postgresql():
                self._lock_alone.all(repository_id, *ids)
            self._loosen.run(to_microseconds(leased_until), repository_id, *ids)

    def is_needed(self, repository_id: int, blob_id: int) -> bool:
        """Whether a manifest of the repository refers to the blob."""
        return self._needed.one(repository_id, blob_id) is not None

    def unlink(self, repository_id: int, blob_id: int) -> bool:
        """Make the repository let go of the blob; False when it did not hold it.

        Raises:
            IntegrityError: a manifest of the repository refers to it.
        """
        if not self._unlink.run(repository_id, blob_id):
            return False
        self._usage.unlinked([(repository_id, blob_id)])
        return True

    def unlink_all(self, repository_id: int) -> None:
        """Make the repository let go of every blob."""
        gone = self._unlink_all.all(repository_id)
        self._usage.unlinked((repository_id, blob_id) for (blob_id,) in gone)

    def unlink_expired(self, blob_ids: Iterable[int], now: datetime) -> int:
        """Make every repository whose lease of a blob is over let go of it.

        Returns:
            How many links went; those that a manifest needs never go.
        """
        gone: list[tuple[int, int]] = []
        for ids in chunks(sorted(blob_ids), _AT_ONCE):
            rows = listed(_UNLINK_EXPIRED, len(ids)).all(to_microseconds(now), *ids)
            gone += [(row[0], row[1]) for row in rows]
        self._usage.unlinked(gone)
        return len(gone)
