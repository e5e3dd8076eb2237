"""`Indexing`: the chore that keeps the signs of the log up with it.

Nothing is written for it when an entry is: the newest entries have no segment yet, and are few enough to be
looked through. A long log that has none gets them from its oldest entry on, a bit at a time.
"""

import time

from moorage.audit.postings import BLOCKS
from moorage.audit.segment_store import Content, SegmentStore
from moorage.audit.signs import block_signs
from moorage.db.connection import atomic

#: Entries of a young segment, and of the one that takes the place of sixteen.
SMALL = 8 * BLOCKS
LARGE = 128 * BLOCKS

_SMALL_BUCKETS = 32
_LARGE_BUCKETS = 256
_READ_AT_ONCE = 4096
_BUSY_SECONDS = 5.0
_REST = 0.3


class Indexing:
    """Makes segments.

    Args:
        busy_seconds: how long one run works at most, but for what it has begun.
        small: numbers of a young segment, `large` of an old one; multiples of 256, `large` of `small`.
    """

    def __init__(
        self,
        store: SegmentStore,
        *,
        busy_seconds: float = _BUSY_SECONDS,
        small: int = SMALL,
        large: int = LARGE,
    ) -> None:
        self._store = store
        self._busy_seconds = busy_seconds
        self._small = small
        self._large = large

    def run(self) -> int:
        """Make segments of all entries that will not change; returns how many segments it made."""
        end = time.monotonic() + self._busy_seconds
        made = 0
        self._forget()
        settled = self._settled()
        while time.monotonic() < end:
            began = time.monotonic()
            if not self._make_next(settled):
                break
            made += 1
            time.sleep(_REST * (time.monotonic() - began))  # others use the processor and the database too
        return made

    def _settled(self) -> int:
        """The largest number below which no entry can appear any more; 0 when that cannot be said now."""
        _, largest = self._store.ends()
        moment = self._store.clock()  # after it: a transaction that began in between may have a number below
        return largest if self._store.is_settled(moment) else 0

    def _make_next(self, settled: int) -> bool:
        """Make one segment, or find that another process has; False when there is nothing to do."""
        chosen = self._next(settled)
        if chosen is None:
            return False
        first, size = chosen
        content = self._content(first, size)
        with atomic(durable=False):
            self._store.lock()
            # Reading took its time: what is next has changed if another process made a segment meanwhile.
            if self._next(settled) == chosen:
                self._store.drop(
                    each for each in self._store.all() if first <= each.first_id <= content.last_id
                )
                self._store.add(content, _LARGE_BUCKETS if size == self._large else _SMALL_BUCKETS)
        return True

    def _next(self, settled: int) -> tuple[int, int] | None:
        """The first number of the segment that is to be made, and how many numbers it has."""
        least, _ = self._store.ends()
        last = self._store.last()
        start = least - least % self._large
        first = start if last is None else max(start, last + 1)
        if first % self._large == 0 and first + self._large - 1 <= settled:
            return first, self._large
        end = first + self._small
        if end - 1 > settled:
            return None
        return (end - self._large, self._large) if end % self._large == 0 else (first, self._small)

    def _content(self, first: int, size: int) -> Content:
        width = size // BLOCKS
        newest, oldest = [-1] * BLOCKS, [-1] * BLOCKS
        postings: dict[int, int] = {}
        step = max(width, _READ_AT_ONCE)
        for start in range(first, first + size, step):
            rows = self._store.entries(start, min(start + step, first + size) - 1)
            by_block: dict[int, list[tuple[object, ...]]] = {}
            for row in rows:
                by_block.setdefault((int(str(row[0])) - first) // width, []).append(row)
            for number, found in by_block.items():
                moments = [int(str(row[1])) for row in found]
                newest[number], oldest[number] = max(moments), min(moments)
                bit = 1 << number
                for sign in block_signs([row[2:] for row in found]):
                    postings[sign] = postings.get(sign, 0) | bit
        return Content(first, first + size - 1, newest, oldest, postings)

    def _forget(self) -> None:
        """Drop the segments whose entries were all purged."""
        least, largest = self._store.ends()
        for each in self._store.all():
            if largest and each.last_id < least:
                with atomic(durable=False):
                    self._store.drop([each])
