"""Somebody else's change between two statements of ours: what a race does once in a thousand times."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moorage.db.connection import close_connection, database, in_transaction, is_postgresql
from moorage.errors import MoorageError

_SECONDS = 20


@contextmanager
def crossing(owner: object, name: str, other: Callable[[], object]) -> Iterator[list[Any]]:
    """Let `other` happen in a thread of its own right after the method `name` of `owner` first returned.

    It is waited for until it has ended or stands before a lock of ours. On SQLite, where one transaction
    excludes the others, it comes after ours.

    Yields:
        A list for what `other` came to: what it returned, or the `MoorageError` that it raised.
    """
    original = getattr(owner, name)
    results: list[Any] = []
    threads: list[threading.Thread] = []
    first = iter([True])

    def crossed(*args: Any, **more: Any) -> Any:
        found = original(*args, **more)
        if next(first, False):  # `other` may come by here, too
            threads.append(_started(other, results))
        return found

    with patch.object(owner, name, crossed):
        yield results
    for thread in threads:
        thread.join(_SECONDS)
    assert threads, f"{name} was never called"
    assert results, "the other change did not end"
    if isinstance(results[0], Exception) and not isinstance(results[0], MoorageError):
        raise results[0]


def _started(other: Callable[[], object], results: list[Any]) -> threading.Thread:
    backends: list[int] = []

    def run() -> None:
        try:
            if is_postgresql():
                backends.append(database.execute_sql("SELECT pg_backend_pid()").fetchone()[0])
            results.append(other())
        except Exception as error:
            results.append(error)
        finally:
            close_connection()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if not in_transaction() or is_postgresql():
        deadline = time.monotonic() + _SECONDS
        while thread.is_alive() and not (backends and _waits(backends[0])):
            assert time.monotonic() < deadline, "the other change neither ended nor waits"
            thread.join(0.01)
    return thread


def _waits(backend: int) -> bool:
    if not is_postgresql():
        return False
    return bool(database.execute_sql("SELECT cardinality(pg_blocking_pids(%s))", (backend,)).fetchone()[0])
