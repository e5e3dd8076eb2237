"""What a login costs says nothing about the account: the hashes are counted at every door."""

import base64
from collections.abc import Callable
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
from falcon.testing import Result, TestClient

from moorage.events import SYSTEM
from moorage.identity import passwords
from moorage.services import Services
from tests.support.people import PASSWORD, People

WRONG = "Wrong-1-password"
#: Attempts after which an account is locked for an address, as it comes.
ATTEMPTS = 5
Door = Callable[..., Result]
HOME = "192.0.2.7"


def _by_basic(path: str) -> Door:
    def knock(client: TestClient, name: str, password: str, address: str = HOME) -> Result:
        proof = base64.b64encode(f"{name}:{password}".encode()).decode()
        headers = {"Host": "registry.test", "Authorization": f"Basic {proof}"}
        return client.simulate_get(path, headers=headers, remote_addr=address)

    return knock


def _by_page(client: TestClient, name: str, password: str, address: str = HOME) -> Result:
    return client.simulate_post(
        "/api/v2.0/session",
        json={"username": name, "password": password},
        headers={"Host": "registry.test"},
        remote_addr=address,
    )


def _by_form(client: TestClient, name: str, password: str, address: str = HOME) -> Result:
    form = {"service": "moorage", "client_id": "docker", "grant_type": "password"}
    return client.simulate_post(
        "/service/token",
        body=urlencode({**form, "username": name, "password": password}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        remote_addr=address,
    )


DOORS = {
    "token": _by_basic("/service/token?service=moorage"),
    "token by form": _by_form,
    "v2": _by_basic("/v2/"),
    "api": _by_basic("/api/v2.0/users/current"),
    "portal": _by_page,
}


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many hashes were computed since it was last asked."""
    watched = Mock(wraps=passwords._CONTEXT)
    monkeypatch.setattr(passwords, "_CONTEXT", watched)

    def count() -> int:
        found: int = watched.hash.call_count + watched.verify.call_count
        watched.reset_mock()
        return found

    return count


@pytest.fixture
def accounts(people: People, services: Services) -> None:
    """Alice has an account; that of `asleep` is disabled; nobody is called `stranger`."""
    assert people.alice.name == "alice"
    services.users.set_disabled(SYSTEM, people.user("asleep").id, True)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_failure_costs_one_hash_and_looks_the_same(
    client: TestClient, accounts: None, hashes: Callable[[], int], *, door: Door
) -> None:
    seen = set()
    hashes()
    for name, password in (
        ("alice", WRONG),
        ("stranger", WRONG),
        ("asleep", WRONG),
        ("asleep", PASSWORD),
        ("stranger@vsphere.local", WRONG),
        ("alice", "x" * 200),
        ("stranger", "x" * 200),
    ):
        answer = door(client, name, password)
        assert hashes() == 1, (name, answer.text)
        seen.add((answer.status_code, answer.text, answer.headers.get("www-authenticate")))
    ((status, *_),) = seen
    assert status == 401


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_the_right_password_costs_one_hash_too(
    client: TestClient, accounts: None, hashes: Callable[[], int], *, door: Door
) -> None:
    hashes()
    door(client, "alice", PASSWORD)
    assert hashes() == 1


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_who_is_locked_costs_none_whether_there_is_an_account_or_not(
    client: TestClient, accounts: None, hashes: Callable[[], int], *, door: Door
) -> None:
    seen = set()
    for number, name in enumerate(("alice", "stranger", "asleep")):
        address = f"192.0.2.{number}"  # or the address would be locked for all of them
        for _ in range(ATTEMPTS):
            assert door(client, name, WRONG, address).status_code == 401
        hashes()
        answer = door(client, name, PASSWORD, address)
        assert hashes() == 0, name
        seen.add((answer.status_code, answer.json["errors"][0]["code"]))
    ((status, _),) = seen
    assert status == 429


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_what_is_too_long_costs_none_whether_there_is_an_account_or_not(
    client: TestClient, accounts: None, hashes: Callable[[], int], *, door: Door
) -> None:
    hashes()
    seen = {door(client, name, "x" * 10_000).text for name in ("alice", "stranger", "asleep")}
    assert hashes() == 0
    assert len(seen) == 1
