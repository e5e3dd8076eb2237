"""Segments of the log: which blocks of entries have which signs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

from moorage.audit.postings import ALL, BLOCKS, blocks_of, members, pack
from moorage.audit.signs import COLUMNS
from moorage.db.connection import Statement, is_postgresql

_TIMES = Struct(f">{2 * BLOCKS}q")
_BUCKETS_AT_ONCE = 64
_SIGNS_AT_ONCE = 4
_LOCK = 0x4D6F6F72_73656773  # any number, the same in every node


@dataclass(frozen=True, slots=True)
class Segment:
    """A range of entries by their numbers; moments are microseconds since 1970."""

    id: int
    first_id: int
    last_id: int
    block_entries: int
    buckets: int
    oldest_at: int
    newest_at: int


@dataclass(frozen=True, slots=True)
class Block:
    """A smaller one."""

    first_id: int
    last_id: int
    newest_at: int

    @property
    def entries(self) -> int:
        """How many it may have."""
        return self.last_id - self.first_id + 1


@dataclass(frozen=True, slots=True)
class Content:
    """What a new segment says of itself.

    Attributes:
        newest: the moment of the newest entry of each block, -1 where there is none; `oldest` likewise.
        postings: the blocks that have a sign, by the sign.
    """

    first_id: int
    last_id: int
    newest: Sequence[int]
    oldest: Sequence[int]
    postings: Mapping[int, int]


_ENTRIES = f"SELECT id, at, {', '.join(COLUMNS)} FROM audit_entry WHERE id BETWEEN ? AND ? ORDER BY id"  # noqa: S608
# A row gets its number before it is seen. Whoever has no number for the log after a minute takes none.
_WRITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND xact_start <= to_timestamp(?)
AND (backend_xid IS NOT NULL OR xact_start > to_timestamp(?) - interval '1 minute')
"""


class SegmentStore:
    """Reads and writes `audit_segment` and `audit_bucket`."""

    _all = Statement(
        "SELECT id, first_id, last_id, block_entries, buckets, oldest_at, newest_at FROM audit_segment "
        "ORDER BY newest_at DESC, id DESC"
    )
    _last = Statement("SELECT max(last_id) FROM audit_segment")
    _ends = (
        Statement("SELECT min(id) FROM audit_entry"),
        Statement("SELECT max(id) FROM audit_entry"),
    )
    _clock = Statement("SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)")
    _writing = Statement(_WRITING)
    _entries = Statement(_ENTRIES)
    _lock = Statement("SELECT pg_advisory_xact_lock(?)")
    _add = Statement(
        "INSERT INTO audit_segment (first_id, last_id, block_entries, buckets, oldest_at, newest_at, times) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"
    )
    _add_bucket = Statement("INSERT INTO audit_bucket (segment_id, bucket, postings) VALUES (?, ?, ?)")
    _add_buckets = Statement(
        "INSERT INTO audit_bucket (segment_id, bucket, postings) VALUES (?, ?, ?)"
        + ", (?, ?, ?)" * (_BUCKETS_AT_ONCE - 1)
    )
    _drop = Statement("DELETE FROM audit_segment WHERE id = ?")
    _drop_buckets = Statement("DELETE FROM audit_bucket WHERE segment_id = ?")

    def all(self) -> list[Segment]:
        """Every segment, the one with the newest entry first."""
        return [Segment(*row) for row in self._all.all()]

    def ends(self) -> tuple[int, int]:
        """The least and the largest number of an entry; (1, 0) when there is none."""
        least, largest = (_number(statement) for statement in self._ends)
        return (1, 0) if least is None or largest is None else (least, largest)

    def last(self) -> int | None:
        """The last number of any segment; None when there is none."""
        return _number(self._last)

    def clock(self) -> float:
        """The moment on the database's clock; 0 where nobody needs it."""
        if not is_postgresql():
            return 0.0
        row = self._clock.one()
        return float(row[0]) if row else 0.0

    def is_settled(self, moment: float) -> bool:
        """Whether all that began to write before this moment of `clock` has ended.

        Only then every number that was given out before it is seen, or never will be. SQLite gives them
        out one after the other.
        """
        if not is_postgresql():
            return True
        row = self._writing.one(moment, moment)
        return row is not None and row[0] == 0

    def entries(self, first_id: int, last_id: int) -> list[tuple[object, ...]]:
        """Number, moment and `COLUMNS` of the entries of a range, in the order of their numbers."""
        return self._entries.all(first_id, last_id)

    def lock(self) -> None:
        """Be the only one that changes segments until this transaction ends; on SQLite it is by itself."""
        if is_postgresql():
            self._lock.one(_LOCK)

    def add(self, content: Content, buckets: int) -> None:
        """Write a segment that overlaps no other; call it inside a transaction, behind `lock`."""
        there = [at for at in content.newest if at >= 0]
        row = self._add.one(
            content.first_id,
            content.last_id,
            (content.last_id - content.first_id + 1) // BLOCKS,
            buckets,
            min((at for at in content.oldest if at >= 0), default=-1),
            max(there, default=-1),
            _TIMES.pack(*content.newest, *content.oldest),
        )
        number = row[0] if row else 0
        packed = list(enumerate(pack(content.postings, buckets)))
        whole = len(packed) - len(packed) % _BUCKETS_AT_ONCE
        for start in range(0, whole, _BUCKETS_AT_ONCE):
            batch = packed[start : start + _BUCKETS_AT_ONCE]
            self._add_buckets.run(*(value for place, data in batch for value in (number, place, data)))
        for place, data in packed[whole:]:
            self._add_bucket.run(number, place, data)

    def drop(self, segments: Iterable[Segment]) -> None:
        """Forget segments; call it inside a transaction."""
        for each in segments:
            self._drop_buckets.run(each.id)
            self._drop.run(each.id)

    def candidates(
        self, segments: Sequence[Segment], signs: Sequence[Sequence[int]], oldest: int, newest: int
    ) -> list[Block]:
        """The blocks that may hold an entry with all signs, from moment `oldest` to moment `newest`.

        Args:
            signs: of each sequence at least one.
        """
        if not segments:
            return []
        blocks = _having(segments, signs)
        segments = [each for each in segments if blocks[each.id]]
        times = _times(segments)
        found = []
        for segment in segments:
            held = times.get(segment.id)
            if held is None:  # gone meanwhile, its entries are in another one: all of it is looked through
                found.append(Block(segment.first_id, segment.last_id, segment.newest_at))
                continue
            for number in members(blocks[segment.id]):
                newest_at, oldest_at = held[number], held[number + BLOCKS]
                if newest_at >= oldest and 0 <= oldest_at <= newest:
                    first = segment.first_id + number * segment.block_entries
                    found.append(Block(first, first + segment.block_entries - 1, newest_at))
        return found


