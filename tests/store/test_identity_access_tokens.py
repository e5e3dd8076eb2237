"""Personal access tokens in a real database."""

from datetime import datetime, timedelta

import peewee
import pytest

from moorage.db.connection import Statement
from moorage.events import AccessTokenCreated, AccessTokenRevoked
from moorage.identity.errors import (
    AccessTokenExistsError,
    AccessTokenUnknownError,
    AccountInvalidError,
    BadCredentialsError,
    UserUnknownError,
)
from moorage.identity.model import User
from moorage.identity.store import IdentityStore
from tests.support.accounts import ACTOR, Accounts
from tests.support.clock import SetClock

WEEK = timedelta(days=7)


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def alice(accounts: Accounts) -> User:
    return accounts.user("alice")


def used_at(accounts: Accounts, user: User) -> datetime | None:
    return accounts.access_tokens.list(user.id)[0].used_at


def test_a_token_proves_its_user(accounts: Accounts, alice: User, clock: SetClock):
    token, secret = accounts.access_tokens.create(ACTOR, alice.id, "laptop", WEEK)
    assert secret.startswith("moor_pat_")
    assert (token.name, token.hint, token.expires_at) == ("laptop", secret[:13], clock.moment + WEEK)
    principal = accounts.access_tokens.prove("alice", secret)
    assert (principal.key, principal.generation) == (f"user:{alice.id}", alice.generation)
    assert principal.expires_at == token.expires_at
    assert accounts.told[1:] == [AccessTokenCreated(ACTOR, alice.id, "laptop")]


def test_a_token_is_kept_as_a_digest_only(accounts: Accounts, alice: User):
    secret = accounts.access_token(alice)
    assert secret not in repr(Statement("SELECT * FROM access_token").all())


@pytest.mark.parametrize("name", ["bob", "Alice", "", "alice\0", "\ud800", "robot$dock+ci"])
def test_a_token_under_another_name_proves_nothing(accounts: Accounts, alice: User, name: str):
    secret = accounts.access_token(alice)
    with pytest.raises(BadCredentialsError):
        accounts.access_tokens.prove(name, secret)


@pytest.mark.parametrize(
    "secret", ["moor_pat_", "moor_pat_x", "", "\0", "\ud800", "moor_pat_" + "x" * 100_000]
)
def test_a_secret_that_was_never_given_out_proves_nothing(accounts: Accounts, alice: User, secret: str):
    accounts.access_token(alice)
    with pytest.raises(BadCredentialsError):
        accounts.access_tokens.prove("alice", secret)


def test_a_token_ends(accounts: Accounts, alice: User, clock: SetClock):
    secret = accounts.access_token(alice, lifetime=WEEK)
    clock.forward(days=6, hours=23)
    accounts.access_tokens.prove("alice", secret)
    clock.forward(hours=1)
    with pytest.raises(BadCredentialsError):
        accounts.access_tokens.prove("alice", secret)


def test_a_token_without_an_end_stays_good(accounts: Accounts, alice: User, clock: SetClock):
    secret = accounts.access_token(alice)
    clock.forward(days=20_000)
    assert accounts.access_tokens.prove("alice", secret).expires_at is None


def test_the_token_of_a_disabled_user_proves_nothing(accounts: Accounts, alice: User):
    secret = accounts.access_token(alice)
    accounts.users.set_disabled(ACTOR, alice.id, True)
    with pytest.raises(BadCredentialsError):
        accounts.access_tokens.prove("alice", secret)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=-1), timedelta(days=4000)])
def test_a_bad_lifetime_is_refused(accounts: Accounts, alice: User, lifetime: timedelta):
    with pytest.raises(AccountInvalidError):
        accounts.access_token(alice, lifetime=lifetime)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\0", "x" * 256])
def test_a_bad_name_is_refused(accounts: Accounts, alice: User, name: str):
    with pytest.raises(AccountInvalidError):
        accounts.access_token(alice, name)


def test_a_name_is_taken_once_a_user(accounts: Accounts, alice: User):
    accounts.access_token(alice, "cli")
    with pytest.raises(AccessTokenExistsError):
        accounts.access_token(alice, "cli")
    accounts.access_token(accounts.user("bob"), "cli")
    accounts.access_token(alice, "CLI")


def test_nobody_gets_no_token(accounts: Accounts):
    with pytest.raises(UserUnknownError):
        accounts.access_tokens.create(ACTOR, 7, "cli", None)


def test_a_revoked_token_is_void_at_once_and_all_that_was_issued_with_it(accounts: Accounts, alice: User):
    secret = accounts.access_token(alice)
    (token,) = accounts.access_tokens.list(alice.id)
    accounts.access_tokens.revoke(ACTOR, alice.id, token.id)
    with pytest.raises(BadCredentialsError):
        accounts.access_tokens.prove("alice", secret)
    with pytest.raises(BadCredentialsError):
        accounts.users.current(alice.id, alice.generation)
    assert accounts.access_tokens.list(alice.id) == []
    assert accounts.told[2:] == [AccessTokenRevoked(ACTOR, alice.id, "cli")]


def test_the_token_of_another_user_is_unknown_here(accounts: Accounts, alice: User):
    bob = accounts.user("bob")
    secret = accounts.access_token(bob)
    (token,) = accounts.access_tokens.list(bob.id)
    for user_id in (alice.id, 7777):
        with pytest.raises(AccessTokenUnknownError):
            accounts.access_tokens.revoke(ACTOR, user_id, token.id)
    assert accounts.access_tokens.prove("bob", secret).name == "bob"
    assert accounts.users.get(alice.id) == alice


def test_a_use_is_noted_once_a_minute(accounts: Accounts, alice: User, clock: SetClock):
    secret = accounts.access_token(alice)
    assert used_at(accounts, alice) is None
    begin = clock.moment
    for seconds, noted in ((0, 0), (59, 0), (1, 60), (30, 60)):
        clock.forward(seconds=seconds)
        accounts.access_tokens.prove("alice", secret)
        assert used_at(accounts, alice) == begin + timedelta(seconds=noted)


def test_a_failed_login_is_no_use(accounts: Accounts, alice: User):
    secret = accounts.access_token(alice)
    with pytest.raises(BadCredentialsError):
        accounts.access_tokens.prove("bob", secret)
    assert used_at(accounts, alice) is None


def test_a_database_that_cannot_be_written_keeps_nobody_out(
    accounts: Accounts, alice: User, monkeypatch: pytest.MonkeyPatch
):
    def fail(*args: object) -> None:
        raise peewee.OperationalError("database or disk is full")

    secret = accounts.access_token(alice)
    monkeypatch.setattr(IdentityStore, "touch_access_token", fail)
    assert accounts.access_tokens.prove("alice", secret).name == "alice"


def test_tokens_are_listed_oldest_first_without_secrets(accounts: Accounts, alice: User):
    secrets = [accounts.access_token(alice, name) for name in ("b", "a", "c")]
    listed = accounts.access_tokens.list(alice.id)
    assert [token.name for token in listed] == ["b", "a", "c"]
    assert not any(secret in repr(listed) for secret in secrets)
