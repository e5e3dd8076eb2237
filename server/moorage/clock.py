"""The time, as an argument: whoever needs it takes a `Clock`, so that tests pass a fixed one."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
