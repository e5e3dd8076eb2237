"""Principals and accounts."""

from datetime import UTC, datetime, timedelta

import pytest

from moorage.identity.model import ANONYMOUS, FOREVER, Principal, PrincipalKind, Robot, User

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def robot(expires_at: datetime | None) -> Robot:
    return Robot(9, 3, "robot$dock+ci", "", False, 4, expires_at, NOW, NOW, frozenset(), "alice")


def test_a_user_and_a_robot_of_one_number_are_not_the_same_account():
    user = User(9, "alice", "", "", "", True, False, 2, NOW, NOW).principal()
    assert user == Principal(PrincipalKind.USER, 9, "alice", 2, True)
    assert user.key == "user:9" != robot(None).principal().key == "robot:9"


def test_a_robot_is_never_an_administrator():
    assert not robot(None).principal().admin


def test_what_is_issued_to_a_robot_ends_with_it():
    end = NOW + timedelta(days=30)
    assert robot(end).principal().expires_at == end


@pytest.mark.parametrize(("days", "shown"), [(30, 30), (1, 1), (None, FOREVER)])
def test_a_robot_tells_for_how_many_days_it_was_made(days: int | None, shown: int):
    end = None if days is None else NOW + timedelta(days=days)
    assert robot(end).duration_days == shown


def test_nobody_is_anonymous():
    assert ANONYMOUS.is_anonymous
    assert ANONYMOUS.key == "anonymous:0"
    assert not ANONYMOUS.admin
