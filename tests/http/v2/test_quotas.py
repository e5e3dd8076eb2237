"""Pushes that come under a storage limit, as a client of the registry meets it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.projects.model import Project
from moorage.services import Services
from tests.http.v2.caller import Caller, code_of, digest_of
from tests.support.images import image
from tests.support.people import People

DATA = b"0123456789"
DIGEST = digest_of(DATA)
MESSAGE = "the project's storage limit is 15 bytes: 10 bytes are used, and 6 bytes more do not fit"


@pytest.fixture
def limit(services: Services, dock: Project) -> Callable[[int], None]:
    return lambda limit: services.quotas.set_limit(SYSTEM, dock.id, limit)


def test_a_blob_over_the_limit_is_denied_with_the_figures(
    alice: Caller, limit: Callable[[int], None]
) -> None:
    limit(15)
    alice.push_blob("dock/app", DATA)
    for method, path in (
        ("POST", "/v2/dock/app/blobs/uploads/?"),
        ("PUT", alice.start("dock/app") + "?"),
    ):
        refused = alice.request(method, f"{path}digest={digest_of(b'abcdef')}", b"abcdef")
        assert (refused.status_code, code_of(refused)) == (403, "DENIED")
        (problem,) = refused.json["errors"]
        assert problem["message"] == MESSAGE
        assert problem["detail"] == {"limit_bytes": 15, "used_bytes": 10, "asked_bytes": 6}
    assert alice.get(f"/v2/dock/app/blobs/{digest_of(b'abcdef')}").status_code == 404
    alice.push_blob("dock/app", b"abcde")


def test_a_manifest_over_the_limit_is_denied_and_its_tag_is_not_moved(
    alice: Caller, limit: Callable[[int], None], services: Services, dock: Project
) -> None:
    pushed = image()
    for blob in pushed.blobs:
        alice.push_blob("dock/app", blob.data)
    limit(services.usage.of(dock.id) + len(pushed.body) - 1)
    refused = alice.put_manifest("dock/app", "1", pushed.body, pushed.media_type)
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert alice.get("/v2/dock/app/tags/list").json["tags"] in (None, [])
    limit(services.usage.of(dock.id) + len(pushed.body))
    assert alice.put_manifest("dock/app", "1", pushed.body, pushed.media_type).status_code == 201


def test_a_mount_counts_unless_the_project_holds_the_blob(
    calling: Callable[..., Caller], people: People, alice: Caller, limit: Callable[[int], None], quay: Project
) -> None:
    both = calling(people.alice, "dock/app", "dock/other", "quay/app")
    both.push_blob("quay/app", b"abcdef")
    both.push_blob("dock/other", DATA)
    limit(15)
    mount = f"/v2/dock/app/blobs/uploads/?mount={DIGEST}&from=dock/other"
    assert both.request("POST", mount).status_code == 201
    foreign = f"/v2/dock/app/blobs/uploads/?mount={digest_of(b'abcdef')}&from=quay/app"
    refused = both.request("POST", foreign)
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert refused.json["errors"][0]["message"] == MESSAGE


def test_over_the_limit_a_push_of_what_is_there_and_every_deletion_work(
    alice: Caller, limit: Callable[[int], None]
) -> None:
    pushed = image()
    digest = alice.push("dock/app", pushed, "1")
    limit(1)
    assert alice.push("dock/app", pushed, "1") == digest
    assert alice.put_manifest("dock/app", "2", pushed.body, pushed.media_type).status_code == 201
    for path in ("/v2/dock/app/manifests/2", f"/v2/dock/app/manifests/{digest}"):
        assert alice.request("DELETE", path).status_code == 202


class TestAdmission:
    """Refused before the first byte is sent, by nginx as by our own channel."""

    @pytest.fixture
    def services(self, settings: Settings, build_services: Callable[[Settings], Services]) -> Services:
        return build_services(replace(settings, server=replace(settings.server, behind_nginx=True)))

    def ask(self, caller: Caller, method: str, target: str, length: str) -> tuple[int, str, str]:
        answer = caller.request(
            "GET",
            "/_admission",
            headers={
                "X-Original-Method": method,
                "X-Original-URI": target.removeprefix("http://registry.test"),
                "X-Original-Length": length,
            },
        )
        words = answer.headers.get("X-Refusal", ""), answer.headers.get("X-Refusal-Text", "")
        return (answer.status_code, *words)

    def test_a_body_that_cannot_fit_is_refused(self, alice: Caller, limit: Callable[[int], None]) -> None:
        full = alice.start("dock/app")
        limit(5)
        assert self.ask(alice, "PATCH", full, "5") == (204, "", "")
        status, due, words = self.ask(alice, "PATCH", full, "6")
        assert (status, due) == (403, "403")
        assert (
            words == "the project's storage limit is 5 bytes: 0 bytes are used, and 6 bytes more do not fit"
        )
        at_once = f"/v2/dock/app/blobs/uploads/?digest={DIGEST}"
        assert self.ask(alice, "POST", at_once, "10")[:2] == (403, "403")
        assert self.ask(alice, "PUT", f"{full}?digest={DIGEST}", "10")[:2] == (403, "403")
        assert self.ask(alice, "PUT", f"{full}?digest={DIGEST}", "0")[0] == 204
        assert self.ask(alice, "POST", "/v2/dock/app/blobs/uploads/", "0")[0] == 204
        limit(-1)
        assert self.ask(alice, "PATCH", full, "6") == (204, "", "")

    def test_a_digest_that_is_none_is_left_to_the_request_itself(
        self, alice: Caller, limit: Callable[[int], None]
    ) -> None:
        full = alice.start("dock/app")
        limit(5)
        assert self.ask(alice, "PUT", f"{full}?digest=nonsense", "1")[0] == 204


def test_the_request_itself_says_why_its_body_was_refused(
    alice: Caller, limit: Callable[[int], None]
) -> None:
    alice.push_blob("dock/app", DATA)
    location = alice.start("dock/app")
    limit(15)
    refused = {"moorage.spooled.failed": "refused"}
    length = {"Content-Length": "6"}
    for method, path in (
        ("PATCH", location),
        ("PUT", f"{location}?digest={digest_of(b'abcdef')}"),
        ("POST", f"/v2/dock/app/blobs/uploads/?digest={digest_of(b'abcdef')}"),
    ):
        answer = alice.request(method, path, headers=length, **refused)
        assert (answer.status_code, code_of(answer)) == (403, "DENIED"), (method, answer.text)
        assert answer.json["errors"][0]["message"] == MESSAGE


def test_a_notice_that_fails_does_not_change_the_refusal(
    alice: Caller,
    limit: Callable[[int], None],
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the notice broke")

    monkeypatch.setattr(services.notices, "_tell_of_quota", broken)
    limit(5)
    refused = alice.request("POST", f"/v2/dock/app/blobs/uploads/?digest={DIGEST}", DATA)
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert refused.json["errors"][0]["detail"] == {"limit_bytes": 5, "used_bytes": 0, "asked_bytes": 10}
    assert "nobody could be told of a full project" in caplog.text
    assert "the notice broke" in caplog.text
