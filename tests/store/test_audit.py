import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.audit.log import COUNT_LIMIT, AuditLog
from moorage.audit.model import Cursor, Deed, Entry, Page, PullTally, Query, Result
from moorage.audit.store import AuditStore
from moorage.db.connection import atomic, close_connection
from moorage.events import Actor, Events, JobRequested, MemberAdded, ProjectCreated
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName
from tests.support.clock import SetClock
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database")

ALICE = Actor("user:7", "user", "alice", "192.0.2.7", "docker/27.1", "req-1")
ROBOT = Actor("robot:2", "robot", "robot$library+ci", "192.0.2.8", "podman/5", "req-2")
NGINX = RepositoryName("library/nginx")
DIGEST = digest_of(b"manifest")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def entry(number: int = 0, **changes: object) -> Entry:
    plain = Entry(
        id=0,
        at=NOON + timedelta(seconds=number),
        request_id=f"req-{number}",
        actor_kind="user",
        actor="alice",
        address="192.0.2.7",
        user_agent="docker/27.1",
        operation="pull_artifact",
        resource_type="artifact",
        resource=f"library/nginx:{number}",
        project_id=1,
        project="library",
        repository="library/nginx",
        tag=str(number),
        digest=str(DIGEST),
        result=Result.SUCCESS,
        detail="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # test data by keyword


def write(*entries: Entry, store: AuditStore | None = None) -> AuditStore:
    store = store or AuditStore()
    with atomic():
        store.append(entries)
    return store


def tags(page: Page) -> list[str]:
    return [found.tag for found in page.entries]


@pytest.fixture
def log(clock: SetClock) -> AuditLog:
    return AuditLog(AuditStore(), clock)


def everything(store: AuditStore, query: Query, limit: int) -> list[str]:
    found: list[str] = []
    after: Cursor | None = None
    while True:
        page = store.page(query, limit, after)
        found += tags(page)
        if page.next is None:
            return found
        after = page.next


def test_what_is_written_is_read_back_as_it_was() -> None:
    full = entry(3, detail="from x", result=Result.DENIED, project_id=None)
    (found,) = write(full).page(Query(), 10, None).entries
    assert found.id > 0
    assert replace(found, id=0) == full


@pytest.mark.parametrize("count", [1, 39, 40, 41, 95])
def test_batches_of_every_size_are_written_whole_and_in_order(count: int) -> None:
    store = write(*(entry(number) for number in range(count)))
    assert tags(store.page(Query(), 200, None)) == [str(number) for number in reversed(range(count))]


def test_an_event_is_one_row_in_the_transaction_that_published_it(log: AuditLog) -> None:
    events = Events()
    log.subscribe(events)
    with atomic():
        events.publish(ProjectCreated(ALICE, 5, "library"))
    (found,) = log.page(Query(), 10).entries
    assert (found.operation, found.resource, found.project_id) == ("create_project", "library", 5)
    assert (found.actor, found.actor_kind, found.address) == ("alice", "user", "192.0.2.7")
    assert (found.user_agent, found.request_id, found.result) == ("docker/27.1", "req-1", Result.SUCCESS)


def test_an_event_that_knows_the_number_of_a_project_is_logged_with_its_name(clock: SetClock) -> None:
    log, events = AuditLog(AuditStore(), clock, project_name={5: "library"}.__getitem__), Events()
    log.subscribe(events)
    with atomic():
        events.publish(JobRequested(ALICE, "retention", 1, 5, trigger="manual"))
        events.publish(JobRequested(ALICE, "gc", 2, None, trigger="manual"))
    assert [(each.operation, each.project) for each in log.page(Query(), 10).entries] == [
        ("start_gc", ""),
        ("start_retention", "library"),
    ]
    assert len(log.page(Query(project="library"), 10).entries) == 1


def test_what_is_undone_is_not_logged(log: AuditLog) -> None:
    events = Events()
    log.subscribe(events)

    def fail() -> None:
        with atomic():
            events.publish(MemberAdded(ALICE, 5, "library", "bob", "guest"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert log.page(Query(), 10).entries == ()


def test_the_log_of_a_pull_and_its_count_are_one_transaction(clock: SetClock) -> None:
    seen: list[tuple[int, Sequence[PullTally]]] = []

    def count(pulls: Sequence[PullTally]) -> None:
        seen.append((len(AuditStore().page(Query(), 10, None).entries), pulls))

    log = AuditLog(AuditStore(), clock, on_flush=count)
    log.note_pull(ALICE, 5, NGINX, "1.27", DIGEST)
    log.note_pull(ROBOT, 5, NGINX, "1.27", DIGEST)
    log.note_login(False, replace(ALICE, name="mallory"))
    log.note_denied(ALICE, Deed("push_artifact", "repository", "library/nginx", project="library"))
    log.flush()
    assert seen == [
        (4, [PullTally("library/nginx", "1.27", str(DIGEST), 2, clock(), (ALICE.name, ROBOT.name))])
    ]


def test_a_pull_is_logged_with_all_that_is_known_of_it(log: AuditLog) -> None:
    nasty = replace(ALICE, user_agent="a\nb" + "x" * 1000)
    log.note_pull(nasty, 5, NGINX, "1.27", DIGEST)
    log.note_pull(ALICE, 5, NGINX, "", DIGEST)
    log.note_blob_pull(ROBOT, None, NGINX, DIGEST)
    log.flush()
    blob, by_digest, by_tag = log.page(Query(), 10).entries
    assert (by_tag.operation, by_tag.resource_type) == ("pull_artifact", "artifact")
    assert (by_tag.resource, by_tag.tag, by_tag.digest) == ("library/nginx:1.27", "1.27", str(DIGEST))
    assert (by_tag.project_id, by_tag.project, by_tag.repository) == (5, "library", "library/nginx")
    assert (by_tag.actor, by_tag.address, by_tag.request_id) == ("alice", "192.0.2.7", "req-1")
    assert by_tag.user_agent.startswith("a\\nbxxx")
    assert len(by_tag.user_agent) == 256
    assert (by_digest.resource, by_digest.tag) == (f"library/nginx@{DIGEST}", "")
    assert (blob.operation, blob.resource_type, blob.project_id) == ("pull_blob", "blob", None)
    assert {row.result for row in (blob, by_digest, by_tag)} == {Result.SUCCESS}


def test_refusals_and_logins_are_logged_with_address_agent_and_result(log: AuditLog) -> None:
    log.note_denied(
        ROBOT, Deed("delete_artifact", "artifact", "library/nginx:1", 5, "library", "library/nginx")
    )
    log.note_login(False, replace(ALICE, name="mallory"), "locked out")
    log.note_login(True, ALICE)
    log.flush()
    good, bad, denied = log.page(Query(), 10).entries
    assert (good.operation, good.actor, good.result) == ("login_user", "alice", Result.SUCCESS)
    assert (bad.actor, bad.result, bad.detail) == ("mallory", Result.DENIED, "locked out")
    assert (denied.actor_kind, denied.result, denied.project_id) == ("robot", Result.DENIED, 5)
    assert {row.address for row in (good, bad)} == {"192.0.2.7"}


def test_blob_traffic_is_left_out_when_the_settings_say_so(clock: SetClock) -> None:
    quiet = AuditLog(AuditStore(), clock, blobs=False)
    quiet.note_blob_pull(ALICE, 5, NGINX, DIGEST)
    assert quiet.waiting == 0
    loud = AuditLog(AuditStore(), clock)
    loud.note_blob_pull(ALICE, 5, NGINX, DIGEST)
    assert loud.waiting == 1


def test_text_from_outside_is_escaped_and_capped(log: AuditLog) -> None:
    nasty = replace(ALICE, user_agent="a\nb\x00" + "x" * 10_000, name="mallory\x1b[2J")
    log.note_denied(nasty, Deed("x", "y", "r" * 10_000, detail="d\ud800" * 10_000))
    log.flush()
    (found,) = log.page(Query(), 10).entries
    assert found.user_agent.startswith("a\\nb\\x00xxx")
    assert (len(found.user_agent), len(found.resource), len(found.detail)) == (256, 512, 1024)
    assert found.actor == "mallory\\x1b[2J"


_QUESTIONS = [
    (Query(), "43210"),
    (Query(actor="bob"), "2"),
    (Query(actor="Bob"), ""),
    (Query(actor="bo"), ""),
    (Query(actor_kind="robot"), "3"),
    (Query(operations=("push_artifact",)), "1"),
    (Query(operations=("push_artifact", "delete_artifact")), "1"),
    (Query(project_id=2), "4"),
    (Query(project="other"), "4"),
    (Query(project_id=1, actor="bob"), "2"),
    (Query(project_id=2, actor="bob"), ""),
    (Query(repository="library/redis"), "0"),
    (Query(repository="library/red"), ""),
    (Query(resource="library/redis:0"), "0"),
    (Query(resource="redis"), ""),
    (Query(actor_part="B"), "2"),
    (Query(verbs=("push",)), "1"),
    (Query(verbs=("pus",)), ""),
    (Query(verbs=("push",), operations=("pull_artifact",)), "43210"),
    (Query(project_ids=(2, 3)), "4"),
    (Query(project_ids=()), ""),
    (Query(resource_part="REDIS"), "0"),
    (Query(tag="3"), "3"),
    (Query(digest=str(DIGEST)), "43210"),
    (Query(result=Result.DENIED), "1"),
    (Query(since=NOON + timedelta(seconds=3)), "43"),
    (Query(until=NOON + timedelta(seconds=1)), "10"),
    (Query(since=NOON + timedelta(seconds=1), until=NOON + timedelta(seconds=2)), "21"),
    (Query(address="192.0.2.9"), "2"),
    (Query(request_id="req-4"), "4"),
    (Query(text="nothing of the kind"), ""),
    (Query(text="BOB"), "2"),
    (Query(text="redis"), "0"),
    (Query(text="0.2.9"), "2"),
    (Query(text="100%"), "3"),
    (Query(text="%"), "3"),
    (Query(text="_"), "1"),
    (Query(text="a_b"), "1"),
    (Query(text="*"), ""),
    (Query(text="?"), ""),
    (Query(text="["), ""),
    (Query(text="\\"), "4"),
    (Query(text="É"), "2"),
    (Query(text="é"), ""),
    (Query(text="' OR 1=1 --"), ""),
]


@pytest.mark.parametrize(("query", "wanted"), _QUESTIONS, ids=str)
def test_a_question_finds_what_it_asks_for_on_either_database(query: Query, wanted: str) -> None:
    store = write(
        entry(0, repository="library/redis", resource="library/redis:0"),
        entry(1, operation="push_artifact", result=Result.DENIED, detail="a_b"),
        entry(2, actor="bob", address="192.0.2.9", detail="É"),
        entry(3, actor_kind="robot", detail="100% sure"),
        entry(4, project_id=2, project="other", detail="back\\slash"),
    )
    assert tags(store.page(query, 10, None)) == list(wanted)
    assert store.count(query, 100) == len(wanted)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_entry_can_hold_is_found_in_none(log: AuditLog, text: str) -> None:
    write(entry())
    for query in (
        Query(text=text),
        Query(actor=text),
        Query(resource_part=text),
        Query(operations=(text,)),
        Query(verbs=(text,)),
    ):
        assert log.page(query, 10) == Page((), None)
        assert log.count(query) == 0


def test_pages_follow_each_other_without_gap_or_repetition_even_within_one_moment() -> None:
    store = write(*(entry(0, tag=str(number)) for number in range(25)))
    assert everything(store, Query(), 4) == [str(number) for number in reversed(range(25))]


def test_rows_that_arrive_while_somebody_turns_pages_move_nothing() -> None:
    store = write(*(entry(number) for number in range(10)))
    first = store.page(Query(), 5, None)
    write(*(entry(number) for number in range(10, 20)), store=store)
    assert tags(store.page(Query(), 5, first.next)) == list("43210")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=st.lists(st.integers(0, 5), max_size=30),
    limit=st.integers(1, 7),
    window=st.integers(1, 9),
    operation=st.sampled_from(["", "pull_artifact", "push_artifact"]),
)
def test_paging_finds_exactly_what_a_list_would(
    moments: list[int], limit: int, window: int, operation: str
) -> None:
    with atomic() as _:
        store = AuditStore(window=window)
        project = 1000 + next(_numbers)
        kinds = ("pull_artifact", "push_artifact")
        store.append(
            [
                entry(at_second, tag=str(number), project_id=project, operation=kinds[number % 2])
                for number, at_second in enumerate(moments)
            ]
        )
    query = Query(project_id=project, operations=(operation,) if operation else ())
    wanted = sorted(
        (
            (at_second, number)
            for number, at_second in enumerate(moments)
            if operation in ("", kinds[number % 2])
        ),
        reverse=True,
    )
    assert everything(store, query, limit) == [str(number) for _, number in wanted]


_numbers = iter(range(10**9))


def test_a_question_without_an_index_looks_at_a_bounded_number_of_rows_at_a_time() -> None:
    store = write(entry(0, operation="delete_artifact"), *(entry(number) for number in range(1, 30)))
    bounded = AuditStore(window=10)
    first = bounded.page(Query(operations=("delete_artifact",)), 5, None)
    assert first.entries == ()
    assert first.next is not None
    assert everything(bounded, Query(operations=("delete_artifact",)), 5) == ["0"]
    assert bounded.count(Query(operations=("delete_artifact",)), 10) == 0
    assert store.count(Query(operations=("delete_artifact",)), 10) == 1


def test_a_count_goes_no_further_than_it_is_asked_to() -> None:
    store = write(*(entry(number) for number in range(50)))
    assert store.count(Query(), 20) == 20
    assert store.count(Query(), 51) == 50


def test_an_offset_leaves_out_the_newest() -> None:
    store = write(*(entry(number) for number in range(10)))
    assert tags(store.page(Query(), 3, None, offset=4)) == list("543")
    assert tags(store.page(Query(), 3, None, offset=10)) == []


@pytest.fixture
def twenty_thousand(log: AuditLog) -> AuditLog:
    start = NOON.timestamp()
    with atomic():
        AuditStore().append(
            [
                entry(0, at=datetime.fromtimestamp(start + n // 3, UTC), tag=str(n), project_id=n % 7)
                for n in range(20_000)
            ]
        )
    return log


def test_every_page_of_a_long_log_costs_the_same(twenty_thousand: AuditLog) -> None:
    after: Cursor | None = None
    seen = 0
    with counted_statements() as statements:
        for pages in range(1, 21):
            page = twenty_thousand.page(Query(), 1000, after)
            seen += len(page.entries)
            after = page.next
            assert len(statements) == pages
    assert (seen, after) == (20_000, None)


def test_a_place_deep_in_the_log_is_found_by_an_index(twenty_thousand: AuditLog) -> None:
    with counted_statements() as statements:
        twenty_thousand.page(Query(project_id=3), 10, Cursor(int(NOON.timestamp()) * 10**6 + 9, 5))
        twenty_thousand.page(Query(), 10, Cursor(int(NOON.timestamp()) * 10**6 + 9, 5))
    plans = [statements.plan(number) for number in range(len(statements))]
    for plan in plans:
        assert "SCAN audit_entry" not in plan
        assert "TEMP B-TREE" not in plan
        assert "Seq Scan" not in plan


def test_the_count_of_a_long_log_is_bounded(twenty_thousand: AuditLog) -> None:
    assert twenty_thousand.count(Query()) == COUNT_LIMIT + 1
    assert twenty_thousand.count(Query(project_id=3)) == 2857


def test_two_threads_write_without_losing_a_row(clock: SetClock) -> None:
    log = AuditLog(AuditStore(), clock, flush_seconds=0.01)
    log.start()

    def pull() -> None:
        for _ in range(300):
            log.note_pull(ALICE, 5, NGINX, "1.27", DIGEST)
        close_connection()

    threads = [threading.Thread(target=pull) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.stop()
    assert log.count(Query(operations=("pull_artifact",))) == 900


def test_a_forked_process_logs_its_own_operations_alone(
    clock: SetClock, database: str, reopen: Callable[[], None]
) -> None:
    log = AuditLog(AuditStore(), clock, flush_seconds=3600)
    log.note_pull(ALICE, 5, NGINX, "parent", DIGEST)
    close_connection()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            reopen()
            log.start()
            log.note_pull(ALICE, 5, NGINX, "child", DIGEST)
            log.stop()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert tags(log.page(Query(), 10)) == ["child"]
    log.stop()
    assert sorted(tags(log.page(Query(), 10))) == ["child", "parent"]


@pytest.fixture
def reopen(database: str) -> Callable[[], None]:
    """What a process does after a fork: let go of the connections of its parent."""
    return close_connection
