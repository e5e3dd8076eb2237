"""`moorage setting`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MOORAGE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOORAGE_DATABASE_URL", database)
    monkeypatch.setenv("MOORAGE_PROJECTS_CREATION", "adminonly")

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["setting", *arguments])

    return call


def value(run, name: str) -> object:
    listed = json.loads(run("list", "--all", "--json").output)
    (found,) = [each for each in listed if each["name"] == name]
    return found["value"]


def test_a_setting_is_set_and_reset(run) -> None:
    assert run("set", "read_only", "true").exit_code == 0
    assert run("set", "session_timeout", "5").exit_code == 0
    assert run("set", "project_creation_restriction", "everyone").exit_code == 0
    assert (value(run, "read_only"), value(run, "session_timeout")) == (True, 5)
    assert value(run, "project_creation_restriction") == "everyone"
    assert run("reset", "project_creation_restriction").exit_code == 0
    assert value(run, "project_creation_restriction") == "adminonly"


@pytest.mark.parametrize(
    ("name", "text"),
    [("read_only", "yes"), ("session_timeout", "soon"), ("auth_mode", "ldap_auth"), ("invented", "1")],
)
def test_what_cannot_be_set_is_refused(run, name: str, text: str) -> None:
    refused = run("set", name, text)
    assert refused.exit_code == 1
    assert name in refused.output


def test_the_list_shows_what_can_be_changed(run) -> None:
    listed = json.loads(run("list", "--json").output)
    assert all(each["editable"] for each in listed)
    assert "read_only" in [each["name"] for each in listed]
