"""Looking for entries in the log: by an index where one answers, else block by block, newest first.

A block is looked at when the signs say that it may hold an answer, and what is in it is asked itself. So the
signs never decide what an answer is, only where none is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import peewee

from moorage.audit.model import Cursor, Query
from moorage.audit.segment_store import Block, Segment, SegmentStore
from moorage.audit.signs import folded, query_signs
from moorage.audit.tables import EntryRow
from moorage.db.connection import database, is_postgresql
from moorage.db.fields import to_microseconds

_EXACT = (
    *("actor_kind", "resource_type", "resource", "project", "repository"),
    *("tag", "digest", "address", "request_id"),
)
_SEARCHED = (EntryRow.resource, EntryRow.actor, EntryRow.address, EntryRow.detail)

#: Entries that one answer looks at, when the signs do not tell where the answers are.
BUDGET = 12_000
#: More entries without a segment than these are not looked through at once.
TAIL = 16_384

_FIRST_ENTRIES = 512
_MOST_ENTRIES = 4096
_MOST_RANGES = 64
_GAP = 64
_FIRST_SEGMENTS = 8
_MOST_SEGMENTS = 64
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Found:
    """Places of entries, newest first.

    Attributes:
        floor: where looking stopped; None when it went through to the end, or far enough.
    """

    places: Sequence[tuple[int, int]]
    floor: Cursor | None


class SearchStore:
    """Finds the places of entries by the segments of the log."""

    def __init__(self, segments: SegmentStore, *, budget: int = BUDGET, tail: int = TAIL) -> None:
        self._segments = segments
        self._budget = budget
        self._tail = tail

    def find(self, query: Query, want: int, after: Cursor | None) -> Found | None:
        """The newest `want` answers older than `after`; None when the log has too few segments for that."""
        segments = self._segments.all()
        last = max((each.last_id for each in segments), default=None)
        _, largest = self._segments.ends()
        if last is None or largest - last > self._tail:
            return None
        return _Walk(self._segments, query, after).through(segments, last, want, self._budget)


class _Walk:
    """One search, from the newest block towards the oldest."""

    def __init__(self, store: SegmentStore, query: Query, after: Cursor | None) -> None:
        self._store = store
        self._after = after
        self._where = _everything(query)
        self._signs = query_signs(query)
        self._lowest = 0 if query.since is None else to_microseconds(query.since)
        self._highest = _LATEST if query.until is None else to_microseconds(query.until)
        if after is not None:
            self._highest = min(self._highest, after.at if after.id else after.at - 1)
        # A set: a gap between two blocks may hold one that is looked at later.
        self._places: set[tuple[int, int]] = set()
        self._spent = 0

    def through(self, segments: Sequence[Segment], last: int, want: int, budget: int) -> Found:
        """Look until `want` answers are found that nothing newer can come before."""
        left = [s for s in segments if s.newest_at >= self._lowest and 0 <= s.oldest_at <= self._highest]
        pending: list[Block] = []
        self._look([EntryRow.id > last])
        entries, many = _FIRST_ENTRIES, _FIRST_SEGMENTS
        while True:
            while left and (not pending or pending[0].newest_at <= left[0].newest_at):
                pending += self._store.candidates(left[:many], self._signs, self._lowest, self._highest)
                pending.sort(key=lambda block: block.newest_at, reverse=True)
                left, many = left[many:], min(2 * many, _MOST_SEGMENTS)
            if not pending:
                return Found(sorted(self._places, reverse=True)[:want], None)
            bound = min(pending[0].newest_at, self._highest)
            # Whatever is not looked at yet happened at `bound` or before.
            certain = [found for found in self._places if found[0] > bound]
            if len(certain) >= want:
                return Found(sorted(certain, reverse=True)[:want], None)
            if self._spent >= budget and bound < self._highest:
                return Found(sorted(certain, reverse=True), Cursor(bound + 1, 0))
            blocks = max(1, entries // pending[0].entries)
            ranges = _ranges(pending[:blocks])
            if len(ranges) > _MOST_RANGES:
                blocks = _MOST_RANGES
                ranges = _ranges(pending[:blocks])
            self._spent += sum(last - first + 1 for first, last in ranges)
            self._look([EntryRow.id.between(*ends) for ends in ranges])
            pending, entries = pending[blocks:], min(2 * entries, _MOST_ENTRIES)

    def _look(self, ranges: list[Any]) -> None:
        rows = EntryRow.select(EntryRow.at, EntryRow.id).where(any_of(ranges), *self._where)
        for at, number in database.execute(rows).fetchall():
            if self._lowest <= at <= self._highest and (
                self._after is None or (at, number) < (self._after.at, self._after.id)
            ):
                self._places.add((at, number))


def _ranges(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    """The numbers of the blocks; what lies close together is one range, which costs less than two."""
    found: list[tuple[int, int]] = []
    for block in sorted(blocks, key=lambda each: each.first_id):
        if found and block.first_id - found[-1][1] <= _GAP:
            found[-1] = (found[-1][0], block.last_id)
        else:
            found.append((block.first_id, block.last_id))
    return found


def newest_first(where: list[Any], *columns: Any) -> Any:
    rows = EntryRow.select(*columns)
    if where:
        rows = rows.where(*where)
    return rows.order_by(EntryRow.at.desc(), EntryRow.id.desc())


def place() -> Any:
    return peewee.Tuple(EntryRow.at, EntryRow.id)


def indexed(query: Query, after: Cursor | None) -> list[Any]:
    """Conditions that walk an index from one end to the other."""
    where: list[Any] = []
    until = None if query.until is None else to_microseconds(query.until)
    # The lower of two upper ends alone: given both, a database may begin at the higher one and walk down.
    if after is not None and (until is None or after.at <= until):
        where.append(place() < (after.at, after.id))
    elif until is not None:
        where.append(EntryRow.at <= until)
    if query.since is not None:
        where.append(EntryRow.at >= query.since)
    if query.project_id is not None:
        where.append(EntryRow.project_id == query.project_id)
    elif query.actor is not None:
        where.append(EntryRow.actor == query.actor)
    return where


def unindexed(query: Query) -> list[Any]:
    """Conditions that every entry on the way has to be asked for."""
    where = _unindexed(query)
    if query.project_id is not None and query.actor is not None:
        where.append(EntryRow.actor == query.actor)
    return where


def _everything(query: Query) -> list[Any]:
    """All conditions but those on time, none of which tempts a database to leave a range of numbers for an
    index of its own choice.
    """
    where = _unindexed(query)
    if query.project_id is not None:
        where.append(peewee.fn.COALESCE(EntryRow.project_id, 0) == query.project_id)
    if query.actor is not None:
        where.append(peewee.fn.COALESCE(EntryRow.actor, "") == query.actor)
    return where


def _unindexed(query: Query) -> list[Any]:
    where: list[Any] = [
        getattr(EntryRow, name) == getattr(query, name) for name in _EXACT if getattr(query, name) is not None
    ]
    if query.project_ids is not None:
        where.append(peewee.fn.COALESCE(EntryRow.project_id, 0) << list(query.project_ids))
    if query.operations or query.verbs:
        exact = [EntryRow.operation << list(query.operations)] if query.operations else []
        begins = [_begins_with(EntryRow.operation, f"{verb}_") for verb in query.verbs]
        where.append(any_of([*exact, *begins]))
    if query.result is not None:
        where.append(EntryRow.result == query.result.value)
    if query.actor_part is not None:
        where.append(_holds(EntryRow.actor, query.actor_part))
    if query.resource_part is not None:
        where.append(_holds(EntryRow.resource, query.resource_part))
    if query.text is not None:
        where.append(any_of([_holds(column, query.text) for column in _SEARCHED]))
    return where


def _holds(column: peewee.Field, part: str) -> Any:
    """Whether the column has the part, whatever the case of the letters a to z."""
    if not is_postgresql():
        return column.contains(part)
    # `column` sorts by bytes, so `lower` changes these letters alone; twice as fast as ILIKE.
    return peewee.fn.STRPOS(peewee.fn.LOWER(column), folded(part).decode()) > 0


def _begins_with(column: peewee.Field, text: str) -> Any:
    """Whether the column begins with the text, whatever the case of the letters a to z."""
    if not is_postgresql():
        return column.startswith(text)
    # Without a collation named, a language would be asked how it folds each value: five times as slow.
    return peewee.fn.STARTS_WITH(peewee.fn.LOWER(column.collate('"C"')), folded(text).decode())


def any_of(conditions: list[Any]) -> Any:
    return reduce(or_, conditions)
