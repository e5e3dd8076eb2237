"""Browsers: a cookie instead of a password, and what foreign pages cannot do with it."""

from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from falcon.testing import Result, TestClient

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.projects.model import Project
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.harbor.portal import Portal, code_of
from tests.support.people import PASSWORD, People

NAME = "moorage_session"
CSRF = "X-Harbor-CSRF-Token"


def cookie_of(result: Result, name: str = NAME) -> str:
    return SimpleCookie(result.headers["set-cookie"])[name].value


class Browser:
    """Keeps the cookie, and sends along what it is told to."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.cookie = ""
        self.csrf = ""

    def log_in(self, name: str, password: str = PASSWORD) -> Result:
        answer = self.portal().post("/session", {"username": name, "password": password})
        if answer.status_code == 200:
            self.cookie = cookie_of(answer)
            self.csrf = answer.headers[CSRF.lower()]
        return answer

    def portal(self, **headers: str) -> Portal:
        sent = {"Cookie": f"{NAME}={self.cookie}"} if self.cookie else {}
        return Portal(
            self._client, {**sent, **{key.replace("_", "-"): value for key, value in headers.items()}}
        )

    @property
    def page(self) -> Portal:
        """One of our own pages."""
        return self.portal(
            **{CSRF: self.csrf, "Origin": "http://registry.test", "Sec-Fetch-Site": "same-origin"}
        )


@pytest.fixture
def browser(client: TestClient, people: People) -> Browser:
    """Alice's, logged in."""
    found = Browser(client)
    assert found.log_in(people.alice.name).status_code == 200
    return found


def test_a_cookie_is_as_good_as_a_password(browser: Browser, dock: Project) -> None:
    assert browser.portal().get("/users/current").json["username"] == "alice"
    assert browser.portal().get("/projects/dock").status_code == 200
    assert browser.page.put("/projects/dock", {"metadata": {"public": "true"}}).status_code == 200


def test_a_page_that_was_loaded_anew_gets_its_token_again(browser: Browser) -> None:
    found = browser.portal().get("/session")
    assert found.headers[CSRF.lower()] == found.json["csrf_token"] == browser.csrf
    assert found.json["username"] == "alice"


def test_scripts_cannot_read_the_cookie_and_foreign_pages_rarely_send_it(
    client: TestClient, people: People
) -> None:
    answer = Browser(client).log_in(people.alice.name)
    morsel = SimpleCookie(answer.headers["set-cookie"])[NAME]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert not morsel["secure"]
    assert not morsel["domain"]
    assert morsel.value not in answer.text


@pytest.mark.usefixtures("database")
def test_over_tls_the_cookie_is_for_tls_alone(
    settings: Settings, build_services: Callable[[Settings], Services]
) -> None:
    server = replace(settings.server, external_url="https://registry.test")
    services = build_services(replace(settings, server=server))
    client, alice = TestClient(root_app(services)), People(services).alice
    answer = Portal(client, {}).post("/session", {"username": alice.name, "password": PASSWORD})
    morsel = SimpleCookie(answer.headers["set-cookie"])["__Host-" + NAME]
    assert (morsel["secure"], morsel["httponly"], morsel["path"], morsel["domain"]) == (True, True, "/", "")
    good = Portal(client, {"Cookie": f"__Host-{NAME}={morsel.value}"})
    assert good.get("/users/current").status_code == 200
    assert Portal(client, {"Cookie": f"{NAME}={morsel.value}"}).get("/users/current").status_code == 401


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("configured", ["https://Registry.TEST", "https://registry.test:443"])
def test_our_own_page_is_known_however_the_address_is_configured(
    settings: Settings, build_services: Callable[[Settings], Services], configured: str
) -> None:
    server = replace(settings.server, external_url=configured)
    services = build_services(replace(settings, server=server))
    client, alice = TestClient(root_app(services)), People(services).alice
    answer = Portal(client, {}).post("/session", {"username": alice.name, "password": PASSWORD})
    cookie = SimpleCookie(answer.headers["set-cookie"])["__Host-" + NAME].value
    headers = {"Cookie": f"__Host-{NAME}={cookie}", CSRF: answer.json["csrf_token"]}
    for origin, status in (("https://registry.test", 201), ("https://registry.test:8443", 403)):
        page = Portal(client, {**headers, "Origin": origin})
        assert page.post("/projects", {"project_name": "wharf"}).status_code == status


