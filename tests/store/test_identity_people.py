"""People of a directory in a real database: who gets in, what is kept of them, what a stranger can learn."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import peewee
import pytest

from moorage.config import LoginSettings
from moorage.db.connection import close_connection
from moorage.db.connection import database as handle
from moorage.events import UserChanged, UserCreated
from moorage.identity.errors import (
    AccountInvalidError,
    BadCredentialsError,
    DirectoryAccountError,
    DirectoryAwayError,
    LastAdminError,
    TooManyAttemptsError,
    UserExistsError,
    UserUnknownError,
)
from moorage.identity.model import Principal, Source, User
from moorage.identity.proved_passwords import LIFETIME
from tests.support.accounts import ACTOR, Accounts
from tests.support.accounts import PASSWORD as LOCAL
from tests.support.at_once import at_once
from tests.support.clock import SetClock
from tests.support.directory import PASSWORD, FakeDirectory

HOME = "192.0.2.1"
MARY = "mary@vsphere.local"
GRACE = timedelta(hours=1)


@pytest.fixture
def directory() -> FakeDirectory:
    found = FakeDirectory()
    found.add("mary", "devs", real_name="Mary Read", email="mary@example.com")
    return found


@pytest.fixture
def accounts(database: str, clock: SetClock, directory: FakeDirectory) -> Accounts:
    return Accounts(clock, directory=directory)


@pytest.fixture
def patient(database: str, clock: SetClock, directory: FakeDirectory) -> Accounts:
    """Takes a proof of the last hour while the directory is away."""
    return Accounts(clock, LoginSettings(attempts=3), directory=directory, grace=GRACE)


def enter(accounts: Accounts, name: str = MARY, password: str = PASSWORD) -> Principal:
    return accounts.authenticator.authenticate(name, password, HOME)


def refused(accounts: Accounts, name: str = MARY, password: str = PASSWORD) -> bool:
    try:
        enter(accounts, name, password)
    except BadCredentialsError:
        return True
    return False


def mary_of(accounts: Accounts) -> User:
    found = accounts.users.find(MARY)
    assert found is not None
    return found


def everything_stored() -> str:
    """Every value of every row of every table, as text."""
    tables = handle.get_tables()
    return repr([list(peewee.Table(name).bind(handle).select(peewee.SQL("*")).tuples()) for name in tables])


def test_the_first_login_makes_the_person_known(accounts: Accounts, clock: SetClock):
    principal = enter(accounts)
    mary = mary_of(accounts)
    assert principal == mary.principal()
    assert (mary.source, mary.real_name, mary.email) == (Source.DIRECTORY, "Mary Read", "mary@example.com")
    assert (mary.is_admin, mary.disabled, mary.seen_at) == (False, False, clock.moment)
    (told,) = accounts.told
    assert isinstance(told, UserCreated)
    assert (told.name, told.actor.name, told.actor.key, told.actor.address) == (
        MARY,
        MARY,
        principal.key,
        HOME,
    )


def test_every_way_to_write_a_name_is_one_account(accounts: Accounts):
    ids = {
        enter(accounts, name).id for name in (MARY, "MARY@VSPHERE.LOCAL", "VSPHERE\\mary", "vsphere\\MARY")
    }
    assert len(ids) == 1
    assert accounts.users.count() == 1


def test_many_first_logins_at_once_make_one_account(accounts: Accounts):
    found = at_once(*[lambda: enter(accounts).id] * 6)
    assert len(set(found)) == 1
    assert accounts.users.count() == 1
    assert len([each for each in accounts.told if isinstance(each, UserCreated)]) == 1


def test_a_wrong_password_and_an_unknown_person_are_refused_alike(accounts: Accounts):
    seen = set()
    for name, password in (
        (MARY, "wrong"),
        ("ghost@vsphere.local", PASSWORD),
        (MARY, ""),
        ("mary", PASSWORD),
    ):
        with pytest.raises(BadCredentialsError) as error:
            enter(accounts, name, password)
        seen.add(str(error.value))
    assert len(seen) == 1
    assert accounts.users.count() == 0


def test_an_empty_password_never_reaches_the_directory(accounts: Accounts, directory: FakeDirectory):
    directory.add("careless", password="")
    assert refused(accounts, "careless@vsphere.local", "")
    assert directory.asked == []


def test_the_password_goes_to_the_directory_and_nowhere_else(
    accounts: Accounts, directory: FakeDirectory, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    secret = "Only-the-directory-knows-9"
    directory.set_password(MARY, secret)
    enter(accounts, password=secret)
    assert refused(accounts, password=f"{secret}-not")
    assert secret not in everything_stored()
    assert secret not in caplog.text
    assert secret not in repr(accounts.told)


def test_a_storm_of_logins_asks_the_directory_once_a_minute(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    for _ in range(20):
        enter(accounts)
    assert directory.asked == [MARY]
    clock.forward(seconds=LIFETIME.total_seconds())
    enter(accounts)
    assert directory.asked == [MARY, MARY]


def test_a_password_that_was_changed_in_the_directory_is_void_within_a_minute(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    enter(accounts)
    directory.set_password(MARY, "Another-1-now")
    clock.forward(seconds=LIFETIME.total_seconds() / 2)
    enter(accounts, password="Another-1-now")
    assert not refused(accounts)  # a use does not make it last longer
    clock.forward(seconds=LIFETIME.total_seconds() / 2)
    assert refused(accounts)


# Local accounts


def test_a_local_account_of_the_same_name_wins(accounts: Accounts, directory: FakeDirectory):
    local = accounts.user(MARY)
    assert enter(accounts, MARY, LOCAL) == local.principal()
    assert refused(accounts, MARY, PASSWORD)
    assert refused(accounts, "VSPHERE\\mary", PASSWORD)
    assert refused(accounts, "VSPHERE\\mary", LOCAL)
    assert directory.asked == []


def test_a_local_account_of_that_name_in_capitals_is_not_taken_over(
    accounts: Accounts, directory: FakeDirectory
):
    accounts.user("Mary@vsphere.local")
    assert refused(accounts)
    assert directory.asked == []


def test_no_local_account_is_made_over_somebody_of_the_directory(accounts: Accounts):
    enter(accounts)
    for name in (MARY, "MARY@vsphere.local"):
        with pytest.raises(UserExistsError):
            accounts.user(name)


def test_without_a_directory_its_people_cannot_log_in_and_others_can(
    accounts: Accounts, directory: FakeDirectory
):
    enter(accounts)
    accounts.user("alice")
    directory.connected = False
    assert refused(accounts)
    assert not refused(accounts, "alice", LOCAL)


def test_the_directory_keeps_password_and_profile(accounts: Accounts):
    mary = accounts.users.get(enter(accounts).id)
    for old in (None, PASSWORD):
        with pytest.raises(DirectoryAccountError, match="directory"):
            accounts.users.change_password(ACTOR, mary.id, "Lighthouse-2", old=old)
    with pytest.raises(DirectoryAccountError, match="directory"):
        accounts.users.change_profile(ACTOR, mary.id, email="x@y", real_name=mary.real_name, comment="")
    changed = accounts.users.change_profile(
        ACTOR, mary.id, email=mary.email, real_name=mary.real_name, comment="of the docks"
    )
    assert changed.comment == "of the docks"
    assert refused(accounts, password="Lighthouse-2")


def test_what_the_directory_says_is_cut_to_what_can_be_kept(accounts: Accounts, directory: FakeDirectory):
    directory.add("odd", real_name="A\0b\n" + "x" * 300, email="no address")
    enter(accounts, "odd@vsphere.local")
    found = accounts.users.find("odd@vsphere.local")
    assert found is not None
    assert found.real_name.startswith("A b")
    assert (len(found.real_name), found.email) == (255, "")


def test_a_name_that_no_account_can_have_is_refused(accounts: Accounts, directory: FakeDirectory):
    directory.add("a:b")
    assert refused(accounts, "a:b@vsphere.local")
    assert accounts.users.count() == 0


# While it is away


def test_a_directory_that_is_away_says_so_and_counts_as_no_failure(
    accounts: Accounts, directory: FakeDirectory
):
    directory.away = True
    for _ in range(50):
        with pytest.raises(DirectoryAwayError, match="directory"):
            enter(accounts, password="whatever")
    directory.away = False
    enter(accounts)


def test_local_users_robots_and_access_tokens_go_on_while_it_is_away(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    mary = accounts.users.get(enter(accounts).id)
    token = accounts.access_token(mary)
    accounts.user("alice")
    robot, secret = accounts.robot(accounts.project("dock"), "ci")
    directory.away = True
    clock.forward(days=1)
    assert enter(accounts, "alice", LOCAL).name == "alice"
    assert enter(accounts, robot.name, secret).name == robot.name
    for name in (MARY, "VSPHERE\\Mary", "MARY@vsphere.local"):
        assert enter(accounts, name, token).id == mary.id
    assert accounts.authenticator.current(mary.principal()).id == mary.id


def test_an_access_token_is_of_one_person_however_names_are_written(
    accounts: Accounts, directory: FakeDirectory
):
    directory.add("anne")
    enter(accounts, "anne@vsphere.local")
    token = accounts.access_token(accounts.users.get(enter(accounts).id))
    assert refused(accounts, "VSPHERE\\anne", token)


def test_without_the_setting_nobody_goes_on_by_an_old_proof(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    enter(accounts)
    directory.away = True
    clock.forward(seconds=LIFETIME.total_seconds())
    with pytest.raises(DirectoryAwayError):
        enter(accounts)


def test_who_logged_in_lately_goes_on_for_the_set_time(
    patient: Accounts, directory: FakeDirectory, clock: SetClock
):
    principal = enter(patient)
    directory.away = True
    clock.forward(minutes=59)
    assert enter(patient, "VSPHERE\\MARY") == principal
    clock.forward(minutes=1)  # counted from the proof, not from the last use
    with pytest.raises(DirectoryAwayError):
        enter(patient)


def test_the_old_proof_cannot_be_guessed_at(patient: Accounts, directory: FakeDirectory, clock: SetClock):
    enter(patient)
    directory.away = True
    clock.forward(minutes=5)
    for _ in range(3):
        with pytest.raises(DirectoryAwayError):
            enter(patient, password="guess")
    with pytest.raises(TooManyAttemptsError):
        enter(patient)


def test_a_password_that_was_replaced_is_no_proof(
    patient: Accounts, directory: FakeDirectory, clock: SetClock
):
    enter(patient)
    directory.set_password(MARY, "Another-1-now")
    clock.forward(minutes=2)
    enter(patient, password="Another-1-now")
    directory.away = True
    clock.forward(minutes=2)
    with pytest.raises(DirectoryAwayError):
        enter(patient)
    enter(patient, password="Another-1-now")


def test_a_password_that_the_directory_refused_is_no_proof(
    patient: Accounts, directory: FakeDirectory, clock: SetClock
):
    enter(patient)
    directory.set_password(MARY, "Another-1-now")
    clock.forward(minutes=2)
    assert refused(patient)
    directory.away = True
    with pytest.raises(DirectoryAwayError):
        enter(patient)


@pytest.mark.parametrize("how", ["disabled", "gone"])
def test_who_was_shut_out_does_not_go_on_by_a_proof(
    patient: Accounts, directory: FakeDirectory, clock: SetClock, how: str
):
    mary = patient.users.get(enter(patient).id)
    if how == "disabled":
        patient.users.set_disabled(ACTOR, mary.id, True)
    else:
        patient.people.part(ACTOR, mary.id)
    directory.away = True
    clock.forward(minutes=2)
    with pytest.raises(DirectoryAwayError):
        enter(patient)


# Lock-out


def test_wrong_passwords_of_the_directory_lock_out_under_every_form_of_the_name(
    database: str, clock: SetClock, directory: FakeDirectory
):
    accounts = Accounts(clock, LoginSettings(attempts=3), directory=directory)
    for name in (MARY, "VSPHERE\\mary", "MARY@VSPHERE.LOCAL"):
        assert refused(accounts, name, "guess")
    asked = len(directory.asked)
    for name in (MARY, "vsphere\\mary"):
        with pytest.raises(TooManyAttemptsError):
            enter(accounts, name)
    assert len(directory.asked) == asked


def test_a_slow_directory_keeps_nobody_else_waiting(accounts: Accounts, directory: FakeDirectory):
    accounts.user("alice")
    directory.hold = threading.Event()
    entered: list[int] = []

    def wait() -> None:
        entered.append(enter(accounts).id)
        close_connection()

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        assert enter(accounts, "alice", LOCAL).name == "alice"
        accounts.project("dock")  # the database takes changes meanwhile
    finally:
        directory.hold.set()
        waiting.join()
    assert len(entered) == 1


# What changes


def test_what_the_directory_says_anew_is_kept_and_told(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    before = enter(accounts)
    directory.add("mary", real_name="Mary Rackham", email="m@example.com")
    clock.forward(minutes=2)
    after = enter(accounts)
    assert mary_of(accounts).real_name == "Mary Rackham"
    assert after.generation == before.generation
    told = accounts.told[-1]
    assert isinstance(told, UserChanged)
    assert told.what == "profile of the directory"


def test_an_administrator_by_the_directory_is_one_for_as_long_as_it_says_so(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    directory.change(MARY, administrator=True)
    first = enter(accounts)
    mary = mary_of(accounts)
    assert (first.admin, mary.admin, mary.directory_admin) == (True, False, True)
    directory.change(MARY)
    clock.forward(minutes=2)
    assert not enter(accounts).admin
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(first)


def test_both_flags_of_an_administrator_are_kept_apart(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    directory.change(MARY, administrator=True)
    mary = accounts.users.get(enter(accounts).id)
    accounts.users.set_admin(ACTOR, mary.id, True)
    directory.change(MARY)
    clock.forward(minutes=2)
    assert enter(accounts).admin
    accounts.users.set_admin(ACTOR, mary.id, False)
    assert not enter(accounts).admin


def test_somebody_of_the_directory_is_not_the_last_administrator(
    accounts: Accounts, directory: FakeDirectory
):
    admin = accounts.user("admin", admin=True)
    directory.change(MARY, administrator=True)
    mary = accounts.users.get(enter(accounts).id)
    accounts.users.set_admin(ACTOR, mary.id, True)
    calls: list[Callable[[], object]] = [
        lambda: accounts.users.set_admin(ACTOR, admin.id, False),
        lambda: accounts.users.set_disabled(ACTOR, admin.id, True),
        lambda: accounts.users.delete(ACTOR, admin.id),
    ]
    for call in calls:
        with pytest.raises(LastAdminError):
            call()
    accounts.users.set_admin(ACTOR, mary.id, False)


def test_who_is_disabled_here_stays_out_whatever_the_directory_says(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    mary = accounts.users.get(enter(accounts).id)
    accounts.users.set_disabled(ACTOR, mary.id, True)
    assert refused(accounts)
    accounts.users.set_disabled(ACTOR, mary.id, False)
    clock.forward(minutes=2)
    assert not refused(accounts)


def test_who_is_gone_can_do_nothing_and_who_is_back_starts_anew(
    accounts: Accounts, directory: FakeDirectory, clock: SetClock
):
    principal = enter(accounts)
    mary = mary_of(accounts)
    token = accounts.access_token(mary)
    assert accounts.people.part(ACTOR, mary.id)
    assert not accounts.people.part(ACTOR, mary.id)
    assert refused(accounts, MARY, token)
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(principal)
    clock.forward(minutes=20)
    assert enter(accounts).id == mary.id
    assert refused(accounts, MARY, token)
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(principal)


def test_who_was_disabled_by_hand_while_gone_does_not_come_back(accounts: Accounts):
    mary = accounts.users.get(enter(accounts).id)
    accounts.people.part(ACTOR, mary.id)
    accounts.users.set_disabled(ACTOR, mary.id, True)
    assert refused(accounts)
    assert accounts.users.get(mary.id).disabled


# Met without a password


def test_somebody_is_met_by_name_before_they_ever_logged_in(accounts: Accounts, directory: FakeDirectory):
    met = accounts.people.meet(ACTOR, "VSPHERE\\Mary")
    assert (met.name, met.source) == (MARY, Source.DIRECTORY)
    assert accounts.told[-1].actor == ACTOR
    assert enter(accounts).id == met.id
    assert accounts.people.meet(ACTOR, MARY) == mary_of(accounts)


def test_nobody_is_met_whom_neither_side_has(accounts: Accounts, directory: FakeDirectory):
    for name in ("ghost@vsphere.local", "ghost", "\0", "\ud800@vsphere.local", "x" * 300 + "@vsphere.local"):
        with pytest.raises(UserUnknownError):
            accounts.people.meet(ACTOR, name)
    directory.away = True
    with pytest.raises(DirectoryAwayError):
        accounts.people.meet(ACTOR, MARY)


def test_rules_for_local_accounts_are_as_before(accounts: Accounts):
    with pytest.raises(AccountInvalidError):
        accounts.users.create(ACTOR, "alice", "weak")


def test_without_the_directory_its_people_are_nobody(accounts: Accounts, directory: FakeDirectory):
    mary = accounts.users.get(enter(accounts).id)
    token = accounts.access_token(mary)
    assert enter(accounts, MARY, token).id == mary.id
    directory.connected = False
    assert refused(accounts, MARY, token)
    with pytest.raises(BadCredentialsError):
        accounts.authenticator.current(mary.principal())
