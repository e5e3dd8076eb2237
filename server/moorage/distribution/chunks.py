"""Long lists of values, cut to what one statement takes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: SQLite's limit is 32,766 values a statement; none here uses more than four a row.
SIZE = 1000


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists of at most `SIZE`."""
    left = iter(values)
    while chunk := list(islice(left, SIZE)):
        yield chunk
