"""One change to the registry's rows: a transaction that is begun again when another one crossed it.

On PostgreSQL two transactions may both look for a row, find none, and both write it, or wait for
each other in a circle. The database then ends one of them; its client did nothing wrong.
"""

from collections.abc import Callable
from typing import TypeVar

from moorage.db.connection import DatabaseIllError, IntegrityError, atomic, in_transaction
from moorage.distribution.errors import StorageFullError

T = TypeVar("T")

_TRIES = 8
_SQLITE_FULL = 13
_DISK_FULL = "53100"
_CROSSED = frozenset({"40001", "40P01"})  # serialisation failure, deadlock


def change(action: Callable[[], T], *, durable: bool = True) -> T:
    """Run `action` in a transaction of its own, several times if need be.

    `action` must have no effect outside the database. Inside another transaction it runs once,
    as a part of that.

    Args:
        durable: see `atomic`.

    Raises:
        StorageFullError: the database has no room; nothing was changed.
    """
    for _ in range(1 if in_transaction() else _TRIES - 1):
        try:
            return _once(action, durable)
        except IntegrityError:
            if in_transaction():
                raise
        except DatabaseIllError as error:
            if in_transaction() or _state(error) not in _CROSSED:
                raise
    return _once(action, durable)


def _once(action: Callable[[], T], durable: bool) -> T:
    try:
        with atomic(durable=durable):
            return action()
    except DatabaseIllError as error:
        if _is_full(error):
            raise StorageFullError("the registry's database is full") from error
        raise


def _driver_error(error: BaseException) -> object:
    return getattr(error, "orig", None)


def _state(error: BaseException) -> str:
    return str(getattr(_driver_error(error), "sqlstate", ""))


def _is_full(error: BaseException) -> bool:
    """Also of what came after it: SQLite undoes a commit that finds no room, and then cannot do so again."""
    cause: BaseException | None = error
    while cause is not None:
        code = getattr(_driver_error(cause) or cause, "sqlite_errorcode", 0)
        if code & 0xFF == _SQLITE_FULL or _state(cause) == _DISK_FULL:
            return True
        cause = cause.__context__
    return False
