"""Projects in a real database."""

from collections.abc import Callable

import pytest

from moorage.config import ProjectsSettings
from moorage.db.connection import Statement
from moorage.events import MemberRemoved, ProjectChanged, ProjectCreated, ProjectDeleted
from moorage.identity.errors import UserUnknownError
from moorage.identity.model import ANONYMOUS, Principal, PrincipalKind, User
from moorage.projects.errors import (
    ProjectCreationDeniedError,
    ProjectExistsError,
    ProjectInvalidError,
    ProjectNotEmptyError,
    ProjectUnknownError,
)
from moorage.projects.model import Project, Role
from tests.support.accounts import ACTOR, Accounts
from tests.support.at_once import at_once
from tests.support.clock import SetClock


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def alice(accounts: Accounts) -> User:
    return accounts.user("alice")


def names(projects: list[Project]) -> list[str]:
    return [project.name for project in projects]


def seen(accounts: Accounts, principal: Principal, **which: object) -> list[str]:
    return names(accounts.projects.visible(principal, limit=100, offset=0, **which))  # type: ignore[arg-type]


def fill(project: Project) -> None:
    """Put a repository into the project."""
    Statement(
        "INSERT INTO repository (project_id, name, description, pull_count, created_at, updated_at) "
        "VALUES (?, ?, '', 0, 0, 0)"
    ).run(project.id, f"{project.name}/app")


def test_a_new_project_is_private_and_belongs_to_its_owner(accounts: Accounts, alice: User, clock: SetClock):
    made = accounts.projects.create(ACTOR, alice.principal(), "dock")
    assert accounts.projects.get(made.id) == accounts.projects.find("dock") == made
    assert (made.public, made.owner_id, made.owner_name) == (False, alice.id, "alice")
    assert made.created_at == made.updated_at == clock.moment
    (member,) = accounts.members.list(made.id, limit=10, offset=0)
    assert (member.entity_id, member.role) == (alice.id, Role.PROJECT_ADMIN)
    assert accounts.told[-1:] == [ProjectCreated(ACTOR, made.id, "dock")]


def test_the_machine_makes_projects_that_nobody_owns(accounts: Accounts):
    made = accounts.projects.create(ACTOR, None, "library", public=True)
    assert (made.public, made.owner_id, made.owner_name) == (True, 0, "")
    assert accounts.members.count(made.id) == 0


@pytest.mark.parametrize(
    "name", ["a", "0", "a-b", "a--b", "a.b", "a_b", "a__b", "library", "x" * 100, "v3", "apis"]
)
def test_a_component_of_a_repository_name_is_accepted(accounts: Accounts, name: str):
    assert accounts.project(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "a/b",
        "-a",
        "a-",
        "a..b",
        "a___b",
        ".a",
        "a b",
        "ä",
        "a\n",
        "a\0",
        "\ud800",
        "x" * 101,
        "..",
        "_catalog",
        "a:b",
        "%61",
    ],
)
def test_a_name_that_breaks_the_grammar_is_refused(accounts: Accounts, name: str):
    with pytest.raises(ProjectInvalidError) as caught:
        accounts.project(name)
    caught.value.message.encode()


@pytest.mark.parametrize("name", ["v2", "v1", "api", "service", "metrics", "healthz"])
def test_a_name_with_a_meaning_in_addresses_is_reserved(accounts: Accounts, name: str):
    with pytest.raises(ProjectInvalidError, match="reserved"):
        accounts.project(name)


def test_a_name_is_taken_once(accounts: Accounts, alice: User):
    accounts.project("dock")
    for owner in (None, alice.principal()):
        with pytest.raises(ProjectExistsError):
            accounts.projects.create(ACTOR, owner, "dock")


def test_of_two_that_take_a_name_at_once_one_gets_it(accounts: Accounts, alice: User):
    results = at_once(*[lambda: accounts.projects.create(ACTOR, alice.principal(), "dock")] * 4)
    assert sorted(type(result).__name__ for result in results) == ["Project"] + ["ProjectExistsError"] * 3


def test_an_owner_who_is_gone_owns_nothing(accounts: Accounts, alice: User):
    principal = alice.principal()
    accounts.users.delete(ACTOR, alice.id)
    with pytest.raises(UserUnknownError):
        accounts.projects.create(ACTOR, principal, "dock")
    assert accounts.projects.find("dock") is None


