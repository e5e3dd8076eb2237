"""`.../artifacts/{}/tags`: the names of an artifact."""

from typing import Any

import pytest

from moorage.distribution.tags import Tags
from moorage.projects.model import Project
from tests.http.harbor.portal import Portal, Pusher, code_of, repository_path
from tests.support.images import Image, image

ARTIFACTS = repository_path("dock/deep/app") + "/artifacts"


@pytest.fixture
def pushed(dock: Project, push: Pusher) -> Image:
    return push("dock/deep/app", image(), "1.0", "1", "latest")


def names(result: object) -> list[str]:
    return [each["name"] for each in result.json]  # type: ignore[attr-defined]


def test_the_tags_of_an_artifact_are_listed(alice: Portal, pushed: Image, push: Pusher) -> None:
    push("dock/deep/app", image(), "2")
    path = f"{ARTIFACTS}/{pushed.digest}/tags"
    assert names(alice.get(path, sort="name")) == ["1", "1.0", "latest"]
    assert alice.get(path, page_size=1).headers["x-total-count"] == "3"
    assert names(alice.get(path, q="name=~1", sort="name")) == ["1", "1.0"]
    assert names(alice.get(path, q="name=1")) == ["1"]
    assert names(alice.get(path, q="name=2")) == []
    assert names(alice.get(path, sort="-name", page=2, page_size=2)) == ["1"]


def test_an_artifact_is_given_another_name(alice: Portal, pushed: Image) -> None:
    made = alice.post(f"{ARTIFACTS}/1.0/tags", {"name": "stable"})
    assert made.status_code == 201
    assert alice.get(f"{ARTIFACTS}/stable").json["digest"] == pushed.digest


_NAMES = [
    ({}, 400),
    ({"name": ""}, 400),
    ({"name": "not a tag"}, 400),
    ({"name": "sha256:" + "0" * 64}, 400),
    ({"name": "x" * 129}, 400),
    ({"name": 1}, 400),
    ({"name": "ok", "manifest_id": 1}, 400),
    ({"name": "latest"}, 409),
    ({"name": "2"}, 409),
    ({"name": "LATEST", "repository_id": 9, "artifact_id": 9, "immutable": True}, 201),
]


def test_a_name_that_cannot_be_given_is_refused(alice: Portal, pushed: Image, push: Pusher) -> None:
    other = push("dock/deep/app", image(), "2")
    for body, status in _NAMES:
        assert alice.post(f"{ARTIFACTS}/{pushed.digest}/tags", body).status_code == status, body
    assert alice.get(f"{ARTIFACTS}/2").json["digest"] == other.digest


def test_a_name_is_taken_away_and_the_others_stay(alice: Portal, pushed: Image) -> None:
    assert alice.delete(f"{ARTIFACTS}/1.0/tags/latest").status_code == 200
    assert alice.get(f"{ARTIFACTS}/latest").status_code == 404
    assert alice.get(f"{ARTIFACTS}/1.0").json["digest"] == pushed.digest


def test_an_artifact_outlives_its_last_name(alice: Portal, pushed: Image) -> None:
    for tag in ("1", "1.0", "latest"):
        assert alice.delete(f"{ARTIFACTS}/{pushed.digest}/tags/{tag}").status_code == 200
    assert alice.get(f"{ARTIFACTS}/{pushed.digest}").json["tags"] == []


@pytest.mark.parametrize(("tag", "status"), [("2", 404), ("none", 404), ("not%20one", 400)])
def test_the_name_of_another_artifact_is_not_found_here(
    alice: Portal, pushed: Image, push: Pusher, *, tag: str, status: int
) -> None:
    other = push("dock/deep/app", image(), "2")
    answer = alice.delete(f"{ARTIFACTS}/{pushed.digest}/tags/{tag}")
    assert answer.status_code == status
    assert code_of(answer) in ("MANIFEST_UNKNOWN", "TAG_INVALID")
    assert alice.get(f"{ARTIFACTS}/2").json["digest"] == other.digest


def test_a_name_that_goes_to_another_artifact_meanwhile_stays(
    alice: Portal, pushed: Image, push: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    deletes = Tags.delete
    pushed_since = []

    def late(self: Tags, *args: Any, **kwargs: Any) -> None:
        pushed_since.append(push("dock/deep/app", image(), "latest"))
        deletes(self, *args, **kwargs)

    monkeypatch.setattr(Tags, "delete", late)
    answer = alice.delete(f"{ARTIFACTS}/{pushed.digest}/tags/latest")
    assert (answer.status_code, code_of(answer)) == (409, "CONFLICT")
    assert alice.get(f"{ARTIFACTS}/latest").json["digest"] == pushed_since[0].digest
