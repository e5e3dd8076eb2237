"""Sessions of the portal: how long they last, and what is left of them."""

from datetime import timedelta

import pytest

from moorage.db.connection import database as handle
from moorage.events import SessionClosed
from moorage.identity.errors import BadCredentialsError, SessionDeniedError
from moorage.identity.session_store import SessionStore
from moorage.identity.sessions import MOST_PER_USER, Sessions, csrf_of
from moorage.identity.tables import SessionRow
from tests.support.accounts import ACTOR, Accounts

pytestmark = pytest.mark.usefixtures("database")
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)


@pytest.fixture
def accounts(clock):
    return Accounts(clock)


@pytest.fixture
def sessions(accounts, clock):
    return Sessions(SessionStore(), accounts.events, clock, idle=lambda: IDLE, longest=LONGEST)


@pytest.fixture
def alice(accounts):
    return accounts.user("alice").principal()


def test_a_session_is_found_by_its_secret_and_by_nothing_else(sessions, alice):
    secret, opened = sessions.open(alice)
    found = sessions.find(secret)
    assert (found.principal.key, found.principal.generation) == (alice.key, alice.generation)
    assert found.csrf == opened.csrf == csrf_of(secret)
    for wrong in ("", "x", secret[:-1], secret + "x", "y" * 10_000, "\ud800"):
        assert sessions.find(wrong) is None


def test_neither_the_secret_nor_its_csrf_token_lies_in_the_database(sessions, alice):
    secret, session = sessions.open(alice)
    stored = str(handle.execute_sql("SELECT * FROM session").fetchall())
    assert secret not in stored
    assert session.csrf not in stored


def test_a_session_ends_without_requests_and_lasts_with_them(sessions, alice, clock):
    busy, _ = sessions.open(alice)
    idle, _ = sessions.open(alice)
    for _ in range(3):
        clock.forward(seconds=(IDLE - timedelta(seconds=1)).total_seconds())
        assert sessions.find(busy) is not None
    assert sessions.find(idle) is None


def test_a_session_ends_in_the_end_however_busy(sessions, alice, clock):
    secret, _ = sessions.open(alice)
    for _ in range(31):
        clock.forward(seconds=(timedelta(minutes=15)).total_seconds())
        assert sessions.find(secret) is not None
    clock.forward(seconds=(timedelta(minutes=15)).total_seconds())
    assert sessions.find(secret) is None


def test_logging_in_again_ends_the_session_before(sessions, alice):
    first, _ = sessions.open(alice)
    second, _ = sessions.open(alice, former=first)
    assert first != second
    assert sessions.find(first) is None
    assert sessions.find(second) is not None


def test_what_is_closed_is_closed_and_told_once(sessions, alice, accounts):
    secret, _ = sessions.open(alice)
    sessions.close(ACTOR, secret)
    sessions.close(ACTOR, secret)
    assert sessions.find(secret) is None
    assert [type(each) for each in accounts.told].count(SessionClosed) == 1


def test_a_user_has_so_many_sessions_and_loses_the_one_that_is_used_least(sessions, alice, accounts, clock):
    other, _ = sessions.open(accounts.user("bob").principal())
    opened = []
    for _ in range(MOST_PER_USER + 1):
        opened.append(sessions.open(alice)[0])
        clock.forward(seconds=(timedelta(seconds=1)).total_seconds())
    assert sessions.find(opened[0]) is None
    assert all(sessions.find(each) for each in (*opened[1:], other))


def test_what_has_ended_is_removed(sessions, alice, clock):
    sessions.open(alice)
    clock.forward(seconds=(IDLE).total_seconds())
    kept, _ = sessions.open(alice)
    sessions.forget()
    assert SessionRow.select().count() == 1
    assert sessions.find(kept) is not None


def test_robots_and_accounts_that_are_gone_open_none(sessions, accounts, alice):
    robot, _ = accounts.robot(accounts.project("dock"), "ci")
    with pytest.raises(SessionDeniedError):
        sessions.open(robot.principal())
    accounts.user("chief", admin=True)
    accounts.users.delete(ACTOR, alice.id)
    with pytest.raises(BadCredentialsError):
        sessions.open(alice)


def test_the_sessions_of_a_deleted_user_go_along(sessions, accounts, alice):
    accounts.user("chief", admin=True)
    secret, _ = sessions.open(alice)
    accounts.users.delete(ACTOR, alice.id)
    assert sessions.find(secret) is None
    assert SessionRow.select().count() == 0