def test_robots_and_strangers_create_no_projects(accounts: Accounts):
    robot, _ = accounts.robot(accounts.project("dock"), "ci")
    for owner in (robot.principal(), ANONYMOUS):
        with pytest.raises(ProjectCreationDeniedError):
            accounts.projects.create(ACTOR, owner, "pier")


def test_creation_can_be_kept_to_administrators(database: str, clock: SetClock):
    accounts = Accounts(clock, creation=ProjectsSettings(creation="adminonly"))
    with pytest.raises(ProjectCreationDeniedError):
        accounts.projects.create(ACTOR, accounts.user("alice").principal(), "dock")
    admin = accounts.user("admin", admin=True)
    assert accounts.projects.create(ACTOR, admin.principal(), "dock").owner_id == admin.id


@pytest.mark.parametrize("name", ["nowhere", "", "\0", "\ud800", "DOCK"])
def test_a_name_that_no_project_has_finds_none(accounts: Accounts, name: str):
    accounts.project("dock")
    assert accounts.projects.find(name) is None


def test_an_unknown_number_is_told(accounts: Accounts):
    calls: list[Callable[[], object]] = [
        lambda: accounts.projects.get(7),
        lambda: accounts.projects.set_public(ACTOR, 7, True),
        lambda: accounts.projects.delete(ACTOR, 7),
    ]
    for call in calls:
        with pytest.raises(ProjectUnknownError):
            call()


def test_a_project_is_made_public_and_private_again(accounts: Accounts, clock: SetClock):
    made = accounts.project("dock")
    clock.forward(seconds=9)
    changed = accounts.projects.set_public(ACTOR, made.id, True)
    assert changed.public
    assert changed.updated_at == clock.moment
    assert accounts.projects.set_public(ACTOR, made.id, True) == changed
    assert not accounts.projects.set_public(ACTOR, made.id, False).public
    assert accounts.told[1:] == [
        ProjectChanged(ACTOR, made.id, "dock", "public"),
        ProjectChanged(ACTOR, made.id, "dock", "private"),
    ]


def test_a_deleted_project_is_gone_with_its_members_and_its_number_is_not_used_again(
    accounts: Accounts, alice: User
):
    made = accounts.projects.create(ACTOR, alice.principal(), "dock")
    accounts.projects.delete(ACTOR, made.id)
    assert accounts.projects.find("dock") is None
    assert accounts.members.list(made.id, limit=10, offset=0) == []
    again = accounts.project("dock")
    assert again.id > made.id
    assert accounts.members.count(again.id) == 0
    assert accounts.told[-2:] == [
        ProjectDeleted(ACTOR, made.id, "dock"),
        ProjectCreated(ACTOR, again.id, "dock"),
    ]


def test_a_project_with_repositories_stays_with_everything_in_it(accounts: Accounts, alice: User):
    made = accounts.projects.create(ACTOR, alice.principal(), "dock")
    robot, _ = accounts.robot(made, "ci")
    fill(made)
    told = len(accounts.told)
    with pytest.raises(ProjectNotEmptyError, match="dock still has repositories"):
        accounts.projects.delete(ACTOR, made.id)
    assert accounts.projects.get(made.id) == made
    assert accounts.members.count(made.id) == 1
    assert accounts.robots.get(robot.id) == robot
    assert len(accounts.told) == told


def test_a_listener_that_fails_undoes_the_deletion(accounts: Accounts):
    def fail(event: object) -> None:
        raise RuntimeError("the log is full")

    made = accounts.project("dock")
    robot, _ = accounts.robot(made, "ci")
    accounts.events.subscribe(ProjectDeleted, fail)
    with pytest.raises(RuntimeError):
        accounts.projects.delete(ACTOR, made.id)
    assert accounts.projects.get(made.id) == made
    assert accounts.robots.get(robot.id) == robot


def test_projects_outlive_their_owner(accounts: Accounts, alice: User):
    made = accounts.projects.create(ACTOR, alice.principal(), "dock")
    accounts.users.delete(ACTOR, alice.id)
    left = accounts.projects.get(made.id)
    assert (left.owner_id, left.owner_name) == (0, "")
    assert accounts.members.count(made.id) == 0
    assert not any(isinstance(event, MemberRemoved) for event in accounts.told)


