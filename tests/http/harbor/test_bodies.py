"""Bodies that no call takes, whatever they are about."""

import json

import pytest

from moorage.projects.model import Project
from moorage.web.harbor.body import MAX_BYTES
from tests.http.harbor.portal import Portal, code_of, message_of

CALLS = [
    ("POST", "/projects"),
    ("PUT", "/projects/dock"),
    ("POST", "/projects/dock/members"),
    ("POST", "/projects/dock/metadatas/"),
    ("PUT", "/projects/dock/metadatas/public"),
    ("POST", "/robots"),
    ("POST", "/users"),
    ("PUT", "/users/1"),
    ("PUT", "/users/1/sysadmin"),
    ("PUT", "/users/1/password"),
    ("POST", "/users/current/tokens"),
    ("PUT", "/configurations"),
    ("PUT", "/directory"),
    ("POST", "/directory/ping"),
    ("PUT", "/system/CVEAllowlist"),
    ("POST", "/session"),
    ("POST", "/system/gc/schedule"),
    ("PUT", "/system/gc/schedule"),
    ("POST", "/system/purgeaudit/schedule"),
    ("PUT", "/system/purgeaudit/schedule"),
]
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"{} {}",
    b"\xef\xbb\xbf{}",
    b'{"a": 1, "a": 2}',
    b'{"project_name": NaN}',
    b'{"project_name": "\\ud800"}',
    b"\xff\xfe",
    b'{"a":' * 50 + b"1" + b"}" * 50,
    b'{"role_id": ' + b"9" * 5000 + b"}",
]


def test_a_body_that_is_no_strict_json_object_is_refused(admin: Portal, dock: Project) -> None:
    for method, path in CALLS:
        for body in BODIES:
            refused = admin.request(method, path, body=body)
            assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST"), (method, path, body)


def test_a_field_that_a_call_does_not_know_is_named(admin: Portal, dock: Project) -> None:
    for method, path in CALLS:
        refused = admin.request(method, path, {"rocket_science": 1})
        assert refused.status_code == 400, (method, path)
        assert "rocket_science" in message_of(refused)


def test_a_body_over_the_limit_is_refused(admin: Portal) -> None:
    body = json.dumps({"project_name": "x" * MAX_BYTES}).encode()
    refused = admin.request("POST", "/projects", body=body)
    assert (refused.status_code, code_of(refused)) == (413, "SIZE_INVALID")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_on_a_foreign_page_could_send_is_not_taken(admin: Portal, kind: str) -> None:
    refused = admin.request(
        "POST", "/projects", body=b'{"project_name": "dock"}', headers={"Content-Type": kind}
    )
    assert (refused.status_code, code_of(refused)) == (415, "UNSUPPORTED")
    assert admin.get("/projects").json == []


def test_json_with_a_charset_is_json(admin: Portal) -> None:
    made = admin.request(
        "POST",
        "/projects",
        body=b'{"project_name": "dock"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert made.status_code == 201
