"""The one database handle; the differences between SQLite and PostgreSQL end in this room.

Each thread has its own connection, opened on first use and kept. Reads run outside transactions.
Every change runs inside `atomic()`.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peewee
import psycopg

database = peewee.DatabaseProxy()

IntegrityError = peewee.IntegrityError
#: A unique key or a foreign key refused a row: what two changes at once run into.
_KEYS = frozenset(
    (
        "23503",
        "23505",
        "SQLITE_CONSTRAINT_FOREIGNKEY",
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_CONSTRAINT_UNIQUE",
    )
)
#: What the database raises when it is out of reach, locked for too long, or its disk is full.
DatabaseIllError = (peewee.OperationalError, peewee.InterfaceError, peewee.InternalError)

_BUSY_SECONDS = 10
_BULK_PAGES = 10_000
_NOTHING_LEFT = ("no transaction is active", "no such savepoint")
_PRAGMAS = {
    "journal_mode": "wal",
    # An answer 201 promises that the row survives a power cut.
    "synchronous": "full",
    "foreign_keys": 1,
    "cache_size": -65536,
    "mmap_size": 268435456,
    "wal_autocheckpoint": 1000,
    "temp_store": "memory",
}


class Row(peewee.Model):
    """The base of every table."""

    class Meta:
        database = database
        legacy_table_names = False


class _Postgresql(peewee.PostgresqlDatabase):
    """Every statement of ours is over within milliseconds, which to compile or to share out takes longer."""

    def _initialize_connection(self, conn: Any) -> None:
        conn.execute("SET jit = off")
        conn.execute("SET max_parallel_workers_per_gather = 0")


class _Turns:
    """Who may write next to one SQLite file.

    SQLite makes a second writer poll with growing pauses; a queue of a lock in the process and
    a file lock between processes wakes the next writer at once. Both die with the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._owner = -1

    @contextmanager
    def take(self) -> Iterator[None]:
        with self._lock:
            if self._owner != os.getpid():  # a lock inherited through fork would be shared
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                self._owner = os.getpid()
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back; whoever takes a turn later opens it again."""
        with self._lock:
            if self._owner == os.getpid():
                os.close(self._descriptor)
            self._owner = -1


@dataclass
class _Bound:
    """What belongs to the database that the handle is bound to."""

    turns: _Turns | None = None


_bound = _Bound()


def open_database(url: str) -> None:
    """Bind the handle to `url`; connections open later, one a thread.

    Args:
        url: ``sqlite:////absolute/file.sqlite`` or ``postgresql://user:password@host:port/name``.

    Raises:
        ValueError: the scheme is neither of the two.
    """
    if _bound.turns is not None:
        _bound.turns.close()
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _bound.turns = _Turns(path.with_name(path.name + ".turn"))
        database.initialize(
            peewee.SqliteDatabase(
                str(path),
                pragmas=_PRAGMAS,
                lock_type="IMMEDIATE",
                timeout=_BUSY_SECONDS,
                cached_statements=512,
            )
        )
    elif url.startswith(("postgresql://", "postgres://")):
        _bound.turns = None
        database.initialize(_Postgresql(url, prefer_psycopg3=True))
    else:
        raise ValueError("a database URL starts with sqlite:/// or postgresql://")


def close_connection() -> None:
    """Close this thread's connection; the next use opens a new one."""
    if not database.is_closed():
        database.close()


def is_postgresql() -> bool:
    """Whether the handle is bound to PostgreSQL."""
    return isinstance(database.obj, peewee.PostgresqlDatabase)


def in_transaction() -> bool:
    """Whether this thread has a transaction open."""
    return bool(database.in_transaction())


@contextmanager
def atomic(*, durable: bool = True) -> Iterator[None]:
    """One transaction for a change, its audit row and its tasks; a nested one is a savepoint.

    On SQLite it begins IMMEDIATE: a deferred transaction that reads and then writes fails at
    once when another writer came between, and no time-out cures that.

    Args:
        durable: wait until the change is on the medium. Without it a power cut (not the end of a
            process) may undo the change as a whole, for things that nobody was promised.
    """
    if database.in_transaction():
        with database.atomic():
            yield
    elif _bound.turns is None:
        with database.atomic():
            if not durable:
                database.execute_sql("SET LOCAL synchronous_commit TO off")
            yield
    else:
        with _bound.turns.take(), _synced(durable), _first_cause(), database.atomic():
            yield


@contextmanager
def _first_cause() -> Iterator[None]:
    """When its disk is full SQLite undoes the transaction itself; that there is nothing left to undo then
    tells nobody what went wrong.
    """
    try:
        yield
    except peewee.OperationalError as error:
        cause: BaseException | None = error
        while cause is not None and any(words in str(cause) for words in _NOTHING_LEFT):
            cause = cause.__context__
        if cause is error or not isinstance(cause, DatabaseIllError):
            raise
        raise cause from None


def refused_by_a_key(error: IntegrityError) -> bool:
    """Whether a unique or a foreign key refused the row, and not a rule that no other change can break."""
    driver = getattr(error, "orig", None) or error.__cause__
    return bool(_KEYS & {getattr(driver, "sqlstate", ""), getattr(driver, "sqlite_errorname", "")})


@contextmanager
def _synced(durable: bool) -> Iterator[None]:
    if durable:
        yield
        return
    database.execute_sql("PRAGMA synchronous = normal")
    try:
        yield
    finally:
        database.execute_sql(f"PRAGMA synchronous = {_PRAGMAS['synchronous']}")


@contextmanager
def bulk() -> Iterator[None]:
    """For many changes in a row by this thread: SQLite copies pages from its log to the file less often.

    One page is changed again and again, and only its last state is copied. The log grows to 40 MiB.
    """
    if _bound.turns is None:
        yield
        return
    database.execute_sql(f"PRAGMA wal_autocheckpoint = {_BULK_PAGES}")
    try:
        yield
    finally:
        database.execute_sql(f"PRAGMA wal_autocheckpoint = {_PRAGMAS['wal_autocheckpoint']}")


class Statement:
    """Fixed SQL for the hot path, written with ``?`` and run on either database."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, text: str) -> None:
        self._sqlite = text
        self._postgresql = text.replace("?", "%s")

    def one(self, *parameters: object) -> tuple[Any, ...] | None:
        """The first row, or None."""
        row: tuple[Any, ...] | None = self._execute(parameters).fetchone()
        return row

    def all(self, *parameters: object) -> list[tuple[Any, ...]]:
        """Every row."""
        rows: list[tuple[Any, ...]] = self._execute(parameters).fetchall()
        return rows

    def binary(self, *parameters: object) -> list[tuple[Any, ...]]:
        """Every row; for those with many bytes, which PostgreSQL else sends in hexadecimal digits."""
        if not is_postgresql():
            return self.all(*parameters)
        cursor = database.cursor()
        cursor.format = psycopg.pq.Format.BINARY
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # not in the stubs
            rows: list[tuple[Any, ...]] = cursor.execute(self._postgresql, parameters).fetchall()
        return rows

    def run(self, *parameters: object) -> int:
        """Run a change; returns how many rows it touched."""
        count: int = self._execute(parameters).rowcount
        return count

    def _execute(self, parameters: Sequence[object]) -> Any:
        text = self._postgresql if is_postgresql() else self._sqlite
        return database.execute_sql(text, parameters)


def probe() -> None:
    """Ask the database something.

    Raises:
        DatabaseIllError: it does not answer.
    """
    try:
        database.execute_sql("SELECT 1").fetchone()
    except DatabaseIllError:
        close_connection()
        raise