@pytest.fixture
def harbour(accounts: Accounts, alice: User) -> dict[str, Principal]:
    """Two public and two private projects; alice and a robot belong to one private project each."""
    for name, public in (("open1", True), ("open2", True), ("hers", False), ("bots", False)):
        accounts.project(name, public=public)
    hers, bots = accounts.projects.find("hers"), accounts.projects.find("bots")
    assert hers is not None
    assert bots is not None
    accounts.members.add(ACTOR, hers.id, alice.id, Role.LIMITED_GUEST)
    admin = accounts.user("admin", admin=True).principal()
    return {
        "nobody": ANONYMOUS,
        "bob": accounts.user("bob").principal(),
        "alice": alice.principal(),
        "robot": accounts.robot(bots, "ci")[0].principal(),
        "admin": admin,
        "admin by token": Principal(PrincipalKind.USER, admin.id, "admin", admin.generation),
        "robot with a user's number": Principal(PrincipalKind.ROBOT, alice.id + 500, "robot$x+y"),
    }


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("nobody", {"open1", "open2"}),
        ("bob", {"open1", "open2"}),
        ("alice", {"open1", "open2", "hers"}),
        ("robot", {"open1", "open2", "bots"}),
        ("admin", {"open1", "open2", "hers", "bots"}),
        ("admin by token", {"open1", "open2", "hers", "bots"}),
        ("robot with a user's number", {"open1", "open2"}),
    ],
)
def test_everybody_sees_what_is_public_and_what_they_belong_to(
    accounts: Accounts, harbour: dict[str, Principal], who: str, expected: set[str]
):
    principal = harbour[who]
    private = {"hers", "bots"}
    assert set(seen(accounts, principal)) == expected
    assert set(seen(accounts, principal, public=False)) == expected & private
    assert set(seen(accounts, principal, public=True)) == expected - private
    assert accounts.projects.count_visible(principal) == len(expected)
    assert accounts.projects.count_visible(principal, public=False) == len(expected & private)
    for name in ("open1", "open2", "hers", "bots"):
        assert (name in seen(accounts, principal, name=name)) is (name in expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"a_b", "a.b", "axb", "a-b"}),
        ("_", {"a_b"}),
        (".", {"a.b"}),
        ("x", {"axb"}),
        ("%", set()),
        ("*", set()),
        ("[a-z]", set()),
        ("\\", set()),
        ("' OR 1=1 --", set()),
        ("\0", set()),
        ("\ud800", set()),
    ],
)
def test_a_search_takes_every_character_as_it_is(accounts: Accounts, text: str, expected: set[str]):
    for name in ("a_b", "a.b", "axb", "a-b"):
        accounts.project(name, public=True)
    assert set(seen(accounts, ANONYMOUS, name=text)) == expected
    assert accounts.projects.count_visible(ANONYMOUS, name=text) == len(expected)


def test_a_list_is_sorted_and_cut_as_asked(accounts: Accounts, clock: SetClock):
    for name in ("c", "a", "b-1", "b.1"):
        accounts.project(name, public=True)
        clock.forward(seconds=1)
    assert seen(accounts, ANONYMOUS) == ["a", "b-1", "b.1", "c"]
    assert seen(accounts, ANONYMOUS, sort="-name") == ["c", "b.1", "b-1", "a"]
    assert seen(accounts, ANONYMOUS, sort="created_at") == ["c", "a", "b-1", "b.1"]
    assert seen(accounts, ANONYMOUS, sort="-id") == ["b.1", "b-1", "a", "c"]
    assert names(accounts.projects.visible(ANONYMOUS, limit=2, offset=1)) == ["b-1", "b.1"]


@pytest.mark.parametrize(
    "sort", ["", "-", "owner", "name,id", "name;drop table project", "--name", "password_hash", "\ud800"]
)
def test_only_what_is_listed_can_be_sorted_by(accounts: Accounts, sort: str):
    with pytest.raises(ProjectInvalidError) as caught:
        seen(accounts, ANONYMOUS, sort=sort)
    caught.value.message.encode()
