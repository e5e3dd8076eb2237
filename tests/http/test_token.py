"""``/service/token``: Docker's token protocol, both forms of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from falcon.testing import Result, TestClient

from moorage.audit.model import Entry, Query
from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.projects.model import Project, Role
from moorage.services import Services
from moorage.token.model import Claims
from moorage.web.app import root_app
from tests.support.clock import SetClock
from tests.support.people import PASSWORD, People

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def dock(people: People) -> Project:
    """A private project; alice may pull and push."""
    return people.project("dock", alice=Role.DEVELOPER)


@pytest.fixture
def quay(people: People) -> Project:
    """A public one."""
    return people.project("quay", public=True)


@pytest.fixture
def granted(services: Services) -> Callable[[Result], Mapping[str, Sequence[str]]]:
    """What the token in an answer is good for: actions by kind and name."""

    def read(answer: Result) -> Mapping[str, Sequence[str]]:
        return {f"{each.kind}:{each.name}": sorted(each.actions) for each in claims(services, answer).grants}

    return read


def claims(services: Services, answer: Result) -> Claims:
    assert answer.status_code == 200, answer.text
    assert answer.json["token"] == answer.json["access_token"]
    return services.tokens.verify(answer.json["token"])


def get(client: TestClient, headers: Mapping[str, str] | None = None, **query: str | list[str]) -> Result:
    return client.simulate_get(
        "/service/token",
        query_string=urlencode({"service": "moorage", **query}, doseq=True),
        headers=headers or {},
        remote_addr="192.0.2.7",
    )


def post(client: TestClient, headers: Mapping[str, str] | None = None, **form: str | list[str]) -> Result:
    return client.simulate_post(
        "/service/token",
        body=urlencode({"service": "moorage", "client_id": "docker", **form}, doseq=True),
        headers={**FORM, **(headers or {})},
        remote_addr="192.0.2.7",
    )


def code_of(answer: Result) -> Any:
    return answer.json["errors"][0]["code"]


def logins(services: Services) -> Sequence[Entry]:
    services.audit.flush()
    return services.audit.page(Query(operations=("login_user",)), 100).entries


class TestGet:
    """The form that docker, podman and most others use."""

    def test_a_token_has_what_was_asked_for_as_far_as_the_account_has_it(
        self,
        client: TestClient,
        people: People,
        dock: Project,
        granted: Callable[[Result], Mapping[str, Sequence[str]]],
    ) -> None:
        answer = get(client, people.basic(people.alice), scope="repository:dock/app:pull,push,delete")
        assert granted(answer) == {"repository:dock/app": ["pull", "push"]}

    def test_several_scopes_apart_and_in_one(
        self,
        client: TestClient,
        people: People,
        dock: Project,
        quay: Project,
        granted: Callable[[Result], Mapping[str, Sequence[str]]],
    ) -> None:
        asked = ["repository:dock/app:pull repository:quay/x:pull,push", "registry:catalog:*"]
        answer = get(client, people.basic(people.alice), scope=asked)
        assert granted(answer) == {
            "repository:dock/app": ["pull"],
            "repository:quay/x": ["pull"],
            "registry:catalog": ["*"],
        }

    def test_the_answer_says_how_long_it_is_good_for(
        self, client: TestClient, people: People, settings: Settings, services: Services
    ) -> None:
        answer = get(client, people.basic(people.alice))
        assert set(answer.json) == {"token", "access_token", "expires_in", "issued_at"}
        assert answer.json["expires_in"] == settings.token.lifetime_seconds
        issued = datetime.strptime(answer.json["issued_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - issued) < timedelta(minutes=1)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"
        said = claims(services, answer)
        assert (said.principal.key, said.expires_at - said.issued_at) == (
            people.alice.principal().key,
            timedelta(seconds=settings.token.lifetime_seconds),
        )

    def test_nobody_gets_a_token_for_what_is_public(
        self,
        client: TestClient,
        services: Services,
        dock: Project,
        quay: Project,
        granted: Callable[[Result], Mapping[str, Sequence[str]]],
    ) -> None:
        asked = ["repository:quay/x:pull,push", "repository:dock/app:pull", "repository:none/x:pull"]
        answer = get(client, scope=asked)
        assert granted(answer) == {"repository:quay/x": ["pull"]}
        assert claims(services, answer).principal.is_anonymous

    def test_hidden_and_unknown_projects_are_left_out_alike(
        self,
        client: TestClient,
        people: People,
        dock: Project,
        granted: Callable[[Result], Mapping[str, Any]],
    ) -> None:
        for name in ("dock/app", "none/app", "app", "Dock/app", "../x"):
            assert granted(get(client, people.basic(people.bob), scope=f"repository:{name}:pull")) == {}

    def test_a_robot_gets_what_it_was_given(
        self,
        client: TestClient,
        people: People,
        dock: Project,
        granted: Callable[[Result], Mapping[str, Any]],
    ) -> None:
        robot, secret = people.robot(dock, "ci", ("repository", "pull"))
        answer = get(client, people.basic(robot.name, secret), scope="repository:dock/app:pull,push")
        assert granted(answer) == {"repository:dock/app": ["pull"]}

    @pytest.mark.parametrize("name", ["alice", "nobody-at-all", "robot$dock+none"])
    def test_a_wrong_password_is_refused_without_a_word_too_many(
        self, client: TestClient, people: People, dock: Project, name: str
    ) -> None:
        answer = get(client, people.basic(name, "wrong"), scope="repository:dock/app:pull")
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="moorage", charset="UTF-8"'
        assert name not in answer.text

    def test_guessing_is_slowed_down(self, client: TestClient, people: People, settings: Settings) -> None:
        for _ in range(settings.login.attempts):
            assert get(client, people.basic(people.alice, "wrong")).status_code == 401
        answer = get(client, people.basic(people.alice))
        assert (answer.status_code, code_of(answer)) == (429, "TOOMANYREQUESTS")
        assert int(answer.headers["Retry-After"]) > 0

    def test_another_service_is_not_served(self, client: TestClient, people: People) -> None:
        for service in ("notary", "", "MOORAGE"):
            answer = get(client, people.basic(people.alice), service=service)
            assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")

    def test_a_client_that_names_no_service_is_served(self, client: TestClient) -> None:
        assert client.simulate_get("/service/token").status_code == 200

    def test_malformed_scopes_are_refused(self, client: TestClient, people: People) -> None:
        for scope in (
            "repository",
            "repository:dock/app",
            "repository(plugin):dock/app:pull",
            ":dock/app:pull",
            "x" * 3000,
            " ".join(["repository:dock/app:pull"] * 101),
        ):
            answer = get(client, people.basic(people.alice), scope=scope)
            assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST"), scope

    def test_kinds_that_nobody_knows_are_left_out(
        self, client: TestClient, people: People, granted: Callable[[Result], Mapping[str, Any]]
    ) -> None:
        answer = get(client, people.basic(people.alice), scope="artifact:x:pull")
        assert granted(answer) == {}

    def test_a_token_gets_no_further_tokens(self, client: TestClient, people: People) -> None:
        answer = get(client, people.bearer(people.alice))
        assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")

    def test_a_refresh_token_comes_only_when_asked_for_and_never_for_nobody(
        self, client: TestClient, people: People, services: Services
    ) -> None:
        asked = get(client, people.basic(people.alice), offline_token="true")
        assert services.tokens.verify_refresh(asked.json["refresh_token"]).key == people.alice.principal().key
        for answer in (
            get(client, people.basic(people.alice)),
            get(client, people.basic(people.alice), offline_token="false"),
            get(client, offline_token="true"),
        ):
            assert "refresh_token" not in answer.json

    def test_other_methods_are_not_offered(self, client: TestClient) -> None:
        for method in ("PUT", "DELETE", "HEAD", "OPTIONS"):
            answer = client.simulate_request(method, "/service/token")
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


class TestPost:
    """The OAuth2 form."""

    def test_a_password(
        self,
        client: TestClient,
        people: People,
        dock: Project,
        granted: Callable[[Result], Mapping[str, Any]],
    ) -> None:
        assert people.alice
        answer = post(
            client,
            grant_type="password",
            username="alice",
            password=PASSWORD,
            scope="repository:dock/app:pull,push,delete registry:catalog:*",
        )
        assert granted(answer) == {"repository:dock/app": ["pull", "push"], "registry:catalog": ["*"]}
        assert answer.json["scope"] == "repository:dock/app:pull,push registry:catalog:*"
        assert "refresh_token" not in answer.json

    def test_a_refresh_token_is_given_and_taken(
        self,
        client: TestClient,
        people: People,
        dock: Project,
        granted: Callable[[Result], Mapping[str, Any]],
    ) -> None:
        assert people.alice
        given = post(
            client, grant_type="password", username="alice", password=PASSWORD, access_type="offline"
        ).json["refresh_token"]
        answer = post(
            client, grant_type="refresh_token", refresh_token=given, scope="repository:dock/app:pull"
        )
        assert granted(answer) == {"repository:dock/app": ["pull"]}
        assert answer.json["refresh_token"] == given

    @pytest.mark.parametrize("change", ["disable", "password", "delete"])
    def test_a_refresh_token_of_an_account_that_changed_is_refused(
        self, client: TestClient, people: People, services: Services, change: str
    ) -> None:
        refresh = services.tokens.issue_refresh(people.alice.principal())
        {
            "disable": lambda: services.users.set_disabled(SYSTEM, people.alice.id, True),
            "password": lambda: services.users.change_password(
                SYSTEM, people.alice.id, "Harbour-2-pilot", old=None
            ),
            "delete": lambda: services.users.delete(SYSTEM, people.alice.id),
        }[change]()
        answer = post(client, grant_type="refresh_token", refresh_token=refresh)
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    def test_a_refresh_token_of_a_robot_that_went_is_refused(
        self, client: TestClient, people: People, services: Services, dock: Project
    ) -> None:
        robot, _ = people.robot(dock, "ci")
        refresh = services.tokens.issue_refresh(robot.principal())
        assert post(client, grant_type="refresh_token", refresh_token=refresh).status_code == 200
        services.robots.delete(SYSTEM, robot.id)
        assert post(client, grant_type="refresh_token", refresh_token=refresh).status_code == 401

    def test_an_access_token_is_no_refresh_token(self, client: TestClient, people: People) -> None:
        token = get(client, people.basic(people.alice)).json["token"]
        for text in (token, "", "a.b.c", "x" * 20_000):
            answer = post(client, grant_type="refresh_token", refresh_token=text)
            assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    def test_a_wrong_password_is_refused(self, client: TestClient, people: People) -> None:
        assert people.alice
        for name, password in (("alice", "wrong"), ("nobody", "x"), ("", "x"), ("alice", ""), ("a\0b", "x")):
            answer = post(client, grant_type="password", username=name, password=password)
            assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED"), name
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    def test_guessing_is_slowed_down(self, client: TestClient, people: People, settings: Settings) -> None:
        assert people.alice
        for _ in range(settings.login.attempts):
            post(client, grant_type="password", username="alice", password="wrong")
        answer = post(client, grant_type="password", username="alice", password=PASSWORD)
        assert (answer.status_code, code_of(answer)) == (429, "TOOMANYREQUESTS")

    def test_malformed_forms_are_refused(self, client: TestClient, people: People) -> None:
        assert people.alice
        for form in (
            {},
            {"grant_type": "client_credentials"},
            {"grant_type": ["password", "password"], "username": "alice", "password": PASSWORD},
            {"grant_type": "password", "username": ["alice", "bob"], "password": PASSWORD},
            {"grant_type": "password", "username": "alice", "password": PASSWORD, "service": "other"},
            {"grant_type": "password", "username": "alice", "password": PASSWORD, "scope": "nonsense"},
        ):
            answer = post(client, **form)
            assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST"), form

    def test_other_bodies_are_refused(self, client: TestClient) -> None:
        for body, headers, status in (
            (b"\xff\xfe=1", FORM, 400),
            (b"grant_type=%ff", FORM, 400),
            (b"a=1&" * 500, FORM, 400),
            (b'{"grant_type":"password"}', {"Content-Type": "application/json"}, 400),
            (b"grant_type=password", {}, 400),
            (b"grant_type=password&x=" + b"y" * 70_000, FORM, 413),
        ):
            answer = client.simulate_post("/service/token", body=body, headers=headers)
            assert answer.status_code == status, body[:30]
            assert code_of(answer)

    def test_a_login_with_an_expiring_token_leaves_nothing_that_lasts_longer(
        self, database: str, settings: Settings, clock: SetClock
    ) -> None:
        services = Services.build(settings, clock)
        people, client = People(services), TestClient(root_app(services))
        secret = people.access_token(people.alice, lifetime=timedelta(hours=1))
        refresh = get(client, people.basic("alice", secret), offline_token="true").json["refresh_token"]
        assert post(client, grant_type="refresh_token", refresh_token=refresh).status_code == 200
        clock.forward(hours=1)
        assert post(client, grant_type="refresh_token", refresh_token=refresh).status_code == 401


class TestLog:
    """Logins in the log: those of people, not each of a client's many tokens."""

    def test_a_login_is_logged(self, client: TestClient, people: People, services: Services) -> None:
        get(client, {**people.basic(people.alice), "User-Agent": "docker/20"}, offline_token="true")
        post(client, grant_type="password", username="alice", password=PASSWORD)
        second, first = logins(services)
        assert (first.actor, first.actor_kind, first.result) == ("alice", "user", "success")
        assert (first.address, first.user_agent) == ("192.0.2.7", "docker/20")
        assert (second.actor, second.result) == ("alice", "success")

    def test_a_token_for_a_pull_is_no_login(
        self, client: TestClient, people: People, services: Services, dock: Project
    ) -> None:
        get(client, people.basic(people.alice), scope="repository:dock/app:pull")
        get(client)
        refresh = services.tokens.issue_refresh(people.alice.principal())
        post(client, grant_type="refresh_token", refresh_token=refresh)
        assert logins(services) == ()

    def test_a_failure_is_logged_wherever_it_happens(
        self, client: TestClient, people: People, services: Services
    ) -> None:
        headers = people.basic("mallory", "Zebra-77-x")
        get(client, headers, scope="repository:dock/app:pull")
        post(client, grant_type="password", username="mallory", password="Zebra-77-x")
        client.simulate_get("/v2/", headers=headers)
        found = logins(services)
        assert [(each.actor, each.actor_kind, each.result) for each in found] == [
            ("mallory", "anonymous", "denied")
        ] * 3
        assert "Zebra-77-x" not in repr(found)
