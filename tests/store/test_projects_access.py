"""Standings in a real database: what each account is in each project, and what that allows."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from moorage.db.connection import Statement
from moorage.identity.model import (
    ANONYMOUS,
    PermissionKind,
    Principal,
    PrincipalKind,
    Robot,
    RobotPermission,
    RobotRight,
    User,
)
from moorage.projects.model import AccountStanding, Permission, Role, Standing
from moorage.projects.rules import (
    LIST_USERS,
    PUBLIC,
    PULL,
    PUSH,
    ROBOT_RIGHTS,
    TABLE,
    permitted,
    system_permitted,
)
from tests.support.accounts import ACTOR, Accounts, within
from tests.support.clock import SetClock

PUSH_RIGHT = RobotRight(*PUSH)


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


def of(accounts: Accounts, principal: Principal, project: str) -> Standing | None:
    """The standing by name, after checking that the one by number is the same."""
    account = (principal.kind, principal.id, principal.generation)
    found = accounts.access.standing(*account, project)
    home = accounts.projects.find(project)
    if home is not None:
        assert accounts.access.standing_by_id(*account, home.id) == found
    return found


@contextmanager
def statements_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each statement that is run meanwhile, fixed or not."""
    from_statement = Statement._execute
    seen: list[str] = []

    def note(self: Statement, parameters: object) -> object:
        seen.append(self._sqlite)
        return from_statement(self, parameters)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Statement, "_execute", note)
        yield seen


@pytest.mark.parametrize(("public", "role"), list(product([True, False], [*Role, None])), ids=str)
def test_a_user_has_their_role_where_they_have_one(accounts: Accounts, public: bool, role: Role | None):
    dock = accounts.project("dock", public=public)
    accounts.project("pier", public=public)
    alice = accounts.user("alice")
    if role is not None:
        accounts.members.add(ACTOR, dock.id, alice.id, role)
    accounts.members.add(ACTOR, dock.id, accounts.user("bob").id, Role.PROJECT_ADMIN)
    standing = of(accounts, alice.principal(), "dock")
    assert standing == Standing(dock.id, public, active=True, admin=False, role=role)
    elsewhere = of(accounts, alice.principal(), "pier")
    assert elsewhere is not None
    assert elsewhere.role is None


def test_an_administrator_is_one_everywhere(accounts: Accounts):
    accounts.project("dock")
    standing = of(accounts, accounts.user("admin", admin=True).principal(), "dock")
    assert standing is not None
    assert (standing.admin, standing.role) == (True, None)


def test_a_role_that_was_changed_or_taken_counts_with_the_next_question(accounts: Accounts):
    dock, alice = accounts.project("dock"), accounts.user("alice")
    member = accounts.members.add(ACTOR, dock.id, alice.id, Role.MAINTAINER)
    roles = []
    for change in (
        lambda: None,
        lambda: accounts.members.change(ACTOR, dock.id, member.id, Role.GUEST),
        lambda: accounts.members.remove(ACTOR, dock.id, member.id),
    ):
        change()
        standing = of(accounts, alice.principal(), "dock")
        assert standing is not None
        roles.append(standing.role)
    assert roles == [Role.MAINTAINER, Role.GUEST, None]


@pytest.mark.parametrize("way", ["disabled", "deleted", "changed", "demoted", "never there", "of the future"])
def test_a_void_user_may_do_nothing_in_any_project(accounts: Accounts, way: str):
    dock = accounts.project("dock", public=True)
    accounts.user("root", admin=True)
    alice = accounts.user("alice", admin=True)
    accounts.members.add(ACTOR, dock.id, alice.id, Role.PROJECT_ADMIN)
    principal = alice.principal()
    if way == "disabled":
        accounts.users.set_disabled(ACTOR, alice.id, True)
    elif way == "deleted":
        accounts.users.delete(ACTOR, alice.id)
    elif way == "changed":
        accounts.users.change_password(ACTOR, alice.id, "Lighthouse-2", old=None)
    elif way == "demoted":
        accounts.users.set_admin(ACTOR, alice.id, False)
    elif way == "never there":
        principal = Principal(PrincipalKind.USER, 777, "ghost", 1)
    else:
        principal = Principal(PrincipalKind.USER, alice.id, "alice", alice.generation + 1)
    standing = of(accounts, principal, "dock")
    assert standing is not None
    assert (standing.active, standing.admin, standing.role) == (False, False, None)
    assert not any(permitted(standing, permission) for permission in TABLE)
    account = accounts.access.account(principal.kind, principal.id, principal.generation)
    assert account == AccountStanding(active=False, admin=False)


def test_a_disabled_account_is_void_even_with_its_newest_generation(accounts: Accounts):
    accounts.project("dock", public=True)
    alice = accounts.user("alice")
    accounts.users.set_disabled(ACTOR, alice.id, True)
    standing = of(accounts, accounts.users.get(alice.id).principal(), "dock")
    assert standing is not None
    assert not standing.active


