"""The stored connection to a directory: its secret, its changes, and what the log is told."""

from dataclasses import replace

import pytest

from moorage.config.settings import DirectorySettings
from moorage.db.connection import database as handle
from moorage.events import (
    SYSTEM,
    DirectoryChanged,
    DirectoryConnected,
    DirectoryDisconnected,
    Event,
    Events,
)
from moorage.identity.connection import Connection, Domain
from moorage.identity.connections import Connections, secret_of
from moorage.identity.directory_store import DirectoryStore
from moorage.identity.errors import (
    DirectoryInvalidError,
    DirectoryMisconfiguredError,
    DirectoryUnsetError,
)
from moorage.identity.people_store import PeopleStore
from moorage.identity.predecessors import Predecessors
from moorage.identity.store import IdentityStore
from moorage.identity.stored_directory import StoredDirectory
from moorage.identity.vcenters import Vcenters
from moorage.keyring import Keyring
from tests.support.certificate import make_certificate
from tests.support.race import together

WANTED = Connection("vc.example.com", "svc@vsphere.local", thumbprint="ab" * 32)


class Site:
    """Connections over the bound database, and what they told."""

    def __init__(self, folder, clock):
        self.keyring = Keyring(folder / "keys")
        self.keyring.ensure()
        self.events = Events()
        self.told: list[Event] = []
        for kind in (DirectoryConnected, DirectoryChanged, DirectoryDisconnected):
            self.events.subscribe(kind, self.told.append)
        self.clock = clock
        self.vcenters = Vcenters(DirectorySettings())
        self.connections = Connections(
            DirectoryStore(),
            self.keyring,
            self.vcenters,
            Predecessors(PeopleStore(), IdentityStore(), self.events),
            self.events,
            clock,
        )

    def secret(self):
        return secret_of(self.keyring, self.connections.get())

    def directory(self):
        return StoredDirectory(DirectoryStore(), self.keyring, self.vcenters)


@pytest.fixture
def site(database, tmp_path, clock):
    return Site(tmp_path, clock)


def test_a_connection_is_kept_with_its_secret_sealed(site):
    made = site.connections.put(
        SYSTEM,
        replace(
            WANTED,
            domains=(Domain.parse("vsphere.local"), Domain.parse("corp.example.com=CORP")),
            admin_privileges=("Global.Settings",),
            admin_group="Admins@corp.example.com",
        ),
        "pass phrase",
    )
    assert made == site.connections.get()
    assert made.domains[1] == Domain("corp.example.com", "CORP")
    assert made.admin_group == "admins@corp.example.com"
    assert site.secret() == "pass phrase"
    stored = handle.execute_sql("SELECT * FROM directory_connection").fetchall()
    assert len(stored) == 1
    assert "pass phrase" not in repr(stored)
    assert site.told == [DirectoryConnected(SYSTEM, "vc.example.com", "svc@vsphere.local")]


def test_without_a_connection_nothing_can_be_asked_for(site):
    assert site.connections.find() is None
    for call in (
        site.connections.get,
        site.connections.check_stored,
        lambda: site.connections.disconnect(SYSTEM),
    ):
        with pytest.raises(DirectoryUnsetError):
            call()
    assert not site.directory().connected


def test_the_first_connection_needs_a_secret(site):
    for secret in (None, "", "x" * 2000, "a\nb"):
        with pytest.raises(DirectoryInvalidError, match="password"):
            site.connections.put(SYSTEM, WANTED, secret)
    assert site.connections.find() is None
    assert site.told == []


@pytest.mark.parametrize(
    "change",
    [
        {"address": "evil.example.com"},
        {"address": "vc.example.com:444"},
        {"account": "other@vsphere.local"},
        {"thumbprint": "cd" * 32},
        {"thumbprint": "", "authorities": "made"},
    ],
)
def test_a_secret_does_not_follow_to_where_it_was_not_given_for(site, change, tmp_path):
    if "authorities" in change:
        make_certificate(tmp_path / "ca.pem", tmp_path / "ca.key")
        change = {**change, "authorities": (tmp_path / "ca.pem").read_text()}
    site.connections.put(SYSTEM, WANTED, "first")
    changed = site.connections.put(SYSTEM, replace(WANTED, **change))
    assert not changed.has_secret
    assert site.secret() == ""
    assert "secret forgotten" in site.told[-1].what
    with pytest.raises(DirectoryMisconfiguredError, match="given anew"):
        site.connections.check_stored()
    assert site.connections.put(SYSTEM, replace(WANTED, **change), "second").has_secret
    assert site.secret() == "second"


def test_other_changes_keep_the_secret_and_are_told_by_name_alone(site):
    site.connections.put(SYSTEM, WANTED, "first")
    site.connections.put(SYSTEM, replace(WANTED, admin_privileges=(), admin_group="a@vsphere.local"))
    assert site.secret() == "first"
    assert site.told[1:] == [DirectoryChanged(SYSTEM, "vc.example.com", "admin_privileges, admin_group")]


def test_a_change_that_changes_nothing_is_not_logged(site):
    site.connections.put(SYSTEM, WANTED, "first")
    site.connections.put(SYSTEM, replace(WANTED, address="https://VC.example.com:443/"))
    assert len(site.told) == 1
    assert site.secret() == "first"


def test_a_secret_moved_to_another_address_in_the_database_does_not_open(site):
    site.connections.put(SYSTEM, WANTED, "first")
    handle.execute_sql("UPDATE directory_connection SET address = 'evil.example.com'")
    found = site.directory()
    assert found.connected
    assert found.canonical("VSPHERE.LOCAL\\alice") == "alice@vsphere.local"
    with pytest.raises(DirectoryMisconfiguredError):
        found.person("alice@vsphere.local")


def test_disconnecting_forgets_all_of_it(site):
    site.connections.put(SYSTEM, WANTED, "first")
    site.connections.disconnect(SYSTEM)
    assert site.connections.find() is None
    assert handle.execute_sql("SELECT COUNT(*) FROM directory_connection").fetchone()[0] == 0
    assert site.told[-1] == DirectoryDisconnected(SYSTEM, "vc.example.com")


def test_there_is_one_connection_whoever_is_first(site):
    results = together(
        [
            lambda number=number: site.connections.put(SYSTEM, WANTED, f"secret {number}")
            for number in range(4)
        ]
    )
    assert any(isinstance(each, Connection) for each in results)
    assert handle.execute_sql("SELECT COUNT(*) FROM directory_connection").fetchone()[0] == 1
    assert site.secret().startswith("secret ")
    assert [type(each) for each in site.told].count(DirectoryConnected) == 1


def test_another_process_sees_a_change(site, monkeypatch):
    monkeypatch.setattr("moorage.identity.stored_directory._LOOK_EVERY_SECONDS", 0)
    other = site.directory()
    assert not other.connected
    assert other.canonical("alice@vsphere.local") is None
    site.connections.put(SYSTEM, WANTED, "first")
    assert other.connected
    assert other.canonical("alice@vsphere.local") == "alice@vsphere.local"
    site.connections.disconnect(SYSTEM)
    assert not other.connected


def test_between_two_looks_the_database_is_not_asked(site, monkeypatch):
    found = site.directory()
    assert not found.connected
    monkeypatch.setattr(DirectoryStore, "connection", lambda self: pytest.fail("asked"))
    assert not found.connected
