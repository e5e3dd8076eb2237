"""What projects use: counters that change in the transaction of what they count, and limits on them.

A project uses the bytes of the distinct blobs that its repositories hold, and of the bodies of their
manifests. A transaction first writes what it is about, then the links of blobs, then a row of the
sum; when the project has a limit it locks that last and looks at the sum. Bodies of manifests have
rows of the sum to themselves: links are written after them when a repository goes.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable

from moorage.db.connection import Statement, is_postgresql
from moorage.distribution.chunks import chunks, listed
from moorage.oci.digest import Digest
from moorage.projects.errors import QuotaExceededError

#: Rows that the sum of a project is spread over: so many for blobs, and as many for manifests.
_STRIPES = 16
_NO_LIMIT = -1
#: Values in one list; as many different statements are kept ready.
_WIDTH = 100

_ADD = (
    "ON CONFLICT (project_id, stripe) DO UPDATE SET bytes = project_usage.bytes + excluded.bytes "
    "RETURNING project_id, "
    "(SELECT q.limit_bytes FROM project_quota q WHERE q.project_id = project_usage.project_id)"
)
_ADD_BYTES = (
    "INSERT INTO project_usage (project_id, stripe, bytes) "
    "SELECT r.project_id, CAST(? AS SMALLINT), CAST(? AS BIGINT) FROM repository r WHERE r.id = ? "
)
_ADD_PLAIN = "INSERT INTO project_usage (project_id, stripe, bytes) VALUES (?, ?, ?) "
_ADD_TO_HOLDERS = (
    "INSERT INTO project_usage (project_id, stripe, bytes) "
    "SELECT DISTINCT r.project_id, CAST(? AS SMALLINT), CAST(? AS BIGINT) FROM blob_link l "
    "JOIN repository r ON r.id = l.repository_id WHERE l.blob_id = ? "
)
# The size must not change before the transaction ends: whoever changes it looks at who counted it.
_ADD_BLOB = (
    "INSERT INTO project_usage (project_id, stripe, bytes) "
    "SELECT CAST(? AS BIGINT), CAST(? AS SMALLINT), b.size_bytes FROM blob b WHERE b.id = ? "
)

_PROJECTS = "SELECT id, project_id FROM repository WHERE id IN ({})"
_LOCK_LINKS = (
    "SELECT blob_id FROM project_blob WHERE project_id = ? AND blob_id IN ({}) ORDER BY blob_id FOR UPDATE"
)
_TAKE_OUT = (
    "UPDATE project_blob SET links = links - ? WHERE project_id = ? AND blob_id IN ({}) "
    "RETURNING blob_id, links"
)
_SIZES = "SELECT size_bytes FROM blob WHERE id IN ({})"
_FORGET = "DELETE FROM project_blob WHERE project_id = ? AND blob_id IN ({})"


class UsageStore:
    """Reads and writes the tables `project_blob` and `project_usage`; obeys `project_quota`."""

    _link = Statement(
        "INSERT INTO project_blob (project_id, blob_id, links) "
        "SELECT r.project_id, CAST(? AS BIGINT), 1 FROM repository r WHERE r.id = ? "
        "ON CONFLICT (project_id, blob_id) DO UPDATE SET links = project_blob.links + 1 "
        "RETURNING project_id, links"
    )
    _add = Statement(_ADD_PLAIN + _ADD)
    _add_for = Statement(_ADD_BYTES + _ADD)
    _add_blob = Statement(_ADD_BLOB + _ADD)
    _add_blob_shared = Statement(_ADD_BLOB + "FOR SHARE " + _ADD)
    _size = Statement("SELECT size_bytes FROM blob WHERE id = ?")
    _resize = Statement(_ADD_TO_HOLDERS + _ADD)
    _limit = Statement("SELECT limit_bytes FROM project_quota WHERE project_id = ?")
    _limit_alone = Statement("SELECT limit_bytes FROM project_quota WHERE project_id = ? FOR UPDATE")
    _used = Statement("SELECT COALESCE(sum(bytes), 0) FROM project_usage WHERE project_id = ?")
    _holds = Statement(
        "SELECT 1 FROM blob b JOIN project_blob p ON p.project_id = ? AND p.blob_id = b.id WHERE b.digest = ?"
    )

    _lock_counters = Statement("LOCK TABLE project_usage, project_blob IN SHARE ROW EXCLUSIVE MODE")
    _uncount = Statement(
        "DELETE FROM project_blob WHERE project_id = ? AND NOT EXISTS (SELECT 1 FROM blob_link l "
        "JOIN repository r ON r.id = l.repository_id "
        "WHERE l.blob_id = project_blob.blob_id AND r.project_id = project_blob.project_id)"
    )
    _count = Statement(
        "INSERT INTO project_blob (project_id, blob_id, links) "
        "SELECT r.project_id, l.blob_id, count(*) FROM blob_link l "
        "JOIN repository r ON r.id = l.repository_id WHERE r.project_id = ? GROUP BY r.project_id, l.blob_id "
        "ON CONFLICT (project_id, blob_id) DO UPDATE SET links = excluded.links "
        "WHERE project_blob.links <> excluded.links"
    )
    _truth = Statement(
        "SELECT (SELECT COALESCE(sum(b.size_bytes), 0) FROM project_blob p "
        "JOIN blob b ON b.id = p.blob_id WHERE p.project_id = ?) "
        "+ (SELECT COALESCE(sum(length(m.body)), 0) FROM manifest m "
        "JOIN repository r ON r.id = m.repository_id WHERE r.project_id = ?)"
    )

    def __init__(self) -> None:
        self._writer = _Writer()

    # -- what changes ------------------------------------------------------------------------

    def linked(self, repository_id: int, blob_id: int) -> None:
        """Count a new link of the repository to the blob.

        Raises:
            QuotaExceededError: the project did not hold the blob, and has no room for it.
        """
        ((project_id, links),) = self._link.all(blob_id, repository_id)
        if links == 1:
            statement = self._add_blob_shared if is_postgresql() else self._add_blob
            ((_, limit),) = statement.all(project_id, self._writer.blobs, blob_id)
            if limit not in (None, _NO_LIMIT):
                ((size,),) = self._size.all(blob_id)
                self._check(project_id, size)

    def unlinked(self, links: Iterable[tuple[int, int]]) -> None:
        """Count that links are gone: pairs of a repository's number and a blob's."""
        gone = list(links)
        projects = _projects_of({repository_id for repository_id, _ in gone})
        lost: dict[int, Counter[int]] = defaultdict(Counter)
        for repository_id, blob_id in gone:
            lost[projects[repository_id]][blob_id] += 1
        for project_id, blobs in sorted(lost.items()):
            freed = sum(_take_out(project_id, blobs, some) for some in chunks(sorted(blobs), _WIDTH))
            if freed:
                self._add.all(project_id, self._writer.blobs, -freed)

    def wrote(self, repository_id: int, size: int) -> None:
        """Count the body of a new manifest.

        Raises:
            QuotaExceededError: the project has no room for it.
        """
        ((project_id, limit),) = self._add_for.all(self._writer.manifests, size, repository_id)
        if limit not in (None, _NO_LIMIT):
            self._check(project_id, size)

    def removed(self, repository_id: int, size: int) -> None:
        """Count that bodies of manifests, of this size together, are gone."""
        if size:
            self._add_for.all(self._writer.manifests, -size, repository_id)

    def resized(self, blob_id: int, by: int) -> None:
        """Count that a blob's row had the wrong size, in every project that holds it."""
        self._resize.all(self._writer.blobs, by, blob_id)

    def recount(self, project_id: int) -> bool:
        """Count the project anew, in a transaction; False when all the counters were right.

        What another transaction has not counted yet, it has not committed either: with the counters
        locked, whatever can be seen is in them already, and whatever cannot will be added.
        """
        if is_postgresql():
            self._lock_counters.run()
        wrong = self._uncount.run(project_id) + self._count.run(project_id)
        ((truth,),) = self._truth.all(project_id, project_id)
        by = int(truth) - self.used(project_id)
        if by:
            self._add.all(project_id, self._writer.blobs, by)
        return bool(wrong or by)

    def _check(self, project_id: int, asked: int) -> None:
        """Whoever comes after us waits here until we are through, and then sees what we added."""
        row = (self._limit_alone if is_postgresql() else self._limit).one(project_id)
        if row is None or row[0] == _NO_LIMIT:
            return
        used = self.used(project_id)
        if asked > 0 and used > row[0]:
            raise QuotaExceededError.of(used_bytes=used - asked, limit_bytes=row[0], asked_bytes=asked)

    # -- what there is -----------------------------------------------------------------------

    def used(self, project_id: int) -> int:
        """The bytes that a project uses."""
        ((used,),) = self._used.all(project_id)
        return int(used)

    def limit(self, project_id: int) -> int:
        """The storage limit of the project; -1 when it has none."""
        row = self._limit.one(project_id)
        return _NO_LIMIT if row is None else int(row[0])

    def holds(self, project_id: int, digest: Digest) -> bool:
        """Whether any repository of the project holds the blob."""
        return self._holds.one(project_id, str(digest)) is not None


