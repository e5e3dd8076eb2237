"""Lock-outs in a real database."""

import pytest

from moorage.config import LoginSettings
from moorage.db.connection import Statement
from moorage.identity.errors import TooManyAttemptsError
from moorage.identity.lockout import Lockout
from moorage.identity.store import IdentityStore
from tests.support.at_once import at_once
from tests.support.clock import SetClock

HOME, AWAY = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def lockout(database: str, clock: SetClock) -> Lockout:
    return Lockout(IdentityStore(), clock, LoginSettings())


def fail(lockout: Lockout, times: int, name: str = "alice", address: str = HOME) -> None:
    for _ in range(times):
        lockout.failed(name, address)


def wait_of(lockout: Lockout, name: str = "alice", address: str = HOME) -> int:
    """Seconds to wait; 0 when a login may be tried."""
    try:
        lockout.check(name, address)
    except TooManyAttemptsError as error:
        assert error.retry_after >= 1
        return error.retry_after
    return 0


def rows() -> int:
    row = Statement("SELECT count(*) FROM login_failure").one()
    return -1 if row is None else row[0]


def test_four_failures_lock_nobody_out_and_the_fifth_does(lockout: Lockout):
    fail(lockout, 4)
    assert wait_of(lockout) == 0
    fail(lockout, 1)
    assert wait_of(lockout) == 60


def test_a_lock_out_ends_by_itself(lockout: Lockout, clock: SetClock):
    fail(lockout, 5)
    clock.forward(seconds=59.5)
    assert wait_of(lockout) == 1
    clock.forward(seconds=0.5)
    assert wait_of(lockout) == 0


def test_each_further_failure_doubles_it_up_to_the_longest(lockout: Lockout, clock: SetClock):
    fail(lockout, 5)
    waits = [wait_of(lockout)]
    for _ in range(6):
        clock.forward(seconds=waits[-1])
        fail(lockout, 1)
        waits.append(wait_of(lockout))
    assert waits == [60, 120, 240, 480, 900, 900, 900]


def test_ten_thousand_failures_are_no_longer_than_the_longest(lockout: Lockout):
    Statement("INSERT INTO login_failure (subject, failures, first_at) VALUES (?, 1, 0)").run("x")
    fail(lockout, 5)
    Statement("UPDATE login_failure SET failures = 2000000000").run()
    fail(lockout, 1)
    assert wait_of(lockout) == 900


def test_failures_that_are_far_apart_do_not_add_up(lockout: Lockout, clock: SetClock):
    for _ in range(10):
        fail(lockout, 4)
        clock.forward(seconds=301)
    assert wait_of(lockout) == 0


def test_failures_within_the_window_add_up(lockout: Lockout, clock: SetClock):
    for _ in range(5):
        fail(lockout, 1)
        clock.forward(seconds=60)
    fail(lockout, 1)
    assert wait_of(lockout) > 0


def test_after_a_quiet_window_the_growth_begins_anew(lockout: Lockout, clock: SetClock):
    fail(lockout, 8)
    clock.forward(seconds=wait_of(lockout) + 301)
    fail(lockout, 4)
    assert wait_of(lockout) == 0
    fail(lockout, 1)
    assert wait_of(lockout) == 60


def test_nobody_can_lock_somebody_else_out(lockout: Lockout):
    fail(lockout, 20, address=AWAY)
    assert wait_of(lockout, address=AWAY) > 0
    assert wait_of(lockout, address=HOME) == 0
    assert wait_of(lockout, name="bob", address=AWAY) == 0


def test_an_address_that_tries_many_names_is_locked_out_as_a_whole(lockout: Lockout):
    for number in range(29):
        fail(lockout, 1, name=f"guess{number}")
    assert wait_of(lockout) == 0
    fail(lockout, 1, name="guess29")
    assert wait_of(lockout) == wait_of(lockout, name="unknown") == 60
    assert wait_of(lockout, address=AWAY) == 0


def test_a_success_forgets_the_failures_of_that_account_there(lockout: Lockout):
    fail(lockout, 4)
    fail(lockout, 4, name="bob")
    lockout.succeeded("alice", HOME)
    fail(lockout, 1)
    assert wait_of(lockout) == 0
    fail(lockout, 1, name="bob")
    assert wait_of(lockout, name="bob") == 60


def test_with_an_account_of_ones_own_one_cannot_wipe_the_count_of_the_address(lockout: Lockout):
    for number in range(30):
        fail(lockout, 1, name=f"guess{number}")
        lockout.succeeded("mallory", HOME)
    assert wait_of(lockout, name="mallory") == 60


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:1:2::1", "2001:db8:1:2:0:0:0:1"),
    ],
)
def test_addresses_of_one_customer_are_one(lockout: Lockout, one: str, other: str):
    fail(lockout, 5, address=one)
    assert wait_of(lockout, address=other) == 60
    assert wait_of(lockout, address="2001:db8:1:3::1") == 0


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "x" * 1_000_000, "a@b", "alice 192.0.2.2", "'; --"])
@pytest.mark.parametrize("address", ["", HOME, "\0", "\ud800", "y" * 1000, "unix:/run/x.sock"])
def test_any_name_from_anywhere_can_be_counted(lockout: Lockout, name: str, address: str):
    fail(lockout, 5, name=name, address=address)
    assert wait_of(lockout, name=name, address=address) == 60
    assert wait_of(lockout, name=name, address=AWAY) == 0
    subjects = Statement("SELECT subject FROM login_failure").all()
    assert all(len(subject) < 200 for (subject,) in subjects)


def test_what_was_typed_as_a_name_is_not_kept(lockout: Lockout):
    fail(lockout, 1, name="My-Secret-Password-1")
    assert "My-Secret" not in repr(Statement("SELECT * FROM login_failure").all())


def test_counts_that_are_over_are_deleted(lockout: Lockout, clock: SetClock):
    fail(lockout, 5)
    fail(lockout, 1, name="bob", address=AWAY)
    assert rows() == 4
    clock.forward(seconds=301)
    assert lockout.sweep() == 3  # the one that locked out counts on from the end of its lock-out
    assert rows() == 1
    clock.forward(seconds=60)
    assert lockout.sweep() == 1


def test_the_table_does_not_grow_for_ever(lockout: Lockout, clock: SetClock):
    for number in range(50):
        fail(lockout, 1, name=f"guess{number}", address=f"198.51.100.{number}")
        clock.forward(seconds=100)
    assert rows() < 20


def test_no_failure_is_lost_when_many_come_at_once(database: str, clock: SetClock):
    settings = LoginSettings(attempts=10_000, address_attempts=10_000)
    lockouts = [Lockout(IdentityStore(), clock, settings) for _ in range(6)]
    results = at_once(*[lambda lockout=each: fail(lockout, 10) for each in lockouts])
    assert results == [None] * 6
    assert Statement("SELECT failures FROM login_failure").all() == [(60,), (60,)]


def test_processes_share_the_counts(database: str, clock: SetClock):
    one, other = (Lockout(IdentityStore(), clock, LoginSettings()) for _ in range(2))
    fail(one, 3)
    fail(other, 2)
    assert wait_of(one) == wait_of(other) == 60
    one.succeeded("alice", HOME)
    assert wait_of(other) == 0


def test_many_from_one_address_at_once_do_not_block_each_other_for_good(database: str, clock: SetClock):
    lockout = Lockout(IdentityStore(), clock, LoginSettings(attempts=10_000, address_attempts=10_000))
    calls = [lambda number=number: fail(lockout, 10, name=f"guess{number % 3}") for number in range(6)]
    assert at_once(*calls) == [None] * 6
