"""Logs of one length on SQLite and on PostgreSQL, and questions to them."""

import random
import shutil
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from moorage.audit.indexing import Indexing
from moorage.audit.model import Cursor, Entry, Query, Result
from moorage.audit.segment_store import SegmentStore
from moorage.audit.store import AuditStore
from moorage.db import migrate
from moorage.db.connection import atomic, close_connection, database, is_postgresql, open_database
from moorage.db.fields import from_microseconds
from tests.bench.log_entries import (
    COLUMNS,
    START,
    STEP,
    Needles,
    digest_at,
    entries,
    repository_at,
    request_at,
)
from tests.bench.timing import Stopwatch
from tests.support.postgresql import PostgresqlServer

_AT_ONCE = 20_000
_PAGE = 50
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    p50: float
    p95: float
    found: int


def questions(count: int) -> dict[str, Callable[[random.Random], Query]]:
    """Kinds of questions by name; each gives another question with each call."""
    needles = Needles()

    def number(chance: random.Random) -> int:
        return chance.randrange(count)

    return {
        "everything": lambda _: Query(),
        "user_common": lambda _: Query(actor="user-001"),
        "user_rare": lambda _: Query(actor=needles.actor),
        "user_part": lambda c: Query(actor_part=f"ER-{c.randrange(500):03d}"),
        "user_part_rare": lambda _: Query(actor_part="KARIN"),
        "user_part_none": lambda c: Query(actor_part=f"nobody{c.randrange(999)}x"),
        "kind": lambda _: Query(actor_kind="robot"),
        "kind_none": lambda _: Query(actor_kind="service"),
        "operation_common": lambda _: Query(operations=("pull_artifact",)),
        "operation_rare": lambda _: Query(operations=(needles.operation,)),
        "verb": lambda _: Query(verbs=("create", "push", "mount")),
        "resource": lambda c: Query(resource=f"{repository_at(number(c))[1]}:v1.7.3"),
        "resource_part": lambda c: Query(resource_part=f"service-{c.randrange(3000):04d}:"),
        "resource_type": lambda _: Query(resource_type="tag"),
        "resource_type_rare": lambda _: Query(resource_type="project"),
        "project": lambda c: Query(project_id=c.randrange(1, 200)),
        "project_name": lambda c: Query(project=f"team{c.randrange(200):03d}"),
        "my_projects": lambda c: Query(project_ids=tuple(c.randrange(1, 200) for _ in range(5))),
        "repository": lambda c: Query(repository=repository_at(number(c))[1]),
        "repository_rare": lambda _: Query(repository=needles.repository),
        "tag": lambda c: Query(tag=f"v1.{c.randrange(60)}.3"),
        "tag_rare": lambda _: Query(tag=needles.tag),
        "digest": lambda c: Query(digest=digest_at(number(c))),
        "digest_none": lambda c: Query(digest=f"sha256:{c.randrange(16**64):064x}"),
        "address": lambda c: Query(address=f"10.{c.randrange(7)}.{c.randrange(40)}.2"),
        "address_rare": lambda _: Query(address=needles.address),
        "denied": lambda _: Query(result=Result.DENIED),
        "failed": lambda _: Query(result=Result.FAILED),
        "request_id": lambda c: Query(request_id=request_at(number(c))),
        "request_none": lambda c: Query(request_id=f"{c.randrange(16**32):032x}"),
        "time": lambda c: _span(c, count, 3600),
        "text_common": lambda _: Query(text="service"),
        "text": lambda c: Query(text=f"SERVICE-{c.randrange(3000):04d}"),
        "text_rare": lambda _: Query(text=needles.text),
        "text_none": lambda c: Query(text=f"no such text {c.randrange(10**6)}"),
        "text_digest": lambda c: Query(text=digest_at(number(c))[:30]),
        "denied_of_user": lambda c: Query(actor=f"user-{c.randrange(9) * 3 + 1:03d}", result=Result.DENIED),
        "push_in_project": lambda c: Query(project_id=c.randrange(1, 200), verbs=("push",)),
        "text_in_project": lambda c: Query(project_id=c.randrange(1, 200), text="v1.7.3"),
        "denied_in_a_day": lambda c: _denied(_span(c, count, 86_400)),
        "repository_and_robot": lambda c: Query(repository=repository_at(number(c))[1], actor_kind="robot"),
    }


