"""`/healthz`, `/readyz` and `/api/v2.0/health`: alive, ready, and which part is ill."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from falcon.testing import TestClient

from moorage.config import Settings
from moorage.distribution.storage import Space
from moorage.services import Services
from moorage.web.app import root_app
from tests.support.people import People

PARTS = {"database", "storage", "spool", "keys", "collection", "content", "people", "syslog"}


def test_a_server_that_is_well_says_so(client: TestClient) -> None:
    assert client.simulate_get("/healthz").text == "ok"
    assert client.simulate_get("/readyz").status_code == 200
    found = client.simulate_get("/api/v2.0/health").json
    assert found["status"] == "healthy"
    assert {each["name"] for each in found["components"]} == PARTS
    assert {each["status"] for each in found["components"]} == {"healthy"}


@pytest.fixture
def full_disk(settings: Settings, build_services: Callable[[Settings], Services]) -> Services:
    """A server whose disk has less room than the settings keep in reserve."""
    return build_services(replace(settings, storage=replace(settings.storage, reserve_bytes=2**50)))


def test_a_full_disk_is_named_and_pulls_go_on(full_disk: Services) -> None:
    client = TestClient(root_app(full_disk))
    ready = client.simulate_get("/readyz")
    assert ready.status_code == 200
    states = {each["name"]: each["status"] for each in ready.json["components"]}
    assert states == {name: "unhealthy" if name == "storage" else "healthy" for name in PARTS}
    assert client.simulate_get("/healthz").status_code == 200
    harbor = client.simulate_get("/api/v2.0/health")
    assert (harbor.status_code, harbor.json["status"]) == (200, "unhealthy")


def test_only_administrators_learn_what_exactly_is_wrong(full_disk: Services) -> None:
    client = TestClient(root_app(full_disk))
    people = People(full_disk)
    for account, told in ((people.admin, True), (people.alice, False)):
        ready = client.simulate_get("/readyz", headers=people.basic(account))
        (ill,) = [each for each in ready.json["components"] if each["status"] == "unhealthy"]
        assert ("error" in ill) == told
    assert "error" not in client.simulate_get("/readyz").text


def test_a_disk_past_its_first_mark_is_healthy_and_administrators_are_warned(
    settings: Settings, build_services: Callable[[Settings], Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    services = build_services(replace(settings, storage=replace(settings.storage, warn_percent=80.0)))
    monkeypatch.setattr(services.storage, "space", lambda: Space(2**40, 2**40 // 5))
    client, people = TestClient(root_app(services)), People(services)
    found = client.simulate_get("/api/v2.0/health", headers=people.basic(people.admin)).json
    assert found["status"] == "healthy"
    (storage,) = [each for each in found["components"] if each["name"] == "storage"]
    assert "80.0 % of the disk" in storage["warning"]
    assert "80.0 %" not in client.simulate_get("/api/v2.0/health").text
    monkeypatch.setattr(services.storage, "space", lambda: Space(2**40, 2**39))
    assert "warning" not in client.simulate_get("/readyz", headers=people.basic(people.admin)).text


def test_an_ill_database_does_not_make_the_process_look_dead(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, services: Services
) -> None:
    def ill() -> None:
        raise ConnectionError("refused by /secret/path")

    monkeypatch.setitem(services.health._probes, "database", ill)  # type: ignore[index]
    assert client.simulate_get("/healthz").status_code == 200
    ready = client.simulate_get("/readyz")
    assert ready.status_code == 503
    assert "/secret/path" not in ready.text
    assert client.simulate_head("/readyz").status_code == 503
