"""Searches of a log whose blocks have signs: the same answers as without, and few entries looked at."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from moorage.audit.indexing import Indexing
from moorage.audit.model import Cursor, Entry, Query, Result
from moorage.audit.search import accepts
from moorage.audit.search_store import SearchStore
from moorage.audit.segment_store import SegmentStore
from moorage.audit.store import AuditStore
from moorage.db.connection import atomic, database, is_postgresql
from moorage.oci.digest import digest_of
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SMALL, LARGE = 512, 2048
RANDOM = random.Random(7)


def entry(number: int, **changes: object) -> Entry:
    """One of a log in which everything occurs now and then."""
    chosen = random.Random(number)
    repository = f"dock{chosen.randrange(3)}/app{chosen.randrange(40)}"
    digest = str(digest_of(str(number % 900).encode()))
    operation = chosen.choice(["pull_artifact"] * 6 + ["push_artifact", "create_access_token", "delete_tag"])
    plain = Entry(
        id=0,
        # Gathered rows come late, and many happen at one moment.
        at=NOON + timedelta(seconds=number // 3 + chosen.randrange(20)),
        request_id=f"req-{number}",
        actor_kind=chosen.choice(["user", "user", "robot"]),
        actor=f"user{chosen.randrange(30)}",
        address=f"192.0.2.{chosen.randrange(200)}",
        user_agent="docker/27.1",
        operation=operation,
        resource_type="artifact",
        resource=f"{repository}@{digest}" if number % 4 else f"{repository}:v{number % 70}",
        project_id=chosen.choice([1, 2, 3, None]),
        project=repository.partition("/")[0],
        repository=repository,
        tag="" if number % 4 else f"v{number % 70}",
        digest=digest,
        result=Result.DENIED if number % 97 == 0 else Result.SUCCESS,
        detail="" if number % 50 else f"100%_sure of ÉCLAIR [{number}] a*b?c back\\slash 'x'",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # test data by keyword


def write(*entries: Entry) -> None:
    with atomic():
        AuditStore().append(entries)


def index(*, small: int = SMALL, large: int = LARGE) -> Indexing:
    found = Indexing(SegmentStore(), small=small, large=large, busy_seconds=60)
    found.run()
    return found


def searching(*, budget: int = 10**9, tail: int = SMALL * 2) -> AuditStore:
    """A store that asks the signs whenever it can."""
    return AuditStore(near=1, search=SearchStore(SegmentStore(), budget=budget, tail=tail))


def everything(store: AuditStore, query: Query, limit: int) -> list[Entry]:
    found: list[Entry] = []
    after: Cursor | None = None
    while True:
        page = store.page(query, limit, after)
        found += page.entries
        if page.next is None:
            return found
        assert after is None or page.next < after  # every page is progress
        after = page.next


@pytest.fixture
def log() -> list[Entry]:
    """What is in the log, newest first; the last of it has no segment yet."""
    entries = [entry(number) for number in range(5000)]
    for start in range(0, len(entries), 1000):
        write(*entries[start : start + 1000])
    index()
    stored = everything(AuditStore(), Query(), 1000)
    assert len(stored) == len(entries)
    return stored


def questions() -> Iterator[Query]:
    digest = str(digest_of(b"7"))
    yield from (
        Query(actor="user7", result=Result.DENIED),
        Query(actor_part="USER1", operations=("delete_tag",)),
        Query(actor_kind="robot", result=Result.DENIED),
        Query(operations=("push_artifact", "delete_tag"), tag="v12"),
        Query(operations=("nothing",)),
        Query(verbs=("create",)),
        Query(verbs=("create_access",), actor_kind="robot"),
        Query(verbs=("CREATE",), actor_kind="robot"),
        Query(verbs=("pull", "push"), operations=("delete_tag",), actor="user3"),
        Query(resource="dock1/app7:v4"),
        Query(resource_part="APP7@sha256:"),
        Query(resource_part=f"@{digest[:20]}"),
        Query(resource_type="artifact", tag="v3"),
        Query(resource_type="robot"),
        Query(project_id=2, result=Result.DENIED),
        Query(project_ids=(1, 3), tag="v9"),
        Query(project_ids=tuple(range(3, 300)), tag="v9"),
        Query(project="dock2", tag="v10"),
        Query(repository="dock0/app1"),
        Query(tag=""),
        Query(digest=digest),
        Query(result=Result.DENIED),
        Query(result=Result.FAILED),
        Query(address="192.0.2.77"),
        Query(request_id="req-1234"),
        Query(request_id="req-none"),
        Query(text="app39"),
        Query(text=digest),
        Query(text=digest[7:30]),
        Query(text="192.0.2.11"),
        Query(text="no such text"),
        Query(text="ap"),
        Query(text="%_s"),
        Query(text="%"),
        Query(text="_"),
        Query(text="*b?"),
        Query(text="?"),
        Query(text="[15"),
        Query(text="k\\s"),
        Query(text="'x'"),
        Query(text="ÉCL"),
        Query(text="écl"),
        Query(text="eclair"),
        Query(text="éclair"),
        Query(text="ÉCLAIR"),
        Query(text="Éclair"),
        Query(text="SURE OF"),
        Query(text="sure", actor="user4", since=NOON + timedelta(seconds=300)),
        Query(tag="v5", until=NOON + timedelta(seconds=600)),
        Query(tag="v5", since=NOON + timedelta(seconds=200), until=NOON + timedelta(seconds=900)),
        Query(tag="v5", since=NOON + timedelta(days=1)),
    )


@pytest.mark.parametrize("budget", [10**9, 1])
def test_every_question_has_the_same_answer_with_and_without_signs(log: list[Entry], budget: int) -> None:
    store, plain = searching(budget=budget), AuditStore()
    for query in questions():
        wanted = [each for each in log if accepts(query, each)]
        assert everything(store, query, 23) == wanted, query
        assert everything(plain, query, 1000) == wanted, query


def test_pages_by_number_and_totals_are_the_same_too(log: list[Entry]) -> None:
    store = searching()
    for query in (Query(text="app3"), Query(verbs=("push",)), Query(result=Result.DENIED)):
        wanted = [each for each in log if accepts(query, each)]
        for offset in (0, 10, 45, len(wanted) - 3, len(wanted), len(wanted) + 10):
            page = store.page(query, 10, None, offset)
            assert list(page.entries) == wanted[offset : offset + 10]
            assert (page.next is None) is (len(wanted) <= offset + 10)
            assert store.page_and_total(query, 10, offset, 10**6) == (page, len(wanted))
        assert store.count(query, 10**6) == len(wanted)
        assert store.count(query, 20) == 20


def test_a_needle_is_found_without_looking_at_the_hay(log: list[Entry]) -> None:
    store = searching(budget=4 * LARGE // 256)
    for query in (Query(request_id="req-17"), Query(digest=str(digest_of(b"899")), tag="v1")):
        page = store.page(query, 50, None)
        assert (page.entries, page.next) == (tuple(e for e in log if accepts(query, e)), None)
    with counted_statements() as statements:
        assert store.page(Query(text="no such text"), 50, None).next is None
    assert len(statements) < 12


def test_what_comes_while_somebody_turns_pages_moves_nothing(log: list[Entry]) -> None:
    store, query = searching(), Query(operations=("pull_artifact",))
    wanted = [each for each in log if accepts(query, each)]
    found: list[Entry] = []
    after: Cursor | None = None
    indexing = Indexing(SegmentStore(), small=SMALL, large=LARGE, busy_seconds=60)
    for number in range(10**6):
        page = store.page(query, 100, after)
        found += page.entries
        after = page.next
        if after is None:
            break
        write(*(entry(n, at=NOON + timedelta(days=1, seconds=n)) for n in range(150)))
        if number % 3 == 0:
            indexing.run()
    assert found == wanted


def test_a_segment_that_went_while_it_was_read_hides_nothing(
    log: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = SegmentStore()
    known = segments.all()
    with atomic():
        segments.drop(known)
    monkeypatch.setattr(segments, "all", lambda: known)
    store = AuditStore(near=1, search=SearchStore(segments, tail=SMALL * 2, budget=10**9))
    query = Query(request_id="req-1234")
    assert everything(store, query, 10) == [each for each in log if accepts(query, each)]


def test_purged_entries_are_found_no_more_and_their_segments_go(log: list[Entry]) -> None:
    gone = sorted(each.id for each in log)[: LARGE + 300]
    with atomic():
        for start in range(0, len(gone), 500):
            AuditStore().remove(gone[start : start + 500])
    before = SegmentStore().all()
    index()
    after = SegmentStore().all()
    assert min(each.first_id for each in after) > min(each.first_id for each in before)
    left = [each for each in log if each.id not in set(gone)]
    for query in questions():
        assert everything(searching(), query, 50) == [each for each in left if accepts(query, each)], query
    kept = database.execute_sql("SELECT count(DISTINCT segment_id) FROM audit_bucket").fetchone()
    assert kept[0] == len(after)


def test_a_log_that_was_emptied_begins_anew(log: list[Entry]) -> None:
    with atomic():
        database.execute_sql("DELETE FROM audit_entry")
    index()
    write(*(entry(number) for number in range(3000)))
    index()
    stored = everything(AuditStore(), Query(), 1000)
    query = Query(text="app3")
    assert everything(searching(), query, 9) == [each for each in stored if accepts(query, each)]


def test_sixteen_young_segments_become_an_old_one(log: list[Entry]) -> None:
    widths = {each.last_id - each.first_id + 1 for each in SegmentStore().all()}
    assert widths == {SMALL, LARGE}
    ranges = sorted((each.first_id, each.last_id) for each in SegmentStore().all())
    assert all(this[1] + 1 == following[0] for this, following in pairwise(ranges))
    write(*(entry(number) for number in range(LARGE)))
    index()
    young = [each for each in SegmentStore().all() if each.last_id - each.first_id + 1 == SMALL]
    assert len(young) < LARGE // SMALL


def test_work_is_done_in_bits_and_goes_on_where_it_stopped() -> None:
    write(*(entry(number) for number in range(3 * LARGE)))
    indexing = Indexing(SegmentStore(), small=SMALL, large=LARGE, busy_seconds=0)
    assert indexing.run() == 0
    assert AuditStore().count(Query(tag="v3"), 10**6) == searching().count(Query(tag="v3"), 10**6)
    index()
    assert index().run() == 0
    stored = everything(AuditStore(), Query(), 1000)
    query = Query(tag="v3")
    assert everything(searching(), query, 9) == [each for each in stored if accepts(query, each)]


def test_an_entry_whose_transaction_is_open_still_is_waited_for(database_kind: str) -> None:
    if not is_postgresql():
        pytest.skip("SQLite has one writer at a time")
    info = database.connection().info
    with psycopg.connect(
        host=info.host, port=info.port, user=info.user, password=info.password, dbname=info.dbname
    ) as other:
        other.execute(
            "INSERT INTO audit_entry (at, request_id, actor_kind, actor, address, user_agent, operation, "
            "resource_type, resource, project_id, project, repository, tag, digest, result, detail) "
            "VALUES (1, 'late', '', '', '', '', 'x_y', '', '', NULL, '', '', '', '', 'success', '')"
        )
        write(*(entry(number) for number in range(3000)))
        index()
        assert SegmentStore().all() == []
        other.commit()
    index()
    assert SegmentStore().all()
    (found,) = everything(searching(tail=10**6), Query(request_id="late"), 10)
    assert found.operation == "x_y"
