"""Changes of accounts that meet in one moment: each ends as if it had come before or after the other."""

import pytest

from moorage.errors import MoorageError
from moorage.identity.errors import BadCredentialsError, GroupExistsError
from moorage.projects.model import Project, Role
from tests.support.accounts import ACTOR, Accounts
from tests.support.clock import SetClock
from tests.support.crossing import crossing
from tests.support.directory import PASSWORD, FakeDirectory
from tests.support.race import together

HOME = "192.0.2.1"
MARY = "mary@vsphere.local"


@pytest.fixture
def directory() -> FakeDirectory:
    found = FakeDirectory()
    found.group("devs")
    found.group("staff")
    found.add("mary", "devs", "staff")
    return found


@pytest.fixture
def accounts(database: str, clock: SetClock, directory: FakeDirectory) -> Accounts:
    return Accounts(clock, directory=directory)


@pytest.fixture
def dock(accounts: Accounts) -> Project:
    return accounts.project("dock")


def test_a_first_login_while_one_of_the_groups_is_deleted(accounts: Accounts) -> None:
    devs, staff = (accounts.groups.meet(ACTOR, f"{name}@vsphere.local") for name in ("devs", "staff"))
    with crossing(accounts.people._store, "known", lambda: accounts.groups.delete(ACTOR, devs.id)) as other:
        found = accounts.authenticator.authenticate(MARY, PASSWORD, HOME)
    assert other == [None]
    assert accounts.people._store.groups_of(found.id) == {staff.id}


def test_a_later_login_while_a_group_that_was_joined_is_deleted(accounts: Accounts, clock: SetClock) -> None:
    found = accounts.authenticator.authenticate(MARY, PASSWORD, HOME)
    devs = accounts.groups.meet(ACTOR, "devs@vsphere.local")
    clock.forward(minutes=2)
    store = accounts.people._store
    with crossing(store, "groups_of", lambda: accounts.groups.delete(ACTOR, devs.id)) as other:
        assert accounts.authenticator.authenticate(MARY, PASSWORD, HOME).id == found.id
    assert other == [None]
    assert store.groups_of(found.id) == set()


def test_a_login_while_the_account_is_deleted(accounts: Accounts, clock: SetClock) -> None:
    accounts.user("admin", admin=True)
    found = accounts.authenticator.authenticate(MARY, PASSWORD, HOME)
    accounts.groups.meet(ACTOR, "devs@vsphere.local")
    clock.forward(minutes=2)
    results: list[object] = []

    def login() -> None:
        try:
            results.append(accounts.authenticator.authenticate(MARY, PASSWORD, HOME))
        except BadCredentialsError as error:
            results.append(error)

    with crossing(accounts.people._store, "groups_of", lambda: accounts.users.delete(ACTOR, found.id)):
        login()
    assert results
    assert accounts.users.find(MARY) is None


def test_a_rename_to_a_group_that_somebody_meets_in_the_same_moment(accounts: Accounts) -> None:
    devs = accounts.groups.meet(ACTOR, "devs@vsphere.local")
    results: list[object] = []

    def rename() -> None:
        try:
            results.append(accounts.groups.rename(ACTOR, devs.id, "staff@vsphere.local"))
        except MoorageError as error:
            results.append(error)

    def meet() -> object:
        return accounts.groups.create(ACTOR, "staff@vsphere.local")

    with crossing(accounts.groups._store, "group_named", meet) as other:
        rename()
    assert sum(isinstance(each, GroupExistsError) for each in (*results, *other)) == 1
    names = [group.name for group in accounts.groups.list(limit=10, offset=0)]
    assert names.count("staff@vsphere.local") == 1


def test_two_groups_that_are_renamed_to_one_name(accounts: Accounts, directory: FakeDirectory) -> None:
    directory.group("crew")
    numbers = [accounts.groups.meet(ACTOR, f"{name}@vsphere.local").id for name in ("devs", "staff")]
    results = together(
        [
            lambda number=number: accounts.groups.rename(ACTOR, number, "crew@vsphere.local")
            for number in numbers
        ]
    )
    assert sorted(type(each).__name__ for each in results) == ["Group", "GroupExistsError"]


def test_a_member_is_added_while_the_group_is_deleted(accounts: Accounts, dock: Project) -> None:
    devs = accounts.groups.meet(ACTOR, "devs@vsphere.local")
    results: list[object] = []

    def add() -> None:
        try:
            results.append(accounts.members.add_group(ACTOR, dock.id, devs.id, Role.GUEST))
        except MoorageError as error:
            results.append(error)

    with crossing(accounts.members._store, "group_name", lambda: accounts.groups.delete(ACTOR, devs.id)):
        add()
    assert results
    assert accounts.members.count(dock.id) == 0
