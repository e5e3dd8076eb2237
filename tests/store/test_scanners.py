"""Registrations of scanners: the default, what projects chose, and where a credential goes."""

from dataclasses import replace

import pytest

from moorage.db.connection import atomic
from moorage.events import ProjectChanged, ScannerChanged, ScannerCreated, ScannerDeleted
from moorage.keyring import Keyring
from moorage.outbound.client import Client
from moorage.outbound.errors import AddressRefusedError
from moorage.outbound.policy import Policy
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.projects import Projects
from moorage.projects.quota_store import QuotaStore
from moorage.projects.store import ProjectStore
from moorage.scanners.adapter import Adapter
from moorage.scanners.errors import (
    ScannerAwayError,
    ScannerDisabledError,
    ScannerExistsError,
    ScannerInvalidError,
    ScannerUnknownError,
)
from moorage.scanners.model import Auth, Draft
from moorage.scanners.project_scanners import ProjectScanners
from moorage.scanners.scanners import MAX_REGISTRATIONS, Scanners
from moorage.scanners.store import ScannerStore
from moorage.scanners.tables import ScannerRow
from moorage.sealing import SealBrokenError
from tests.support.distribution import ALICE, Distribution
from tests.support.hooks import LOOPBACK
from tests.support.race import together
from tests.support.scanner import scanner

SECRET = "pilot:Harbour-1"


class Site(Distribution):
    def __init__(self, folder, clock):
        super().__init__(folder, clock)
        self.moving = clock
        keyring = Keyring(folder / "keys")
        keyring.ensure()
        store = ScannerStore()
        adapter = Adapter(Client(Policy(LOOPBACK)))
        self.scanners = Scanners(store, keyring, adapter, self.events, clock)
        projects = Projects(ProjectStore(), QuotaStore(), self.events, clock, None)
        self.choices = ProjectScanners(store, projects, self.events)

    def make(self, name="lookout", url="https://lookout.example.com", **more):
        return self.scanners.create(ALICE, Draft(name, url, **more))


@pytest.fixture
def site(database, tmp_path, clock):
    return Site(tmp_path, clock)


def draft(found, **changes):
    """What would leave a registration as it is."""
    wanted = Draft(
        name=found.name,
        url=found.url,
        description=found.description,
        auth=found.auth,
        skip_cert_verify=found.skip_cert_verify,
        use_internal_addr=found.use_internal_addr,
        disabled=found.disabled,
    )
    return replace(wanted, **changes)


def test_a_registration_is_kept_as_it_was_given(site):
    made = site.make(description="looks out", auth=Auth.BASIC, credential=SECRET, use_internal_addr=True)
    assert site.scanners.get(made.uuid) == made == site.scanners.all()[0]
    assert (made.name, made.description, made.auth) == ("lookout", "looks out", Auth.BASIC)
    assert (made.use_internal_addr, made.skip_cert_verify, made.disabled) == (True, False, False)
    assert [event.name for event in site.happened(ScannerCreated)] == ["lookout"]


def test_a_credential_lies_sealed_in_the_database_and_in_no_text_of_ours(site):
    made = site.make(auth=Auth.BASIC, credential=SECRET)
    assert made.sealed
    assert SECRET not in repr(made) + repr(ScannerRow.get().__data__) + repr(site.told)


def test_the_first_is_the_default_and_no_other_takes_its_place(site):
    first, second = site.make(), site.make("second", "https://second.example.com")
    assert (first.is_default, second.is_default) == (True, False)
    site.scanners.delete(ALICE, first.uuid)
    assert not site.scanners.get(second.uuid).is_default
    assert [event.name for event in site.happened(ScannerDeleted)] == ["lookout"]
    with pytest.raises(ScannerUnknownError):
        site.scanners.get(first.uuid)


def test_one_that_is_switched_off_is_not_the_default(site):
    off = site.make(disabled=True)
    assert not off.is_default
    with pytest.raises(ScannerDisabledError):
        site.scanners.set_default(ALICE, off.uuid, True)


