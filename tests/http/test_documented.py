"""The check of every answer against the document notices what is off."""

import pytest
from falcon.testing import TestClient

from moorage.web.app import RootApp
from tests.support.answers import Answered, OffDocumentError, Paper, paper_of

_JSON = {"content-type": "application/json"}
_VOLUMES = "/api/v2.0/systeminfo/volumes"


@pytest.fixture
def paper(client: TestClient) -> Paper:
    assert isinstance(client.app, RootApp)
    return paper_of(tuple(client.app.endpoints))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v2", "ping"),
        ("/v2/", "ping"),
        ("/v2/dock/deep/app/manifests/1", "pull_artifact"),
        ("/v2/dock/app/tags/list", "list_tags"),
        ("/healthz", "read_liveness"),
        (_VOLUMES, "get_volumes"),
        ("/api/v2.0/users/current", "get_current_user"),
        ("/api/v2.0/users/7", "get_user"),
        ("/api/v2.0/projects/dock/repositories/a%252Fb/artifacts/1", "get_artifact"),
        ("/api/v2.0/system/gc/schedule", "get_gc_schedule"),
        ("/api/v2.0/system/gc/7", "get_gc"),
    ],
)
def test_paths_are_known(paper: Paper, path: str, name: str) -> None:
    operation = paper.operation("GET", path)
    assert operation is not None
    assert operation["operationId"].startswith(name)


def test_a_path_that_is_nowhere_is_not_known(paper: Paper) -> None:
    assert paper.operation("GET", "/api/v2.0/none") is None


@pytest.mark.parametrize(
    ("answered", "fault"),
    [
        (Answered(418, _JSON, b"{}"), "status"),
        (Answered(200, {"content-type": "text/html"}, b"{}"), "media type"),
        (Answered(200, _JSON, b"{"), "no JSON"),
        (Answered(200, _JSON, b"{}"), "off schema"),
        (Answered(200, _JSON, b'{"storage": [{"total": 1, "free": 1, "more": 1}]}'), "off schema"),
        (Answered(200, _JSON, b'{"storage": [{"total": -1, "free": 1}]}'), "off schema"),
        (Answered(403, _JSON, b'{"errors": [{"code": 1, "message": ""}]}'), "off schema"),
        (Answered(401, _JSON, b'{"errors": []}'), "WWW-Authenticate"),
    ],
)
def test_what_is_off_is_noticed(paper: Paper, answered: Answered, fault: str) -> None:
    with pytest.raises(OffDocumentError, match=fault):
        paper.check("GET", _VOLUMES, answered)


def test_what_is_right_passes(paper: Paper) -> None:
    paper.check("GET", _VOLUMES, Answered(200, _JSON, b'{"storage": [{"total": 1, "free": 1}]}'))
    paper.check("HEAD", "/v2/", Answered(200, _JSON, b""))


def test_a_moment_is_a_moment(paper: Paper) -> None:
    right = (
        b'{"waiting_bytes": 0, "waiting_from": "2026-01-01T00:00:00.000Z", "waiting_until": null,'
        b' "waiting_manifests": 0, "trash_bytes": 0, "trash_until": null}'
    )
    paper.check("GET", "/api/v2.0/system/gc/forecast", Answered(200, _JSON, right))
    with pytest.raises(OffDocumentError, match="off schema"):
        paper.check(
            "GET", "/api/v2.0/system/gc/forecast", Answered(200, _JSON, right.replace(b"T00:00", b" 00:00"))
        )