def test_a_disabled_robot_is_void_even_with_its_newest_generation(accounts: Accounts):
    robot, _ = accounts.robot(accounts.project("dock", public=True), "ci")
    disabled = accounts.robots.change(ACTOR, robot.id, disabled=True)
    standing = of(accounts, disabled.principal(), "dock")
    assert standing is not None
    assert not standing.active
    assert not accounts.access.account(PrincipalKind.ROBOT, robot.id, disabled.generation).active


@pytest.mark.parametrize("public", [True, False])
def test_a_robot_has_its_rights_at_home_and_none_elsewhere(accounts: Accounts, public: bool):
    dock, pier = accounts.project("dock", public=public), accounts.project("pier", public=public)
    robot, _ = accounts.robot(dock, "ci", frozenset({PUSH_RIGHT}))
    accounts.robot(pier, "other", ROBOT_RIGHTS)
    home, away = of(accounts, robot.principal(), "dock"), of(accounts, robot.principal(), "pier")
    assert home == Standing(dock.id, public, True, False, None, frozenset({PUSH_RIGHT}))
    assert away == Standing(pier.id, public, True, False, None, frozenset())
    assert {each for each in TABLE if permitted(home, each)} == {PUSH} | (PUBLIC if public else set())
    assert {each for each in TABLE if permitted(away, each)} == (PUBLIC if public else set())


def test_a_robot_with_every_right_has_every_right(accounts: Accounts):
    robot, _ = accounts.robot(accounts.project("dock"), "ci", ROBOT_RIGHTS)
    standing = of(accounts, robot.principal(), "dock")
    assert all(permitted(standing, permission) for permission in TABLE)


def test_rights_that_were_taken_from_a_robot_are_gone_with_the_next_question(accounts: Accounts):
    dock = accounts.project("dock")
    robot, _ = accounts.robot(dock, "ci", frozenset({PUSH_RIGHT, RobotRight(*PULL)}))
    changed = accounts.robots.change(ACTOR, robot.id, permissions=[within(dock, {RobotRight(*PULL)})])
    standing = of(accounts, changed.principal(), "dock")
    assert permitted(standing, PULL)
    assert not permitted(standing, PUSH)
    void = of(accounts, robot.principal(), "dock")
    assert not permitted(void, PULL)


@pytest.mark.parametrize("way", ["disabled", "deleted", "changed", "expired"])
def test_a_void_robot_may_do_nothing_in_any_project(accounts: Accounts, clock: SetClock, way: str):
    accounts.project("pier", public=True)
    robot, _ = accounts.robot(accounts.project("dock", public=True), "ci", ROBOT_RIGHTS, days=1)
    if way == "disabled":
        accounts.robots.change(ACTOR, robot.id, disabled=True)
    elif way == "deleted":
        accounts.robots.delete(ACTOR, robot.id)
    elif way == "changed":
        accounts.robots.refresh_secret(ACTOR, robot.id)
    else:
        clock.forward(days=1)
    for project in ("dock", "pier"):
        standing = of(accounts, robot.principal(), project)
        assert standing is not None
        assert not standing.active
        assert not any(permitted(standing, permission) for permission in TABLE)
    assert not accounts.access.account(PrincipalKind.ROBOT, robot.id, robot.generation).active


@pytest.mark.parametrize("public", [True, False])
def test_a_stranger_has_nothing_but_what_is_public(accounts: Accounts, public: bool):
    dock = accounts.project("dock", public=public)
    assert of(accounts, ANONYMOUS, "dock") == Standing(dock.id, public, True, False, None)
    assert accounts.access.account(PrincipalKind.ANONYMOUS, 0, 0) == AccountStanding(True, False)


def test_a_user_and_a_robot_of_one_number_are_not_mixed_up(accounts: Accounts):
    dock = accounts.project("dock")
    admin: User = accounts.user("admin", admin=True)
    robot: Robot = accounts.robot(dock, "ci")[0]
    assert admin.id == robot.id
    assert admin.generation == robot.generation
    standing = of(accounts, robot.principal(), "dock")
    assert standing is not None
    assert not standing.admin
    assert standing.rights == robot.rights


@pytest.mark.parametrize(
    "name", ["nowhere", "", "\0", "dock\0", "DOCK", "x" * 10_000, "dock'--", "d_ck", "d%"]
)
def test_a_project_that_is_not_there_has_no_standings(accounts: Accounts, name: str):
    accounts.project("dock", public=True)
    robot, _ = accounts.robot(accounts.project("pier"), "ci")
    for principal in (accounts.user("admin", admin=True).principal(), robot.principal(), ANONYMOUS):
        account = (principal.kind, principal.id, principal.generation)
        assert accounts.access.standing(*account, name) is None
        assert accounts.access.standing_by_id(*account, 777) is None


