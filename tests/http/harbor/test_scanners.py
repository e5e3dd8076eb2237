"""`/scanners`, and the scanner of a project."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from moorage.config import Settings
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, code_of, message_of
from tests.support.people import People
from tests.support.receiver import Receiver
from tests.support.scanner import metadata, scanner

URL = "https://lookout.example.com:8443/adapter"
SECRET = "a-secret-of-our-own"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Scanners of the tests are on loopback."""
    return replace(settings, outbound=replace(settings.outbound, allow="127.0.0.1"))


@pytest.fixture
def lookout() -> Iterator[Receiver]:
    with scanner() as listening:
        yield listening


def wish(**changes: Any) -> dict[str, Any]:
    usual = {"name": "lookout", "url": URL, "description": "looks out", "auth": "Bearer"}
    return {**usual, "access_credential": SECRET, **changes}


def made(admin: Portal, **changes: Any) -> str:
    answer = admin.post("/scanners", wish(**changes))
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    return location


def test_a_registration_is_made_read_changed_and_deleted(admin: Portal) -> None:
    path = made(admin)
    assert path.startswith("/api/v2.0/scanners/")
    found = admin.get(path).json
    assert found == {
        "uuid": path.rpartition("/")[2],
        "name": "lookout",
        "description": "looks out",
        "url": URL,
        "auth": "Bearer",
        "disabled": False,
        "is_default": True,
        "skip_certVerify": False,
        "use_internal_addr": False,
        "create_time": found["create_time"],
        "update_time": found["update_time"],
    }
    assert admin.get("/scanners").json == [found]
    changed = {**found, "name": "other", "use_internal_addr": True}
    assert admin.put(path, changed).status_code == 200
    assert admin.get(path).json == {**changed, "update_time": admin.get(path).json["update_time"]}
    gone = admin.delete(path)
    assert (gone.status_code, gone.json["name"]) == (200, "other")
    assert admin.get(path).status_code == admin.put(path, changed).status_code == 404
    assert admin.delete(path).status_code == admin.patch(path, {"is_default": True}).status_code == 404
    assert admin.get(f"{path}/metadata").status_code == 404
    assert admin.get("/scanners").json == []


def test_no_answer_and_no_log_shows_a_credential(
    admin: Portal, alice: Portal, dock: Project, caplog: pytest.LogCaptureFixture, services: Services
) -> None:
    path = made(admin)
    admin.put(path, wish(access_credential=SECRET + "2"))
    admin.post("/scanners/ping", wish())
    shown = [
        admin.get(path),
        admin.get("/scanners"),
        admin.post("/scanners", wish()),
        admin.post("/scanners", wish(auth="", name="x")),
        admin.get("/projects/dock/scanner"),
        alice.get("/projects/dock/scanner/candidates"),
        admin.get("/auditlog-exts"),
        admin.delete(path),
    ]
    assert "update_scanner" in shown[6].text or "lookout" in shown[6].text
    assert not [each.text for each in shown if SECRET in each.text]
    assert SECRET not in caplog.text


def test_what_was_done_is_in_the_log(admin: Portal) -> None:
    path = made(admin)
    admin.put(path, wish(url="https://elsewhere.example.com", access_credential=None))
    admin.delete(path)
    found = admin.get("/auditlog-exts", q="resource_type=scanner").json
    assert [each["resource"] for each in found] == ["lookout"] * 3
    assert [each["operation"] for each in found] == ["delete", "update", "create"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": "a\0"}, "name"),
        ({"name": None}, "name"),
        ({"description": 7}, "description"),
        ({"url": None}, "url"),
        ({"url": "ftp://a/"}, "http"),
        ({"url": "https://me:secret@a/"}, "user"),
        ({"url": "https://a/?b"}, "query"),
        ({"url": "https://a/#b"}, "#"),
        ({"url": "https://a/" + "b" * 512}, "url"),
        ({"auth": "Digest"}, "auth"),
        ({"auth": 7}, "auth"),
        ({"auth": ""}, "access_credential"),
        ({"auth": "Basic"}, "name:password"),
        ({"access_credential": None}, "access_credential"),
        ({"access_credential": "a\r\nX: y"}, "access_credential"),
        ({"access_credential": "x" * 4097}, "access_credential"),
        ({"skip_certVerify": "no"}, "skip_certVerify"),
        ({"use_internal_addr": 1}, "use_internal_addr"),
        ({"disabled": "yes"}, "disabled"),
        ({"secret": "x"}, "secret"),
    ],
    ids=str,
)
def test_what_breaks_the_rules_is_refused_by_name(admin: Portal, change: dict[str, Any], word: str) -> None:
    answer = admin.post("/scanners", wish(**change))
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert word in message_of(answer)
    assert admin.get("/scanners").json == []