class TestForeignPages:
    """Whatever changes something needs more than the cookie."""

    _CHANGES = (
        ("POST", "/projects", {"project_name": "planted"}),
        ("PUT", "/projects/dock", {"metadata": {"public": "true"}}),
        ("DELETE", "/projects/dock", None),
        ("DELETE", "/session", None),
    )

    def _refused(self, portal: Portal) -> None:
        for method, path, body in self._CHANGES:
            answer = portal.request(method, path, body)
            assert (answer.status_code, code_of(answer)) == (403, "DENIED"), (method, path)

    @pytest.fixture(autouse=True)
    def _private(self, dock: Project, browser: Browser) -> None:
        """A private project that alice administers, and her browser."""

    def test_without_the_token_nothing_changes(self, browser: Browser) -> None:
        self._refused(browser.portal())
        self._refused(browser.portal(**{CSRF: ""}))
        self._refused(browser.portal(**{CSRF: browser.csrf[:-1]}))
        self._refused(browser.portal(**{CSRF: browser.cookie}))
        self._refused(browser.portal(**{CSRF: "ä"}))
        assert browser.portal().get("/projects/dock").json["metadata"] == {"public": "false"}

    def test_the_token_of_another_session_does_not_count(
        self, browser: Browser, client: TestClient, people: People
    ) -> None:
        other = Browser(client)
        other.log_in(people.bob.name)
        self._refused(browser.portal(**{CSRF: other.csrf}))

    @pytest.mark.parametrize(
        "origin", ["https://evil.test", "null", "http://registry.test.evil.test", "https://registry.test", ""]
    )
    def test_another_origin_does_not_count_even_with_the_token(self, browser: Browser, origin: str) -> None:
        self._refused(browser.portal(**{CSRF: browser.csrf, "Origin": origin}))

    def test_a_foreign_page_is_told_by_the_browser(self, browser: Browser) -> None:
        self._refused(browser.portal(**{CSRF: browser.csrf, "Sec-Fetch-Site": "cross-site"}))

    def test_whoever_sends_a_password_needs_no_token(self, browser: Browser, people: People) -> None:
        portal = browser.portal(**people.basic(people.alice))
        assert portal.put("/projects/dock", {"metadata": {"public": "true"}}).status_code == 200

    def test_reading_needs_no_token(self, browser: Browser) -> None:
        assert browser.portal(Origin="https://evil.test").get("/projects/dock").status_code == 200

    def test_a_foreign_page_cannot_log_a_browser_in(self, client: TestClient, people: People) -> None:
        portal = Portal(client, {"Sec-Fetch-Site": "cross-site"})
        answer = portal.post("/session", {"username": people.bob.name, "password": PASSWORD})
        assert answer.status_code == 403
        form = Portal(client, {"Content-Type": "text/plain"})
        assert form.request("POST", "/session", headers={"Content-Type": "text/plain"}).status_code == 415


def test_logging_in_gives_another_cookie_and_ends_the_old_one(browser: Browser, people: People) -> None:
    old = browser.portal(**{CSRF: browser.csrf})
    first = browser.cookie
    answer = old.post("/session", {"username": people.alice.name, "password": PASSWORD})
    assert answer.status_code == 200
    assert cookie_of(answer) != first
    assert old.get("/users/current").status_code == 401


def test_a_cookie_that_was_planted_is_not_taken_over(client: TestClient, people: People) -> None:
    planted = Portal(client, {"Cookie": f"{NAME}=planted"})
    answer = planted.post("/session", {"username": people.alice.name, "password": PASSWORD})
    assert cookie_of(answer) != "planted"
    assert planted.get("/users/current").status_code == 401


def test_logging_out_ends_the_session_on_the_server(browser: Browser, admin: Portal) -> None:
    answer = browser.page.delete("/session")
    assert answer.status_code == 200
    assert SimpleCookie(answer.headers["set-cookie"])[NAME]["max-age"] == "0"
    assert browser.portal().get("/users/current").status_code == 401
    (entry,) = admin.get("/auditlog-exts", q="resource_type=session").json
    assert entry["username"] == "alice"
    assert browser.page.delete("/session").status_code == 200