def measure(count: int, name: str, *, deep: bool) -> Times:
    """First pages of a kind of question, or pages that begin anywhere."""
    store, chance, ask = AuditStore(), random.Random(name), questions(count)[name]
    times, found = [], 0
    for _ in range(_TRIES + 2):
        query = ask(chance)
        after = Cursor(START + chance.randrange(count) * STEP, 1) if deep else None
        watch = Stopwatch()
        found += len(store.page(query, _PAGE, after).entries)
        times.append(watch.elapsed() * 1000)
    times = times[2:]
    return Times(statistics.median(times), statistics.quantiles(times, n=20)[-1], found)


def total(count: int, name: str) -> float:
    """The 95th percentile of what ``X-Total-Count`` takes."""
    store, chance, ask = AuditStore(), random.Random(name), questions(count)[name]
    times = []
    for _ in range(_TRIES):
        query = ask(chance)
        watch = Stopwatch()
        store.count(query, 10_001)
        times.append(watch.elapsed() * 1000)
    return statistics.quantiles(times, n=20)[-1]


def fill(count: int) -> None:
    """Write the log of the bound database and give it its segments."""
    watch, rows = Stopwatch(), entries(count)
    while batch := list(islice(rows, _AT_ONCE)):
        with atomic(durable=False):
            _copy(batch)
    said = f"{count} entries in {watch.elapsed():.0f} s"
    if is_postgresql():
        database.execute_sql("VACUUM ANALYZE audit_entry")
    watch = Stopwatch()
    made = Indexing(SegmentStore(), busy_seconds=3600).run()
    print(f"  {said}, {made} segments in {watch.elapsed():.0f} s", file=sys.stderr)


def append_one(number: int) -> float:
    """Milliseconds for one entry in a transaction of its own."""
    return _append([_new(number)])


def append_many(number: int) -> float:
    """Milliseconds for a thousand gathered entries."""
    return _append([_new(number * 1000 + each) for each in range(1000)], durable=False)


class Logs:
    """A long log and an empty one in each database, made when they are asked for.

    Args:
        stack: ends the server and removes the files.
        count: entries of the long one.
    """

    def __init__(self, folder: Path, stack: ExitStack, count: int) -> None:
        self._folder = folder
        self._stack = stack
        self.count = count
        self._server: PostgresqlServer | None = None
        self._known: dict[tuple[str, int], str] = {}

    def bind(self, kind: str, *, long: bool) -> str:
        """Have all of this module speak of one of them; returns its address."""
        count = self.count if long else 0
        if self._known:
            close_connection()
        url = self._known.get((kind, count))
        if url is not None:
            open_database(url)
            return url
        url = self._known[kind, count] = self._address(kind, count)
        open_database(url)
        self._stack.callback(close_connection)
        migrate.upgrade(self._folder / "backups")
        if count:
            print(f"  {kind}:", file=sys.stderr)
            fill(count)
        return url

    def _address(self, kind: str, count: int) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        if kind == "sqlite":
            path = self._folder / f"log-{count}.sqlite"
            self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            return f"sqlite:///{path.absolute()}"
        if self._server is None:
            self._server = PostgresqlServer()
            self._stack.callback(self._server.stop)
        return self._server.create(f"log_{count}")


def _copy(batch: list[tuple[object, ...]]) -> None:
    names = ", ".join(COLUMNS)
    if is_postgresql():
        with database.connection().cursor().copy(f"COPY audit_entry ({names}) FROM STDIN") as copy:
            for row in batch:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(COLUMNS))
    database.connection().executemany(f"INSERT INTO audit_entry ({names}) VALUES ({marks})", batch)  # noqa: S608


def _append(rows: list[Entry], *, durable: bool = True) -> float:
    store, watch = AuditStore(), Stopwatch()
    with atomic(durable=durable):
        store.append(rows)
    return watch.elapsed() * 1000


def _new(number: int) -> Entry:
    (row,) = islice(entries(10**9), 1)
    values = dict(zip(COLUMNS, row, strict=True))
    project_id, repository = repository_at(number)
    values |= {
        "at": from_microseconds(START + 10**15 + number),
        "request_id": request_at(10**8 + number),
        "project_id": project_id,
        "repository": repository,
        "actor": f"user-{number % 600:03d}",
        "result": Result.SUCCESS,
    }
    return Entry(id=0, **values)  # type: ignore[arg-type]  # test data by keyword


def _span(chance: random.Random, count: int, seconds: int) -> Query:
    since = from_microseconds(START + chance.randrange(count) * STEP)
    return Query(since=since, until=since + timedelta(seconds=seconds))


def _denied(query: Query) -> Query:
    return Query(since=query.since, until=query.until, result=Result.DENIED)
