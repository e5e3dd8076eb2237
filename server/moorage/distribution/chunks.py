"""Long lists of values, cut to what one statement takes."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TypeVar

from moorage.db.connection import Statement

T = TypeVar("T")

#: SQLite's limit is 32,766 values a statement; none here uses more than four a row.
SIZE = 1000
#: Places in the lists of fixed statements; few images have more layers.
WIDTH = 16


def chunks(values: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk


def padded(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists of exactly `WIDTH`, for ``IN (...)``: the last one is repeated."""
    for chunk in chunks(values, WIDTH):
        yield chunk + chunk[-1:] * (WIDTH - len(chunk))


@lru_cache(maxsize=2048)
def listed(text: str, count: int, place: str = "?") -> Statement:
    """The statement `text` with so many places where it says ``{}``."""
    return Statement(text.format(", ".join([place] * count)))
