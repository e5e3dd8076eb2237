"""Robots in a real database."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from moorage.db.connection import Statement
from moorage.events import ProjectDeleted, RobotChanged, RobotCreated, RobotDeleted
from moorage.identity.errors import (
    AccountInvalidError,
    BadCredentialsError,
    RobotChangedMeanwhileError,
    RobotExistsError,
    RobotUnknownError,
)
from moorage.identity.model import PermissionKind, Robot, RobotPermission, RobotRight
from moorage.projects.model import Project
from tests.support.accounts import ACTOR, PULL, Accounts, within
from tests.support.at_once import at_once
from tests.support.clock import SetClock

PUSH = frozenset({RobotRight("repository", "pull"), RobotRight("repository", "push")})
#: What the log says of them in the first project there is.
MAY_PUSH = "project 1: repository pull, repository push"
GOOD_SECRET = "Tide-and-Time-17x"


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def dock(accounts: Accounts) -> Project:
    return accounts.project("dock")


def test_a_new_robot_has_a_login_name_rights_and_an_end(accounts: Accounts, dock: Project, clock: SetClock):
    made, secret = accounts.robots.create(
        ACTOR,
        (dock.id, "dock"),
        "ci.build-1",
        description="nightly",
        duration_days=30,
        permissions=[within(dock, PUSH)],
    )
    assert made.name == "robot$dock+ci.build-1"
    assert (made.description, made.rights, made.created_by) == ("nightly", PUSH, "harbourmaster")
    assert (made.expires_at, made.duration_days) == (clock.moment + timedelta(days=30), 30)
    assert accounts.robots.get(made.id) == made
    assert accounts.robots.prove(made.name, secret) == made.principal()
    assert accounts.told[1:] == [RobotCreated(ACTOR, dock.id, made.id, made.name, MAY_PUSH)]


@pytest.mark.parametrize("days", [-1, None])
def test_a_robot_can_live_for_ever(accounts: Accounts, dock: Project, clock: SetClock, days: int | None):
    made, secret = accounts.robots.create(
        ACTOR, (dock.id, "dock"), "ci", duration_days=days, permissions=[within(dock)]
    )
    clock.forward(days=20_000)
    assert made.expires_at is None
    assert accounts.robots.prove(made.name, secret).id == made.id


@pytest.mark.parametrize(
    "name", ["", "CI", "a b", "-a", "a-", "a..b", "a+b", "a/b", "a$b", "ä", "a\n", "\0", "x" * 300]
)
def test_a_bad_name_is_refused(accounts: Accounts, dock: Project, name: str):
    with pytest.raises(AccountInvalidError):
        accounts.robot(dock, name)


@pytest.mark.parametrize("days", [0, -2, 36_501, 10**12])
def test_a_bad_duration_is_refused(accounts: Accounts, dock: Project, days: int):
    with pytest.raises(AccountInvalidError):
        accounts.robot(dock, "ci", days=days)


@pytest.mark.parametrize(
    "rights",
    [
        frozenset(),
        frozenset({RobotRight("*", "*")}),
        PULL | {RobotRight("repository", "*")},
        PULL | {RobotRight("user", "create")},
        PULL | {RobotRight("repository\ud800", "pull\0")},
        PULL | {RobotRight("REPOSITORY", "pull")},
    ],
    ids=["none", "star", "any action", "outside projects", "unstorable", "capitals"],
)
def test_rights_that_no_project_knows_are_refused(
    accounts: Accounts, dock: Project, rights: frozenset[RobotRight]
):
    with pytest.raises(AccountInvalidError) as caught:
        accounts.robot(dock, "ci", rights)
    caught.value.message.encode()
    made, _ = accounts.robot(dock, "good")
    with pytest.raises(AccountInvalidError):
        accounts.robots.change(ACTOR, made.id, permissions=[within(dock, rights)])
    assert accounts.robots.get(made.id).rights == PULL


def test_a_description_of_many_lines_is_refused(accounts: Accounts, dock: Project):
    with pytest.raises(AccountInvalidError):
        accounts.robots.create(ACTOR, (dock.id, "dock"), "ci", description="a\nb", permissions=[within(dock)])


def test_a_name_is_taken_once_a_project(accounts: Accounts, dock: Project):
    accounts.robot(dock, "ci")
    with pytest.raises(RobotExistsError):
        accounts.robot(dock, "ci")
    accounts.robot(accounts.project("pier"), "ci")
    assert accounts.robots.count(dock.id) == 1


def test_robots_of_another_project_are_not_in_the_list(accounts: Accounts, dock: Project):
    pier = accounts.project("pier")
    made, _ = accounts.robot(pier, "ci")
    assert accounts.robots.list(dock.id, limit=10, offset=0) == []
    assert accounts.robots.list(pier.id, limit=10, offset=0) == [made]


def test_an_unknown_number_is_told(accounts: Accounts):
    calls: list[Callable[[], object]] = [
        lambda: accounts.robots.get(7),
        lambda: accounts.robots.change(ACTOR, 7, description=""),
        lambda: accounts.robots.refresh_secret(ACTOR, 7),
        lambda: accounts.robots.delete(ACTOR, 7),
    ]
    for call in calls:
        with pytest.raises(RobotUnknownError):
            call()


def test_robots_are_listed_by_name_in_pages_with_their_rights(accounts: Accounts, dock: Project):
    for name in ("c", "a", "b"):
        accounts.robot(dock, name, PUSH if name == "b" else PULL)
    page = accounts.robots.list(dock.id, limit=2, offset=1)
    assert [(robot.name, robot.rights) for robot in page] == [("robot$dock+b", PUSH), ("robot$dock+c", PULL)]
    assert accounts.robots.count(dock.id) == 3


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"disabled": True}, "disabled"),
        ({"permissions": PUSH}, "permissions"),
        ({"duration_days": 10}, "expires_at"),
        ({"permissions": PUSH, "description": "new"}, "description, permissions"),
    ],
)
def test_a_change_that_touches_security_voids_every_token(
    accounts: Accounts, dock: Project, change: dict[str, object], what: str
):
    made, _ = accounts.robot(dock, "ci")
    if "permissions" in change:
        change = {**change, "permissions": [within(dock, PUSH)]}
    changed: Robot = accounts.robots.change(ACTOR, made.id, **change)  # type: ignore[arg-type]
    assert changed.generation > made.generation
    assert accounts.told[2:] == [
        RobotChanged(ACTOR, dock.id, made.id, made.name, what, MAY_PUSH if "permissions" in what else "")
    ]
    with pytest.raises(BadCredentialsError):
        accounts.robots.current(made.id, made.generation)


def test_a_new_description_voids_no_token(accounts: Accounts, dock: Project):
    made, _ = accounts.robot(dock, "ci")
    assert accounts.robots.change(ACTOR, made.id, description="new").description == "new"
    assert accounts.robots.current(made.id, made.generation).id == made.id


def test_sending_the_same_again_changes_nothing(accounts: Accounts, dock: Project, clock: SetClock):
    made, _ = accounts.robot(dock, "ci", days=30)
    clock.forward(days=10)
    same = accounts.robots.change(
        ACTOR, made.id, description="", disabled=False, duration_days=30, permissions=[within(dock)]
    )
    assert same == made
    assert len(accounts.told) == 2


def test_an_expired_robot_can_be_prolonged(accounts: Accounts, dock: Project, clock: SetClock):
    made, secret = accounts.robot(dock, "ci", days=1)
    clock.forward(days=1)
    with pytest.raises(BadCredentialsError):
        accounts.robots.prove(made.name, secret)
    accounts.robots.change(ACTOR, made.id, duration_days=2)
    assert accounts.robots.prove(made.name, secret).id == made.id


def test_a_fresh_secret_replaces_the_old_one_at_once(accounts: Accounts, dock: Project):
    made, old = accounts.robot(dock, "ci")
    fresh = accounts.robots.refresh_secret(ACTOR, made.id)
    with pytest.raises(BadCredentialsError):
        accounts.robots.prove(made.name, old)
    assert accounts.robots.prove(made.name, fresh).generation > made.generation
    assert accounts.told[2:] == [RobotChanged(ACTOR, dock.id, made.id, made.name, "secret")]


def test_a_strong_secret_of_ones_own_is_taken(accounts: Accounts, dock: Project):
    made, _ = accounts.robot(dock, "ci")
    assert accounts.robots.refresh_secret(ACTOR, made.id, GOOD_SECRET) == GOOD_SECRET
    assert accounts.robots.prove(made.name, GOOD_SECRET).id == made.id


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "Short-1",
        "tide-and-time-17x",
        "TIDE-AND-TIME-17X",
        "Tide-and-Time-xyz",
        "A1a" * 50,
        GOOD_SECRET + "\n",
    ],
)
def test_a_secret_that_could_be_guessed_is_refused(accounts: Accounts, dock: Project, secret: str):
    made, old = accounts.robot(dock, "ci")
    with pytest.raises(AccountInvalidError) as caught:
        accounts.robots.refresh_secret(ACTOR, made.id, secret)
    assert not secret or secret not in caught.value.message
    assert accounts.robots.prove(made.name, old).id == made.id


@pytest.mark.parametrize(
    "name", ["robot$dock+other", "robot$", "robot$dock+ci\0", "robot$\ud800", "ROBOT$dock+ci", "dock+ci"]
)
def test_the_right_secret_under_another_name_proves_nothing(accounts: Accounts, dock: Project, name: str):
    _, secret = accounts.robot(dock, "ci")
    with pytest.raises(BadCredentialsError):
        accounts.robots.prove(name, secret)


def test_a_disabled_or_expired_robot_proves_nothing(accounts: Accounts, dock: Project, clock: SetClock):
    asleep, asleep_secret = accounts.robot(dock, "asleep")
    accounts.robots.change(ACTOR, asleep.id, disabled=True)
    over, over_secret = accounts.robot(dock, "over", days=1)
    clock.forward(days=1)
    for name, secret in ((asleep.name, asleep_secret), (over.name, over_secret)):
        with pytest.raises(BadCredentialsError):
            accounts.robots.prove(name, secret)


def test_a_secret_is_kept_as_a_digest_only(accounts: Accounts, dock: Project):
    _, secret = accounts.robot(dock, "ci")
    assert secret not in repr(Statement("SELECT * FROM robot").all())


def test_the_robots_of_a_project_go_with_it_in_the_same_breath(accounts: Accounts, dock: Project):
    pier = accounts.project("pier")
    kept, _ = accounts.robot(pier, "ci")
    gone, secret = accounts.robot(dock, "ci")
    accounts.projects.delete(ACTOR, dock.id)
    assert accounts.robots.get(kept.id) == kept
    with pytest.raises(RobotUnknownError):
        accounts.robots.get(gone.id)
    with pytest.raises(BadCredentialsError):
        accounts.robots.prove(gone.name, secret)
    assert set(map(type, accounts.told[-2:])) == {RobotDeleted, ProjectDeleted}


def test_a_project_of_the_same_name_inherits_no_robot(accounts: Accounts, dock: Project):
    accounts.projects.delete(ACTOR, dock.id)
    # What a creation that lost the race against the deletion leaves behind.
    stray, secret = accounts.robot(dock, "ci")
    neighbour, _ = accounts.robot(accounts.project("dock2"), "ci")
    again = accounts.project("dock")
    with pytest.raises(BadCredentialsError):
        accounts.robots.prove(stray.name, secret)
    fresh, _ = accounts.robot(again, "ci")
    assert fresh.id > stray.id
    assert accounts.robots.get(neighbour.id) == neighbour


def test_of_two_that_take_a_name_at_once_one_gets_it(accounts: Accounts, dock: Project):
    results = at_once(*[lambda: accounts.robot(dock, "ci")] * 4)
    assert sorted(type(result).__name__ for result in results) == ["RobotExistsError"] * 3 + ["tuple"]
    assert accounts.robots.count(dock.id) == 1


def outside(*rights: tuple[str, str]) -> RobotPermission:
    return RobotPermission(PermissionKind.SYSTEM, 0, frozenset(RobotRight(*each) for each in rights))


def everywhere(rights: frozenset[RobotRight] = PULL) -> RobotPermission:
    return RobotPermission(PermissionKind.PROJECT, 0, rights)


def test_a_system_robot_keeps_its_permissions_by_place(accounts: Accounts, dock: Project):
    pier = accounts.project("pier")
    asked = [within(pier, PUSH), outside(("user", "list")), within(dock), within(pier, PULL), everywhere()]
    made, secret = accounts.robots.create(ACTOR, None, "ci", permissions=asked)
    assert (made.name, made.project_id, made.is_system) == ("robot$ci", 0, True)
    assert made.permissions == (
        everywhere(),
        within(dock),
        within(pier, PUSH | PULL),
        outside(("user", "list")),
    )
    assert accounts.robots.prove("robot$ci", secret).id == made.id
    assert accounts.robots.list(0, limit=10, offset=0) == [made]
    assert accounts.robots.list(dock.id, limit=10, offset=0) == []


@pytest.mark.parametrize(
    "wrong",
    [
        outside(("repository", "pull")),
        outside(("administrator", "update")),
        outside(("*", "*")),
        RobotPermission(PermissionKind.SYSTEM, 7, frozenset({RobotRight("user", "list")})),
        RobotPermission(PermissionKind.PROJECT, 0, frozenset({RobotRight("user", "list")})),
        everywhere(frozenset()),
    ],
    ids=["inside", "in person", "star", "in a project", "outside", "none"],
)
def test_a_system_robot_that_cannot_be_is_refused(accounts: Accounts, wrong: RobotPermission):
    with pytest.raises(AccountInvalidError):
        accounts.robots.create(ACTOR, None, "ci", permissions=[wrong])
    made, _ = accounts.robots.create(ACTOR, None, "ci", permissions=[everywhere()])
    with pytest.raises(AccountInvalidError):
        accounts.robots.change(ACTOR, made.id, permissions=[wrong])


def test_a_robot_of_a_project_gets_nothing_beyond_it(accounts: Accounts, dock: Project):
    made, _ = accounts.robot(dock, "ci")
    for wrong in (everywhere(), outside(("user", "list")), within(accounts.project("pier"))):
        with pytest.raises(AccountInvalidError):
            accounts.robots.change(ACTOR, made.id, permissions=[within(dock), wrong])
        with pytest.raises(AccountInvalidError):
            accounts.robots.create(ACTOR, (dock.id, "dock"), "other", permissions=[wrong])
    assert accounts.robots.get(made.id) == made


def test_a_deleted_project_takes_the_rights_of_system_robots_in_it_along(accounts: Accounts, dock: Project):
    pier = accounts.project("pier")
    made, _ = accounts.robots.create(ACTOR, None, "ci", permissions=[within(dock), within(pier)])
    accounts.projects.delete(ACTOR, dock.id)
    assert accounts.robots.get(made.id).permissions == (within(pier),)
    again = accounts.project("dock")
    assert again.id != dock.id
    assert accounts.robots.get(made.id).permissions == (within(pier),)


def test_a_robot_that_was_changed_meanwhile_is_left_alone(accounts: Accounts, dock: Project):
    made, secret = accounts.robot(dock, "ci")
    accounts.robots.change(ACTOR, made.id, permissions=[within(dock, PUSH)])
    with pytest.raises(RobotChangedMeanwhileError):
        accounts.robots.change(ACTOR, made.id, description="new", generation=made.generation)
    with pytest.raises(RobotChangedMeanwhileError):
        accounts.robots.refresh_secret(ACTOR, made.id, generation=made.generation)
    assert accounts.robots.prove(made.name, secret).id == made.id


def test_of_two_changes_at_once_one_is_whole(accounts: Accounts, dock: Project):
    made, _ = accounts.robot(dock, "ci")
    lists = [PULL, PUSH, frozenset({RobotRight("tag", "list")}), frozenset({RobotRight("label", "list")})]
    at_once(
        *[
            lambda rights=rights: accounts.robots.change(ACTOR, made.id, permissions=[within(dock, rights)])
            for rights in lists
        ]
    )
    assert accounts.robots.get(made.id).rights in lists


def test_robots_are_found_by_name_and_sorted(accounts: Accounts, dock: Project, clock: SetClock):
    for name in ("build", "deploy", "build-2"):
        accounts.robot(dock, name)
        clock.forward(hours=1)
    listed = accounts.robots.list(dock.id, part="BUILD", sort="-created_at", limit=10, offset=0)
    assert [each.name for each in listed] == ["robot$dock+build-2", "robot$dock+build"]
    (one,) = accounts.robots.list(dock.id, name="robot$dock+build", limit=10, offset=0)
    assert one.name == "robot$dock+build"
    assert accounts.robots.count(dock.id, part="build") == 2
    assert accounts.robots.list(dock.id, part="_", limit=10, offset=0) == []
    with pytest.raises(AccountInvalidError):
        accounts.robots.list(dock.id, sort="secret_digest", limit=10, offset=0)
