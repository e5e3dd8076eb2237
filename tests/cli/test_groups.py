"""`moorage group`, and people of a directory in `moorage user`, as an administrator types it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli import group, project, user
from moorage.cli.main import main
from moorage.config import Settings, load
from moorage.events import SYSTEM
from moorage.projects.model import Role
from moorage.services import Services
from tests.support.clock import SetClock
from tests.support.directory import PASSWORD, FakeDirectory

Moorage = Callable[..., Result]
MARY, DEVS = "mary@vsphere.local", "devs@vsphere.local"


@pytest.fixture
def directory() -> FakeDirectory:
    found = FakeDirectory()
    found.add("mary", "devs")
    return found


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    return load(None, {"MOORAGE_DATA": str(tmp_path / "data"), "MOORAGE_DATABASE_URL": database})


@pytest.fixture
def built(settings: Settings, clock: SetClock, directory: FakeDirectory) -> Iterator[Services]:
    found = Services.build(settings, clock, directory)
    yield found
    found.audit.stop()


@pytest.fixture
def moorage(built: Services, monkeypatch: pytest.MonkeyPatch) -> Moorage:
    """Runs a command over services with a directory in this process."""

    @contextmanager
    def services() -> Iterator[Services]:
        yield built

    for module in (group, project, user):
        monkeypatch.setattr(module, "services", services)
    return lambda *words: CliRunner().invoke(main, words)


def told(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_group_is_added_listed_with_people_and_roles_and_forgotten(
    moorage: Moorage, built: Services
) -> None:
    added = told(moorage("group", "add", "VSPHERE\\Devs", "--json"))
    assert (added["name"], added["people"], added["roles"]) == (DEVS, 0, {})
    built.authenticator.authenticate(MARY, PASSWORD, "192.0.2.1")
    home = built.projects.create(SYSTEM, None, "dock", public=False)
    built.members.add_group(SYSTEM, home.id, added["id"], Role.DEVELOPER)
    (listed,) = told(moorage("group", "list", "--match", "dev", "--json"))
    assert (listed["people"], listed["roles"]) == (1, {"dock": "developer"})
    assert moorage("group", "list").output.split("\t")[:4] == [
        str(added["id"]),
        DEVS,
        "1",
        "dock developer",
    ]
    assert told(moorage("group", "list", "--match", "nobody", "--json")) == []
    assert moorage("group", "delete", DEVS, "--yes").exit_code == 0
    assert told(moorage("group", "list", "--json")) == []


def test_a_group_shows_when_the_directory_was_last_asked(moorage: Moorage, built: Services) -> None:
    told(moorage("group", "add", DEVS, "--json"))
    assert told(moorage("group", "show", DEVS, "--json"))["refreshed_at"] is None
    done = built.runner.run_next(["identity-refresh"])
    assert done is not None
    assert done.ended_at is not None
    assert told(moorage("group", "show", DEVS, "--json"))["refreshed_at"] == done.ended_at.isoformat()


@pytest.mark.parametrize("words", [("show", "crew@vsphere.local"), ("delete", "nobody", "--yes")])
def test_a_group_that_is_not_known_is_named(moorage: Moorage, words: tuple[str, ...]) -> None:
    refused = moorage("group", *words)
    assert refused.exit_code == 1
    assert words[1] in refused.output


def test_the_list_of_people_tells_where_they_are_from(moorage: Moorage, built: Services) -> None:
    built.users.create(SYSTEM, "alice", "Harbour-1-pilot")
    built.authenticator.authenticate(MARY, PASSWORD, "192.0.2.1")
    found = {each["name"]: each for each in told(moorage("user", "list", "--json"))}
    assert (found["alice"]["source"], found["alice"]["seen_at"]) == ("local", None)
    assert found[MARY]["source"] == "directory"
    assert found[MARY]["seen_at"] is not None
