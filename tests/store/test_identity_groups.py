"""Groups of a directory: who is in which, what it gives them, and the job that follows the directory."""

from collections.abc import Callable

import pytest

from moorage.events import SYSTEM, GroupChanged, GroupCreated, GroupDeleted, MemberAdded, UserChanged
from moorage.identity.errors import (
    BadCredentialsError,
    DirectoryAwayError,
    DirectoryUnsetError,
    GroupExistsError,
    GroupInvalidError,
    GroupUnknownError,
)
from moorage.identity.model import Principal, PrincipalKind
from moorage.projects.errors import MemberExistsError, MemberUnknownError
from moorage.projects.model import Project, Role, Standing
from moorage.projects.role_store import RoleStore
from moorage.projects.roles import Roles
from tests.support.accounts import ACTOR, Accounts
from tests.support.at_once import at_once
from tests.support.clock import SetClock
from tests.support.directory import PASSWORD, FakeDirectory
from tests.support.fake_run import FakeRun

HOME = "192.0.2.1"
MARY = "mary@vsphere.local"
DEVS = "devs@vsphere.local"
STAFF = "staff@vsphere.local"


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


@pytest.fixture
def later(clock: SetClock) -> Callable[[], None]:
    """Long enough for the directory to be asked anew."""
    return lambda: clock.forward(minutes=2)


def enter(accounts: Accounts, name: str = MARY) -> Principal:
    return accounts.authenticator.authenticate(name, PASSWORD, HOME)


def standing_of(accounts: Accounts, principal: Principal, project: str = "dock") -> Standing:
    found = accounts.access.standing(PrincipalKind.USER, principal.id, principal.generation, project)
    assert found is not None
    by_id = accounts.access.standing_by_id(
        PrincipalKind.USER, principal.id, principal.generation, found.project_id
    )
    assert by_id == found
    return found


def give(accounts: Accounts, project: Project, group: str, role: Role) -> int:
    """A role for a group; the number of the member."""
    return accounts.members.add_group(ACTOR, project.id, accounts.groups.meet(ACTOR, group).id, role).id


# Groups


def test_a_group_of_the_directory_is_made_known(accounts: Accounts):
    made = accounts.groups.create(ACTOR, "VSPHERE\\Devs")
    assert made.name == DEVS
    assert accounts.told == [GroupCreated(ACTOR, made.id, DEVS)]
    assert accounts.groups.list(limit=10, offset=0) == [made]
    assert accounts.groups.find("vsphere\\devs") == accounts.groups.get(made.id) == made
    with pytest.raises(GroupExistsError):
        accounts.groups.create(ACTOR, DEVS)


@pytest.mark.parametrize(
    "name",
    [
        "ghosts@vsphere.local",
        "dev@vsphere.local",
        "devs",
        "@vsphere.local",
        "VSPHERE\\",
        " ",
        "OTHER\\devs",
        "",
        "\0",
        "\ud800",
        "x" * 999,
    ],
)
def test_a_group_that_the_directory_does_not_have_is_refused(accounts: Accounts, name: str):
    with pytest.raises(GroupInvalidError):
        accounts.groups.create(ACTOR, name)
    with pytest.raises(GroupUnknownError):
        accounts.groups.meet(ACTOR, name)
    assert accounts.groups.count() == 0


@pytest.mark.parametrize("name", ["VSPHERE\\Domain Users", "domain users@VSPHERE.local"])
def test_a_group_with_a_blank_in_its_name_is_made_known(
    accounts: Accounts, directory: FakeDirectory, name: str
):
    full = directory.group("domain users")
    for number in range(300):  # the name is a part of many others, which stand before it
        directory.group(f"a{number} domain users")
    made = accounts.groups.create(ACTOR, name)
    assert made.name == full
    assert accounts.groups.meet(ACTOR, name) == made


def test_without_an_answer_no_group_is_made(accounts: Accounts, directory: FakeDirectory):
    directory.away = True
    with pytest.raises(DirectoryAwayError):
        accounts.groups.create(ACTOR, DEVS)
    directory.connected = False
    with pytest.raises(DirectoryUnsetError):
        accounts.groups.create(ACTOR, DEVS)


def test_a_group_that_is_met_by_many_at_once_is_one(accounts: Accounts):
    assert len(set(at_once(*[lambda: accounts.groups.meet(ACTOR, DEVS).id] * 5))) == 1


