"""Forwarding: resumed where it broke, one at a time, bounded, and nothing dropped without a word."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moorage.audit.archive import Archive
from moorage.audit.errors import SyslogOffError
from moorage.audit.flow import Pace
from moorage.audit.forward_store import ForwardStore
from moorage.audit.forwarding import Forwarding
from moorage.audit.model import Entry, Progress, Query, Result
from moorage.audit.purge import Purge
from moorage.audit.store import AuditStore
from moorage.config import AuditSettings, SyslogSettings
from moorage.db.connection import atomic
from tests.support.clock import SetClock
from tests.support.fake_run import FakeRun
from tests.support.syslog_receiver import Receiver, until

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
QUICK = Pace(batch=50, look=0.02, save=0.05, trust=0.0, pause=0.05, pause_most=0.2)
PLAIN = Entry(
    *(0, NOON, "req", "user", "alice", "192.0.2.7", "docker/27", "pull_artifact", "artifact"),
    *("dock/app:1", 1, "dock", "dock/app", "1", "", Result.SUCCESS, ""),
)


def write(count: int, **changes: object) -> None:
    with atomic():
        AuditStore().append([replace(PLAIN, **changes)] * count)  # type: ignore[arg-type]  # by keyword


def logged() -> list[int]:
    return [each.id for each in ForwardStore().following(0, 1_000_000)]


def progress() -> Progress:
    """How far it came; waits until somebody forwards."""
    store = ForwardStore()
    until(lambda: store.progress() is not None)
    found = store.progress()
    assert found is not None
    return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.reads.set()
    made.go_away()


@pytest.fixture
def forwarding(receiver: Receiver, tmp_path: Path) -> Callable[..., Forwarding]:
    def make(pace: Pace = QUICK, *, now: datetime = NOON, **settings: object) -> Forwarding:
        told = replace(SyslogSettings(), **{"url": f"tcp://127.0.0.1:{receiver.port}", **settings})  # type: ignore[arg-type]
        return Forwarding(ForwardStore(), SetClock(now), told, tmp_path, pace=pace)

    return make


@contextmanager
def running(forwarding: Forwarding) -> Iterator[threading.Event]:
    """Forwards beside the block; it ends within two seconds after it."""
    stop = threading.Event()
    thread = threading.Thread(target=forwarding.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        began = time.monotonic()
        thread.join(20)
    assert time.monotonic() - began < 4  # two, and what a busy machine adds


def test_every_entry_arrives_once_and_in_order(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(120)
    with running(forwarding()):
        receiver.wait_until(lambda: len(receiver.messages) == 120)
        write(3)
        receiver.wait_until(lambda: len(receiver.messages) == 123)
    assert receiver.numbers() == logged()
    found = progress()
    assert (found.settled_id, found.sent_id, found.sent) == (logged()[-1], logged()[-1], 123)
    assert not found.connected
    with running(forwarding()):
        write(1)
        receiver.wait_until(lambda: len(receiver.messages) == 124)
    assert receiver.numbers() == logged()


def test_what_a_server_missed_arrives_once_when_it_is_back(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(10)
    with running(forwarding()):
        for _ in range(3):
            until(lambda: receiver.numbers() == logged())
            receiver.go_away()
            until(lambda: not progress().connected)
            assert progress().error in ("Connection refused", "the server closed the connection")
            write(60)
            receiver.come_back()
        until(lambda: receiver.numbers() == logged())
        until(lambda: progress().connected)
    assert receiver.numbers() == logged()


def test_what_lay_unread_with_a_server_that_died_is_sent_again(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(10)
    with running(forwarding()):
        receiver.wait_until(lambda: len(receiver.messages) == 10)
        receiver.reads.clear()
        write(50)
        until(lambda: progress().sent_id == logged()[-1])  # its system has all of it
        assert progress().settled_id < logged()[0]
        receiver.go_away(reset=True)
        receiver.messages.clear()
        receiver.reads.set()
        receiver.come_back()
        until(lambda: set(receiver.numbers()) == set(logged()))
    assert progress().settled_id == logged()[-1]


def test_what_a_server_got_just_before_it_ended_the_connection_is_sent_again(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(10)
    with running(forwarding(replace(QUICK, trust=60))):
        receiver.wait_until(lambda: len(receiver.messages) == 10)
        receiver.go_away()
        receiver.come_back()
        until(lambda: receiver.numbers() == logged() + logged())


@pytest.mark.parametrize("pace", [replace(QUICK, settle=0.1), replace(QUICK, settle_entries=50)])
def test_what_was_read_is_asked_for_so_that_little_is_ever_sent_again(
    pace: Pace, forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    with running(forwarding(pace)):
        for _ in range(5):
            write(50)
            until(lambda: progress().settled_id == logged()[-1])
        assert receiver.connections >= 5
    assert receiver.numbers() == logged()


def test_a_process_that_died_is_followed_up_behind_what_is_settled(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(10)
    store = ForwardStore()
    with atomic():
        store.create(Progress("", logged()[3], logged()[7], None, 8, 0, 0, None, True, "", NOON))
    with running(forwarding()):
        until(lambda: receiver.numbers() == logged()[4:])


def test_a_stop_is_not_held_up_by_a_server_that_reads_nothing(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    receiver.reads.clear()
    write(6_000, detail="x" * 1024)
    with running(forwarding()):
        until(lambda: receiver.connections > 0)
        time.sleep(0.5)  # the buffers of both systems fill
    assert progress().settled_id < logged()[0]


def test_only_one_forwards_and_another_one_takes_over(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(20)
    with running(forwarding()) as first:
        receiver.wait_until(lambda: len(receiver.messages) == 20)
        with running(forwarding()):
            write(20)
            receiver.wait_until(lambda: len(receiver.messages) == 40)
            assert receiver.connections == 1
            first.set()
            until(lambda: receiver.connections == 2)
            write(20)
            receiver.wait_until(lambda: len(receiver.messages) == 60)
    assert receiver.numbers() == logged()


def test_whoever_was_pushed_aside_writes_nothing_more() -> None:
    store = ForwardStore()
    with atomic():
        store.create(Progress("", 0, 0, None, 0, 0, 0, None, False, "", NOON))
        store.take_over("one", "", NOON)
        assert store.save("one", settled_id=5)
        store.take_over("two", "", NOON)
        assert not store.save("one", settled_id=9)
    assert progress().settled_id == 5


def test_a_log_that_was_never_forwarded_begins_within_the_bounds(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(5, at=NOON - timedelta(hours=50))
    write(30, at=NOON - timedelta(hours=1))
    with running(forwarding(spool_hours=24, spool_entries=20)):
        until(lambda: receiver.numbers() == logged()[-20:])


def purge(forwarding: Forwarding, folder: Path, **parameters: object) -> dict[str, object]:
    limits = replace(AuditSettings(), keep_days=1, keep_entries=0)
    run = FakeRun(parameters)
    return dict(Purge(AuditStore(), Archive(folder), SetClock(NOON), limits, forwarding, batch=7).run(run))


def test_a_purge_leaves_what_waits_for_the_server(
    forwarding: Callable[..., Forwarding], receiver: Receiver, tmp_path: Path
) -> None:
    write(20, at=NOON - timedelta(hours=30))
    with running(forwarding()):
        until(lambda: receiver.numbers() == logged())
    write(15, at=NOON - timedelta(hours=29))
    waiting = logged()[20:]
    assert purge(forwarding(), tmp_path, dry_run=True)["found"] == 20
    assert purge(forwarding(), tmp_path)["removed"] == 20
    assert logged() == waiting
    with running(forwarding()):
        until(lambda: receiver.numbers()[20:] == waiting)
    assert purge(forwarding(), tmp_path)["removed"] == 15
    assert (progress().dropped, forwarding().probe()) == (0, None)


@pytest.mark.parametrize("bound", [{"spool_hours": 48}, {"spool_entries": 5}])
def test_what_is_beyond_the_bounds_is_dropped_counted_and_told(
    bound: dict[str, int], forwarding: Callable[..., Forwarding], receiver: Receiver, tmp_path: Path
) -> None:
    write(4, at=NOON - timedelta(hours=100))
    with running(forwarding()):
        until(lambda: receiver.numbers() == logged())
    receiver.go_away()
    write(9, at=NOON - timedelta(hours=60))
    write(5, at=NOON - timedelta(hours=30))
    kept = logged()[-5:]
    away = forwarding(**bound)
    assert purge(away, tmp_path)["removed"] == 13
    assert logged() == kept
    assert (progress().dropped, progress().untold) == (9, 9)
    assert "9 entries were dropped unsent" in str(away.probe())
    assert "entries wait since 2026-03-03 06:00 UTC" in str(away.probe())
    receiver.messages.clear()
    receiver.come_back()
    with running(forwarding(replace(QUICK, settle=0.1), **bound)):
        until(lambda: receiver.numbers() == kept)
        until(lambda: progress().untold == 0)
        write(1)
        until(lambda: receiver.numbers() == logged())
    (told,) = [each for each in receiver.messages if b" entries_dropped " in each]
    assert told == receiver.messages[0]
    assert b'dropped="9"] 9 entries were dropped' in told
    assert (progress().dropped, progress().untold) == (9, 0)


def test_without_a_server_nothing_is_kept_and_nothing_runs(
    forwarding: Callable[..., Forwarding], tmp_path: Path
) -> None:
    off = forwarding(url="")
    write(3, at=NOON - timedelta(hours=30))
    off.run(threading.Event())
    assert off.probe() is None
    assert purge(off, tmp_path)["removed"] == 3
    assert ForwardStore().progress() is None
    with pytest.raises(SyslogOffError, match="no syslog server is named"):
        off.test()


def test_health_warns_when_entries_wait_for_too_long(
    forwarding: Callable[..., Forwarding], receiver: Receiver
) -> None:
    write(2, at=NOON - timedelta(minutes=11))
    assert forwarding().probe() == "up to 2 entries wait since 2026-03-04 11:49 UTC: nobody forwards"
    assert forwarding(warn_minutes=12).probe() is None
    with running(forwarding()):
        until(lambda: forwarding().status().waiting == 0)
        assert forwarding().status().connected
    assert forwarding().probe() is None
    assert not forwarding(now=NOON + timedelta(hours=1)).status().connected


def test_the_log_itself_is_as_it_was(forwarding: Callable[..., Forwarding], receiver: Receiver) -> None:
    write(5)
    before = AuditStore().page(Query(), 100, None)
    with running(forwarding()):
        until(lambda: receiver.numbers() == logged())
    assert AuditStore().page(Query(), 100, None) == before
