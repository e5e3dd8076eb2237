"""Members in a real database."""

from collections.abc import Callable

import pytest

from moorage.events import MemberAdded, MemberChanged, MemberRemoved
from moorage.identity.errors import UserUnknownError
from moorage.identity.model import User
from moorage.projects.errors import MemberExistsError, MemberUnknownError, ProjectUnknownError
from moorage.projects.model import Project, Role
from tests.support.accounts import ACTOR, Accounts
from tests.support.at_once import at_once
from tests.support.clock import SetClock


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def dock(accounts: Accounts) -> Project:
    return accounts.project("dock")


@pytest.fixture
def alice(accounts: Accounts) -> User:
    return accounts.user("alice")


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name)
def test_a_user_gets_a_role(accounts: Accounts, dock: Project, alice: User, role: Role):
    made = accounts.members.add(ACTOR, dock.id, alice.id, role)
    assert (made.project_id, made.entity_id, made.entity_name, made.role) == (
        dock.id,
        alice.id,
        "alice",
        role,
    )
    assert accounts.members.get(dock.id, made.id) == made
    assert accounts.told[-1] == MemberAdded(ACTOR, dock.id, "dock", "alice", role.name.lower())


def test_a_user_has_one_role_in_a_project(accounts: Accounts, dock: Project, alice: User):
    accounts.members.add(ACTOR, dock.id, alice.id, Role.GUEST)
    with pytest.raises(MemberExistsError, match="alice is a member of dock already"):
        accounts.members.add(ACTOR, dock.id, alice.id, Role.PROJECT_ADMIN)
    (member,) = accounts.members.list(dock.id, limit=10, offset=0)
    assert member.role is Role.GUEST
    accounts.members.add(ACTOR, accounts.project("pier").id, alice.id, Role.DEVELOPER)


def test_of_two_that_add_a_user_at_once_one_does(accounts: Accounts, dock: Project, alice: User):
    results = at_once(*[lambda: accounts.members.add(ACTOR, dock.id, alice.id, Role.GUEST)] * 4)
    assert sorted(type(result).__name__ for result in results) == ["Member"] + ["MemberExistsError"] * 3


def test_unknown_projects_users_and_members_are_told(accounts: Accounts, dock: Project, alice: User):
    calls: list[tuple[type[Exception], Callable[[], object]]] = [
        (ProjectUnknownError, lambda: accounts.members.add(ACTOR, 777, alice.id, Role.GUEST)),
        (UserUnknownError, lambda: accounts.members.add(ACTOR, dock.id, 777, Role.GUEST)),
        (MemberUnknownError, lambda: accounts.members.get(dock.id, 777)),
        (MemberUnknownError, lambda: accounts.members.change(ACTOR, dock.id, 777, Role.GUEST)),
        (MemberUnknownError, lambda: accounts.members.remove(ACTOR, dock.id, 777)),
    ]
    for error, call in calls:
        with pytest.raises(error):
            call()


def test_a_member_of_another_project_is_unknown_here(accounts: Accounts, dock: Project, alice: User):
    pier = accounts.project("pier")
    member = accounts.members.add(ACTOR, pier.id, alice.id, Role.GUEST)
    calls: list[Callable[[], object]] = [
        lambda: accounts.members.get(dock.id, member.id),
        lambda: accounts.members.change(ACTOR, dock.id, member.id, Role.PROJECT_ADMIN),
        lambda: accounts.members.remove(ACTOR, dock.id, member.id),
    ]
    for call in calls:
        with pytest.raises(MemberUnknownError):
            call()
    assert accounts.members.get(pier.id, member.id) == member


def test_a_role_is_changed_and_a_change_to_the_same_is_not_logged(
    accounts: Accounts, dock: Project, alice: User
):
    member = accounts.members.add(ACTOR, dock.id, alice.id, Role.GUEST)
    changed = accounts.members.change(ACTOR, dock.id, member.id, Role.MAINTAINER)
    assert (changed.id, changed.role) == (member.id, Role.MAINTAINER)
    assert accounts.members.change(ACTOR, dock.id, member.id, Role.MAINTAINER) == changed
    changes = [event for event in accounts.told if isinstance(event, MemberChanged)]
    assert changes == [MemberChanged(ACTOR, dock.id, "dock", "alice", "maintainer")]


def test_a_removed_member_is_gone_even_the_last_project_admin(accounts: Accounts, alice: User):
    made = accounts.projects.create(ACTOR, alice.principal(), "pier")
    (member,) = accounts.members.list(made.id, limit=10, offset=0)
    accounts.members.remove(ACTOR, made.id, member.id)
    assert accounts.members.count(made.id) == 0
    assert accounts.told[-1] == MemberRemoved(ACTOR, made.id, "pier", "alice")
    again = accounts.members.add(ACTOR, made.id, alice.id, Role.GUEST)
    assert again.id > member.id


def test_members_are_listed_by_name_in_pages(accounts: Accounts, dock: Project):
    for name in ("carol", "a_b", "axb"):
        accounts.members.add(ACTOR, dock.id, accounts.user(name).id, Role.GUEST)
    listed = accounts.members.list(dock.id, limit=10, offset=0)
    assert [member.entity_name for member in listed] == ["a_b", "axb", "carol"]
    assert accounts.members.list(dock.id, limit=1, offset=1) == listed[1:2]
    for q, count in (("a_", 1), ("%", 0), ("A", 3), ("\0", 0), ("\ud800", 0), ("", 3)):
        assert len(accounts.members.list(dock.id, q=q, limit=10, offset=0)) == count
        assert accounts.members.count(dock.id, q) == count


def test_a_deleted_user_belongs_to_nothing(accounts: Accounts, dock: Project, alice: User):
    accounts.members.add(ACTOR, dock.id, alice.id, Role.GUEST)
    accounts.users.delete(ACTOR, alice.id)
    assert accounts.members.count(dock.id) == 0
