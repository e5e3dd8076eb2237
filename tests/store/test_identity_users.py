"""Users in a real database."""

from collections.abc import Callable

import pytest

from moorage.events import AccessTokenCreated, UserChanged, UserCreated, UserDeleted
from moorage.identity.errors import (
    AccountInvalidError,
    LastAdminError,
    OldPasswordWrongError,
    UserExistsError,
    UserUnknownError,
)
from moorage.identity.model import User
from tests.support.accounts import ACTOR, PASSWORD, Accounts
from tests.support.at_once import at_once
from tests.support.clock import SetClock

NEW = "Lighthouse-2"


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


def test_a_new_user_is_found_by_number_and_by_name(accounts: Accounts, clock: SetClock):
    made = accounts.users.create(
        ACTOR, "alice", PASSWORD, email="alice@example.com", real_name="Alice Å", comment="pilot"
    )
    assert accounts.users.get(made.id) == accounts.users.find("alice") == made
    assert (made.email, made.real_name, made.comment) == ("alice@example.com", "Alice Å", "pilot")
    assert (made.admin, made.disabled, made.created_at) == (False, False, clock.moment)
    assert accounts.told == [UserCreated(ACTOR, made.id, "alice")]


@pytest.mark.parametrize("name", ["a", "A.b_c-d+e@example.com", "0", "x" * 255])
def test_a_name_of_plain_characters_is_accepted(accounts: Accounts, name: str):
    assert accounts.user(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 256,
        "robot$x",
        "a:b",
        "a b",
        "-a",
        "_a",
        "a/b",
        "älice",
        "\u0430lice",
        "a\n",
        "a\0",
        "\ud800",
        "Anonymous",
        "system",
    ],
)
def test_a_name_that_could_be_mistaken_is_refused(accounts: Accounts, name: str):
    with pytest.raises(AccountInvalidError):
        accounts.user(name)


def test_a_name_is_taken_in_any_mix_of_capitals(accounts: Accounts):
    accounts.user("Alice_1")
    for name in ("Alice_1", "alice_1", "ALICE_1"):
        with pytest.raises(UserExistsError):
            accounts.user(name)
    assert accounts.user("alicex1").name == "alicex1"
    assert accounts.users.find("alice_1") is None


def test_of_two_who_take_a_name_at_once_one_gets_it(accounts: Accounts):
    results = at_once(*[lambda: accounts.user("alice")] * 4)
    assert sorted(type(result).__name__ for result in results) == ["User"] + ["UserExistsError"] * 3
    assert accounts.users.count() == 1


@pytest.mark.parametrize(
    "profile",
    [
        {"email": "nobody"},
        {"email": "a@b@c"},
        {"email": "a b@c"},
        {"email": "x" * 250 + "@b.com"},
        {"comment": "a\nb"},
    ],
)
def test_a_bad_profile_is_refused_and_nothing_is_stored(accounts: Accounts, profile: dict[str, str]):
    with pytest.raises(AccountInvalidError):
        accounts.users.create(ACTOR, "alice", PASSWORD, **profile)
    assert accounts.users.count() == 0


def test_a_weak_password_is_refused(accounts: Accounts):
    with pytest.raises(AccountInvalidError):
        accounts.users.create(ACTOR, "alice", "password")


@pytest.mark.parametrize("name", ["nobody", "", "\0", "\ud800", "x" * 10_000])
def test_a_name_that_nobody_has_finds_nobody(accounts: Accounts, name: str):
    assert accounts.users.find(name) is None


def test_an_unknown_number_is_told(accounts: Accounts):
    calls: list[Callable[[], object]] = [
        lambda: accounts.users.get(7),
        lambda: accounts.users.delete(ACTOR, 7),
        lambda: accounts.users.set_admin(ACTOR, 7, True),
        lambda: accounts.users.set_disabled(ACTOR, 7, True),
        lambda: accounts.users.change_password(ACTOR, 7, NEW, old=None),
        lambda: accounts.users.change_password(ACTOR, 7, NEW, old=PASSWORD),
        lambda: accounts.users.change_profile(ACTOR, 7, email="", real_name="", comment=""),
    ]
    for call in calls:
        with pytest.raises(UserUnknownError):
            call()


def test_users_are_listed_by_name_in_pages(accounts: Accounts):
    for name in ("carol", "alice", "bob", "Dave"):
        accounts.user(name)
    assert [user.name for user in accounts.users.list(limit=10, offset=0)] == [
        "Dave",
        "alice",
        "bob",
        "carol",
    ]
    assert [user.name for user in accounts.users.list(limit=2, offset=1)] == ["alice", "bob"]
    assert accounts.users.count() == 4


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("", {"a_b", "a.b", "axb", "a+b"}),
        ("_", {"a_b"}),
        ("x", {"axb"}),
        ("X", {"axb"}),
        ("%", set()),
        ("*", set()),
        ("?", set()),
        ("[a", set()),
        ("\\", set()),
        ("a'b", set()),
        ("\0", set()),
        ("\ud800", set()),
    ],
)
def test_a_search_takes_every_character_as_it_is(accounts: Accounts, q: str, names: set[str]):
    for name in ("a_b", "a.b", "axb", "a+b"):
        accounts.user(name)
    assert {user.name for user in accounts.users.list(q=q, limit=10, offset=0)} == names
    assert accounts.users.count(q) == len(names)


