"""`moorage immutable` as an administrator types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main

Moorage = Callable[..., Result]


@pytest.fixture
def moorage(tmp_path: Path) -> Moorage:
    """Runs a command over a data folder of its own, with a project ``shop``."""
    runner = CliRunner()
    environment = {"MOORAGE_DATA": str(tmp_path / "data"), "MOORAGE_LOG_LEVEL": "error"}

    def run(*words: str) -> Result:
        return runner.invoke(main, words, env=environment)

    assert run("migrate").exit_code == 0
    assert run("project", "add", "shop").exit_code == 0
    return run


def told(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def checked(moorage: Moorage, reference: str) -> dict[str, object]:
    return told(moorage("immutable", "check", "shop", reference, "--json"))


def test_rules_are_added_listed_checked_and_removed(moorage: Moorage):
    made = told(moorage("immutable", "add", "shop", "--tags", "v*", "--repositories", "lib/**", "--json"))
    assert {key: made[key] for key in ("repositories", "tags", "disabled", "priority")} == {
        "repositories": "lib/**",
        "tags": "v*",
        "disabled": False,
        "priority": 0,
    }
    assert told(moorage("immutable", "list", "shop", "--json")) == [made]
    assert checked(moorage, "lib/deep/app:v1") == {
        "repository": "shop/lib/deep/app",
        "tag": "v1",
        "immutable": True,
        "rule": made["id"],
        "why": "the rule keeps tags like 'v*' in repositories like 'lib/**'",
    }
    for reference in ("lib/deep/app:latest", "app:v1"):
        answer = checked(moorage, reference)
        assert (answer["immutable"], answer["rule"], answer["why"]) == (False, None, "no rule keeps it")
    assert moorage("immutable", "remove", "shop", str(made["id"])).exit_code == 0
    assert checked(moorage, "lib/deep/app:v1")["immutable"] is False
    assert told(moorage("immutable", "list", "shop", "--json")) == []


def test_everything_but_some_stays_as_it_is(moorage: Moorage):
    words = ("--tags", "latest", "--except-tags", "--repositories", "scratch/**", "--except-repositories")
    assert moorage("immutable", "add", "shop", *words).exit_code == 0
    (line,) = moorage("immutable", "list", "shop").output.splitlines()
    assert line.split("\t")[1:] == ["all but scratch/**", "all but latest", "no", "0"]
    assert [checked(moorage, name)["immutable"] for name in ("app:1", "app:latest", "scratch/a:1")] == [
        True,
        False,
        False,
    ]


def test_without_patterns_a_rule_is_for_every_tag(moorage: Moorage):
    moorage("immutable", "add", "shop", "--disabled")
    assert checked(moorage, "a/b/c:x")["immutable"] is False
    refused = moorage("immutable", "add", "shop")
    assert refused.exit_code == 1
    assert "rule 1 keeps tags like '**' in repositories like '**' already" in refused.output
    moorage("immutable", "remove", "shop", "1")
    assert moorage("immutable", "add", "shop").exit_code == 0
    assert checked(moorage, "a/b/c:x")["immutable"] is True


def test_a_check_is_readable(moorage: Moorage):
    moorage("immutable", "add", "shop", "--tags", "{v*,release-*}")
    output = moorage("immutable", "check", "shop", "app:release-7").output
    assert "immutable" in output
    assert "yes" in output
    assert "the rule keeps tags like '{v*,release-*}' in repositories like '**'" in output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("list", "nowhere"), "nowhere"),
        (("add", "nowhere"), "nowhere"),
        (("add", "shop", "--tags", "[a"), "a '[' is never closed"),
        (("add", "shop", "--repositories", ""), "a pattern is not empty"),
        (("remove", "shop", "7"), "no immutability rule 7"),
        (("check", "shop", "app"), "REPOSITORY:TAG"),
        (("check", "shop", "app:not a tag"), "tag"),
        (("check", "shop", "App:1"), "lower case"),
        (("check", "shop", ":1"), "name"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(moorage: Moorage, words: tuple[str, ...], complaint: str):
    refused = moorage("immutable", *words)
    assert refused.exit_code == 1, refused.output
    assert complaint in refused.output
    assert "Traceback" not in refused.output
    assert len(refused.output.splitlines()) == 1


def test_rules_made_on_the_machine_are_in_the_log_as_the_systems(moorage: Moorage):
    moorage("immutable", "add", "shop", "--tags", "v*")
    (entry,) = told(moorage("audit", "--project", "shop", "--operation", "update_project", "--json"))
    assert (entry["actor"], entry["detail"].partition(":")[0]) == ("system", "immutability rule 1 added")
