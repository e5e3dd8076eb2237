"""Queries of the log."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import peewee

from moorage.audit.model import ARTIFACT_OPERATIONS, Choice, Cursor, Entry, Page, Query, Result
from moorage.audit.tables import EntryRow
from moorage.db.connection import Statement
from moorage.db.fields import to_microseconds

_MARKS = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT = """
INSERT INTO audit_entry (at, request_id, actor_kind, actor, address, user_agent, operation, resource_type,
resource, project_id, project, repository, tag, digest, result, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ROWS_AT_ONCE = 40
#: Entries that a question without an index may look through at a time.
WINDOW = 200_000
_EXACT = (
    *("actor_kind", "resource_type", "resource", "project", "repository"),
    *("tag", "digest", "address", "request_id"),
)
_SEARCHED = (EntryRow.resource, EntryRow.actor, EntryRow.address, EntryRow.detail)


class AuditStore:
    """Appends entries and reads them back, newest first."""

    _one = Statement(_INSERT)
    _many = Statement(_INSERT + (", " + _MARKS) * (_ROWS_AT_ONCE - 1))

    def __init__(self, *, window: int = WINDOW) -> None:
        self._window = window

    def append(self, entries: Sequence[Entry]) -> None:
        """Write the entries; call it inside a transaction."""
        whole = len(entries) - len(entries) % _ROWS_AT_ONCE
        for start in range(0, whole, _ROWS_AT_ONCE):
            batch = entries[start : start + _ROWS_AT_ONCE]
            self._many.run(*(value for entry in batch for value in _values(entry)))
        for entry in entries[whole:]:
            self._one.run(*_values(entry))

    def page(self, query: Query, limit: int, after: Cursor | None, offset: int = 0) -> Page:
        """At most `limit` entries older than `after`, newest first, leaving out the first `offset`.

        It takes one statement, or two when no index answers the question.
        """
        rows, floor = self._found(query, after)
        found = [_entry(row) for row in rows.offset(offset).limit(limit + 1)]
        if len(found) <= limit:
            return Page(tuple(found), floor)
        last = found[limit - 1]
        return Page(tuple(found[:limit]), Cursor(to_microseconds(last.at), last.id))

    def count(self, query: Query, most: int) -> int:
        """How many entries answer the question, looking no further than `most`."""
        rows, _ = self._found(query, None)
        counted: int = rows.limit(most).count()
        return counted

    def most(self) -> int:
        """How many entries there may be at most, read off the oldest and the newest number."""
        # Two statements: SQLite finds one end at once, and reads everything for both.
        least = EntryRow.select(peewee.fn.MIN(EntryRow.id)).scalar()
        largest = EntryRow.select(peewee.fn.MAX(EntryRow.id)).scalar()
        return 0 if least is None else largest - least + 1

    def further(self, count: int, after: Cursor | None) -> Cursor | None:
        """The place of the entry that is the `count`-th newest of those older than `after`."""
        where = [] if after is None else [_place() < (after.at, after.id)]
        return _cursor(_newest_first(where, EntryRow.at, EntryRow.id).offset(count - 1).limit(1).first())

    def window(self, begin: Cursor, end: Cursor, size: int) -> Cursor:
        """The place behind `size` entries from `begin` on, oldest first; `end` when it comes before."""
        rows = EntryRow.select(EntryRow.at, EntryRow.id).where(*_between(begin, end))
        rows = rows.order_by(EntryRow.at, EntryRow.id).offset(size).limit(1)
        return _cursor(rows.first()) or end

    def between(self, begin: Cursor, end: Cursor, choice: Choice) -> list[Entry]:
        """The chosen entries from `begin` on and before `end`, oldest first."""
        rows = EntryRow.select().where(*_between(begin, end), *_chosen(choice))
        return [_entry(row) for row in rows.order_by(EntryRow.at, EntryRow.id)]

    def tally(self, begin: Cursor, end: Cursor, choice: Choice) -> int:
        """How many `between` would find."""
        counted: int = EntryRow.select().where(*_between(begin, end), *_chosen(choice)).count()
        return counted

    def remove(self, ids: Sequence[int]) -> None:
        """Remove these very entries; call it inside a transaction."""
        EntryRow.delete().where(EntryRow.id << list(ids)).execute()

    def _found(self, query: Query, after: Cursor | None) -> tuple[Any, Cursor | None]:
        """The select of the answer, and where looking stops; None when it goes through to the end."""
        ends, rest = _indexed(query, after), _unindexed(query)
        floor = self._floor(ends) if rest else None
        if floor is not None:
            rest.append(_place() >= (floor.at, floor.id))
        return _newest_first(ends + rest), floor

    def _floor(self, where: list[Any]) -> Cursor | None:
        return _cursor(_newest_first(where).offset(self._window - 1).limit(1).first())


def _cursor(row: Any) -> Cursor | None:
    return None if row is None else Cursor(to_microseconds(row.at), row.id)


def _newest_first(where: list[Any], *columns: Any) -> Any:
    rows = EntryRow.select(*columns)
    if where:
        rows = rows.where(*where)
    return rows.order_by(EntryRow.at.desc(), EntryRow.id.desc())


def _place() -> Any:
    return peewee.Tuple(EntryRow.at, EntryRow.id)


def _indexed(query: Query, after: Cursor | None) -> list[Any]:
    """Conditions that walk an index from one end to the other."""
    where: list[Any] = []
    if after is not None:
        where.append(_place() < (after.at, after.id))
    if query.since is not None:
        where.append(EntryRow.at >= query.since)
    if query.until is not None:
        where.append(EntryRow.at <= query.until)
    if query.project_id is not None:
        where.append(EntryRow.project_id == query.project_id)
    elif query.actor is not None:
        where.append(EntryRow.actor == query.actor)
    return where


def _unindexed(query: Query) -> list[Any]:
    """Conditions that every entry on the way has to be asked for."""
    where: list[Any] = [
        getattr(EntryRow, name) == getattr(query, name) for name in _EXACT if getattr(query, name) is not None
    ]
    if query.project_id is not None and query.actor is not None:
        where.append(EntryRow.actor == query.actor)
    if query.project_ids is not None:
        where.append(EntryRow.project_id << list(query.project_ids))
    if query.operations or query.verbs:
        begins = [EntryRow.operation.startswith(f"{verb}_") for verb in query.verbs]
        where.append(_any([EntryRow.operation << list(query.operations), *begins]))
    if query.result is not None:
        where.append(EntryRow.result == query.result.value)
    if query.actor_part is not None:
        where.append(EntryRow.actor.contains(query.actor_part))
    if query.resource_part is not None:
        where.append(EntryRow.resource.contains(query.resource_part))
    if query.text is not None:
        where.append(_any([column.contains(query.text) for column in _SEARCHED]))
    return where


def _between(begin: Cursor, end: Cursor) -> list[Any]:
    return [_place() >= (begin.at, begin.id), _place() < (end.at, end.id)]


def _chosen(choice: Choice) -> list[Any]:
    if not choice.operations and not choice.others:
        return []
    conditions = []
    if choice.operations:
        conditions.append(EntryRow.operation << sorted(choice.operations))
    if choice.others:
        conditions.append(EntryRow.operation.not_in(sorted(ARTIFACT_OPERATIONS)))
    return [_any(conditions)]


def _any(conditions: list[Any]) -> Any:
    return reduce(or_, conditions)


def _values(entry: Entry) -> tuple[object, ...]:
    return (
        to_microseconds(entry.at),
        entry.request_id,
        entry.actor_kind,
        entry.actor,
        entry.address,
        entry.user_agent,
        entry.operation,
        entry.resource_type,
        entry.resource,
        entry.project_id,
        entry.project,
        entry.repository,
        entry.tag,
        entry.digest,
        entry.result.value,
        entry.detail,
    )


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        request_id=row.request_id,
        actor_kind=row.actor_kind,
        actor=row.actor,
        address=row.address,
        user_agent=row.user_agent,
        operation=row.operation,
        resource_type=row.resource_type,
        resource=row.resource,
        project_id=row.project_id,
        project=row.project,
        repository=row.repository,
        tag=row.tag,
        digest=row.digest,
        result=Result(row.result),
        detail=row.detail,
    )
