"""The chore that makes the signs of the log, while others do the same, and while entries are on their way."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from moorage.audit.indexing import Indexing
from moorage.audit.model import Entry, Query, Result
from moorage.audit.search_store import SearchStore
from moorage.audit.segment_store import SegmentStore
from moorage.audit.store import AuditStore
from moorage.db.connection import atomic, database, is_postgresql
from tests.support.race import failures, together

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SMALL, LARGE = 512, 2048
_LATE = (
    "INSERT INTO audit_entry (at, request_id, actor_kind, actor, address, user_agent, operation, "
    "resource_type, resource, project_id, project, repository, tag, digest, result, detail) "
    "VALUES (1, 'late', '', '', '', '', 'x_y', '', '', NULL, '', '', '', '', 'success', '')"
)


def write(count: int, first: int = 0) -> None:
    with atomic():
        AuditStore().append([_entry(number) for number in range(first, first + count)])


def _entry(number: int) -> Entry:
    return Entry(
        id=0,
        at=NOON + timedelta(seconds=number),
        request_id=f"req-{number}",
        actor_kind="user",
        actor=f"user{number % 30}",
        address="192.0.2.7",
        user_agent="docker/27.1",
        operation="pull_artifact",
        resource_type="artifact",
        resource=f"dock/app:v{number}",
        project_id=1,
        project="dock",
        repository="dock/app",
        tag=f"v{number}",
        digest="",
        result=Result.SUCCESS,
        detail="",
    )


def indexing(store: SegmentStore | None = None) -> Indexing:
    return Indexing(store or SegmentStore(), small=SMALL, large=LARGE, busy_seconds=60)


def covered() -> list[int]:
    """The numbers that segments speak of, one by one."""
    found = [(each.first_id, each.last_id) for each in SegmentStore().all()]
    return [number for first, last in sorted(found) for number in range(first, last + 1)]


def found(query: Query) -> list[str]:
    store = AuditStore(near=1, search=SearchStore(SegmentStore(), tail=10**6))
    return [each.request_id for each in store.page(query, 100, None).entries]


class Interrupted(SegmentStore):
    """Another indexer does all its work while this one reads the entries of its first segment."""

    def __init__(self) -> None:
        self.interruptions = 0

    def entries(self, first_id: int, last_id: int) -> list[tuple[object, ...]]:
        rows = super().entries(first_id, last_id)
        if not self.interruptions:
            self.interruptions += 1
            write(2 * LARGE, first=SMALL + 10)
            indexing().run()
        return rows


def test_an_indexer_that_was_overtaken_leaves_no_segment_inside_another() -> None:
    write(SMALL + 10)
    store = Interrupted()
    indexing(store).run()
    indexing().run()
    assert store.interruptions == 1
    assert covered() == list(range(len(covered())))
    assert len(covered()) >= 2 * LARGE
    assert found(Query(tag="v17")) == ["req-17"]


def test_several_indexers_at_once_cover_every_entry_once() -> None:
    write(SMALL)

    def grow() -> None:
        for turn in range(8):
            write(700, first=SMALL + 700 * turn)

    def run() -> None:
        for _ in range(12):
            indexing().run()

    assert not failures(together([grow, run, run, run]))
    indexing().run()
    assert covered() == list(range(len(covered())))
    assert len(covered()) >= 10 * SMALL
    kept = database.execute_sql("SELECT count(DISTINCT segment_id) FROM audit_bucket").fetchone()
    assert kept[0] == len(SegmentStore().all())
    assert found(Query(tag="v17")) == ["req-17"]


class Between(SegmentStore):
    """Between the newest number and the moment one begins to write, and a later one ends."""

    _TURN = 3  # the first is for what was purged

    def __init__(self, other: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._other = other
        self._asked = 0

    def ends(self) -> tuple[int, int]:
        self._ask()
        return super().ends()

    def clock(self) -> float:
        self._ask()
        return super().clock()

    def _ask(self) -> None:
        self._asked += 1
        if self._asked == self._TURN:
            self._other.execute(_LATE)
            write(SMALL, first=SMALL)


def test_the_newest_number_is_read_before_the_moment_that_it_is_judged_by() -> None:
    if not is_postgresql():
        pytest.skip("SQLite has one writer at a time")
    write(SMALL - 10)
    info = database.connection().info
    with psycopg.connect(
        host=info.host, port=info.port, user=info.user, password=info.password, dbname=info.dbname
    ) as other:
        indexing(Between(other)).run()
        other.commit()
    indexing().run()
    assert covered()
    assert found(Query(request_id="late")) == ["late"]
