"""`/search` and `/statistics`: over everything that the caller may see."""

from collections.abc import Callable

import pytest

from moorage.projects.model import Project
from tests.http.harbor.portal import Portal, Pusher
from tests.support.images import image
from tests.support.statements import counted_statements


@pytest.fixture(autouse=True)
def _filled(dock: Project, quay: Project, pier: Project, push: Pusher) -> None:
    """An ``app`` in each of three projects, of which one is public."""
    one = image()
    for name in ("dock/app", "quay/app", "pier/app", "quay/dock"):
        push(name, one, "1")


def found(portal: Portal, q: str) -> tuple[list[str], list[str]]:
    answer = portal.get("/search", q=q)
    assert answer.status_code == 200
    return (
        [each["name"] for each in answer.json["project"]],
        [each["repository_name"] for each in answer.json["repository"]],
    )


@pytest.mark.parametrize(
    ("caller", "wanted"),
    [
        ("nobody", ([], ["quay/dock"])),
        ("alice", (["dock"], ["dock/app", "quay/dock"])),
        ("bob", ([], ["quay/dock"])),
        ("admin", (["dock"], ["dock/app", "quay/dock"])),
    ],
)
def test_a_search_finds_what_the_caller_may_see(
    portal_of: Callable[[str], Portal], caller: str, wanted: tuple[list[str], list[str]]
) -> None:
    assert found(portal_of(caller), "dock") == wanted


def test_no_character_stands_for_others(alice: Portal) -> None:
    for q in ("%", "_", "*", "?", "[a-z]", "\\", "'", "\0", "nothing"):
        assert found(alice, q) == ([], []), q


def test_a_search_for_nothing_finds_everything_within_bounds(alice: Portal) -> None:
    assert found(alice, "") == (["dock", "quay"], ["dock/app", "quay/app", "quay/dock"])
    assert alice.get("/search", q="x" * 5000).status_code == 400


def test_what_was_found_is_described(nobody: Portal) -> None:
    (repository,) = nobody.get("/search", q="quay/app").json["repository"]
    assert repository["project_name"] == "quay"
    assert repository["project_public"] is True
    assert (repository["artifact_count"], repository["pull_count"]) == (1, 0)


def test_a_search_costs_the_same_however_much_it_finds(alice: Portal) -> None:
    found(alice, "nothing")
    costs = []
    for q in ("dock", ""):
        with counted_statements() as statements:
            found(alice, q)
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_statistics_count_what_the_caller_may_see(
    portal_of: Callable[[str], Portal],
) -> None:
    seen = portal_of("alice").get("/statistics").json
    assert seen == {
        "public_project_count": 1,
        "public_repo_count": 2,
        "private_project_count": 1,
        "private_repo_count": 1,
    }
    everything = portal_of("admin").get("/statistics").json
    assert (everything["total_project_count"], everything["total_repo_count"]) == (3, 4)
    assert everything["total_storage_consumption"] > 0
    assert portal_of("nobody").get("/statistics").status_code == 401