class _Writer(threading.local):
    """Which rows this thread adds to: always the same ones, so that two transactions make no circle."""

    def __init__(self) -> None:
        self.blobs = threading.get_native_id() % _STRIPES
        self.manifests = self.blobs + _STRIPES


def _projects_of(repository_ids: Iterable[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for some in chunks(repository_ids, _WIDTH):
        found.update((number, project) for number, project in listed(_PROJECTS, len(some)).all(*some))
    return found


def _take_out(project_id: int, lost: Counter[int], blob_ids: list[int]) -> int:
    """Count the lost links out; returns the bytes of the blobs of which the project has none left."""
    if is_postgresql():  # in one order for all
        listed(_LOCK_LINKS, len(blob_ids)).all(project_id, *blob_ids)
    unused: list[int] = []
    for times in {lost[each] for each in blob_ids}:
        alike = [each for each in blob_ids if lost[each] == times]
        left = listed(_TAKE_OUT, len(alike)).all(times, project_id, *alike)
        unused += [blob_id for blob_id, links in left if links == 0]
    if not unused:
        return 0
    unused.sort()
    text = _SIZES + " ORDER BY id FOR SHARE" if is_postgresql() else _SIZES  # as for `_ADD_BLOB`
    freed: int = sum(row[0] for row in listed(text, len(unused)).all(*unused))
    listed(_FORGET, len(unused)).run(project_id, *unused)
    return freed