def test_there_is_one_default_whoever_is_last(site):
    made = [site.make(f"s{number}", f"https://s{number}.example.com") for number in range(4)]
    together([lambda each=each: site.scanners.set_default(ALICE, each.uuid, True) for each in made])
    assert sum(each.is_default for each in site.scanners.all()) == 1


def test_the_first_of_many_at_once_is_the_only_default(site):
    together([lambda n=n: site.make(f"s{n}", f"https://s{n}.example.com") for n in range(4)])
    assert len(site.scanners.all()) == 4
    assert sum(each.is_default for each in site.scanners.all()) == 1


def test_the_default_moves_and_ends(site):
    first, second = site.make(), site.make("second", "https://second.example.com")
    site.scanners.set_default(ALICE, second.uuid, True)
    site.scanners.set_default(ALICE, second.uuid, True)
    assert [each.is_default for each in site.scanners.all()] == [False, True]
    site.scanners.set_default(ALICE, first.uuid, False)
    assert site.scanners.get(second.uuid).is_default
    site.scanners.set_default(ALICE, second.uuid, False)
    assert not any(each.is_default for each in site.scanners.all())
    assert [event.what for event in site.happened(ScannerChanged)] == [
        "is the default",
        "is not the default any more",
    ]


def test_the_default_cannot_be_switched_off(site):
    made = site.make()
    with pytest.raises(ScannerDisabledError):
        site.scanners.change(ALICE, made.uuid, draft(made, disabled=True))


@pytest.mark.parametrize("same", ["name", "url"])
def test_names_and_addresses_are_unique(site, same):
    first, second = site.make(), site.make("second", "https://second.example.com")
    with pytest.raises(ScannerExistsError, match=same):
        site.scanners.change(ALICE, second.uuid, draft(second, **{same: getattr(first, same)}))
    with pytest.raises(ScannerExistsError, match=same):
        site.scanners.create(ALICE, replace(Draft("third", "https://x.test"), **{same: getattr(first, same)}))
    assert len(site.scanners.all()) == 2


def test_of_many_with_one_name_one_is_made(site):
    results = together([lambda n=n: site.make("lookout", f"https://s{n}.example.com") for n in range(4)])
    assert sorted(type(each).__name__ for each in results) == ["Registration"] + ["ScannerExistsError"] * 3


def test_there_are_not_too_many(site, monkeypatch):
    monkeypatch.setattr("moorage.scanners.scanners.MAX_REGISTRATIONS", 1)
    site.make()
    with pytest.raises(ScannerInvalidError, match="at most 1"):
        site.make("second", "https://second.example.com")
    assert MAX_REGISTRATIONS > 10


def test_a_change_that_changes_nothing_is_not_logged(site):
    made = site.make(auth=Auth.BEARER, credential="abc")
    site.moving.forward(hours=1)
    assert site.scanners.change(ALICE, made.uuid, draft(made)) == made
    assert site.happened(ScannerChanged) == []


def test_a_change_keeps_the_credential_where_it_goes_where_it_went(site):
    made = site.make(auth=Auth.BEARER, credential="abc")
    site.moving.forward(hours=1)
    changed = site.scanners.change(ALICE, made.uuid, draft(made, name="other", disabled=False))
    assert (changed.sealed, changed.name) == (made.sealed, "other")
    assert changed.updated_at > made.updated_at
    assert [event.what for event in site.happened(ScannerChanged)] == ["name"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://elsewhere.example.com"},
        {"url": "http://lookout.example.com"},
        {"auth": Auth.API_KEY},
        {"auth": Auth.NONE},
        {"skip_cert_verify": True},
    ],
    ids=str,
)
def test_a_credential_is_forgotten_rather_than_sent_elsewhere(site, change):
    made = site.make(auth=Auth.BEARER, credential="abc")
    changed = site.scanners.change(ALICE, made.uuid, draft(made, **change))
    assert changed.sealed == ""
    (event,) = site.happened(ScannerChanged)
    assert event.what.endswith("credential forgotten")
    back = site.scanners.change(ALICE, made.uuid, draft(made))
    assert back.sealed == ""
    with pytest.raises(ScannerAwayError, match="forgotten"):
        site.scanners.metadata(made.uuid)


