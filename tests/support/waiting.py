"""Two transactions of one test, of which one waits for the other; PostgreSQL alone has such."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from moorage.db.connection import atomic, close_connection, database

SECONDS = 60


@contextmanager
def ahead_of(later: Callable[[], object]) -> Iterator[Future[object]]:
    """The block is a transaction that commits only after `later`, on another connection, waits for it.

    What `later` comes to is in the future; it has ended when the block has.
    """
    with ThreadPoolExecutor(1) as threads:
        with atomic():
            future: Future[object] = Future()
            yield future
            running = threads.submit(_closing, later)
            _wait_until_somebody_waits()
        try:
            future.set_result(running.result(SECONDS))
        except Exception as error:
            future.set_exception(error)


def _closing(action: Callable[[], object]) -> object:
    try:
        return action()
    finally:
        close_connection()


def _wait_until_somebody_waits() -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    end = time.monotonic() + SECONDS
    while not database.execute_sql(query).fetchone()[0]:
        assert time.monotonic() < end, "nobody waits"
        # The view is read once in a transaction, unless it is told to look again.
        database.execute_sql("SELECT pg_stat_clear_snapshot()")
        time.sleep(0.01)