def test_a_session_ends_at_once_when_its_account_changes(
    browser: Browser, people: People, services: Services, admin: Portal, client: TestClient
) -> None:
    body = {"new_password": "Another-1-password"}
    assert admin.put(f"/users/{people.alice.id}/password", body).status_code == 200
    assert browser.portal().get("/users/current").status_code == 401
    assert browser.log_in("alice", "Another-1-password").status_code == 200
    services.users.set_disabled(SYSTEM, people.alice.id, True)
    assert browser.portal().get("/users/current").status_code == 401
    services.users.set_disabled(SYSTEM, people.alice.id, False)
    assert browser.log_in("alice", "Another-1-password").status_code == 200
    services.users.delete(SYSTEM, people.alice.id)
    assert browser.portal().get("/users/current").status_code == 401


def test_another_process_knows_of_a_logout_at_once(
    browser: Browser, settings: Settings, build_services: Callable[[Settings], Services]
) -> None:
    elsewhere = Portal(TestClient(root_app(build_services(settings))), browser.portal().headers)
    assert elsewhere.get("/users/current").status_code == 200
    assert browser.page.delete("/session").status_code == 200
    assert elsewhere.get("/users/current").status_code == 401


def test_a_rubbish_cookie_is_nobodys(client: TestClient, quay: Project) -> None:
    for value in (f"{NAME}=x", f"{NAME}=", f"{NAME}={'x' * 9000}", f"a=\x7f; {NAME}", f'{NAME}="\\'):
        portal = Portal(client, {"Cookie": value})
        assert portal.get("/projects/quay").status_code == 200, value
        assert portal.get("/users/current").status_code == 401, value


def test_wrong_passwords_are_refused_logged_and_locked_out(
    client: TestClient, people: People, admin: Portal, services: Services
) -> None:
    portal = Portal(client, {})
    for _ in range(services.settings.login.attempts):
        answer = portal.post("/session", {"username": people.alice.name, "password": "wrong"})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    locked = portal.post("/session", {"username": people.alice.name, "password": PASSWORD})
    assert locked.status_code == 429


def test_robots_and_access_tokens_open_no_session(client: TestClient, people: People, dock: Project) -> None:
    robot, secret = people.robot(dock, "ci")
    portal = Portal(client, {})
    for name, password in ((robot.name, secret), ("alice", people.access_token(people.alice))):
        answer = portal.post("/session", {"username": name, "password": password})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_robot_has_no_number_of_a_user(client: TestClient, people: People, dock: Project) -> None:
    robot, secret = people.robot(dock, "ci")
    answer = Portal(client, people.basic(robot.name, secret)).get("/session")
    assert answer.json == {"username": robot.name}


def test_people_make_their_access_tokens_in_the_portal(browser: Browser) -> None:
    body = {"name": "cli", "duration": 1}
    assert browser.portal().post("/users/current/tokens", body).status_code == 403
    assert browser.page.post("/users/current/tokens", body).status_code == 201


def test_the_registry_knows_no_cookies(browser: Browser, client: TestClient) -> None:
    answer = client.simulate_get("/v2/", headers=browser.portal().headers)
    assert answer.status_code == 401


def test_people_log_in_and_out_while_the_registry_is_read_only(
    client: TestClient, admin: Portal, people: People, browser: Browser
) -> None:
    admin.put("/configurations", {"read_only": True})
    other = Browser(client)
    assert other.log_in(people.bob.name).status_code == 200
    assert other.page.delete("/session").status_code == 200
    refused = browser.page.post("/projects", {"project_name": "new"})
    assert refused.status_code == 403


def test_people_make_robots_in_the_portal(browser: Browser, dock: Project) -> None:
    body = {
        "name": "ci",
        "level": "project",
        "duration": 30,
        "permissions": [
            {
                "kind": "project",
                "namespace": dock.name,
                "access": [{"resource": "repository", "action": "pull"}],
            }
        ],
    }
    assert browser.page.post("/robots", body).status_code == 201
