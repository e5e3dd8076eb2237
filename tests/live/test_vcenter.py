"""A real vSphere API on the other end: who is let in, whom we trust, and what happens when it is slow."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from moorage.config.settings import DirectorySettings
from moorage.identity.connection import Connection, Domain, checked
from moorage.identity.directory import EntryKind
from moorage.identity.errors import (
    BadCredentialsError,
    DirectoryAwayError,
    DirectoryBusyError,
    DirectoryMisconfiguredError,
    DirectoryUntrustedError,
    NotAdmittedError,
)
from moorage.identity.vcenters import Vcenters
from moorage.identity.vsphere_directory import VsphereDirectory
from tests.support.stalling import StallingDoor
from tests.support.vcenter import PASSWORDS, Vcenter
from tests.support.vcenter_certificates import Issued, issue

SERVICE = "svc@vsphere.local"
ALICE, BOB = "alice@vsphere.local", "bob@corp.example.com"
SETTINGS = DirectorySettings(timeout_seconds=20, connect_seconds=10)
QUICK = DirectorySettings(timeout_seconds=1.5, connect_seconds=1, calls=2)
#: A time-out and what a busy machine adds to it.
SOON_SECONDS = 6


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("issued"), "127.0.0.2")


@pytest.fixture(scope="module")
def vcenter(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcenter]:
    found = Vcenter(issued, tmp_path_factory.mktemp("vcenter"))
    yield found
    found.stop()


def connection(vcenter: Vcenter, **changes: object) -> Connection:
    whole = Connection(
        vcenter.address,
        SERVICE,
        authorities=vcenter.issued.authority.read_text(),
        domains=(Domain.parse("vsphere.local"), Domain.parse("corp.example.com=CORP")),
        admin_privileges=(),
    )
    return checked(replace(whole, **changes))  # type: ignore[arg-type]


def directory(
    connection: Connection, settings: DirectorySettings = SETTINGS, secret: str = PASSWORDS[SERVICE]
) -> VsphereDirectory:
    return Vcenters(settings).directory(connection, secret)


def test_a_person_logs_in_with_either_form_of_the_name(vcenter: Vcenter) -> None:
    people = directory(connection(vcenter))
    for typed in (ALICE, "VSPHERE.LOCAL\\Alice", "Alice@VSPHERE.LOCAL"):
        assert people.prove(typed, PASSWORDS[ALICE]).name == ALICE
    assert people.prove("CORP\\bob", PASSWORDS[BOB]).name == BOB


def test_a_wrong_password_is_refused_and_no_session_stays(vcenter: Vcenter) -> None:
    people = directory(connection(vcenter))
    before = vcenter.count()
    for name, password in ((ALICE, "wrong"), ("carol@vsphere.local", "x"), ("CORP\\alice", PASSWORDS[ALICE])):
        with pytest.raises(BadCredentialsError):
            people.prove(name, password)
    people.prove(ALICE, PASSWORDS[ALICE])
    people.search("a", EntryKind.GROUP, 10)
    after = vcenter.count()
    assert after["Refused"] - before["Refused"] == 3
    assert after["Logins"] - before["Logins"] == after["Logouts"] - before["Logouts"] == 3


def test_an_account_without_any_right_in_vcenter_is_told_so_if_its_password_is_right(
    vcenter: Vcenter,
) -> None:
    people = directory(connection(vcenter))
    with pytest.raises(NotAdmittedError, match="Read-only"):
        people.prove("CORP\\carol", "carols password")
    with pytest.raises(BadCredentialsError) as refused:
        people.prove("CORP\\carol", "wrong")
    assert not isinstance(refused.value, NotAdmittedError)
    with pytest.raises(DirectoryMisconfiguredError, match="lets the service account do nothing"):
        directory(connection(vcenter, account="carol@corp.example.com"), secret="carols password").person(BOB)


def test_groups_come_with_those_around_them(vcenter: Vcenter) -> None:
    people = directory(connection(vcenter))
    assert people.prove(BOB, PASSWORDS[BOB]).groups == {
        "admins@corp.example.com",
        "staff@corp.example.com",
        "users@vsphere.local",
        "administrators@vsphere.local",
    }
    assert people.prove(ALICE, PASSWORDS[ALICE]).groups == {"users@vsphere.local"}
    assert people.prove("alice@corp.example.com", "another alice").groups == frozenset()


def test_administrators_by_a_group_and_by_a_privilege(vcenter: Vcenter) -> None:
    by_group = directory(connection(vcenter, admin_group="Administrators@vsphere.local"))
    assert by_group.prove(BOB, PASSWORDS[BOB]).administrator
    assert not by_group.prove(ALICE, PASSWORDS[ALICE]).administrator
    # The simulator grants everybody everything: this shows that the question is asked and understood.
    by_privilege = directory(connection(vcenter, admin_privileges=("Authorization.ModifyPermissions",)))
    assert by_privilege.prove(ALICE, PASSWORDS[ALICE]).administrator


def test_people_and_groups_are_found_without_their_passwords(vcenter: Vcenter) -> None:
    people = directory(connection(vcenter))
    found = people.person(BOB)
    assert found is not None
    assert (found.name, found.real_name) == (BOB, "Full bob")
    assert "users@vsphere.local" in found.groups
    assert people.person("carol@vsphere.local") is None
    assert people.person("bo@corp.example.com") is None
    names = [each.name for each in people.search("ALI", EntryKind.USER, 10)]
    assert names == ["alice@corp.example.com", "alice@vsphere.local"]
    assert [each.name for each in people.search("admin", EntryKind.GROUP, 1)] == [
        "administrators@vsphere.local"
    ]


def test_a_service_account_with_an_old_password_is_no_wrong_password_of_the_person(vcenter: Vcenter) -> None:
    with pytest.raises(DirectoryMisconfiguredError, match="service account"):
        directory(connection(vcenter), secret="old").prove(ALICE, PASSWORDS[ALICE])


def test_a_domain_that_vcenter_does_not_have_is_told(vcenter: Vcenter) -> None:
    domains = (Domain.parse("vsphere.local"), Domain.parse("gone.example.com"))
    with pytest.raises(DirectoryMisconfiguredError, match=r"gone\.example\.com"):
        directory(connection(vcenter, domains=domains)).search("a", EntryKind.USER, 10)


def test_the_thumbprint_of_the_very_certificate_is_enough(vcenter: Vcenter) -> None:
    pinned = connection(vcenter, authorities="", thumbprint=vcenter.issued.thumbprint)
    assert directory(pinned).prove(ALICE, PASSWORDS[ALICE]).name == ALICE


@pytest.mark.parametrize("wrong", ["another authority", "another thumbprint", "authority without the name"])
def test_who_is_not_verified_is_told_nothing(vcenter: Vcenter, tmp_path: Path, wrong: str) -> None:
    changes: dict[str, object] = {
        "another authority": {"authorities": issue(tmp_path, "127.0.0.2").authority.read_text()},
        "another thumbprint": {"authorities": "", "thumbprint": "ab" * 32},
        "authority without the name": {"address": vcenter.address.replace("127.0.0.2", "127.0.0.3")},
    }[wrong]  # type: ignore[assignment]
    door = StallingDoor(("127.0.0.2", int(vcenter.address.rpartition(":")[2])), "127.0.0.3")
    if wrong == "authority without the name":
        changes["address"] = f"127.0.0.3:{door.port}"
    before = vcenter.count()["Names"]
    people = directory(connection(vcenter, **changes))
    with pytest.raises(DirectoryUntrustedError):
        people.prove(ALICE, PASSWORDS[ALICE])
    with pytest.raises(DirectoryUntrustedError):
        people.person(ALICE)
    assert vcenter.count()["Names"] == before
    door.stop()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_address_of_the_same_machine_is_verified_like_any_other(
    issued: Issued, tmp_path: Path, host: str
) -> None:
    local = Vcenter(issued, tmp_path, host="127.0.0.1")
    port = local.address.rpartition(":")[2]
    try:
        for changes in (
            {"address": f"{host}:{port}"},  # the certificate does not name it
            {"address": f"{host}:{port}", "authorities": "", "thumbprint": "cd" * 32},
        ):
            with pytest.raises(DirectoryUntrustedError):
                directory(connection(local, **changes)).prove(ALICE, PASSWORDS[ALICE])
        pinned = connection(local, address=f"{host}:{port}", authorities="", thumbprint=issued.thumbprint)
        assert directory(pinned).prove(ALICE, PASSWORDS[ALICE]).name == ALICE
    finally:
        local.stop()


def test_a_vcenter_that_has_stopped_is_away_and_soon(issued: Issued, tmp_path: Path) -> None:
    stopped = Vcenter(issued, tmp_path)
    people = directory(connection(stopped), QUICK)
    people.prove(ALICE, PASSWORDS[ALICE])
    stopped.stop()
    started = time.monotonic()
    with pytest.raises(DirectoryAwayError):
        people.prove(ALICE, PASSWORDS[ALICE])
    with pytest.raises(DirectoryAwayError):
        people.person(ALICE)
    assert time.monotonic() - started < SOON_SECONDS


def test_a_slow_vcenter_holds_up_a_bounded_number_for_a_bounded_time(vcenter: Vcenter) -> None:
    door = StallingDoor(("127.0.0.2", int(vcenter.address.rpartition(":")[2])), "127.0.0.2")
    people = directory(connection(vcenter, address=f"127.0.0.2:{door.port}"), QUICK)
    people.prove(ALICE, PASSWORDS[ALICE])
    door.stalled.set()
    took: list[float] = []

    def ask() -> None:
        started = time.monotonic()
        with pytest.raises((DirectoryAwayError, DirectoryBusyError)):
            people.prove(ALICE, PASSWORDS[ALICE])
        took.append(time.monotonic() - started)

    taken = door.taken
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(took) == 8
    assert max(took) < SOON_SECONDS
    # Two have a turn; those who waited for a second give up when the first two have failed.
    assert door.taken - taken <= 4
    door.stalled.clear()
    assert people.prove(ALICE, PASSWORDS[ALICE]).name == ALICE
    door.stop()


def test_what_answers_and_is_no_vcenter_is_away(issued: Issued, vcenter: Vcenter) -> None:
    found = Vcenters(SETTINGS).look(Connection(vcenter.address, "", thumbprint=issued.thumbprint))
    assert found.certificate.thumbprint == issued.thumbprint
    assert found.certificate.subject == "CN=vcenter of a test"
    assert found.name.startswith("VMware vCenter Server")
    bare = Vcenters(SETTINGS).look(Connection(vcenter.address, ""))
    assert (bare.certificate.thumbprint, bare.name) == (issued.thumbprint, "")
    silent = StallingDoor(("127.0.0.2", int(vcenter.address.rpartition(":")[2])), "127.0.0.2")
    silent.stalled.set()
    started = time.monotonic()
    with pytest.raises(DirectoryAwayError):
        Vcenters(QUICK).look(Connection(f"127.0.0.2:{silent.port}", ""))
    assert time.monotonic() - started < SOON_SECONDS
    silent.stop()
