"""From a login to a token and back, over a real database: rights are cut at issue and again at use."""

from pathlib import Path

import pytest

from moorage.config import TokenSettings
from moorage.identity.model import ANONYMOUS, Principal, RobotRight
from moorage.keyring import Keyring
from moorage.projects.model import Role
from moorage.projects.rules import PULL, PUSH, permitted
from moorage.token.grants import decide
from moorage.token.model import Claims, parse_scopes
from moorage.token.tokens import Tokens
from tests.support.accounts import ACTOR, PASSWORD, Accounts
from tests.support.clock import SetClock

SCOPE = "repository:dock/app:pull,push,delete"


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def tokens(tmp_path: Path, clock: SetClock) -> Tokens:
    keyring = Keyring(tmp_path / "keys")
    keyring.ensure()
    return Tokens(keyring, clock, TokenSettings())


def claims_of(accounts: Accounts, tokens: Tokens, principal: Principal, *scopes: str) -> Claims:
    grants = decide(accounts.access, principal, parse_scopes(scopes))
    return tokens.verify(tokens.issue(principal, grants).token)


def may(accounts: Accounts, claims: Claims, action: str) -> bool:
    """What the registry asks on each request that brings such a token."""
    who = claims.principal
    standing = accounts.access.standing(who.kind, who.id, who.generation, "dock")
    return (
        claims.allows("repository", "dock/app", action)
        and standing is not None
        and claims.project_id("dock/app") == standing.project_id
        and permitted(standing, PULL if action == "pull" else PUSH)
    )


def test_a_developer_pulls_and_pushes(accounts: Accounts, tokens: Tokens):
    dock, alice = accounts.project("dock"), accounts.user("alice")
    accounts.members.add(ACTOR, dock.id, alice.id, Role.DEVELOPER)
    principal = accounts.authenticator.authenticate("alice", PASSWORD, "192.0.2.1")
    claims = claims_of(accounts, tokens, principal, SCOPE)
    assert claims.principal.key == principal.key
    assert [may(accounts, claims, action) for action in ("pull", "push")] == [True, True]
    assert not claims.allows("repository", "dock/app", "delete")
    assert claims.project_id("dock/app") == dock.id


def test_a_stranger_pulls_from_a_public_project_until_it_is_private(accounts: Accounts, tokens: Tokens):
    dock = accounts.project("dock", public=True)
    claims = claims_of(accounts, tokens, ANONYMOUS, SCOPE)
    assert [may(accounts, claims, action) for action in ("pull", "push")] == [True, False]
    accounts.projects.set_public(ACTOR, dock.id, False)
    assert not may(accounts, claims, "pull")
    assert claims_of(accounts, tokens, ANONYMOUS, SCOPE).grants == ()


def test_a_token_is_void_in_a_project_that_was_made_again(accounts: Accounts, tokens: Tokens):
    first = accounts.project("dock", public=True)
    alice = accounts.user("alice")
    accounts.members.add(ACTOR, first.id, alice.id, Role.DEVELOPER)
    claims = claims_of(accounts, tokens, alice.principal(), SCOPE)
    accounts.projects.delete(ACTOR, first.id)
    assert not may(accounts, claims, "pull")
    second = accounts.project("dock", public=True)
    accounts.members.add(ACTOR, second.id, alice.id, Role.DEVELOPER)
    assert not may(accounts, claims, "pull")
    assert may(accounts, claims_of(accounts, tokens, alice.principal(), SCOPE), "pull")


def test_a_demotion_cuts_a_token_that_was_given_out_before(accounts: Accounts, tokens: Tokens):
    dock, alice = accounts.project("dock"), accounts.user("alice")
    member = accounts.members.add(ACTOR, dock.id, alice.id, Role.DEVELOPER)
    claims = claims_of(accounts, tokens, alice.principal(), SCOPE)
    accounts.members.change(ACTOR, dock.id, member.id, Role.GUEST)
    assert [may(accounts, claims, action) for action in ("pull", "push")] == [True, False]


def test_a_new_password_voids_a_token_that_was_given_out_before(accounts: Accounts, tokens: Tokens):
    dock, alice = accounts.project("dock", public=True), accounts.user("alice")
    accounts.members.add(ACTOR, dock.id, alice.id, Role.DEVELOPER)
    claims = claims_of(accounts, tokens, alice.principal(), SCOPE)
    accounts.users.change_password(ACTOR, alice.id, "Lighthouse-2", old=None)
    assert not may(accounts, claims, "pull")


def test_a_robot_pushes_into_its_own_project_only(accounts: Accounts, tokens: Tokens):
    dock = accounts.project("dock")
    accounts.project("pier")
    robot, _ = accounts.robot(dock, "ci", frozenset({RobotRight(*PUSH)}))
    claims = claims_of(accounts, tokens, robot.principal(), SCOPE, "repository:pier/app:pull,push")
    assert [(grant.name, grant.actions) for grant in claims.grants] == [("dock/app", {"push"})]


def test_several_scopes_are_answered_each_on_its_own(accounts: Accounts, tokens: Tokens):
    alice = accounts.user("alice")
    for name, role in (("dock", Role.DEVELOPER), ("pier", Role.GUEST)):
        accounts.members.add(ACTOR, accounts.project(name).id, alice.id, role)
    accounts.project("open", public=True)
    accounts.project("secret")
    scopes = [f"repository:{name}/app:pull,push" for name in ("dock", "pier", "open", "secret", "nowhere")]
    claims = claims_of(accounts, tokens, alice.principal(), *scopes, "registry:catalog:*")
    assert {(grant.name, grant.actions) for grant in claims.grants} == {
        ("dock/app", frozenset({"pull", "push"})),
        ("pier/app", frozenset({"pull"})),
        ("open/app", frozenset({"pull"})),
        ("catalog", frozenset({"*"})),
    }
