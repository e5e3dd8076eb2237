"""``/v2/`` and the credentials that open it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from falcon.testing import TestClient

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.v2.caller import Caller, code_of
from tests.support.clock import SetClock
from tests.support.people import PASSWORD, People

CHALLENGE = 'Bearer realm="http://registry.test/service/token",service="moorage"'


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_whoever_has_a_credential_finds_a_registry(
    client: TestClient, people: People, path: str, method: str
) -> None:
    answer = Caller(client, people.basic(people.alice)).request(method, path)
    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.content == (b"{}" if method == "GET" else b"")
    assert answer.headers["Content-Length"] == "2"


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
def test_without_one_the_client_is_told_where_to_get_a_token(nobody: Caller, path: str) -> None:
    answer = nobody.get(path)
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == CHALLENGE
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_token_opens_it_even_an_anonymous_one(
    client: TestClient, people: People, anonymous: Callable[..., Caller]
) -> None:
    assert Caller(client, people.bearer(people.alice)).get("/v2/").status_code == 200
    assert anonymous().get("/v2/").status_code == 200


def test_a_robot_and_a_personal_access_token_open_it(client: TestClient, people: People) -> None:
    robot, secret = people.robot(people.project("dock"), "ci")
    assert Caller(client, people.basic(robot.name, secret)).get("/v2/").status_code == 200
    assert (
        Caller(client, people.basic("alice", people.access_token(people.alice))).get("/v2/").status_code
        == 200
    )


@pytest.mark.parametrize("name", ["alice", "nobody-at-all"])
def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(
    client: TestClient, people: People, name: str
) -> None:
    assert people.alice
    answer = Caller(client, people.basic(name, "wrong")).get("/v2/")
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == CHALLENGE
    assert name not in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ####",
        "Basic YWxpY2U=",
        "Digest x",
        "Bearer",
        "Bearer abc",
        "Bearer a.b.c",
        "Bearer " + "." * 1000,
        "Bearer " + "a" * 20_000,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyOjEifQ.",
    ],
)
def test_a_malformed_credential_is_not_taken_for_none_at_all(nobody: Caller, header: str) -> None:
    answer = nobody.get("/v2/", Authorization=header)
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith(CHALLENGE)


def test_a_void_token_is_told_so(nobody: Caller) -> None:
    answer = nobody.get("/v2/", Authorization="Bearer a.b.c")
    assert answer.headers["WWW-Authenticate"] == CHALLENGE + ',error="invalid_token"'


def test_a_token_that_expired_is_told_so(database: str, settings: Settings, clock: SetClock) -> None:
    services = Services.build(settings, clock)
    people = People(services)
    caller = Caller(TestClient(root_app(services)), people.bearer(people.alice))
    assert caller.get("/v2/").status_code == 200
    clock.forward(seconds=settings.token.lifetime_seconds)
    answer = caller.get("/v2/")
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')


def test_a_refresh_token_is_no_access_token(client: TestClient, people: People, services: Services) -> None:
    refresh = services.tokens.issue_refresh(people.alice.principal())
    assert Caller(client, {"Authorization": f"Bearer {refresh}"}).get("/v2/").status_code == 401


def test_a_disabled_account_is_out_at_once(client: TestClient, people: People, services: Services) -> None:
    basic = Caller(client, people.basic(people.alice))
    bearer = Caller(client, people.bearer(people.alice, "registry:catalog:*"))
    assert {basic.get("/v2/").status_code, bearer.get("/v2/").status_code} == {200}
    services.users.set_disabled(SYSTEM, people.alice.id, True)
    assert {basic.get("/v2/").status_code, bearer.get("/v2/").status_code} == {401}
    assert bearer.get("/v2/_catalog").status_code == 401


def test_a_changed_password_voids_what_was_given_out_before(
    client: TestClient, people: People, services: Services
) -> None:
    bearer = Caller(client, people.bearer(people.alice))
    services.users.change_password(SYSTEM, people.alice.id, "Harbour-2-pilot", old=None)
    assert bearer.get("/v2/").status_code == 401
    assert Caller(client, people.basic("alice", PASSWORD)).get("/v2/").status_code == 401
    assert Caller(client, people.basic("alice", "Harbour-2-pilot")).get("/v2/").status_code == 200


def test_guessing_is_slowed_down(client: TestClient, people: People, settings: Settings) -> None:
    wrong = Caller(client, people.basic(people.alice, "wrong"))
    for _ in range(settings.login.attempts):
        assert wrong.get("/v2/").status_code == 401
    answer = wrong.get("/v2/")
    assert (answer.status_code, code_of(answer)) == (429, "TOOMANYREQUESTS")
    assert 0 < int(answer.headers["Retry-After"]) <= settings.login.lock_seconds
    right = Caller(client, people.basic(people.alice)).get("/v2/")
    assert right.status_code == 429


def test_an_expired_access_token_is_out(database: str, settings: Settings, clock: SetClock) -> None:
    services = Services.build(settings, clock)
    people = People(services)
    secret = people.access_token(people.alice, lifetime=timedelta(hours=1))
    caller = Caller(TestClient(root_app(services)), people.basic("alice", secret))
    assert caller.get("/v2/").status_code == 200
    clock.forward(hours=1)
    assert caller.get("/v2/").status_code == 401
