"""Who vSphere's people are: names, groups in groups, administrators, and what happens when it is refused."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from moorage.config.settings import DirectorySettings
from moorage.identity.connection import Connection, Domain, checked
from moorage.identity.directory import EntryKind, Person
from moorage.identity.errors import (
    BadCredentialsError,
    DirectoryAwayError,
    DirectoryBusyError,
    DirectoryMisconfiguredError,
    NotAdmittedError,
)
from moorage.identity.line import Bounded, Deadline
from moorage.identity.vsphere_directory import VsphereDirectory
from tests.support.vsphere_people import VspherePeople

ADMIN = "Authorization.ModifyPermissions"
CONNECTION = checked(
    Connection(
        "vc.example.com",
        "svc@vsphere.local",
        thumbprint="ab" * 32,
        domains=(Domain.parse("vsphere.local"), Domain.parse("corp.example.com=CORP")),
    )
)
SETTINGS = DirectorySettings(timeout_seconds=5, calls=2, nested_seconds=0)


@pytest.fixture
def people() -> VspherePeople:
    return VspherePeople(
        passwords={
            "svc@vsphere.local": "service",
            "alice@vsphere.local": "right",
            "alice@corp.example.com": "other",
            "bob@corp.example.com": "right",
        },
        members={
            "VSPHERE.LOCAL\\Administrators": ("CORP\\Admins",),
            "VSPHERE.LOCAL\\Users": ("VSPHERE.LOCAL\\alice", "CORP\\Staff"),
            "CORP\\Staff": ("CORP\\Admins",),
            "CORP\\Admins": ("CORP\\bob", "CORP\\Ring"),
            "CORP\\Ring": ("CORP\\Admins",),
            "CORP\\Empty": (),
        },
        aliases={"vsphere.local": "VSPHERE.LOCAL", "corp.example.com": "CORP"},
    )


def directory(
    people: VspherePeople,
    connection: Connection = CONNECTION,
    settings: DirectorySettings = SETTINGS,
    secret: str = "service",
) -> VsphereDirectory:
    return VsphereDirectory(connection, secret, Bounded(settings), settings, people.open)


@pytest.mark.parametrize("typed", ["bob@corp.example.com", "CORP\\Bob", "BOB@corp"])
def test_a_password_is_proved_with_every_form_of_the_name(people: VspherePeople, typed: str) -> None:
    found = directory(people).prove(typed, "right")
    assert found.name == "bob@corp.example.com"
    assert found.real_name == "Full CORP\\Bob"
    assert people.logins == [("bob@corp.example.com", "right"), ("svc@vsphere.local", "service")]
    assert people.open_sessions == 0


def test_groups_come_with_all_they_are_in_even_in_circles_and_other_domains(people: VspherePeople) -> None:
    assert directory(people).prove("CORP\\bob", "right").groups == {
        "admins@corp.example.com",
        "ring@corp.example.com",
        "staff@corp.example.com",
        "users@vsphere.local",
        "administrators@vsphere.local",
    }


def test_the_same_name_in_two_domains_is_two_people(people: VspherePeople) -> None:
    assert directory(people).prove("CORP\\alice", "other").groups == frozenset()
    assert directory(people).prove("alice@vsphere.local", "right").groups == {"users@vsphere.local"}
    with pytest.raises(BadCredentialsError):
        directory(people).prove("CORP\\alice", "right")


def test_without_nesting_only_direct_groups_count(people: VspherePeople) -> None:
    flat = directory(people, settings=replace(SETTINGS, nested_groups=0))
    assert flat.prove("CORP\\bob", "right").groups == {"admins@corp.example.com"}


def test_what_is_inside_what_is_asked_once_in_a_while(people: VspherePeople) -> None:
    kept = directory(people, settings=replace(SETTINGS, nested_seconds=600))
    kept.prove("CORP\\bob", "right")
    before = people.looks
    assert len(kept.prove("CORP\\bob", "right").groups) == 5
    assert people.looks - before == len(CONNECTION.domains)


def test_a_group_that_somebody_left_is_gone_with_the_next_look(people: VspherePeople) -> None:
    kept = directory(people, settings=replace(SETTINGS, nested_seconds=600))
    kept.prove("CORP\\bob", "right")
    people.members["CORP\\Admins"] = ()
    assert kept.prove("CORP\\bob", "right").groups == frozenset()


def test_administrators_are_told_by_privilege(people: VspherePeople) -> None:
    people.privileges["CORP\\bob"] = frozenset({ADMIN, "System.View"})
    assert directory(people).prove("CORP\\bob", "right").administrator
    assert not directory(people).prove("alice@vsphere.local", "right").administrator
    two = replace(CONNECTION, admin_privileges=(ADMIN, "Global.Settings"))
    assert not directory(people, two).prove("CORP\\bob", "right").administrator


def test_administrators_are_told_by_group_through_others(people: VspherePeople) -> None:
    by_group = replace(CONNECTION, admin_privileges=(), admin_group="administrators@vsphere.local")
    assert directory(people, by_group).prove("CORP\\bob", "right").administrator
    assert not directory(people, by_group).prove("alice@vsphere.local", "right").administrator


def test_with_neither_rule_nobody_administers(people: VspherePeople) -> None:
    nobody = replace(CONNECTION, admin_privileges=())
    people.privileges["CORP\\bob"] = frozenset({ADMIN})
    assert not directory(people, nobody).prove("CORP\\bob", "right").administrator


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice@vsphere.local", "wrong"),
        ("nobody@vsphere.local", "right"),
    ],
)
def test_what_vcenter_refuses_is_refused(people: VspherePeople, name: str, password: str) -> None:
    with pytest.raises(BadCredentialsError):
        directory(people).prove(name, password)
    assert [account for account, _ in people.logins] == [name]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice@vsphere.local", ""),
        ("alice@vsphere.local", "a\0b"),
        ("alice@vsphere.local", "x" * 2000),
        ("alice@other.example.com", "right"),
        ("alice", "right"),
    ],
)
def test_what_cannot_be_right_is_never_sent(people: VspherePeople, name: str, password: str) -> None:
    with pytest.raises(BadCredentialsError):
        directory(people).prove(name, password)
    assert people.logins == []


def test_an_account_without_any_right_in_vcenter_is_told_so(people: VspherePeople) -> None:
    people.shut_out.add("alice@vsphere.local")
    with pytest.raises(NotAdmittedError, match="Read-only"):
        directory(people).prove("alice@vsphere.local", "right")


def test_a_refused_service_account_says_nothing_about_the_person(people: VspherePeople) -> None:
    for secret in ("stale", ""):
        with pytest.raises(DirectoryMisconfiguredError):
            directory(people, secret=secret).person("alice@vsphere.local")
        with pytest.raises(DirectoryMisconfiguredError):
            directory(people, secret=secret).prove("alice@vsphere.local", "right")
    people.shut_out.add("svc@vsphere.local")
    with pytest.raises(DirectoryMisconfiguredError):
        directory(people).person("alice@vsphere.local")


def test_a_domain_that_the_connection_lacks_is_named(people: VspherePeople) -> None:
    people.aliases["corp.example.com"] = "HQ"
    with pytest.raises(DirectoryMisconfiguredError, match="HQ"):
        directory(people).prove("bob@corp.example.com", "right")


def test_people_are_found_by_their_canonical_names(people: VspherePeople) -> None:
    found = directory(people).person("bob@corp.example.com")
    assert found is not None
    assert (found.name, found.real_name) == ("bob@corp.example.com", "Full CORP\\Bob")
    for gone in ("carol@corp.example.com", "bo@corp.example.com", "admins@corp.example.com", "bob", "x@y"):
        assert directory(people).person(gone) is None


def test_a_search_finds_parts_of_names_in_all_domains(people: VspherePeople) -> None:
    searched = directory(people)
    assert [each.name for each in searched.search("ALI", EntryKind.USER, 10)] == [
        "alice@corp.example.com",
        "alice@vsphere.local",
    ]
    assert [each.name for each in searched.search("admin", EntryKind.GROUP, 10)] == [
        "administrators@vsphere.local",
        "admins@corp.example.com",
    ]
    assert len(searched.search("a", EntryKind.GROUP, 1)) == 1
    assert searched.search("  ", EntryKind.USER, 10) == ()
    assert searched.search("a", EntryKind.USER, 0) == ()


def test_nothing_that_is_printed_has_a_secret(people: VspherePeople) -> None:
    assert "service" not in repr(directory(people)).replace("svc", "")


def test_beyond_the_bound_nobody_waits_for_a_slow_directory() -> None:
    bounded = Bounded(DirectorySettings(timeout_seconds=0.3, calls=2))
    never = threading.Event()

    def stuck(deadline: Deadline) -> None:
        never.wait(30)

    started = time.monotonic()
    with pytest.raises(DirectoryAwayError, match="too long"):
        bounded.run(stuck)
    assert time.monotonic() - started < 2
    with pytest.raises(DirectoryAwayError, match="too long"):
        bounded.run(stuck)
    started = time.monotonic()
    with pytest.raises(DirectoryAwayError, match="too many"):
        bounded.run(stuck)
    assert time.monotonic() - started < 0.2
    never.set()


def test_a_full_line_to_a_directory_that_answers_is_busy_and_not_away() -> None:
    bounded = Bounded(DirectorySettings(timeout_seconds=30, calls=1))
    entered, go = threading.Event(), threading.Event()

    def slow(deadline: Deadline) -> bool:
        entered.set()
        return go.wait(30)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bounded.run, slow)
        assert entered.wait(10)
        with pytest.raises(DirectoryBusyError, match="try again") as refused:
            bounded.run(slow)
        assert not isinstance(refused.value, DirectoryAwayError)
        go.set()
        assert first.result(10)
    assert bounded.run(lambda deadline: "found") == "found"


def test_what_was_not_read_in_time_is_unsure_and_not_left_out(people: VspherePeople) -> None:
    by_group = replace(CONNECTION, admin_privileges=(), admin_group="administrators@vsphere.local")
    told = directory(people, by_group, replace(SETTINGS, nested_seconds=600, timeout_seconds=6))

    def person() -> Person:
        found = told.person("bob@corp.example.com")
        assert found is not None
        return found

    people.look_seconds = 0.6
    first = person()
    assert not first.whole
    assert first.groups | first.unsure >= {"staff@corp.example.com", "administrators@vsphere.local"}
    assert first.administrator or first.administrator_unsure
    people.look_seconds = 0
    rest = person()
    assert rest.whole
    assert rest.administrator
    assert "users@vsphere.local" in rest.groups


def test_an_answer_makes_room_for_the_next_question() -> None:
    bounded = Bounded(DirectorySettings(timeout_seconds=5, calls=1))
    assert [bounded.run(lambda deadline: "found") for _ in range(20)] == ["found"] * 20
    with pytest.raises(ValueError, match="odd"):
        bounded.run(lambda deadline: raise_odd())
    assert bounded.run(lambda deadline: deadline.left() <= 5)


def raise_odd() -> None:
    raise ValueError("odd")