def test_accounts_outside_projects_are_known(accounts: Accounts):
    admin, alice = accounts.user("admin", admin=True), accounts.user("alice")
    robot, _ = accounts.robot(accounts.project("dock"), "ci")
    for principal, is_admin in (
        (admin.principal(), True),
        (alice.principal(), False),
        (robot.principal(), False),
    ):
        found = accounts.access.account(principal.kind, principal.id, principal.generation)
        rights = frozenset() if principal.kind is PrincipalKind.ROBOT else None
        assert found == AccountStanding(active=True, admin=is_admin, rights=rights)


def test_each_question_is_one_statement(accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    dock = accounts.project("dock")
    robot, _ = accounts.robot(dock, "ci", ROBOT_RIGHTS)
    for principal in (accounts.user("alice").principal(), robot.principal(), ANONYMOUS):
        account = (principal.kind, principal.id, principal.generation)
        with statements_counted(monkeypatch) as seen:
            accounts.access.standing(*account, "dock")
        assert len(seen) == 1
        with statements_counted(monkeypatch) as seen:
            accounts.access.standing_by_id(*account, dock.id)
        assert len(seen) == 1


def account(accounts: Accounts, robot: Robot) -> AccountStanding:
    principal = robot.principal()
    return accounts.access.account(principal.kind, principal.id, principal.generation)


def test_a_system_robot_has_in_each_project_what_its_list_says_for_it(accounts: Accounts):
    dock, pier = accounts.project("dock"), accounts.project("pier")
    accounts.project("quay")
    places = [within(dock, {RobotRight(*PULL)}), within(pier, {PUSH_RIGHT})]
    robot, _ = accounts.robots.create(ACTOR, None, "ci", permissions=places)
    rights = {
        name: standing.rights
        for name in ("dock", "pier", "quay")
        if (standing := of(accounts, robot.principal(), name)) is not None
    }
    assert rights == {
        "dock": {RobotRight(*PULL)},
        "pier": {PUSH_RIGHT},
        "quay": frozenset(),
    }
    assert account(accounts, robot).rights == frozenset()


def test_rights_in_every_project_hold_in_later_ones_too_and_not_outside(accounts: Accounts):
    everywhere = RobotPermission(PermissionKind.PROJECT, 0, frozenset({RobotRight(*PULL)}))
    robot, _ = accounts.robots.create(ACTOR, None, "ci", permissions=[everywhere])
    accounts.project("later")
    assert permitted(of(accounts, robot.principal(), "later"), PULL)
    assert not permitted(of(accounts, robot.principal(), "later"), PUSH)
    assert account(accounts, robot).rights == frozenset()


def test_rights_outside_projects_are_none_inside(accounts: Accounts):
    accounts.project("dock")
    outside = RobotPermission(
        PermissionKind.SYSTEM, 0, frozenset({RobotRight(*LIST_USERS), RobotRight("label", "read")})
    )
    robot, _ = accounts.robots.create(ACTOR, None, "ci", permissions=[outside])
    found = account(accounts, robot)
    assert found.rights == outside.rights
    assert system_permitted(found, LIST_USERS)
    assert not permitted(of(accounts, robot.principal(), "dock"), Permission("label", "read"))
    accounts.robots.change(ACTOR, robot.id, disabled=True)
    assert not account(accounts, robot).active


def test_a_project_of_the_same_name_gives_a_system_robot_nothing(accounts: Accounts):
    dock = accounts.project("dock")
    robot, _ = accounts.robots.create(ACTOR, None, "ci", permissions=[within(dock)])
    accounts.projects.delete(ACTOR, dock.id)
    accounts.project("dock")
    assert not permitted(of(accounts, robot.principal(), "dock"), PULL)
    assert accounts.robots.get(robot.id).permissions == ()


def test_projects_that_a_robot_may_know_of_are_those_it_has_rights_in(accounts: Accounts):
    dock = accounts.project("dock")
    accounts.project("pier")
    accounts.project("quay", public=True)
    everywhere = RobotPermission(PermissionKind.PROJECT, 0, frozenset({RobotRight(*PULL)}))
    lister = RobotPermission(PermissionKind.SYSTEM, 0, frozenset({RobotRight("project", "list")}))
    for name, place, expected in (
        ("one", within(dock), ["dock", "quay"]),
        ("all", everywhere, ["dock", "pier", "quay"]),
        ("list", lister, ["dock", "pier", "quay"]),
    ):
        robot, _ = accounts.robots.create(ACTOR, None, name, permissions=[place])
        found = accounts.projects.visible(robot.principal(), limit=10, offset=0)
        assert [each.name for each in found] == expected
        assert accounts.projects.count_visible(robot.principal()) == len(expected)
