import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import peewee
import pytest

from moorage.audit import writer as module
from moorage.audit.errors import AuditFullError
from moorage.audit.model import Entry, PullTally, Result
from moorage.audit.store import AuditStore
from moorage.audit.writer import Writer, tally

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ILL = peewee.OperationalError("disk I/O error")
PATIENCE = 10.0


def entry(resource: str = "library/nginx", **changes: object) -> Entry:
    plain = Entry(
        id=0,
        at=NOON,
        request_id="",
        actor_kind="user",
        actor="alice",
        address="",
        user_agent="",
        operation="pull_artifact",
        resource_type="artifact",
        resource=resource,
        project_id=1,
        project="library",
        repository="library/nginx",
        tag="1",
        digest="sha256:00",
        result=Result.SUCCESS,
        detail="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # test data by keyword


class FakeStore(AuditStore):
    """Keeps rows in a list; can be made ill, and can refuse a single row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.batches = 0
        self.illness: Exception | None = None
        self.refuses = ""
        self.wrote = threading.Event()
        self.tried = threading.Event()

    def append(self, entries: Sequence[Entry]) -> None:
        self.tried.set()
        if self.illness is not None:
            raise self.illness
        if any(self.refuses and row.resource == self.refuses for row in entries):
            raise ValueError("no such value")
        self.rows += [row.resource for row in entries]
        self.batches += 1
        self.wrote.set()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture(autouse=True)
def _transactions(monkeypatch: pytest.MonkeyPatch, store: FakeStore) -> None:
    """A transaction of the fake store: what it raises undoes the rows."""

    @contextmanager
    def atomic(*, durable: bool = True) -> Iterator[None]:
        before = list(store.rows)
        try:
            yield
        except BaseException:
            store.rows = before
            raise

    monkeypatch.setattr(module, "atomic", atomic)
    monkeypatch.setattr(module, "in_transaction", lambda: False)
    monkeypatch.setattr(module, "close_connection", lambda: None)


@pytest.fixture
def build(store: FakeStore) -> Iterator[Callable[..., Writer]]:
    built: list[Writer] = []

    def make(on_flush: Callable[[Sequence[PullTally]], None] | None = None, **settings: float) -> Writer:
        built.append(Writer(store, on_flush, **{"stop_seconds": 0.0, **settings}))  # type: ignore[arg-type]
        return built[-1]

    yield make
    for writer in built:
        writer.stop()


def test_rows_wait_until_the_flush(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build()
    writer.add(entry("a"))
    writer.add(entry("b"))
    assert store.rows == []
    assert len(writer) == 2
    writer.flush()
    assert store.rows == ["a", "b"]
    assert len(writer) == 0


def test_the_thread_writes_by_itself(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build(every_seconds=0.01)
    writer.start()
    writer.add(entry("a"))
    assert store.wrote.wait(PATIENCE)
    assert store.rows == ["a"]


def test_a_full_batch_does_not_wait_for_the_hour(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build(every_seconds=3600.0, batch=5)
    writer.start()
    for _ in range(6):
        writer.add(entry())
    assert store.wrote.wait(PATIENCE)


def test_a_clean_stop_loses_nothing(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build(every_seconds=3600.0)
    writer.start()
    for number in range(2500):
        writer.add(entry(str(number)))
    writer.stop()
    assert store.rows == [str(number) for number in range(2500)]


def test_stopping_twice_and_starting_again_works(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build(every_seconds=3600.0)
    for name in ("a", "b"):
        writer.start()
        writer.start()
        writer.add(entry(name))
        writer.stop()
        writer.stop()
    assert store.rows == ["a", "b"]


def test_many_threads_lose_nothing(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build(every_seconds=0.001, batch=50, most=400)
    writer.start()
    threads = [
        threading.Thread(target=lambda: [writer.add(entry(str(n))) for n in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.stop()
    assert sorted(store.rows) == sorted([str(n) for n in range(500)] * 8)


def test_an_ill_database_keeps_the_rows_and_they_are_written_once_it_is_well(
    build: Callable[..., Writer], store: FakeStore
) -> None:
    writer = build(every_seconds=0.005)
    store.illness = ILL
    writer.start()
    writer.add(entry("a"))
    assert store.tried.wait(PATIENCE)
    assert len(writer) == 1
    store.illness = None
    assert store.wrote.wait(PATIENCE)
    assert store.rows == ["a"]


def test_a_failed_flush_keeps_the_order(build: Callable[..., Writer], store: FakeStore) -> None:
    writer = build(batch=2)
    for name in "abcde":
        writer.add(entry(name))
    store.illness = ILL
    with pytest.raises(peewee.OperationalError):
        writer.flush()
    writer.add(entry("f"))
    store.illness = None
    writer.flush()
    assert store.rows == list("abcdef")


def test_an_ill_database_is_told_once_and_its_recovery_too(
    build: Callable[..., Writer], store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    writer = build(every_seconds=0.001)
    writer.add(entry())
    store.illness = ILL
    writer.start()
    for _ in range(3):
        store.tried.clear()
        assert store.tried.wait(PATIENCE)
    store.illness = None
    assert store.wrote.wait(PATIENCE)
    writer.stop()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the log cannot be written", "the log can be written again"]


def test_too_many_waiting_rows_are_written_by_whoever_brings_the_next(
    build: Callable[..., Writer], store: FakeStore
) -> None:
    writer = build(every_seconds=3600.0, most=10)
    for number in range(11):
        writer.add(entry(str(number)))
    assert len(store.rows) == 10
    assert len(writer) == 1


def test_nothing_unlogged_happens_when_the_log_is_full_and_cannot_be_written(
    build: Callable[..., Writer], store: FakeStore
) -> None:
    writer = build(most=10)
    store.illness = ILL
    for number in range(10):
        writer.add(entry(str(number)))
    for _ in range(3):
        with pytest.raises(AuditFullError):
            writer.add(entry("refused"))
    assert len(writer) == 10
    store.illness = None
    writer.flush()
    assert store.rows == [str(number) for number in range(10)]


def test_a_full_log_does_not_ask_an_ill_database_for_every_request(
    build: Callable[..., Writer], store: FakeStore
) -> None:
    writer = build(most=1)
    store.illness = ILL
    writer.add(entry())
    with pytest.raises(AuditFullError):
        writer.add(entry())
    store.tried.clear()
    with pytest.raises(AuditFullError):
        writer.add(entry())
    assert not store.tried.is_set()


def test_rows_are_not_written_inside_the_transaction_of_somebody_else(
    build: Callable[..., Writer], store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = build(most=1)
    writer.add(entry("a"))
    monkeypatch.setattr(module, "in_transaction", lambda: True)
    writer.add(entry("b"))
    assert store.rows == []


def test_what_cannot_be_written_at_the_end_goes_to_the_log_of_the_program(
    build: Callable[..., Writer], store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    writer = build()
    writer.add(entry("library/secret"))
    store.illness = ILL
    writer.stop()
    left = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert [vars(record)["entry"]["resource"] for record in left] == ["library/secret"]
    assert len(writer) == 0


def test_one_row_that_the_database_refuses_does_not_hold_up_the_others(
    build: Callable[..., Writer], store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    tallies: list[PullTally] = []
    writer = build(tallies.extend)
    store.refuses = "poison"
    for name in ("a", "poison", "b"):
        writer.add(entry(name))
    writer.flush()
    assert store.rows == ["a", "b"]
    assert "poison" in str([vars(record).get("entry") for record in caplog.records])
    assert len(tallies) == 1


def test_a_counter_that_fails_does_not_hold_up_the_log(
    build: Callable[..., Writer], store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(pulls: Sequence[PullTally]) -> None:
        raise LookupError("gone")

    writer = build(broken)
    writer.add(entry("a"))
    writer.flush()
    assert store.rows == ["a"]
    assert "pulls could not be counted" in caplog.text


def test_illness_while_counting_undoes_the_rows_too(build: Callable[..., Writer], store: FakeStore) -> None:
    ill = [True]

    def counting(pulls: Sequence[PullTally]) -> None:
        if ill:
            raise ILL

    writer = build(counting)
    writer.add(entry("a"))
    with pytest.raises(peewee.OperationalError):
        writer.flush()
    assert store.rows == []
    ill.clear()
    writer.flush()
    assert store.rows == ["a"]


def test_a_child_process_writes_its_own_rows_and_not_those_of_its_parent(
    build: Callable[..., Writer], store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = build(every_seconds=0.005)
    writer.start()
    writer.stop()
    writer.add(entry("of the parent"))
    monkeypatch.setattr(module.os, "getpid", lambda: -5)
    writer.start()
    writer.add(entry("of the child"))
    assert store.wrote.wait(PATIENCE)
    writer.stop()
    assert store.rows == ["of the child"]


def test_pulls_are_counted_by_what_was_pulled() -> None:
    later = NOON + timedelta(seconds=3)
    rows = [
        entry(at=later),
        entry(),
        entry(tag="", digest="sha256:00"),
        entry(repository="base/os"),
        entry(actor="bob"),
        entry(result=Result.DENIED),
        entry(operation="pull_blob"),
        entry(operation="push_artifact"),
    ]
    assert tally(rows) == [
        PullTally("base/os", "1", "sha256:00", 1, NOON, ("alice",)),
        PullTally("library/nginx", "", "sha256:00", 1, NOON, ("alice",)),
        PullTally("library/nginx", "1", "sha256:00", 3, later, ("alice", "bob")),
    ]


def test_nobody_is_called_to_count_when_nothing_was_pulled(build: Callable[..., Writer]) -> None:
    called: list[PullTally] = []
    writer = build(called.extend)
    writer.add(entry(operation="login_user"))
    writer.flush()
    assert called == []