def test_a_group_follows_its_name_and_leaves_its_people_behind(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    mary = enter(accounts)
    directory.group("crew")
    group = accounts.groups.meet(ACTOR, DEVS)
    renamed = accounts.groups.rename(ACTOR, group.id, "crew@vsphere.local")
    assert (renamed.id, renamed.name) == (group.id, "crew@vsphere.local")
    assert isinstance(accounts.told[-1], GroupChanged)
    assert standing_of(accounts, mary).role is None
    with pytest.raises(GroupInvalidError):
        accounts.groups.rename(ACTOR, group.id, "ghosts@vsphere.local")
    give(accounts, dock, STAFF, Role.GUEST)
    with pytest.raises(GroupExistsError):
        accounts.groups.rename(ACTOR, group.id, STAFF)


def test_a_group_that_is_forgotten_takes_its_roles_along(accounts: Accounts, dock: Project):
    give(accounts, dock, DEVS, Role.PROJECT_ADMIN)
    mary = enter(accounts)
    assert standing_of(accounts, mary).role is Role.PROJECT_ADMIN
    group = accounts.groups.meet(ACTOR, DEVS)
    accounts.groups.delete(ACTOR, group.id)
    assert standing_of(accounts, mary).role is None
    assert accounts.members.count(dock.id) == 0
    assert accounts.told[-1] == GroupDeleted(ACTOR, group.id, DEVS)
    for call in (accounts.groups.get, lambda number: accounts.groups.delete(ACTOR, number)):
        with pytest.raises(GroupUnknownError):
            call(group.id)


# Roles of groups


def test_a_group_gives_its_role_to_everybody_in_it(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    member = give(accounts, dock, DEVS, Role.MAINTAINER)
    directory.add("anne", "cooks")
    mary, anne = enter(accounts), enter(accounts, "anne@vsphere.local")
    assert standing_of(accounts, mary).role is Role.MAINTAINER
    assert standing_of(accounts, anne).role is None
    accounts.members.change(ACTOR, dock.id, member, Role.GUEST)
    assert standing_of(accounts, mary).role is Role.GUEST
    accounts.members.remove(ACTOR, dock.id, member)
    assert standing_of(accounts, mary).role is None


def test_groups_that_hold_groups_give_their_roles_too(accounts: Accounts, dock: Project):
    give(accounts, dock, STAFF, Role.GUEST)
    assert standing_of(accounts, enter(accounts)).role is Role.GUEST


@pytest.mark.parametrize(
    ("own", "of_devs", "of_staff", "best"),
    [
        (Role.GUEST, Role.DEVELOPER, Role.LIMITED_GUEST, Role.DEVELOPER),
        (Role.DEVELOPER, Role.MAINTAINER, Role.GUEST, Role.MAINTAINER),
        (Role.MAINTAINER, Role.PROJECT_ADMIN, None, Role.PROJECT_ADMIN),
        (Role.PROJECT_ADMIN, Role.MAINTAINER, Role.DEVELOPER, Role.PROJECT_ADMIN),
        (None, Role.LIMITED_GUEST, Role.GUEST, Role.GUEST),
        (Role.LIMITED_GUEST, None, None, Role.LIMITED_GUEST),
    ],
)
def test_the_best_of_all_roles_counts(
    accounts: Accounts,
    dock: Project,
    own: Role | None,
    of_devs: Role | None,
    of_staff: Role | None,
    best: Role,
):
    for group, role in ((DEVS, of_devs), (STAFF, of_staff)):
        if role is not None:
            give(accounts, dock, group, role)
    mary = enter(accounts)
    if own is not None:
        accounts.members.add(ACTOR, dock.id, mary.id, own)
    assert standing_of(accounts, mary).role is best
    roles = Roles(RoleStore())
    assert roles.held(mary.id, [dock.id]) == {dock.id: best}
    assert {role for role in Role if roles.projects_with(mary.id, role)} == {best}


def test_a_role_of_a_group_makes_a_project_visible(accounts: Accounts, dock: Project):
    accounts.project("pier")
    mary = enter(accounts)
    assert accounts.projects.visible(mary, limit=10, offset=0) == []
    give(accounts, dock, STAFF, Role.LIMITED_GUEST)
    accounts.refresh.run(FakeRun())
    assert [each.name for each in accounts.projects.visible(mary, limit=10, offset=0)] == ["dock"]
    assert accounts.projects.count_visible(mary) == 1


def test_a_role_is_of_its_project_alone(accounts: Accounts, dock: Project):
    pier = accounts.project("pier")
    member = give(accounts, dock, DEVS, Role.PROJECT_ADMIN)
    assert standing_of(accounts, enter(accounts), "pier").role is None
    for call in (
        lambda: accounts.members.get(pier.id, member),
        lambda: accounts.members.change(ACTOR, pier.id, member, Role.GUEST),
        lambda: accounts.members.remove(ACTOR, pier.id, member),
    ):
        with pytest.raises(MemberUnknownError):
            call()


def test_a_void_account_has_no_role_of_a_group(accounts: Accounts, dock: Project):
    give(accounts, dock, DEVS, Role.PROJECT_ADMIN)
    mary = enter(accounts)
    accounts.users.set_disabled(ACTOR, mary.id, True)
    found = standing_of(accounts, mary)
    assert (found.active, found.role) == (False, None)


def test_groups_and_users_are_listed_together(accounts: Accounts, dock: Project):
    mary = enter(accounts)
    accounts.members.add(ACTOR, dock.id, mary.id, Role.GUEST)
    give(accounts, dock, DEVS, Role.DEVELOPER)
    give(accounts, dock, STAFF, Role.GUEST)
    listed = accounts.members.list(dock.id, limit=10, offset=0)
    assert [(each.entity_name, each.is_group) for each in listed] == [
        (DEVS, True),
        (MARY, False),
        (STAFF, True),
    ]
    assert [each.entity_name for each in accounts.members.list(dock.id, q="a", limit=2, offset=1)] == [
        MARY,
        STAFF,
    ]
    assert [each.entity_name for each in accounts.members.list(dock.id, q="dev", limit=9, offset=0)] == [DEVS]
    assert accounts.members.count(dock.id, "dev") == 1
    assert accounts.members.count(dock.id) == 3


def test_a_group_is_a_member_once_and_the_log_knows_it_for_a_group(accounts: Accounts, dock: Project):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    assert accounts.told[-1] == MemberAdded(ACTOR, dock.id, "dock", f"group {DEVS}", "developer")
    with pytest.raises(MemberExistsError):
        give(accounts, dock, DEVS, Role.GUEST)
    with pytest.raises(GroupUnknownError):
        accounts.members.add_group(ACTOR, dock.id, 999_999, Role.GUEST)


# What the directory says later


def test_a_login_follows_the_groups(
    accounts: Accounts, directory: FakeDirectory, dock: Project, later: Callable[[], None]
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    first = enter(accounts)
    directory.change(MARY)
    later()
    mary = enter(accounts)
    assert standing_of(accounts, mary).role is None
    assert mary.generation == first.generation
    told = accounts.told[-1]
    assert isinstance(told, UserChanged)
    assert told.what == "groups of the directory"


def test_the_refresh_follows_groups_administrators_and_who_is_gone(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    for name in ("anne", "jack", "ching"):
        directory.add(name, "devs")
    mary, anne, jack, ching = (
        enter(accounts, f"{name}@vsphere.local") for name in ("mary", "anne", "jack", "ching")
    )
    token = accounts.access_token(accounts.users.get(jack.id))
    directory.change("mary")
    directory.change("anne", "devs", administrator=True)
    directory.remove("jack")
    run = FakeRun()
    result = accounts.refresh.run(run)
    assert (result["checked"], result["gone"]) == (4, 1)
    assert standing_of(accounts, mary).role is None
    assert accounts.users.get(anne.id).is_admin
    assert not standing_of(accounts, jack).active
    assert standing_of(accounts, ching).role is Role.DEVELOPER
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(jack)
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.authenticate(jack.name, token, HOME)
    assert accounts.refresh.run(FakeRun())["gone"] == 0


def test_a_group_that_became_known_later_counts_after_the_refresh(accounts: Accounts, dock: Project):
    mary = enter(accounts)
    give(accounts, dock, STAFF, Role.GUEST)
    accounts.refresh.run(FakeRun())
    assert standing_of(accounts, mary).role is Role.GUEST


def test_while_the_directory_is_away_nothing_is_taken_away(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    mary = enter(accounts)
    token = accounts.access_token(accounts.users.get(mary.id))
    directory.away = True
    run = FakeRun()
    with pytest.raises(DirectoryAwayError):
        accounts.refresh.run(run)
    assert run.said[-1] == ("error", "the directory is away; 0 people were checked, all others stay")
    assert standing_of(accounts, mary).role is Role.DEVELOPER
    assert accounts.authenticator.authenticate(MARY, token, HOME).id == mary.id


def test_a_registry_without_a_directory_takes_nothing_away(
    accounts: Accounts, directory: FakeDirectory, dock: Project
):
    give(accounts, dock, DEVS, Role.DEVELOPER)
    mary = enter(accounts)
    directory.connected = False
    assert accounts.refresh.is_idle
    assert accounts.refresh.run(FakeRun())["checked"] == 0
    assert standing_of(accounts, mary).role is Role.DEVELOPER


def test_the_refresh_touches_no_local_account_and_makes_none(accounts: Accounts, directory: FakeDirectory):
    local = accounts.user("alice")
    mary = enter(accounts)
    accounts.users.delete(ACTOR, mary.id)
    assert accounts.refresh.run(FakeRun())["checked"] == 0
    assert accounts.users.list(limit=9, offset=0) == [local]


def test_the_refresh_stops_when_it_is_asked_to(accounts: Accounts, directory: FakeDirectory):
    people = [enter(accounts, directory.add(f"p{number}")) for number in range(5)]
    for each in people:
        directory.remove(each.name)
    run = FakeRun(stop_when=lambda run: run.counts.get("checked", 0) >= 2)
    result = accounts.refresh.run(run)
    assert result["checked"] == 2
    left = [each for each in people if accounts.users.get(each.id).left_at is None]
    assert len(left) == 3


def test_the_system_is_named_for_what_the_refresh_does(accounts: Accounts, directory: FakeDirectory):
    mary = enter(accounts)
    directory.remove(MARY)
    accounts.refresh.run(FakeRun())
    assert accounts.told[-1] == UserChanged(SYSTEM, mary.id, MARY, "gone from the directory")
