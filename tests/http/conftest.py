"""Fixtures for the surfaces: real services, people, and a client in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from moorage.config import Settings, load
from moorage.identity import passwords
from moorage.services import Services
from moorage.web.app import RootApp, root_app
from tests.support.answers import Answered, paper_of
from tests.support.people import People


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with the least cost there is: what a hash is worth has tests of its own."""
    cheap = passwords._CONTEXT.copy(argon2__memory_cost=8, argon2__rounds=1)
    monkeypatch.setattr(passwords, "_CONTEXT", cheap)


@pytest.fixture(autouse=True)
def _every_answer_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold whatever the app answers against the document of the API."""
    send = TestClient.simulate_request

    def checked(client: TestClient, method: str = "GET", path: str = "/", *rest: Any, **more: Any) -> Result:
        result = send(client, method, path, *rest, **more)
        if isinstance(client.app, RootApp):
            headers = {name.lower(): value for name, value in result.headers.items()}
            answered = Answered(result.status_code, headers, result.content)
            paper_of(tuple(client.app.endpoints)).check(method, path.partition("?")[0], answered)
        return result

    monkeypatch.setattr(TestClient, "simulate_request", checked)


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """Settings over a fresh database and an empty folder, everything else as it comes.

    Apart from the marks on the disk: how full that of this machine is is no test's business.
    """
    return load(
        None,
        {
            "MOORAGE_DATA": str(tmp_path / "data"),
            "MOORAGE_DATABASE_URL": database,
            "MOORAGE_STORAGE_WARN_PERCENT": "100",
            "MOORAGE_STORAGE_FULL_PERCENT": "100",
        },
    )


@pytest.fixture
def build_services(request: pytest.FixtureRequest) -> Callable[[Settings], Services]:
    """Builds services with other settings than usual; they end with the test."""

    def build(settings: Settings) -> Services:
        built = Services.build(settings)
        request.addfinalizer(built.audit.stop)
        return built

    return build


@pytest.fixture
def services(settings: Settings, build_services: Callable[[Settings], Services]) -> Services:
    """Every capability, real, over the fresh database and folder."""
    return build_services(settings)


@pytest.fixture
def client(services: Services) -> TestClient:
    """A client of all surfaces in this process."""
    return TestClient(root_app(services))


@pytest.fixture
def people(services: Services) -> People:
    """Makes accounts, projects and tokens in a word."""
    return People(services)
