"""Logins in a real database: who gets in, and what a stranger can learn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import pytest
from passlib.hash import argon2

from moorage.db.connection import Statement
from moorage.identity import users
from moorage.identity.errors import BadCredentialsError, TooManyAttemptsError
from moorage.identity.model import ANONYMOUS, Principal, PrincipalKind, User
from tests.support.accounts import ACTOR, PASSWORD, Accounts
from tests.support.at_once import at_once
from tests.support.clock import SetClock

HOME = "192.0.2.1"
NEW = "Lighthouse-2"


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def alice(accounts: Accounts) -> User:
    return accounts.user("alice")


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often argon2 has worked since the test began."""
    spies = {name: Mock(wraps=getattr(users, name)) for name in ("verify_password", "waste_time")}
    for name, spy in spies.items():
        monkeypatch.setattr(users, name, spy)
    return lambda: sum(spy.call_count for spy in spies.values())


def login(accounts: Accounts, name: str, password: str, address: str = HOME) -> Principal | None:
    try:
        return accounts.authenticator.authenticate(name, password, address)
    except BadCredentialsError:
        return None


def test_a_user_gets_in_with_the_password(accounts: Accounts, alice: User):
    assert login(accounts, "alice", PASSWORD) == alice.principal()


def test_an_administrator_is_known_as_one(accounts: Accounts):
    accounts.user("admin", admin=True)
    principal = login(accounts, "admin", PASSWORD)
    assert principal is not None
    assert principal.admin


def test_a_user_gets_in_with_an_access_token_and_under_their_own_name_only(accounts: Accounts, alice: User):
    secret = accounts.access_token(alice)
    accounts.user("bob")
    assert login(accounts, "alice", secret) == alice.principal()
    assert login(accounts, "bob", secret) is None


def test_a_robot_gets_in_with_its_secret(accounts: Accounts):
    made, secret = accounts.robot(accounts.project("dock"), "ci")
    assert login(accounts, "robot$dock+ci", secret) == made.principal()


def test_a_robot_whose_name_sounds_important_is_just_a_robot(accounts: Accounts):
    for name in ("admin", "scanner", "system"):
        _, secret = accounts.robot(accounts.project(f"p-{name}"), name)
        principal = login(accounts, f"robot$p-{name}+{name}", secret)
        assert principal is not None
        assert (principal.kind, principal.admin) == (PrincipalKind.ROBOT, False)


ANY_TEXT = [
    "",
    "\0",
    "\ud800",
    " ",
    "alice",
    "nobody",
    "robot$",
    "robot$dock+ci",
    "moor_pat_",
    "x" * 100_000,
    "'; --",
]


@pytest.mark.parametrize("name", ANY_TEXT, ids=lambda text: ascii(text[:14]))
def test_any_text_as_a_name_or_a_password_is_just_wrong(accounts: Accounts, alice: User, name: str):
    for number, password in enumerate(ANY_TEXT):
        assert login(accounts, name, password, f"198.51.100.{number}") is None


def test_every_cause_of_failure_looks_the_same(accounts: Accounts, alice: User, clock: SetClock):
    dock = accounts.project("dock")
    asleep = accounts.user("asleep")
    asleep_token = accounts.access_token(asleep)
    accounts.users.set_disabled(ACTOR, asleep.id, True)
    over, over_secret = accounts.robot(dock, "over", days=1)
    ended = accounts.access_token(alice, lifetime=timedelta(days=1))
    clock.forward(days=2)
    attempts = [
        ("nobody", PASSWORD),
        ("alice", NEW),
        ("asleep", PASSWORD),
        ("asleep", asleep_token),
        ("alice", ended),
        ("alice", asleep_token),
        (over.name, over_secret),
        ("robot$dock+none", "x"),
    ]
    seen = set()
    for name, password in attempts:
        with pytest.raises(BadCredentialsError) as caught:
            accounts.authenticator.authenticate(name, password, HOME)
        seen.add((caught.value.code, caught.value.message, str(caught.value), str(caught.value.detail)))
    assert len(seen) == 1


def test_a_name_that_nobody_has_costs_as_much_work_as_a_wrong_password(
    accounts: Accounts, alice: User, comparisons: Callable[[], int]
):
    accounts.users.set_disabled(ACTOR, accounts.user("asleep").id, True)
    for number, name in enumerate(("alice", "nobody", "asleep", "\0", "")):
        assert login(accounts, name, NEW) is None
        assert comparisons() == number + 1


def test_a_storm_of_logins_costs_one_comparison_a_minute(
    accounts: Accounts, alice: User, comparisons: Callable[[], int], clock: SetClock
):
    for _ in range(20):
        assert login(accounts, "alice", PASSWORD) == alice.principal()
    assert comparisons() == 1
    clock.forward(seconds=60)
    assert login(accounts, "alice", PASSWORD) == alice.principal()
    assert comparisons() == 2


def test_a_wrong_password_is_compared_every_time(
    accounts: Accounts, alice: User, comparisons: Callable[[], int]
):
    login(accounts, "alice", PASSWORD)
    for _ in range(3):
        assert login(accounts, "alice", NEW) is None
    assert comparisons() == 4


