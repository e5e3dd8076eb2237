"""`/repositories` and `/projects/{}/repositories`."""

from collections.abc import Callable

import pytest

from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, repository_path
from tests.support.images import artifact, image, multi_platform
from tests.support.people import People


def names(result: object) -> list[str]:
    return [each["name"] for each in result.json]  # type: ignore[attr-defined]


@pytest.fixture
def filled(dock: Project, quay: Project, push: Pusher) -> None:
    """Three repositories in ``dock``, one in ``quay``."""
    one = image()
    for name in ("dock/app", "dock/deep/er/app", "dock/web_1", "quay/app"):
        push(name, one, "1")


def test_a_repository_is_shown_with_its_counts(alice: Portal, services: Services, filled: None) -> None:
    found = alice.get(repository_path("dock/app")).json
    assert found["name"] == "dock/app"
    assert (found["artifact_count"], found["pull_count"], found["description"]) == (1, 0, "")


def test_the_count_of_artifacts_is_that_of_their_list(alice: Portal, dock: Project, push: Pusher) -> None:
    whole = push("dock/app", multi_platform(), "1")
    push("dock/app", artifact(subject=whole))
    push("dock/app", image())
    shown = alice.get(repository_path("dock/app")).json["artifact_count"]
    listed = alice.get(repository_path("dock/app") + "/artifacts")
    assert shown == len(listed.json) == 2
    assert alice.get("/projects/dock/repositories").json[0]["artifact_count"] == 2


@pytest.mark.parametrize("name", ["dock/deep/er/app", "dock/web_1"])
def test_slashes_in_names_are_encoded_twice(alice: Portal, filled: None, name: str) -> None:
    assert alice.get(repository_path(name)).json["name"] == name


def test_a_name_without_slashes_may_be_encoded_once_or_not_at_all(alice: Portal, filled: None) -> None:
    assert alice.get("/projects/dock/repositories/web_1").json["name"] == "dock/web_1"
    assert alice.get("/projects/dock/repositories/web%5F1").json["name"] == "dock/web_1"


_NO_NAMES = [
    ("none", 404),
    ("App", 400),
    ("..", 400),
    ("%252e%252e%252fquay%252fapp", 400),
    ("deep%252F%252Fapp", 400),
    ("app%252F", 400),
    ("app%2500", 400),
    ("x" * 300, 400),
    ("app%25252Fx", 400),
]


def test_a_name_that_is_none_is_refused(alice: Portal, filled: None) -> None:
    for name, status in _NO_NAMES:
        assert alice.get(f"/projects/dock/repositories/{name}").status_code == status, name


_QUESTIONS = [
    ({}, ["dock/app", "dock/deep/er/app", "dock/web_1"]),
    ({"q": "name=~app"}, ["dock/app", "dock/deep/er/app"]),
    ({"q": "name=~_"}, ["dock/web_1"]),
    ({"q": "name=~%25"}, []),
    ({"q": "name=app"}, ["dock/app"]),
    ({"q": "name=dock/app"}, ["dock/app"]),
    ({"q": "name=quay/app"}, []),
    ({"q": "name=NOT A NAME"}, []),
    ({"sort": "-name"}, ["dock/web_1", "dock/deep/er/app", "dock/app"]),
    ({"sort": "-creation_time", "page_size": 1}, ["dock/web_1"]),
    ({"page": 2, "page_size": 2}, ["dock/web_1"]),
]


def test_the_repositories_of_a_project_are_filtered_sorted_and_paged(alice: Portal, filled: None) -> None:
    for parameters, found in _QUESTIONS:
        assert names(alice.get("/projects/dock/repositories", **parameters)) == found, parameters


def test_everybody_lists_the_repositories_they_may_see(
    portal_of: Callable[[str], Portal], filled: None, people: People, push: Pusher
) -> None:
    people.project("pier", bob=Role.LIMITED_GUEST)
    push("pier/secret", image(), "1")
    public = ["quay/app"]
    own = ["dock/app", "dock/deep/er/app", "dock/web_1"]
    for caller, wanted in (
        ("nobody", public),
        ("alice", own + public),
        ("bob", ["pier/secret", *public]),
        ("admin", [*own, "pier/secret", *public]),
    ):
        listed = portal_of(caller).get("/repositories")
        assert names(listed) == wanted
        assert listed.headers["x-total-count"] == str(len(wanted))
    assert names(portal_of("bob").get("/repositories", q="name=~secret")) == ["pier/secret"]
    assert names(portal_of("alice").get("/repositories", q="name=~secret")) == []
    assert names(portal_of("bob").get("/repositories", q="name=pier/secret")) == ["pier/secret"]
    assert portal_of("bob").get("/repositories", q="name=pier/secret").headers["x-total-count"] == "1"
    assert names(portal_of("bob").get("/repositories", q="name=secret")) == []
    assert names(portal_of("alice").get("/repositories", q="name=pier/secret")) == []


def test_a_repository_is_described(alice: Portal, filled: None) -> None:
    path = repository_path("dock/deep/er/app")
    assert alice.put(path, {"description": "# <b>hello</b>"}).status_code == 200
    found = alice.get(path).json
    assert found["description"] == "# <b>hello</b>"
    assert alice.put(path, {**found, "description": ""}).status_code == 200
    assert alice.get(path).json["description"] == ""


_NO_DESCRIPTIONS = [
    {},
    {"description": 7},
    {"description": "x" * 70_000},
    {"description": "a\0b"},
    {"owner": "x"},
]


def test_a_description_that_cannot_be_is_refused(alice: Portal, filled: None) -> None:
    for body in _NO_DESCRIPTIONS:
        assert alice.put(repository_path("dock/app"), body).status_code == 400, body


def test_a_repository_is_deleted_with_everything_in_it(alice: Portal, filled: None) -> None:
    assert alice.delete(repository_path("dock/deep/er/app")).status_code == 200
    gone = alice.get(repository_path("dock/deep/er/app"))
    assert (gone.status_code, code_of(gone)) == (404, "NAME_UNKNOWN")
    assert names(alice.get("/projects/dock/repositories")) == ["dock/app", "dock/web_1"]
    assert alice.get(repository_path("dock/deep/er/app") + "/artifacts").status_code == 404


def test_a_repository_of_a_foreign_project_is_hidden(nobody: Portal, bob: Portal, filled: None) -> None:
    for portal, status in ((nobody, 401), (bob, 403)):
        for name in ("app", "none"):
            for method in ("GET", "DELETE"):
                assert portal.request(method, f"/projects/dock/repositories/{name}").status_code == status


def test_everything_in_a_public_project_can_be_read_and_nothing_written(nobody: Portal, filled: None) -> None:
    path = repository_path("quay/app")
    assert nobody.get(path).status_code == 200
    assert nobody.delete(path).status_code == 401
    assert nobody.put(path, {"description": "x"}).status_code == 401
