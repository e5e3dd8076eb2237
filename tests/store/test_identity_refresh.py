"""The directory said only a part, or something that cannot be: who keeps access, and who loses it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from moorage.events import SYSTEM, DirectoryDoubted, UserChanged
from moorage.identity.brake import Brake
from moorage.identity.errors import BadCredentialsError, DirectoryBusyError, DirectoryDoubtedError
from moorage.identity.model import Principal
from moorage.projects.model import Project, Role
from tests.store.test_identity_groups import DEVS, HOME, MARY, STAFF, enter, give, standing_of
from tests.support.accounts import ACTOR, Accounts
from tests.support.clock import SetClock
from tests.support.directory import PASSWORD, FakeDirectory
from tests.support.fake_run import FakeRun


@pytest.fixture
def directory() -> FakeDirectory:
    """Mary is one of the devs, and all devs are staff."""
    found = FakeDirectory()
    found.group("devs", "staff")
    found.add("mary", "devs")
    return found


@pytest.fixture
def accounts(database: str, clock: SetClock, directory: FakeDirectory) -> Accounts:
    return Accounts(clock, directory=directory)


@pytest.fixture
def dock(accounts: Accounts) -> Project:
    return accounts.project("dock")


@pytest.fixture(params=["login", "refresh"])
def follow(request: pytest.FixtureRequest, accounts: Accounts, clock: SetClock) -> Callable[[], None]:
    """Either way to hear what the directory says of mary."""

    def by_login() -> None:
        clock.forward(minutes=2)
        enter(accounts)

    def by_refresh() -> None:
        accounts.refresh.run(FakeRun())

    return by_login if request.param == "login" else by_refresh


def crowd(accounts: Accounts, directory: FakeDirectory, size: int) -> list[Principal]:
    """So many people, all of them devs, all known here."""
    return [enter(accounts, directory.add(f"p{number}", "devs")) for number in range(size)]


def with_access(accounts: Accounts, people: list[Principal]) -> int:
    return sum(not accounts.users.get(each.id).disabled for each in people)


# What was not wholly read


def test_a_group_that_was_not_wholly_read_takes_no_role_away(
    accounts: Accounts, directory: FakeDirectory, dock: Project, follow: Callable[[], None]
):
    give(accounts, dock, STAFF, Role.DEVELOPER)
    mary = enter(accounts)
    directory.unread = {"staff"}
    told = len(accounts.told)
    follow()
    assert standing_of(accounts, mary).role is Role.DEVELOPER
    assert len(accounts.told) == told


def test_an_administrator_by_what_was_not_read_stays_one_and_stays_logged_in(
    accounts: Accounts, directory: FakeDirectory, follow: Callable[[], None]
):
    directory.change("mary", "devs", administrator=True)
    mary = enter(accounts)
    directory.by_unread = True
    follow()
    assert accounts.authenticator.current(mary).admin


def test_who_never_administered_does_not_by_what_was_not_read(
    accounts: Accounts, directory: FakeDirectory, follow: Callable[[], None]
):
    mary = enter(accounts)
    directory.by_unread = True
    follow()
    assert not accounts.authenticator.current(mary).admin


def test_what_was_read_in_part_gives_roles(
    accounts: Accounts, directory: FakeDirectory, dock: Project, follow: Callable[[], None]
):
    give(accounts, dock, "crew@vsphere.local" if directory.group("crew") else "", Role.DEVELOPER)
    mary = enter(accounts)
    directory.unread = {"staff"}
    directory.change("mary", "devs", "crew")
    follow()
    assert standing_of(accounts, mary).role is Role.DEVELOPER


def test_a_group_that_is_surely_left_is_left_though_others_were_not_read(
    accounts: Accounts, directory: FakeDirectory, dock: Project, follow: Callable[[], None]
):
    give(accounts, dock, DEVS, Role.MAINTAINER)
    give(accounts, dock, STAFF, Role.GUEST)
    mary = enter(accounts)
    directory.unread = {"staff"}
    directory.change("mary")
    follow()
    assert standing_of(accounts, mary).role is Role.GUEST
    directory.unread = set()
    follow()
    assert standing_of(accounts, mary).role is None


def test_who_is_gone_is_gone_though_groups_were_not_read(accounts: Accounts, directory: FakeDirectory):
    mary = enter(accounts)
    directory.unread = {"staff", "devs"}
    directory.remove(MARY)
    assert accounts.refresh.run(FakeRun())["gone"] == 1
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(mary)


def test_the_refresh_asks_again_until_all_is_read(
    accounts: Accounts, directory: FakeDirectory, dock: Project, monkeypatch: pytest.MonkeyPatch
):
    give(accounts, dock, STAFF, Role.GUEST)
    mary = enter(accounts)
    directory.unread = {"staff"}
    directory.change("mary")
    asked = directory.person

    def reads_on(name: str):
        found = asked(name)
        directory.unread = set()
        return found

    monkeypatch.setattr(directory, "person", reads_on)
    result = accounts.refresh.run(FakeRun())
    assert standing_of(accounts, mary).role is None
    assert result["unsure"] == 0


def test_a_run_that_could_not_read_all_says_so_and_ends(accounts: Accounts, directory: FakeDirectory):
    crowd(accounts, directory, 3)
    directory.unread = {"staff"}
    run = FakeRun()
    result = accounts.refresh.run(run)
    assert (result["checked"], result["unsure"]) == (3, 3)
    assert ("warning", "which groups hold 3 people was not wholly read; they lost none for that") in run.said


# Too many at once


def test_nobody_loses_access_when_the_directory_says_that_all_are_gone(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    people = crowd(accounts, directory, 8)
    token = accounts.access_token(accounts.users.get(people[0].id))
    for each in people:
        directory.remove(each.name)
    run = FakeRun()
    with pytest.raises(DirectoryDoubtedError, match="identity-refresh --force"):
        accounts.refresh.run(run)
    assert with_access(accounts, people) == 8
    assert all(standing_of(accounts, each).role is Role.DEVELOPER for each in people)
    assert accounts.authenticator.authenticate(people[0].name, token, HOME).id == people[0].id
    assert accounts.told[-1] == DirectoryDoubted(SYSTEM, 6, 8)
    assert run.marks["losing"] == 6
    assert ("warning", "p0@vsphere.local is gone from the directory and keeps access for now") in run.said


def test_nor_when_it_says_that_nobody_is_in_any_group_or_administers(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    people = crowd(accounts, directory, 8)
    for number, each in enumerate(people):
        directory.change(each.name, "devs", administrator=number < 4)
    accounts.refresh.run(FakeRun())
    people = [accounts.users.get(each.id).principal() for each in people]
    for number, each in enumerate(people):
        directory.change(each.name, *(["devs"] if number < 4 else []))
    with pytest.raises(DirectoryDoubtedError):
        accounts.refresh.run(FakeRun())
    assert all(standing_of(accounts, each).role is Role.DEVELOPER for each in people)
    assert [accounts.users.get(each.id).is_admin for each in people] == [True] * 4 + [False] * 4


def test_who_says_that_the_directory_is_right_is_believed(accounts: Accounts, directory: FakeDirectory):
    people = crowd(accounts, directory, 8)
    for each in people:
        directory.remove(each.name)
    result = accounts.refresh.run(FakeRun({"force": True}))
    assert result["gone"] == 8
    assert with_access(accounts, people) == 0
    assert accounts.refresh.run(FakeRun())["gone"] == 0  # and that is that


@pytest.mark.parametrize(("size", "gone"), [(5, 5), (30, 6), (30, 1)])
def test_few_people_or_a_small_part_of_all_lose_access_at_once(
    accounts: Accounts, directory: FakeDirectory, size: int, gone: int
):
    people = crowd(accounts, directory, size)
    for each in people[:gone]:
        directory.remove(each.name)
    assert accounts.refresh.run(FakeRun())["gone"] == gone
    assert with_access(accounts, people) == size - gone


def test_one_more_than_the_part_is_too_many(accounts: Accounts, directory: FakeDirectory):
    people = crowd(accounts, directory, 30)
    for each in people[:7]:
        directory.remove(each.name)
    with pytest.raises(DirectoryDoubtedError):
        accounts.refresh.run(FakeRun())
    assert with_access(accounts, people) == 30


def test_who_has_no_access_to_lose_does_not_count(accounts: Accounts, directory: FakeDirectory):
    people = crowd(accounts, directory, 8)
    for each in people[1:]:
        accounts.users.set_disabled(ACTOR, each.id, True)
    for each in people:
        directory.remove(each.name)
    assert accounts.refresh.run(FakeRun())["gone"] == 1


def test_what_is_given_is_given_though_others_would_lose_too_much(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    mary = enter(accounts)
    give(accounts, dock, STAFF, Role.GUEST)
    for each in crowd(accounts, directory, 8):
        directory.remove(each.name)
    with pytest.raises(DirectoryDoubtedError):
        accounts.refresh.run(FakeRun())
    assert standing_of(accounts, mary).role is Role.GUEST


def test_who_logs_in_while_the_run_works_is_as_the_login_said(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    mary = enter(accounts)
    clock.forward(minutes=5)
    asked = directory.person

    def then_back(name: str):
        directory.remove("mary")
        found = asked(name)
        directory.add("mary", "devs")
        clock.forward(seconds=2)
        enter(accounts)
        return found

    monkeypatch.setattr(directory, "person", then_back)
    assert accounts.refresh.run(FakeRun())["gone"] == 0
    assert not accounts.users.get(mary.id).disabled


def test_the_brake_is_set_by_two_numbers():
    assert not Brake(people=5, percent=20).holds(5, 5)
    assert Brake(people=5, percent=20).holds(6, 29)
    assert not Brake(people=5, percent=20).holds(6, 30)
    assert not Brake(people=0, percent=100).holds(9, 9)
    assert Brake(people=0, percent=0).holds(1, 1_000)


# A line that is full


def test_a_busy_line_is_no_wrong_password_and_no_reason_for_an_old_one(
    database: str, clock: SetClock, directory: FakeDirectory
):
    patient = Accounts(clock, directory=directory, grace=timedelta(hours=1))
    enter(patient)
    clock.forward(minutes=2)
    directory.busy = True
    for password in (PASSWORD, "another"):
        for _ in range(12):
            with pytest.raises(DirectoryBusyError):
                patient.authenticator.authenticate(MARY, password, HOME)
    directory.busy, directory.away = False, True
    assert enter(patient).name == MARY


def test_the_refresh_waits_while_others_ask(accounts: Accounts, directory: FakeDirectory):
    enter(accounts)
    directory.busy = True

    class Patient(FakeRun):
        def pause(self, seconds: float) -> None:
            super().pause(seconds)
            directory.busy = len(self.pauses) < 3

    run = Patient()
    assert accounts.refresh.run(run)["checked"] == 1
    assert len(run.pauses) == 3
    directory.busy = True
    with pytest.raises(DirectoryBusyError):
        accounts.refresh.run(FakeRun())
    assert not isinstance(accounts.told[-1], UserChanged)