def test_whoever_proved_the_password_just_now_is_shut_out_at_once(accounts: Accounts, alice: User):
    assert login(accounts, "alice", PASSWORD)
    accounts.users.set_disabled(ACTOR, alice.id, True)
    assert login(accounts, "alice", PASSWORD) is None
    accounts.users.set_disabled(ACTOR, alice.id, False)
    assert login(accounts, "alice", PASSWORD)
    accounts.users.change_password(ACTOR, alice.id, NEW, old=None)
    assert login(accounts, "alice", PASSWORD) is None
    assert login(accounts, "alice", NEW)
    accounts.users.delete(ACTOR, alice.id)
    assert login(accounts, "alice", NEW) is None


def test_an_account_that_was_disabled_by_hand_is_shut_out_at_once(accounts: Accounts, alice: User):
    assert login(accounts, "alice", PASSWORD)
    Statement("UPDATE account SET disabled = (1 = 1)").run()
    assert login(accounts, "alice", PASSWORD) is None


def test_an_account_of_the_same_name_does_not_inherit_the_password(accounts: Accounts, alice: User):
    assert login(accounts, "alice", PASSWORD)
    accounts.users.delete(ACTOR, alice.id)
    accounts.users.create(ACTOR, "alice", NEW)
    assert login(accounts, "alice", PASSWORD) is None


def test_the_hash_is_renewed_at_the_next_login_when_costs_were_raised(accounts: Accounts, alice: User):
    weak = argon2.using(memory_cost=1024, rounds=1, parallelism=1).hash(PASSWORD)
    Statement("UPDATE account SET password_hash = ?").run(weak)
    assert login(accounts, "alice", PASSWORD) == alice.principal()
    ((renewed,),) = Statement("SELECT password_hash FROM account").all()
    assert renewed != weak
    assert login(Accounts(accounts.clock), "alice", PASSWORD) == alice.principal()


def test_after_five_failures_not_even_the_right_password_helps_for_a_minute(
    accounts: Accounts, alice: User, clock: SetClock
):
    login(accounts, "alice", PASSWORD)
    for _ in range(5):
        login(accounts, "alice", NEW)
    with pytest.raises(TooManyAttemptsError) as caught:
        login(accounts, "alice", PASSWORD)
    assert caught.value.retry_after == 60
    assert login(accounts, "alice", PASSWORD, "192.0.2.99") == alice.principal()
    clock.forward(seconds=60)
    assert login(accounts, "alice", PASSWORD) == alice.principal()


def test_a_login_that_succeeds_begins_the_count_anew(accounts: Accounts, alice: User):
    for _ in range(3):
        for _ in range(4):
            assert login(accounts, "alice", NEW) is None
        assert login(accounts, "alice", PASSWORD) == alice.principal()


def test_names_that_nobody_has_are_locked_out_just_the_same(accounts: Accounts):
    for _ in range(5):
        assert login(accounts, "nobody", NEW) is None
    with pytest.raises(TooManyAttemptsError):
        login(accounts, "nobody", NEW)


def test_robots_and_access_tokens_are_locked_out_too(accounts: Accounts, alice: User):
    for name, password in (("robot$dock+ci", "wrong"), ("alice", "moor_pat_wrong")):
        for _ in range(5):
            assert login(accounts, name, password) is None
        with pytest.raises(TooManyAttemptsError):
            login(accounts, name, password)


def test_while_locked_out_nothing_is_compared(
    accounts: Accounts, alice: User, comparisons: Callable[[], int]
):
    for _ in range(5):
        login(accounts, "alice", NEW)
    with pytest.raises(TooManyAttemptsError):
        login(accounts, "alice", NEW)
    assert comparisons() == 5


def test_many_logins_at_once_all_get_in(accounts: Accounts, alice: User):
    results = at_once(*[lambda: login(accounts, "alice", PASSWORD)] * 8)
    assert results == [alice.principal()] * 8


def test_a_token_is_good_for_a_new_one_while_the_account_stays_as_it_was(accounts: Accounts, alice: User):
    before = alice.principal()
    assert accounts.authenticator.current(before) == before
    accounts.users.change_profile(ACTOR, alice.id, email="a@b.c", real_name="", comment="")
    assert accounts.authenticator.current(before) == before
    accounts.users.change_password(ACTOR, alice.id, NEW, old=None)
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(before)


def test_a_disabled_or_deleted_account_gets_no_new_token(accounts: Accounts, alice: User):
    accounts.users.set_disabled(ACTOR, alice.id, True)
    disabled = accounts.users.get(alice.id).principal()
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(disabled)
    accounts.users.delete(ACTOR, alice.id)
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(disabled)


def test_an_administrator_of_yesterday_is_not_taken_at_their_word(accounts: Accounts, alice: User):
    claimed = replace(alice.principal(), admin=True)
    assert not accounts.authenticator.current(claimed).admin


def test_a_new_token_ends_with_the_older_credential_or_with_the_robot(
    accounts: Accounts, alice: User, clock: SetClock
):
    soon, later = clock.moment + timedelta(hours=1), clock.moment + timedelta(days=1)
    robot, _ = accounts.robot(accounts.project("dock"), "ci", days=1)
    current = accounts.authenticator.current
    assert current(replace(alice.principal(), expires_at=soon)).expires_at == soon
    assert current(replace(robot.principal(), expires_at=soon)).expires_at == soon
    assert current(replace(robot.principal(), expires_at=None)).expires_at == later
    clock.forward(days=1)
    with pytest.raises(BadCredentialsError):
        current(robot.principal())


def test_nobody_stays_nobody(accounts: Accounts):
    assert accounts.authenticator.current(ANONYMOUS) is ANONYMOUS
