"""Queries for the queue of candidates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks, listed
from moorage.gc.model import MANY_TRIES, Candidate, Kind, Overview
from moorage.oci.digest import Digest

#: Rows in one statement.
_WIDTH = 200
_NEVER = 2**62
_SELECT = "SELECT id, kind, repository, digest, due_at, version, tries, cause, fault FROM gc_candidate "

# A new cause is never lost: it puts the moment off and raises the version, whatever was there.
_PUT = (
    "INSERT INTO gc_candidate "
    "(kind, repository, digest, due_at, version, tries, cause, fault, created_at) VALUES {} "
    "ON CONFLICT (kind, repository, digest) DO UPDATE SET version = gc_candidate.version + 1, "
    "cause = excluded.cause, due_at = CASE WHEN excluded.due_at > gc_candidate.due_at "
    "THEN excluded.due_at ELSE gc_candidate.due_at END"
)
_ROW = "(?, ?, ?, ?, 1, 0, ?, '', ?)"
# In one order, like `put`; as one statement, for there may be any number of them.
_PUT_HELD = (
    "INSERT INTO gc_candidate "
    "(kind, repository, digest, due_at, version, tries, cause, fault, created_at) "
    "SELECT 'blob', '', b.digest, CAST(? AS BIGINT), 1, 0, CAST(? AS TEXT), '', CAST(? AS BIGINT) "
    "FROM repository r JOIN blob_link l ON l.repository_id = r.id JOIN blob b ON b.id = l.blob_id "
    "WHERE r.name = ? ORDER BY b.digest "
) + _PUT[_PUT.index("ON CONFLICT") :]
_DROP = (
    "WITH looked_at (id, version) AS (VALUES {}) DELETE FROM gc_candidate WHERE EXISTS "
    "(SELECT 1 FROM looked_at v WHERE v.id = gc_candidate.id AND v.version = gc_candidate.version) "
    "AND id IN (SELECT id FROM looked_at)"
)
_FIND = (
    "WITH wanted (kind, repository, digest) AS (VALUES {}) SELECT "
    "c.id, c.kind, c.repository, c.digest, c.due_at, c.version, c.tries, c.cause, c.fault FROM wanted w "
    "JOIN gc_candidate c ON c.kind = w.kind AND c.repository = w.repository AND c.digest = w.digest"
)

_KINDS = {kind.value: kind for kind in Kind}
Key = tuple[Kind, str, Digest]


@dataclass(frozen=True, slots=True)
class Noted:
    """A candidate to be."""

    repository: str
    digest: Digest
    due_at: datetime


class CandidateStore:
    """Reads and writes the table `gc_candidate`."""

    _due = Statement(_SELECT + "WHERE kind = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?")
    # By name, which SQLite finds its place by; many may have one due time.
    _page = Statement(
        _SELECT + "WHERE kind = ? AND (repository, digest) > (?, ?) AND due_at <= ? "
        "ORDER BY repository, digest LIMIT ?"
    )
    _count = Statement("SELECT count(*) FROM gc_candidate WHERE kind = ?")
    _defer = Statement("UPDATE gc_candidate SET due_at = ? WHERE id = ? AND version = ?")
    _fail = Statement(
        "UPDATE gc_candidate SET due_at = ?, tries = tries + 1, fault = ? WHERE id = ? AND version = ?"
    )
    _put_held = Statement(_PUT_HELD)
    _drop_repository = Statement("DELETE FROM gc_candidate WHERE kind = 'manifest' AND repository = ?")
    # What was queued for a project that had the name before and is gone.
    _drop_within = Statement("DELETE FROM gc_candidate WHERE repository >= ? AND repository < ?")
    # A new version, or whoever looked under the old name and found nothing would drop the candidate.
    _move = Statement(
        "UPDATE gc_candidate SET repository = CAST(? AS TEXT) || substr(repository, ?), "
        "version = version + 1 "
        "WHERE kind = 'manifest' AND repository >= ? AND repository < ?"
    )
    _overview = Statement(
        "SELECT count(*), count(CASE WHEN due_at <= ? THEN 1 END), min(due_at), "
        "count(CASE WHEN tries > ? THEN 1 END) FROM gc_candidate"
    )
    _failing = Statement(_SELECT + "WHERE tries > 0 ORDER BY tries DESC, id LIMIT ?")

    def put(self, kind: Kind, noted: Iterable[Noted], cause: str, now: datetime) -> None:
        """Note candidates; a known one is looked at later rather than earlier, and anew in any case.

        Written in one order, so that two transactions never block each other.
        """
        moment = to_microseconds(now)
        distinct = {(each.repository, str(each.digest)): each for each in noted}
        for some in chunks((distinct[key] for key in sorted(distinct)), _WIDTH):
            values: list[object] = []
            for each in some:
                due = to_microseconds(each.due_at)
                values += (kind.value, each.repository, str(each.digest), due, cause, moment)
            listed(_PUT, len(some), _ROW).run(*values)

    def put_held(self, repository: str, due_at: datetime, cause: str, now: datetime) -> None:
        """Note every blob that the repository holds."""
        self._put_held.run(to_microseconds(due_at), cause, to_microseconds(now), repository)

    def due(self, kind: Kind, now: datetime, most: int) -> list[Candidate]:
        """Candidates whose time has come, the oldest first."""
        return [_candidate(row) for row in self._due.all(kind.value, to_microseconds(now), most)]

    def all(self, kind: Kind, due_by: datetime | None = None) -> Iterator[list[Candidate]]:
        """Every candidate, or those whose time comes until then, some at a time, by name."""
        limit = _NEVER if due_by is None else to_microseconds(due_by)
        last = ("", "")
        while rows := self._page.all(kind.value, *last, limit, _WIDTH):
            page = [_candidate(row) for row in rows]
            last = page[-1].repository, str(page[-1].digest)
            yield page

    def count(self, kind: Kind) -> int:
        """How many candidates there are."""
        ((count,),) = self._count.all(kind.value)
        return int(count)

    def find(self, keys: Sequence[Key]) -> dict[Key, Candidate]:
        """Those of the keys that are candidates."""
        found: dict[Key, Candidate] = {}
        for some in chunks(keys, _WIDTH):
            values = [value for kind, name, digest in some for value in (kind.value, name, str(digest))]
            for row in listed(_FIND, len(some), "(?, ?, ?)").all(*values):
                each = _candidate(row)
                found[each.kind, each.repository, each.digest] = each
        return found

    def drop(self, candidates: Iterable[Candidate]) -> None:
        """Forget candidates, but for those that were noted anew since."""
        for some in chunks(sorted(candidates, key=lambda each: each.id), _WIDTH):
            values = [value for each in some for value in (each.id, each.version)]
            listed(_DROP, len(some), "(CAST(? AS BIGINT), CAST(? AS BIGINT))").run(*values)

    def defer(self, candidate: Candidate, until: datetime) -> None:
        """Look again later, unless it was noted anew since."""
        self._defer.run(to_microseconds(until), candidate.id, candidate.version)

    def fail(self, candidate: Candidate, until: datetime, fault: str) -> None:
        """The same after a failure, which is counted."""
        self._fail.run(to_microseconds(until), fault, candidate.id, candidate.version)

    def drop_repository(self, repository: str) -> None:
        """Forget the manifests of a repository."""
        self._drop_repository.run(repository)

    def rename_project(self, previous: str, name: str) -> None:
        """Put the candidates in a project's repositories under its new name."""
        self._drop_within.run(*_bounds(name))
        self._move.run(f"{name}/", len(previous) + 2, *_bounds(previous))

    def overview(self, now: datetime) -> Overview:
        """How the queue stands."""
        ((waiting, due, oldest, failing),) = self._overview.all(to_microseconds(now), MANY_TRIES)
        return Overview(waiting, due, from_microseconds(oldest) if due else None, failing)

    def failing(self, most: int) -> list[Candidate]:
        """Candidates that failed, those that failed most often first."""
        return [_candidate(row) for row in self._failing.all(most)]


def _bounds(project: str) -> tuple[str, str]:
    """Between these lie the names of the project's repositories; ``0`` comes next to the slash."""
    return f"{project}/", f"{project}0"


def _candidate(row: tuple[Any, ...]) -> Candidate:
    number, kind, repository, digest, due, version, tries, cause, fault = row
    return Candidate(
        id=number,
        kind=_KINDS[kind],
        repository=repository,
        digest=Digest.read(digest),
        due_at=from_microseconds(due),
        version=version,
        tries=tries,
        cause=cause,
        fault=fault,
    )
