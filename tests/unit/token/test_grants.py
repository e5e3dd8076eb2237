"""Which scopes are granted, from what an account is in a project."""

from typing import cast

import pytest

from moorage.identity.model import ANONYMOUS, Principal, PrincipalKind, RobotRight
from moorage.projects.access import Access
from moorage.projects.model import Role, Standing
from moorage.token.grants import decide
from moorage.token.model import Grant, parse_scopes

ALICE = Principal(PrincipalKind.USER, 7, "alice", 3)
REPOSITORY = "repository:dock/app:pull,push,delete"


class FixedAccess:
    """Everybody has the same standing in the project ``dock``; there is no other project."""

    def __init__(
        self,
        role: Role | None = None,
        *,
        public: bool = False,
        active: bool = True,
        admin: bool = False,
        rights: frozenset[RobotRight] | None = None,
    ) -> None:
        self.standing_of_all = Standing(5, public, active, admin, role, rights)
        self.asked: list[tuple[PrincipalKind, int, int, str]] = []

    def standing(
        self, kind: PrincipalKind, account_id: int, generation: int, project_name: str
    ) -> Standing | None:
        self.asked.append((kind, account_id, generation, project_name))
        return self.standing_of_all if project_name == "dock" else None


def granted(access: FixedAccess, *scopes: str, principal: Principal = ALICE) -> list[Grant]:
    return decide(cast(Access, access), principal, parse_scopes(scopes))


def actions(access: FixedAccess, scope: str = REPOSITORY) -> set[str]:
    return {action for grant in granted(access, scope) for action in grant.actions}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, set()),
        (Role.LIMITED_GUEST, {"pull"}),
        (Role.GUEST, {"pull"}),
        (Role.DEVELOPER, {"pull", "push"}),
        (Role.MAINTAINER, {"pull", "push", "delete"}),
        (Role.PROJECT_ADMIN, {"pull", "push", "delete"}),
    ],
)
def test_a_role_gets_what_it_may_do_of_what_it_asked_for(role: Role | None, expected: set[str]):
    assert actions(FixedAccess(role)) == expected
    assert actions(FixedAccess(role), "repository:dock/app:pull") == expected & {"pull"}


def test_in_a_public_project_everybody_gets_pull_and_no_more():
    assert actions(FixedAccess(public=True)) == {"pull"}


def test_an_administrator_gets_all_of_it():
    assert actions(FixedAccess(admin=True)) == {"pull", "push", "delete"}


def test_a_void_account_gets_nothing_at_all():
    assert granted(FixedAccess(Role.PROJECT_ADMIN, public=True, admin=True, active=False), REPOSITORY) == []


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (RobotRight("repository", "pull"), {"pull"}),
        (RobotRight("repository", "push"), {"push"}),
        (RobotRight("artifact", "delete"), {"delete"}),
        (RobotRight("tag", "delete"), {"delete"}),
        (RobotRight("project", "delete"), set()),
    ],
)
def test_a_robot_gets_what_is_on_its_list(right: RobotRight, expected: set[str]):
    assert actions(FixedAccess(rights=frozenset({right}))) == expected


def test_the_star_asks_for_every_action_that_there_is():
    (grant,) = granted(FixedAccess(Role.DEVELOPER), "repository:dock/app:*")
    assert grant.actions == {"pull", "push"}


def test_a_grant_names_the_repository_and_the_project_it_is_in():
    assert granted(FixedAccess(Role.GUEST), REPOSITORY) == [
        Grant("repository", "dock/app", 5, frozenset({"pull"}))
    ]


def test_a_private_project_and_none_at_all_look_the_same():
    assert granted(FixedAccess(), REPOSITORY) == granted(FixedAccess(), "repository:nowhere/app:pull") == []


@pytest.mark.parametrize(
    "scope",
    [
        "repository:dock:pull",
        "repository:Dock/app:pull",
        "repository:dock//app:pull",
        "repository:dock/../dock/app:pull",
        "repository:dock%2Fapp:pull",
        "repository:localhost:5000/dock/app:pull",
        "repository:dock/" + "a" * 300 + ":pull",
        "repository:dock/app:explode",
        "repository:dock/app:",
        "plugin:dock/app:pull",
        "registry:dock/app:pull",
    ],
)
def test_a_scope_that_means_nothing_here_is_left_out(scope: str):
    assert granted(FixedAccess(admin=True), scope) == []


@pytest.mark.parametrize("principal", [ALICE, ANONYMOUS])
def test_anyone_gets_the_catalog(principal: Principal):
    catalog = Grant("registry", "catalog", None, frozenset({"*"}))
    assert granted(FixedAccess(), "registry:catalog:*", principal=principal) == [catalog]
    assert granted(FixedAccess(), "registry:catalog:pull", principal=principal) == []


def test_the_account_is_looked_up_once_a_project():
    access = FixedAccess(Role.GUEST)
    granted(access, "repository:dock/a:pull", "repository:dock/b:pull", "repository:other/c:pull")
    assert access.asked == [(PrincipalKind.USER, 7, 3, "dock"), (PrincipalKind.USER, 7, 3, "other")]