@pytest.mark.parametrize("url", ["http://127.0.0.2:8080", "http://[::1]", "http://169.254.169.254/latest"])
def test_an_address_inside_is_refused_at_once(admin: Portal, url: str) -> None:
    for path in ("/scanners", "/scanners/ping"):
        answer = admin.post(path, wish(url=url))
        assert (answer.status_code, code_of(answer)) == (403, "DENIED")


def test_two_of_one_name_or_address_are_a_conflict(admin: Portal) -> None:
    made(admin)
    for change, word in (({"url": "https://other.example.com"}, "named"), ({"name": "other"}, "url")):
        answer = admin.post("/scanners", wish(**change))
        assert (answer.status_code, code_of(answer)) == (409, "CONFLICT")
        assert word in message_of(answer)
    other = made(admin, name="other", url="https://other.example.com")
    assert admin.put(other, wish()).status_code == 409


def test_one_address_is_one_however_it_is_written(admin: Portal) -> None:
    path = made(admin, url="HTTPS://Lookout.Example.com:443/")
    assert admin.get(path).json["url"] == "https://lookout.example.com"
    for same in ("https://lookout.example.com", "https://LOOKOUT.example.com/"):
        assert admin.post("/scanners", wish(name="x", url=same)).status_code == 409


@pytest.mark.parametrize(
    ("given", "kept"), [("None", ""), ("APIKey", "X-ScannerAdapter-API-Key"), ("Bearer", "Bearer")]
)
def test_ways_to_say_how_to_authenticate(admin: Portal, given: str, kept: str) -> None:
    path = made(admin, auth=given, access_credential=SECRET if kept else "")
    assert admin.get(path).json["auth"] == kept


def test_lists_are_searched_sorted_and_paged(admin: Portal) -> None:
    for name in ("bravo", "alpha", "charlie"):
        made(admin, name=name, url=f"https://{name}.example.com", disabled=name == "charlie")

    def names(**asked: Any) -> list[str]:
        answer = admin.get("/scanners", **asked)
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json]

    assert names() == ["bravo", "alpha", "charlie"]
    assert names(sort="name") == ["alpha", "bravo", "charlie"]
    assert names(sort="-name", page=2, page_size=2) == ["alpha"]
    assert names(q="name=~AL") == ["alpha"]
    assert names(q="url=https://bravo.example.com") == ["bravo"]
    assert names(q="disabled=true") == ["charlie"]
    assert names(q="is_default=true") == ["bravo"]
    assert admin.get("/scanners", page_size=1).headers["x-total-count"] == "3"
    for wrong in ({"q": "auth=Basic"}, {"q": "disabled=maybe"}, {"sort": "auth"}, {"q": "name=[a~b]"}):
        assert admin.get("/scanners", **wrong).status_code == 400


def test_the_default_is_named_and_ended(admin: Portal) -> None:
    first, second = made(admin), made(admin, name="other", url="https://other.example.com")
    assert admin.patch(second, {"is_default": True}).status_code == 200
    assert [each["is_default"] for each in admin.get("/scanners").json] == [False, True]
    assert (
        admin.put(second, wish(name="other", url="https://other.example.com", disabled=True)).status_code
        == 409
    )
    assert admin.put(first, wish(disabled=True)).status_code == 200
    assert admin.patch(first, {"is_default": True}).status_code == 409
    assert admin.patch(second, {"is_default": False}).status_code == 200
    assert not any(each["is_default"] for each in admin.get("/scanners").json)
    for wrong in ({}, {"is_default": "yes"}, {"default": True}):
        assert admin.patch(second, wrong).status_code == 400


