"""The log read in the order of its numbers: nothing is skipped that comes late, and nothing comes twice."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from moorage.audit.follower import Follower
from moorage.audit.forward_store import ForwardStore
from moorage.audit.model import Entry, Result
from moorage.audit.store import AuditStore
from moorage.db.connection import atomic, close_connection, is_postgresql

pytestmark = pytest.mark.usefixtures("database")

SECONDS = 30
PLAIN = Entry(
    *(0, datetime(2026, 3, 4, 12, tzinfo=UTC), "req", "user", "alice", "192.0.2.7", "docker/27"),
    *("pull_artifact", "artifact", "dock/app:1", 1, "dock", "dock/app", "1", "", Result.SUCCESS, ""),
)


class AbortedError(Exception):
    """Takes a transaction back."""


def write(*tags: str) -> None:
    with atomic():
        AuditStore().append([replace(PLAIN, tag=tag) for tag in tags])


class Writer:
    """A transaction on a connection of its own that has written and goes on until it is told."""

    def __init__(self, tag: str) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._written, self._go = threading.Event(), threading.Event()
        self._commit = True
        self._running: Future[None] = self._threads.submit(self._run, tag)
        assert self._written.wait(SECONDS)

    def end(self, *, commit: bool = True) -> None:
        self._commit = commit
        self._go.set()
        self._running.result(SECONDS)
        self._threads.shutdown()

    def _run(self, tag: str) -> None:
        try:
            with atomic():
                AuditStore().append([replace(PLAIN, tag=tag)])
                self._written.set()
                assert self._go.wait(SECONDS)
                if not self._commit:
                    raise AbortedError
        except AbortedError:
            pass
        finally:
            close_connection()


class Reader:
    """Follows the log from its beginning."""

    def __init__(self) -> None:
        self.follower = Follower(ForwardStore())
        self.place = 0

    def read(self, limit: int = 100) -> list[str]:
        found = self.follower.next(self.place, limit)
        if found:
            self.place = found[-1].id
        return [each.tag for each in found]


def test_entries_come_in_the_order_of_their_numbers_whatever_their_moments() -> None:
    early, late = PLAIN.at.replace(hour=1), PLAIN.at.replace(hour=20)
    with atomic():
        AuditStore().append([replace(PLAIN, tag="a", at=late), replace(PLAIN, tag="b", at=early)])
    reader = Reader()
    assert reader.read(1) == ["a"]
    assert reader.read(1) == ["b"]
    assert reader.read() == []
    write("c")
    assert reader.read() == ["c"]


@pytest.fixture
def on_postgresql(database: str) -> None:
    if not is_postgresql():
        pytest.skip("SQLite has one writer at a time")


@pytest.mark.usefixtures("on_postgresql")
def test_what_commits_late_is_waited_for() -> None:
    reader = Reader()
    write("first")
    slow = Writer("slow")
    write("quick")
    assert reader.read() == ["first"]
    assert reader.read() == []
    assert reader.follower.is_waiting
    write("quicker")
    assert reader.read() == []
    slow.end()
    assert reader.read() == ["slow", "quick", "quicker"]
    assert reader.read() == []
    assert not reader.follower.is_waiting


@pytest.mark.usefixtures("on_postgresql")
def test_what_was_taken_back_is_not_waited_for() -> None:
    reader = Reader()
    gone = Writer("gone")
    write("kept")
    assert reader.read() == []
    gone.end(commit=False)
    assert reader.read() == ["kept"]
    write("next")
    assert reader.read() == ["next"]


@pytest.mark.usefixtures("on_postgresql")
def test_only_those_who_wrote_when_the_gap_was_seen_are_waited_for() -> None:
    reader = Reader()
    first = Writer("a")
    write("b")
    assert reader.read() == []
    second = Writer("c")
    write("d")
    first.end()
    assert reader.read() == ["a", "b"]
    assert reader.read() == []
    second.end()
    assert reader.read() == ["c", "d"]


@pytest.mark.usefixtures("on_postgresql")
def test_a_transaction_that_writes_elsewhere_holds_nothing_up() -> None:
    reader = Reader()
    gone = Writer("gone")
    gone.end(commit=False)
    write("kept")
    with ThreadPoolExecutor(1) as threads, atomic():
        # This thread's transaction has not touched the log.
        assert threads.submit(closing, reader.read).result(SECONDS) == ["kept"]


def closing(action: Callable[[], list[str]]) -> list[str]:
    try:
        return action()
    finally:
        close_connection()


def test_many_writers_at_once_lose_nothing_and_repeat_nothing() -> None:
    count, each = 6, 60

    def writing(number: int) -> None:
        chance = random.Random(number)
        try:
            for step in range(each):
                try:
                    with atomic(durable=False):
                        AuditStore().append([replace(PLAIN, tag=f"{number}.{step}")])
                        time.sleep(chance.random() * 0.003 if is_postgresql() else 0)
                        if chance.random() < 0.2:
                            raise AbortedError
                except AbortedError:
                    pass
        finally:
            close_connection()

    reader, seen = Reader(), []
    numbers = []
    with ThreadPoolExecutor(count) as threads:
        running = [threads.submit(writing, number) for number in range(count)]
        while not all(future.done() for future in running):
            found = reader.follower.next(reader.place, 7)
            reader.place = found[-1].id if found else reader.place
            seen += [entry.tag for entry in found]
            numbers += [entry.id for entry in found]
        for future in running:
            future.result()
    while found := reader.read():
        seen += found
    assert len(seen) == len(set(seen))
    assert set(seen) == {entry.tag for entry in ForwardStore().following(0, count * each)}
    assert numbers == sorted(numbers)