def _having(segments: Sequence[Segment], signs: Sequence[Sequence[int]]) -> dict[int, int]:
    """The blocks of each segment that have all signs; asked by fours, as the first often rule all out."""
    found = {each.id: ALL for each in segments}
    for start in range(0, len(signs), _SIGNS_AT_ONCE):
        some = signs[start : start + _SIGNS_AT_ONCE]
        left = [each for each in segments if found[each.id]]
        known = _buckets(_wanted(left, some))
        for each in left:
            found[each.id] &= _blocks(each, some, known)
    return found


def _wanted(segments: Sequence[Segment], signs: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    """The segments to read each bucket of."""
    every = {sign for each in signs for sign in each}
    found: dict[int, set[int]] = {}
    for segment in segments:
        for sign in every:
            found.setdefault(segment.id, set()).add(sign % segment.buckets)
    return {number: sorted(buckets) for number, buckets in found.items()}


def _buckets(wanted: Mapping[int, Sequence[int]]) -> dict[tuple[int, int], bytes]:
    by_buckets: dict[tuple[int, ...], list[int]] = {}
    for number, buckets in wanted.items():
        by_buckets.setdefault(tuple(buckets), []).append(number)
    found: dict[tuple[int, int], bytes] = {}
    for chosen, numbers in by_buckets.items():
        rows = Statement(
            "SELECT segment_id, bucket, postings FROM audit_bucket "  # noqa: S608 - marks alone
            f"WHERE segment_id IN ({_marks(numbers)}) AND bucket IN ({_marks(chosen)})"
        ).binary(*numbers, *chosen)
        found.update(((number, bucket), bytes(data)) for number, bucket, data in rows)
    return found


def _times(segments: Sequence[Segment]) -> dict[int, tuple[int, ...]]:
    if not segments:
        return {}
    numbers = [each.id for each in segments]
    rows = Statement(
        f"SELECT id, times FROM audit_segment WHERE id IN ({_marks(numbers)})"  # noqa: S608 - marks alone
    ).binary(*numbers)
    return {number: _TIMES.unpack(bytes(times)) for number, times in rows}


def _blocks(segment: Segment, signs: Sequence[Sequence[int]], known: Mapping[tuple[int, int], bytes]) -> int:
    found = ALL
    for alternatives in signs:
        some = 0
        for sign in alternatives:
            bucket = known.get((segment.id, sign % segment.buckets))
            some |= ALL if bucket is None else blocks_of(bucket, sign)
        found &= some
        if not found:
            break
    return found


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _number(statement: Statement) -> int | None:
    row = statement.one()
    return None if row is None or row[0] is None else int(row[0])
