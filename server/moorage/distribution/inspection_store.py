"""Queries of a check: everything there is, a part at a time, and what contradicts itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import peewee

from moorage.db.connection import Statement, database, is_postgresql
from moorage.distribution.inspected import BadRow, Counted, Unneeded
from moorage.oci.digest import Digest, DigestInvalidError

#: SQLite asks so often, counted in steps of its machine, whether to go on.
_STEPS = 100_000
_MOST = 1000
#: Tables that `InspectionStore.bad_rows` looks at.
_OWN = frozenset({"repository", "blob_link", "manifest", "manifest_blob", "manifest_child", "tag"})


class InspectionStore:
    """Reads only; whatever it returns may have changed a moment later."""

    _totals = Statement("SELECT count(*), coalesce(sum(size_bytes), 0) FROM blob")
    # "g" comes after every hex digit.
    _blobs = Statement("SELECT digest, size_bytes FROM blob WHERE digest >= ? AND digest < ?")
    _find = Statement("SELECT size_bytes FROM blob WHERE digest = ?")
    _images = Statement(
        "WITH RECURSIVE needing (id) AS ("
        "SELECT e.manifest_id FROM manifest_blob e JOIN blob b ON b.id = e.blob_id WHERE b.digest = ? "
        "UNION SELECT c.parent_id FROM manifest_child c JOIN needing n ON c.child_id = n.id) "
        "SELECT r.name, t.name, m.digest FROM needing n JOIN manifest m ON m.id = n.id "
        "JOIN repository r ON r.id = m.repository_id LEFT JOIN tag t ON t.manifest_id = m.id "
        "ORDER BY r.name, t.name IS NULL, t.name, m.digest LIMIT ?"
    )
    _manifest_tags = Statement(
        "SELECT r.name, t.name FROM manifest m JOIN repository r ON r.id = m.repository_id "
        "LEFT JOIN tag t ON t.manifest_id = m.id WHERE m.id = ? ORDER BY t.name LIMIT ?"
    )
    _manifests = Statement(
        "SELECT id, repository_id, digest, media_type, body FROM manifest WHERE id > ? ORDER BY id LIMIT ?"
    )
    _needed = Statement(
        "SELECT e.manifest_id, b.digest FROM manifest_blob e JOIN blob b ON b.id = e.blob_id "
        "WHERE e.manifest_id BETWEEN ? AND ?"
    )
    _listed = Statement("SELECT parent_id, digest FROM manifest_child WHERE parent_id BETWEEN ? AND ?")
    # A manifest's blobs are held for good, in the transaction that makes the manifest.
    _unneeded_blobs = Statement(
        "SELECT b.digest, b.size_bytes FROM blob b WHERE b.id BETWEEN ? AND ? AND NOT EXISTS "
        "(SELECT 1 FROM blob_link l WHERE l.blob_id = b.id AND l.leased_until IS NULL)"
    )
    _unneeded_manifests = Statement(
        "SELECT r.name, m.digest, length(m.body) FROM manifest m "
        "JOIN repository r ON r.id = m.repository_id WHERE m.id BETWEEN ? AND ? "
        "AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id) "
        "AND NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id) "
        "AND NOT EXISTS (SELECT 1 FROM manifest s WHERE s.repository_id = m.repository_id "
        "AND s.digest = m.subject)"
    )
    _projects = Statement("SELECT id, name FROM project WHERE id > ? ORDER BY id LIMIT ?")
    # One statement sees counters and what they count at the same moment.
    _counted = Statement(
        "WITH held (blob_id, links) AS (SELECT l.blob_id, count(*) FROM repository r "
        "JOIN blob_link l ON l.repository_id = r.id WHERE r.project_id = ? GROUP BY l.blob_id) SELECT "
        "(SELECT coalesce(sum(u.bytes), 0) FROM project_usage u WHERE u.project_id = ?), "
        "(SELECT coalesce(sum(b.size_bytes), 0) FROM held h JOIN blob b ON b.id = h.blob_id), "
        "(SELECT coalesce(sum(length(m.body)), 0) FROM repository r JOIN manifest m "
        "ON m.repository_id = r.id WHERE r.project_id = ?), "
        "(SELECT count(*) FROM held h LEFT JOIN project_blob p ON p.project_id = ? "
        "AND p.blob_id = h.blob_id WHERE p.links IS NULL OR p.links <> h.links) + "
        "(SELECT count(*) FROM project_blob p WHERE p.project_id = ? "
        "AND p.blob_id NOT IN (SELECT blob_id FROM held))"
    )
    _last = tuple(
        Statement(f"SELECT coalesce(max({column}), 0) FROM {table}")  # noqa: S608 - names of our own
        for table, column in (
            ("repository", "id"),
            ("blob", "id"),
            ("blob_link", "repository_id"),
            ("manifest", "id"),
            ("manifest_blob", "manifest_id"),
            ("manifest_child", "parent_id"),
            ("tag", "id"),
        )
    )
    _bad = (
        Statement(
            "SELECT coalesce(r.name, ''), 'manifest ' || e.manifest_id || ' needs blob ' || e.blob_id || "
            "', which its repository does not hold' FROM manifest_blob e "
            "LEFT JOIN blob_link l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id "
            "LEFT JOIN repository r ON r.id = e.repository_id "
            "WHERE e.manifest_id BETWEEN ? AND ? AND l.blob_id IS NULL"
        ),
        Statement(
            "SELECT coalesce(r.name, ''), 'blob ' || e.blob_id || ' is needed by manifest ' || "
            "e.manifest_id || ', which is not there' FROM manifest_blob e "
            "LEFT JOIN manifest m ON m.id = e.manifest_id AND m.repository_id = e.repository_id "
            "LEFT JOIN repository r ON r.id = e.repository_id "
            "WHERE e.manifest_id BETWEEN ? AND ? AND m.id IS NULL"
        ),
        Statement(
            "SELECT coalesce(r.name, ''), 'repository ' || l.repository_id || ' holds blob ' || l.blob_id "
            "|| ', and one of them is not there' FROM blob_link l LEFT JOIN blob b ON b.id = l.blob_id "
            "LEFT JOIN repository r ON r.id = l.repository_id "
            "WHERE l.repository_id BETWEEN ? AND ? AND (b.id IS NULL OR r.id IS NULL)"
        ),
        Statement(
            "SELECT r.name, 'blob ' || b.digest || ' is held for good, and no manifest needs it' "
            "FROM blob_link l JOIN blob b ON b.id = l.blob_id JOIN repository r ON r.id = l.repository_id "
            "WHERE l.repository_id BETWEEN ? AND ? AND l.leased_until IS NULL AND NOT EXISTS (SELECT 1 "
            "FROM manifest_blob e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id)"
        ),
        Statement(
            "SELECT r.name, 'manifest ' || m.digest || ' needs blob ' || b.digest || "
            "', which is only leased' FROM manifest_blob e JOIN blob_link l "
            "ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id "
            "JOIN blob b ON b.id = l.blob_id JOIN repository r ON r.id = l.repository_id "
            "JOIN manifest m ON m.id = e.manifest_id "
            "WHERE e.manifest_id BETWEEN ? AND ? AND l.leased_until IS NOT NULL"
        ),
        Statement(
            "SELECT coalesce(r.name, ''), 'tag ' || t.name || ' names manifest ' || t.manifest_id || "
            "', which its repository does not have' FROM tag t "
            "LEFT JOIN manifest m ON m.id = t.manifest_id AND m.repository_id = t.repository_id "
            "LEFT JOIN repository r ON r.id = t.repository_id "
            "WHERE t.id BETWEEN ? AND ? AND (m.id IS NULL OR r.id IS NULL)"
        ),
        Statement(
            "SELECT coalesce(r.name, ''), 'index ' || c.parent_id || ' lists ' || c.digest || "
            "', which is another manifest or none' FROM manifest_child c "
            "LEFT JOIN manifest p ON p.id = c.parent_id LEFT JOIN manifest m ON m.id = c.child_id "
            "AND m.repository_id = p.repository_id AND m.digest = c.digest "
            "LEFT JOIN repository r ON r.id = p.repository_id WHERE c.parent_id BETWEEN ? AND ? "
            "AND (p.id IS NULL OR (c.child_id IS NOT NULL AND m.id IS NULL))"
        ),
        Statement(
            "SELECT '', 'manifest ' || m.digest || ' belongs to repository ' || m.repository_id || "
            "', which is not there' FROM manifest m LEFT JOIN repository r ON r.id = m.repository_id "
            "WHERE m.id BETWEEN ? AND ? AND r.id IS NULL"
        ),
        Statement(
            "SELECT r.name, 'repository ' || r.id || ' belongs to project ' || r.project_id || "
            "', which is not there' FROM repository r LEFT JOIN project p ON p.id = r.project_id "
            "WHERE r.id BETWEEN ? AND ? AND p.id IS NULL"
        ),
    )

    def totals(self) -> tuple[int, int]:
        """How many blobs there are, and their bytes."""
        ((count, size),) = self._totals.all()
        return int(count), int(size)

    def blobs(self, algorithm: str, prefix: str) -> dict[str, int]:
        """The sizes of the blobs whose hex begins so, by the text of their digests."""
        first = f"{algorithm}:{prefix}"
        return dict(self._blobs.all(first, first + "g"))

    def find(self, digest: Digest) -> int | None:
        """The size that the blob's row says; None when there is no row."""
        row = self._find.one(str(digest))
        return None if row is None else int(row[0])

    def images(self, digest: str, most: int) -> list[str]:
        """Images that cannot be pulled without the blob: ``repository:tag``, or by digest if untagged."""
        return [_image(*row) for row in self._images.all(digest, most)]

    def names(self, manifest_id: int, most: int) -> list[str]:
        """The repository of a manifest, with each of its tags."""
        rows = self._manifest_tags.all(manifest_id, most)
        return [name if tag is None else f"{name}:{tag}" for name, tag in rows]

    def manifests(self, after: int, most: int) -> list[tuple[int, int, str, str, bytes]]:
        """Number, repository, digest, media type and body of manifests in the order of their numbers."""
        rows = self._manifests.all(after, most)
        return [(number, where, digest, kind, bytes(body)) for number, where, digest, kind, body in rows]

    def edges(self, first: int, last: int) -> set[tuple[int, str]]:
        """What the manifests of these numbers need or list: their number and the digest."""
        return {
            (number, digest)
            for statement in (self._needed, self._listed)
            for number, digest in statement.all(first, last)
        }

    def unneeded(self, first: int, last: int) -> list[Unneeded]:
        """Blobs and manifests of these numbers that nothing but a lease or a grace keeps."""
        blobs = [("", *row) for row in self._unneeded_blobs.all(first, last)]
        manifests = self._unneeded_manifests.all(first, last)
        return [
            Unneeded(name, Digest.parse(text), size)
            for name, text, size in (*blobs, *manifests)
            if _is_digest(text)
        ]

    def projects(self, after: int, most: int) -> list[tuple[int, str]]:
        """Number and name of projects in the order of their numbers."""
        return [(number, name) for number, name in self._projects.all(after, most)]

    def counted(self, project_id: int, stopping: Callable[[], bool]) -> Counted | None:
        """What the counters of a project say, and what they should; None when there was no time."""
        try:
            with _interruptible(stopping):
                ((used, blobs, bodies, wrong),) = self._counted.all(project_id, *[project_id] * 4)
        except peewee.OperationalError:
            if stopping():
                return None
            raise
        return Counted(int(used), int(blobs) + int(bodies), int(wrong))

    def last_number(self) -> int:
        """The highest number in any table that `bad_rows` and `unneeded` look at."""
        return max(int(row[0]) for statement in self._last for row in statement.all())

    def bad_rows(self, first: int, last: int) -> list[BadRow]:
        """What foreign keys and the code should have forbidden, in rows of these numbers."""
        return [BadRow(*row) for statement in self._bad for row in statement.all(first, last)]

    def faults(self, stopping: Callable[[], bool]) -> list[str]:
        """What SQLite finds wrong with its own file; nothing on PostgreSQL, which has no such question.

        The index of digests is compared with its table in full: it says which files are needed.
        """
        told = [
            row[0]
            for text in ("PRAGMA quick_check(20)", "PRAGMA integrity_check(blob)")
            for row in _asked(text, stopping)
        ]
        return [text for text in told if text != "ok"]

    def broken_keys(self, stopping: Callable[[], bool]) -> list[BadRow]:
        """The same for the foreign keys of every table that `bad_rows` does not look at."""
        rows = _asked("PRAGMA foreign_key_check", stopping)
        return [
            BadRow("", f"row {number} of {table} names one of {of} that is not there")
            for table, number, of, _ in rows
            if table not in _OWN
        ]


def _asked(text: str, stopping: Callable[[], bool]) -> list[tuple[Any, ...]]:
    """The answer of SQLite; what keeps it from answering counts as one; none when there is no time."""
    if is_postgresql():
        return []
    try:
        with _interruptible(stopping):
            return list(database.execute_sql(text).fetchmany(_MOST))
    except peewee.DatabaseError as error:
        return [] if stopping() else [(str(error), 0, "", 0)]


@contextmanager
def _interruptible(stopping: Callable[[], bool]) -> Iterator[None]:
    """Let SQLite, whose statements may take minutes, ask now and then whether to go on."""
    if is_postgresql():
        yield
        return
    connection = database.connection()
    connection.set_progress_handler(stopping, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, _STEPS)


def _is_digest(text: str) -> bool:
    try:
        Digest.parse(text)
    except DigestInvalidError:
        return False
    return True


def _image(repository: str, tag: str | None, digest: str) -> str:
    return f"{repository}@{digest}" if tag is None else f"{repository}:{tag}"
