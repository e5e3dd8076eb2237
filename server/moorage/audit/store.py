"""Queries of the log."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import peewee

from moorage.audit.model import ARTIFACT_OPERATIONS, Choice, Cursor, Entry, Page, Query, Result
from moorage.audit.search_store import Found, SearchStore, any_of, indexed, newest_first, place, unindexed
from moorage.audit.segment_store import SegmentStore
from moorage.audit.tables import EntryRow
from moorage.db.connection import Statement, database
from moorage.db.fields import from_microseconds, to_microseconds

_MARKS = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT = """
INSERT INTO audit_entry (at, request_id, actor_kind, actor, address, user_agent, operation, resource_type,
resource, project_id, project, repository, tag, digest, result, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ROWS_AT_ONCE = 40
# As one piece of text: putting it together again for each page takes longer than reading the page.
_WHOLE = peewee.SQL(", ".join(field.name for field in fields(Entry)))
#: Entries that a question without an index may look through at a time.
WINDOW = 200_000
#: So many are looked through rather than the signs of blocks.
NEAR = 2_000


class AuditStore:
    """Appends entries and reads them back, newest first."""

    _one = Statement(_INSERT)
    _many = Statement(_INSERT + (", " + _MARKS) * (_ROWS_AT_ONCE - 1))

    def __init__(self, *, window: int = WINDOW, near: int = NEAR, search: SearchStore | None = None) -> None:
        self._window = window
        self._near = near
        self._search = search or SearchStore(SegmentStore())

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

        It takes one statement or two when an index answers the question, and a few when none does.
        """
        found = self._by_signs(query, offset + limit + 1, after)
        if found is not None:
            return self._page(found, limit, offset)
        rows, floor = self._found(query, after, _WHOLE)
        entries = _entries(rows.offset(offset).limit(limit + 1))
        if len(entries) <= limit:
            return Page(tuple(entries), floor)
        last = entries[limit - 1]
        return Page(tuple(entries[:limit]), Cursor(to_microseconds(last.at), last.id))

    def page_and_total(self, query: Query, limit: int, offset: int, most: int) -> tuple[Page, int]:
        """What `page` and `count` say, looked for once where they would look at the same entries."""
        found = self._by_signs(query, most, None)
        if found is not None:
            return self._page(found, limit, offset), len(found.places)
        page = self.page(query, limit, None, offset)
        shown = len(page.entries)
        if shown < limit and (shown or not offset):  # it says it all
            return page, offset + shown
        return page, self.count(query, most)

    def count(self, query: Query, most: int) -> int:
        """How many entries answer the question, looking no further than `most`, and than a page looks."""
        found = self._by_signs(query, most, None)
        if found is not None:
            return len(found.places)
        rows, _ = self._found(query, None, EntryRow.id)
        counted: int = rows.limit(most).count()
        return counted

    def _by_signs(self, query: Query, want: int, after: Cursor | None) -> Found | None:
        """The answer by the signs of blocks; None when an index answers, or has few entries to ask."""
        if not unindexed(query):
            return None
        ends = indexed(query, after)
        if ends and self._floor(ends, self._near) is None:
            return None
        return self._search.find(query, want, after)

    def _page(self, found: Found, limit: int, offset: int) -> Page:
        places = found.places[offset : offset + limit]
        wanted = EntryRow.select(_WHOLE).where(EntryRow.id << [number for _, number in places])
        entries = {each.id: each for each in _entries(wanted)} if places else {}
        following = Cursor(*places[-1]) if len(found.places) > offset + limit else found.floor
        return Page(tuple(entries[number] for _, number in places if number in entries), following)

    def most(self) -> int:
        """How many entries there may be at most, read off the oldest and the newest number."""
        # Two statements: SQLite finds one end at once, and reads everything for both.
        least = EntryRow.select(peewee.fn.MIN(EntryRow.id)).scalar()
        largest = EntryRow.select(peewee.fn.MAX(EntryRow.id)).scalar()
        return 0 if least is None else largest - least + 1

    def further(self, count: int, after: Cursor | None) -> Cursor | None:
        """The place of the entry that is the `count`-th newest of those older than `after`."""
        where = [] if after is None else [place() < (after.at, after.id)]
        return _cursor(newest_first(where, EntryRow.at, EntryRow.id).offset(count - 1).limit(1).first())

    def window(self, begin: Cursor, end: Cursor, size: int) -> Cursor:
        """The place behind `size` entries from `begin` on, oldest first; `end` when it comes before."""
        rows = EntryRow.select(EntryRow.at, EntryRow.id).where(*_between(begin, end))
        rows = rows.order_by(EntryRow.at, EntryRow.id).offset(size).limit(1)
        return _cursor(rows.first()) or end

    def between(self, begin: Cursor, end: Cursor, choice: Choice) -> list[Entry]:
        """The chosen entries from `begin` on and before `end`, oldest first."""
        rows = EntryRow.select(_WHOLE).where(*_between(begin, end), *_chosen(choice))
        return _entries(rows.order_by(EntryRow.at, EntryRow.id))

    def tally(self, begin: Cursor, end: Cursor, choice: Choice) -> int:
        """How many `between` would find."""
        counted: int = EntryRow.select().where(*_between(begin, end), *_chosen(choice)).count()
        return counted

    def remove(self, ids: Sequence[int]) -> None:
        """Remove these very entries; call it inside a transaction."""
        EntryRow.delete().where(EntryRow.id << list(ids)).execute()

    def _found(self, query: Query, after: Cursor | None, columns: Any) -> tuple[Any, Cursor | None]:
        """The select of the answer, and where looking stops; None when it goes through to the end."""
        ends, rest = indexed(query, after), unindexed(query)
        floor = self._floor(ends, self._window) if rest else None
        if floor is not None:
            rest.append(place() >= (floor.at, floor.id))
        return newest_first(ends + rest, columns), floor

    def _floor(self, where: list[Any], size: int) -> Cursor | None:
        return _cursor(newest_first(where, EntryRow.at, EntryRow.id).offset(size - 1).limit(1).first())


def _cursor(row: Any) -> Cursor | None:
    return None if row is None else Cursor(to_microseconds(row.at), row.id)


def _between(begin: Cursor, end: Cursor) -> list[Any]:
    return [place() >= (begin.at, begin.id), place() < (end.at, end.id)]


def _chosen(choice: Choice) -> list[Any]:
    if not choice.operations and not choice.others:
        return []
    conditions = []
    if choice.operations:
        conditions.append(EntryRow.operation << sorted(choice.operations))
    if choice.others:
        conditions.append(EntryRow.operation.not_in(sorted(ARTIFACT_OPERATIONS)))
    return [any_of(conditions)]


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


def _entries(rows: Any) -> list[Entry]:
    """What a select of `_WHOLE` finds."""
    return [
        Entry(number, from_microseconds(at), *values, Result(result), detail)  # type: ignore[call-arg]
        for number, at, *values, result, detail in database.execute(rows).fetchall()
    ]
