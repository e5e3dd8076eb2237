"""The short memory of passwords that were right."""

import pytest

from moorage.identity import proved_passwords
from moorage.identity.model import Principal, PrincipalKind
from moorage.identity.proved_passwords import ProvedPasswords
from tests.support.clock import SetClock

ALICE = Principal(PrincipalKind.USER, 1, "alice", 1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def proved(clock: SetClock) -> ProvedPasswords:
    made = ProvedPasswords(clock)
    made.remember(ALICE, "Harbour1")
    return made


def test_a_proved_password_is_known_for_a_minute(proved: ProvedPasswords, clock: SetClock):
    clock.forward(seconds=59)
    assert proved.knows(ALICE, "Harbour1")
    clock.forward(seconds=1)
    assert not proved.knows(ALICE, "Harbour1")


@pytest.mark.parametrize("password", ["Harbour2", "", "harbour1", "Harbour1 ", "\ud800"])
def test_another_password_is_not_known(proved: ProvedPasswords, password: str):
    assert not proved.knows(ALICE, password)


@pytest.mark.parametrize(
    "other",
    [
        Principal(PrincipalKind.USER, 2, "alice", 1),
        Principal(PrincipalKind.USER, 1, "alice", 2),
        Principal(PrincipalKind.ROBOT, 1, "alice", 1),
    ],
    ids=["another account", "a newer generation", "another kind"],
)
def test_it_is_known_of_that_account_in_that_generation_only(proved: ProvedPasswords, other: Principal):
    assert not proved.knows(other, "Harbour1")


def test_the_parts_of_a_note_cannot_be_shifted_into_each_other(clock: SetClock):
    proved = ProvedPasswords(clock)
    proved.remember(Principal(PrincipalKind.USER, 1, "a", 1), "2 Harbour1")
    assert not proved.knows(Principal(PrincipalKind.USER, 1, "a", 12), "Harbour1")


def test_another_process_knows_nothing(proved: ProvedPasswords, clock: SetClock):
    assert not ProvedPasswords(clock).knows(ALICE, "Harbour1")


def test_the_oldest_notes_make_room(clock: SetClock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proved_passwords, "MOST", 3)
    proved = ProvedPasswords(clock)
    for each in range(5):
        proved.remember(ALICE, str(each))
    assert [proved.knows(ALICE, str(each)) for each in range(5)] == [False, False, True, True, True]


def test_no_password_is_kept(proved: ProvedPasswords):
    assert "Harbour1" not in repr(vars(proved))