def test_a_changed_profile_voids_no_token(accounts: Accounts, clock: SetClock):
    made = accounts.user("alice")
    clock.forward(seconds=5)
    changed = accounts.users.change_profile(ACTOR, made.id, email="a@b.c", real_name="A", comment="")
    assert (changed.email, changed.real_name, changed.generation) == ("a@b.c", "A", made.generation)
    assert changed.updated_at == clock.moment
    assert accounts.told[1:] == [UserChanged(ACTOR, made.id, "alice", "email, real_name")]


def test_a_profile_that_stays_as_it_was_is_not_logged(accounts: Accounts):
    made = accounts.user("alice")
    assert accounts.users.change_profile(ACTOR, made.id, email="", real_name="", comment="") == made
    assert len(accounts.told) == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda users, number: users.change_password(ACTOR, number, NEW, old=PASSWORD), "password"),
        (lambda users, number: users.change_password(ACTOR, number, NEW, old=None), "password"),
        (lambda users, number: users.set_admin(ACTOR, number, True), "admin"),
        (lambda users, number: users.set_disabled(ACTOR, number, True), "disabled"),
    ],
)
def test_a_change_that_touches_security_voids_every_token(
    accounts: Accounts, change: Callable[..., User], what: str
):
    made = accounts.user("alice")
    changed = change(accounts.users, made.id)
    assert changed.generation > made.generation
    assert accounts.told[1:] == [UserChanged(ACTOR, made.id, "alice", what)]


def test_a_switch_that_stands_there_already_changes_nothing(accounts: Accounts):
    made = accounts.user("alice")
    assert accounts.users.set_admin(ACTOR, made.id, False) == made
    assert accounts.users.set_disabled(ACTOR, made.id, False) == made
    assert len(accounts.told) == 1


def test_the_old_password_must_be_right_and_the_new_one_new(accounts: Accounts):
    made = accounts.user("alice")
    with pytest.raises(OldPasswordWrongError):
        accounts.users.change_password(ACTOR, made.id, NEW, old="Wrong-pass-1")
    with pytest.raises(AccountInvalidError, match="is the old one"):
        accounts.users.change_password(ACTOR, made.id, PASSWORD, old=PASSWORD)
    with pytest.raises(AccountInvalidError):
        accounts.users.change_password(ACTOR, made.id, "weak", old=PASSWORD)
    assert accounts.users.get(made.id) == made


def test_the_last_enabled_administrator_stays_one(accounts: Accounts):
    admin = accounts.user("admin", admin=True)
    sleeping = accounts.user("sleeping", admin=True)
    accounts.users.set_disabled(ACTOR, sleeping.id, True)
    calls: list[Callable[[], object]] = [
        lambda: accounts.users.set_admin(ACTOR, admin.id, False),
        lambda: accounts.users.set_disabled(ACTOR, admin.id, True),
        lambda: accounts.users.delete(ACTOR, admin.id),
    ]
    for call in calls:
        with pytest.raises(LastAdminError, match="admin is the last local administrator"):
            call()
    assert accounts.users.get(admin.id).admin
    accounts.users.set_disabled(ACTOR, sleeping.id, False)
    accounts.users.delete(ACTOR, admin.id)


def test_a_disabled_administrator_can_be_deleted(accounts: Accounts):
    accounts.user("admin", admin=True)
    sleeping = accounts.user("sleeping", admin=True)
    accounts.users.set_disabled(ACTOR, sleeping.id, True)
    accounts.users.set_admin(ACTOR, sleeping.id, False)
    accounts.users.delete(ACTOR, sleeping.id)


@pytest.mark.parametrize("way", ["set_admin", "set_disabled", "delete"])
def test_two_administrators_who_remove_each_other_at_once_leave_one(accounts: Accounts, way: str):
    keeper = accounts.user("keeper", admin=True)
    flag = {"set_admin": (False,), "set_disabled": (True,), "delete": ()}[way]
    for turn in range(6):
        one, other = accounts.user(f"one{turn}", admin=True), accounts.user(f"other{turn}", admin=True)
        if turn == 0:
            accounts.users.delete(ACTOR, keeper.id)
        else:
            for user in accounts.users.list(limit=100, offset=0):
                if user.admin and not user.disabled and user.id not in (one.id, other.id):
                    accounts.users.set_disabled(ACTOR, user.id, True)
        change = getattr(accounts.users, way)
        results = at_once(lambda: change(ACTOR, one.id, *flag), lambda: change(ACTOR, other.id, *flag))  # noqa: B023
        assert [type(result) for result in results].count(LastAdminError) == 1, results
        left = [user for user in accounts.users.list(limit=100, offset=0) if user.admin and not user.disabled]
        assert len(left) == 1


def test_a_deleted_user_is_gone_with_their_tokens_and_the_number_is_not_used_again(accounts: Accounts):
    made = accounts.user("alice")
    accounts.access_token(made)
    accounts.users.delete(ACTOR, made.id)
    again = accounts.user("alice")
    assert again.id > made.id
    assert accounts.access_tokens.list(again.id) == []
    assert accounts.told == [
        UserCreated(ACTOR, made.id, "alice"),
        AccessTokenCreated(ACTOR, made.id, "cli"),
        UserDeleted(ACTOR, made.id, "alice"),
        UserCreated(ACTOR, again.id, "alice"),
    ]


def test_a_listener_that_fails_undoes_the_change(accounts: Accounts):
    def fail(event: object) -> None:
        raise RuntimeError("the log is full")

    accounts.events.subscribe(UserCreated, fail)
    with pytest.raises(RuntimeError):
        accounts.user("alice")
    assert accounts.users.find("alice") is None