def test_a_credential_that_comes_with_the_change_is_kept(site):
    made = site.make(auth=Auth.BEARER, credential="abc")
    with scanner() as lookout:
        site.scanners.change(ALICE, made.uuid, draft(made, url=lookout.url(""), credential="new"))
        assert site.scanners.metadata(made.uuid).name == "Lookout"
    assert lookout.got[0].headers["authorization"] == "Bearer new"


def test_a_scanner_that_wants_a_credential_gets_one(site):
    with pytest.raises(ScannerInvalidError, match="access_credential"):
        site.make(auth=Auth.BASIC)


def test_a_sealed_credential_is_of_no_use_in_another_row(site):
    made, thief = site.make(auth=Auth.BEARER, credential="abc"), None
    with scanner() as lookout:
        thief = site.make("thief", lookout.url(""), auth=Auth.BEARER, credential="own")
        with atomic():
            ScannerRow.update(credential=made.sealed).where(ScannerRow.uuid == thief.uuid).execute()
        with pytest.raises(SealBrokenError):
            site.scanners.metadata(thief.uuid)
        assert lookout.got == []


def test_addresses_that_the_server_does_not_call_are_not_called(site):
    made = site.make(url="http://127.0.0.2:9")
    with pytest.raises(AddressRefusedError):
        site.scanners.metadata(made.uuid)


def test_what_is_not_there_is_unknown(site):
    for act in (
        lambda: site.scanners.get("x\0"),
        lambda: site.scanners.metadata("none"),
        lambda: site.scanners.delete(ALICE, "none"),
        lambda: site.scanners.set_default(ALICE, "none", True),
        lambda: site.scanners.change(ALICE, "x\0", Draft("a", "https://a.example.com")),
    ):
        with pytest.raises(ScannerUnknownError):
            act()


def test_a_project_has_what_it_chose_else_the_default(site):
    with pytest.raises(ScannerUnknownError):
        site.choices.get(site.project_id)
    first, second = site.make(), site.make("second", "https://second.example.com")
    assert site.choices.get(site.project_id) == first
    site.choices.choose(ALICE, site.project_id, second.uuid)
    site.choices.choose(ALICE, site.project_id, second.uuid)
    assert site.choices.get(site.project_id) == second
    told = [event.what for event in site.happened(ProjectChanged)]
    assert told == ["scanner is 'second'"]
    site.choices.choose(ALICE, site.project_id, first.uuid)
    assert site.choices.get(site.project_id) == first
    site.choices.choose(ALICE, site.project_id, second.uuid)
    site.scanners.delete(ALICE, second.uuid)
    assert site.choices.get(site.project_id) == first


def test_what_is_switched_off_cannot_be_chosen_and_stays_where_it_was(site):
    first, second = site.make(), site.make("second", "https://second.example.com")
    site.choices.choose(ALICE, site.project_id, second.uuid)
    site.scanners.change(ALICE, second.uuid, draft(second, disabled=True))
    assert site.choices.get(site.project_id).disabled
    assert site.choices.candidates() == [first]
    with pytest.raises(ScannerDisabledError):
        site.choices.choose(ALICE, site.project_id, second.uuid)
    with pytest.raises(ScannerInvalidError):
        site.choices.choose(ALICE, site.project_id, "none")
    with pytest.raises(ProjectUnknownError):
        site.choices.choose(ALICE, 999, first.uuid)


def test_a_project_that_is_deleted_at_that_moment_is_unknown(site, monkeypatch):
    made, seen = site.make(), site.choices._projects.get(site.project_id)
    monkeypatch.setattr(site.choices._projects, "get", lambda number: seen)
    with pytest.raises(ProjectUnknownError):
        site.choices.choose(ALICE, 999, made.uuid)