def test_a_scanner_is_asked_who_it_is(admin: Portal, lookout: Receiver) -> None:
    assert admin.post("/scanners/ping", wish(url=lookout.url(""))).status_code == 200
    path = made(admin, url=lookout.url("") + "/")
    answer = admin.get(f"{path}/metadata")
    assert (answer.status_code, answer.json) == (200, metadata())
    assert [each.headers["authorization"] for each in lookout.got] == [f"Bearer {SECRET}"] * 2


def test_ping_sends_no_credential_that_is_kept(admin: Portal, lookout: Receiver) -> None:
    made(admin, url=lookout.url(""))
    assert admin.post("/scanners/ping", {"name": "lookout", "url": lookout.url("")}).status_code == 200
    assert "authorization" not in lookout.got[0].headers


def test_what_answers_as_no_scanner_says_so(admin: Portal) -> None:
    with scanner(b"<html>secret page</html>") as page:
        answer = admin.post("/scanners/ping", wish(url=page.url("")))
        path = made(admin, url=page.url(""))
        again = admin.get(f"{path}/metadata")
    for each in (answer, again):
        assert (each.status_code, code_of(each)) == (503, "UNAVAILABLE")
        assert "secret page" not in each.text


def test_a_credential_stays_with_its_address(admin: Portal, lookout: Receiver) -> None:
    path = made(admin)
    found = admin.get(path).json
    assert admin.put(path, {**found, "url": lookout.url("")}).status_code == 200
    answer = admin.get(f"{path}/metadata")
    assert (answer.status_code, lookout.got) == (503, [])
    assert "forgotten" in message_of(answer)
    assert "credential forgotten" in admin.get("/auditlog-exts", q="resource_type=scanner").text


def test_a_project_has_the_default_until_it_chooses(admin: Portal, alice: Portal, dock: Project) -> None:
    assert alice.get("/projects/dock/scanner").status_code == 404
    made(admin)
    second = made(admin, name="other", url="https://other.example.com").rpartition("/")[2]
    made(admin, name="off", url="https://off.example.com", disabled=True)
    assert alice.get("/projects/dock/scanner").json["name"] == "lookout"
    candidates = alice.get("/projects/dock/scanner/candidates")
    assert [each["name"] for each in candidates.json] == ["lookout", "other"]
    assert [each["name"] for each in alice.get("/projects/dock/scanner/candidates", q="name=other").json] == [
        "other"
    ]
    assert alice.put("/projects/dock/scanner", {"uuid": second}).status_code == 200
    assert alice.get("/projects/dock/scanner").json["uuid"] == second
    assert admin.get("/projects/dock/scanner").json["url"] == "https://other.example.com"
    for wrong in ({}, {"uuid": 7}, {"uuid": "none"}, {"uuid": "a\0"}, {"name": "other"}):
        assert alice.put("/projects/dock/scanner", wrong).status_code == 400
    off = admin.get("/scanners", q="name=off").json[0]["uuid"]
    assert alice.put("/projects/dock/scanner", {"uuid": off}).status_code == 409
    assert admin.delete(f"/scanners/{second}").status_code == 200
    assert alice.get("/projects/dock/scanner").json["name"] == "lookout"


def test_people_of_a_project_do_not_see_where_a_scanner_is(
    admin: Portal, alice: Portal, bob: Portal, dock: Project, people: People, services: Services
) -> None:
    made(admin)
    for found in (
        alice.get("/projects/dock/scanner").json,
        *alice.get("/projects/dock/scanner/candidates").json,
    ):
        assert set(found) == {
            *("uuid", "name", "description", "disabled", "is_default", "create_time", "update_time")
        }
    for wrong in ({"q": "url=~lookout"}, {"sort": "url"}):
        assert alice.get("/projects/dock/scanner/candidates", **wrong).status_code == 400
    people.member(dock, people.bob, Role.MAINTAINER)
    assert bob.get("/projects/dock/scanner").status_code == 200
    assert bob.get("/projects/dock/scanner/candidates").status_code == 403
