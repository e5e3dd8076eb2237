"""`/directory`: the connection to a vCenter, as its administrators see and change it."""

import socket

import pytest

from moorage.db.connection import database as handle
from moorage.identity.errors import DirectoryMisconfiguredError
from moorage.projects.rules import IN_PERSON, SYSTEM
from moorage.services import Services
from tests.http.harbor.portal import Portal, code_of, message_of

SECRET = "the secret of the service"
WANTED = {
    "address": "https://VC.example.com/",
    "account": "svc@vsphere.local",
    "password": SECRET,
    "thumbprint": ":".join(["AB"] * 32),
    "domains": ["vsphere.local", "corp.example.com=CORP"],
}


def test_without_a_connection_only_that_is_told(admin: Portal) -> None:
    assert admin.get("/directory").json == {"connected": False}
    for refused in (admin.delete("/directory"), admin.post("/directory/ping", {})):
        assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")


def test_a_connection_is_told_without_its_secret(admin: Portal, services: Services) -> None:
    made = admin.put("/directory", WANTED)
    assert made.status_code == 200
    found = admin.get("/directory").json
    assert found == made.json
    assert all(found.pop(name).endswith("Z") for name in ("creation_time", "update_time"))
    assert found == {
        "connected": True,
        "address": "vc.example.com",
        "account": "svc@vsphere.local",
        "has_password": True,
        "ca": "",
        "thumbprint": "ab" * 32,
        "domains": ["vsphere.local", "corp.example.com=CORP"],
        "admin_privileges": ["Authorization.ModifyPermissions"],
        "admin_group": "",
    }
    assert SECRET not in made.text
    for table in ("directory_connection", "audit_entry"):
        assert SECRET not in repr(handle.execute_sql(f"SELECT * FROM {table}").fetchall())  # noqa: S608


def test_local_accounts_go_on_beside_a_directory(admin: Portal, nobody: Portal) -> None:
    """So the mode stays Harbor's for local accounts: in the others its clients make no accounts."""
    admin.put("/directory", WANTED)
    assert admin.get("/directory").json["connected"] is True
    assert nobody.get("/systeminfo").json["auth_mode"] == "db_auth"
    assert admin.get("/configurations").json["auth_mode"] == {"value": "db_auth", "editable": False}
    account = {"username": "hand", "email": "h@example.com", "realname": "H", "password": "Harbour-2-pilot"}
    assert admin.post("/users", account).status_code == 201


def test_what_is_read_can_be_sent_back_and_changes_nothing(admin: Portal) -> None:
    admin.put("/directory", WANTED)
    before = admin.get("/directory").json
    assert admin.put("/directory", before).json == before


def test_another_address_forgets_the_secret(admin: Portal, services: Services) -> None:
    admin.put("/directory", WANTED)
    moved = {**admin.get("/directory").json, "address": "evil.example.com"}
    assert admin.put("/directory", moved).json["has_password"] is False
    with pytest.raises(DirectoryMisconfiguredError):
        services.connections.check_stored()


def test_disconnecting_and_what_the_log_says(admin: Portal) -> None:
    admin.put("/directory", WANTED)
    admin.put("/directory", {**WANTED, "admin_group": "Admins@corp.example.com"})
    assert admin.delete("/directory").status_code == 200
    assert admin.get("/directory").json == {"connected": False}
    logged = [
        (each["operation"], each["resource"])
        for each in admin.get("/audit-logs").json
        if each["resource_type"] == "directory"
    ]
    assert [each for each, _ in logged] == ["delete", "update", "create"]
    assert {resource for _, resource in logged} == {"vc.example.com"}


@pytest.mark.parametrize(
    "broken",
    [
        {"address": "http://vc.example.com"},
        {"address": None},
        {"account": "svc"},
        {"account": None},
        {"password": ""},
        {"password": None},
        {"password": 5},
        {"thumbprint": "ab"},
        {"thumbprint": None},
        {"ca": "no certificate"},
        {"thumbprint": None, "ca": "no certificate"},
        {"domains": "vsphere.local"},
        {"domains": [5]},
        {"domains": ["corp.example.com"]},
        {"admin_privileges": ["all of them"]},
        {"admin_group": "nowhere"},
        {"admin_group": "a@other.example.com"},
        {"secret": "x"},
    ],
)
def test_a_connection_that_breaks_a_rule_is_refused(admin: Portal, broken: dict[str, object]) -> None:
    refused = admin.put("/directory", {**WANTED, **broken})
    if broken == {"admin_group": "nowhere"}:  # of the first domain
        assert refused.json["admin_group"] == "nowhere@vsphere.local"
        return
    assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST")
    assert SECRET not in refused.text
    assert admin.get("/directory").json == {"connected": False}


def test_only_administrators_in_person_see_or_change_it(alice: Portal, nobody: Portal, admin: Portal) -> None:
    admin.put("/directory", WANTED)
    for portal, status in ((alice, 403), (nobody, 401)):
        assert portal.get("/directory").status_code == status
        assert portal.put("/directory", WANTED).status_code == status
        assert portal.delete("/directory").status_code == status
        assert portal.post("/directory/ping", {}).status_code == status
    assert {each for each in SYSTEM if each.resource == "directory"} <= IN_PERSON
    assert admin.get("/directory").json["connected"]


def test_nobody_at_an_address_is_told_plainly(admin: Portal) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        port = listener.getsockname()[1]
    refused = admin.post("/directory/ping", {"address": f"127.0.0.2:{port}"})
    assert (refused.status_code, code_of(refused)) == (503, "UNAVAILABLE")
    assert f"127.0.0.2:{port}" in message_of(refused)


@pytest.mark.parametrize(
    "broken",
    [
        {"account": "svc@vsphere.local"},
        {"address": "vc.example.com", "password": SECRET, "account": "svc@vsphere.local"},
        {"address": "vc.example.com", "password": SECRET, "thumbprint": "ab" * 32},
        {"address": "vc.example.com", "thumbprint": "ab" * 32, "ca": "x"},
        {"address": "vc example"},
    ],
)
def test_a_ping_that_could_give_a_secret_to_a_stranger_is_refused(
    admin: Portal, broken: dict[str, object]
) -> None:
    assert admin.post("/directory/ping", broken).status_code == 400
