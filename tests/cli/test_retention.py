"""`moorage retention` as an administrator types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main
from moorage.clock import utcnow
from moorage.db.connection import close_connection, open_database
from moorage.oci.names import RepositoryName
from tests.support.distribution import Distribution

Moorage = Callable[..., Result]
ALL = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
NEWEST = {
    "rules": [
        {
            "template": "latestPushedK",
            "params": {"latestPushedK": 1},
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
            "scope_selectors": ALL,
        }
    ],
    "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 3 * * *"}},
}


@pytest.fixture
def moorage(tmp_path: Path) -> Moorage:
    """Commands over a data folder with a project ``dock`` of two repositories, two tags each."""
    data = tmp_path / "data"
    url = f"sqlite:///{data}/db/moorage.sqlite"
    environment = {"MOORAGE_DATA": str(data), "MOORAGE_DATABASE_URL": url, "MOORAGE_LOG_LEVEL": "error"}

    def run(*words: str, **how: object) -> Result:
        return CliRunner().invoke(main, words, env=environment, **how)

    assert run("migrate").exit_code == 0
    project = told(run("project", "add", "dock", "--json"))
    open_database(url)
    site = Distribution(data, utcnow, project_id=project["id"])
    for name in ("dock/app", "dock/web"):
        for tag in ("v1", "v2"):
            site.push_image(tag, f"{name} {tag}".encode(), repository=RepositoryName(name))
    close_connection()
    return run


def told(result: Result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def set_policy(moorage: Moorage, policy: object = NEWEST) -> Result:
    return moorage("retention", "set", "dock", "-", input=json.dumps(policy))


def test_a_policy_is_set_shown_replaced_and_deleted(moorage, tmp_path):
    assert set_policy(moorage).exit_code == 0
    shown = told(moorage("retention", "show", "dock", "--json"))
    assert shown["trigger"]["settings"]["cron"] == "0 0 3 * * *"
    assert shown["rules"][0]["params"] == {"latestPushedK": 1}
    assert (
        "the most recently pushed 1\tmatches **\trepoMatches **\tno"
        in moorage("retention", "show", "dock").stdout
    )
    # What one command prints the other reads.
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({**shown, "trigger": None}))
    assert moorage("retention", "set", "dock", str(file)).exit_code == 0
    changed = told(moorage("retention", "show", "dock", "--json"))
    assert (changed["id"], changed["trigger"]["settings"]["cron"]) == (shown["id"], "")
    assert moorage("retention", "delete", "dock", "--yes").exit_code == 0
    assert "has no retention policy" in moorage("retention", "show", "dock").stderr


def test_the_simulation_names_the_rule_and_changes_nothing(moorage):
    set_policy(moorage)
    rows = told(moorage("retention", "simulate", "dock", "--json"))
    assert [(row["repository"], row["tag"], row["decision"]) for row in rows] == [
        ("app", "v2", "RETAIN"),
        ("app", "v1", "DEL"),
        ("web", "v2", "RETAIN"),
        ("web", "v1", "DEL"),
    ]
    assert rows[0]["reason"] == "rule 1 keeps the most recently pushed 1"
    only = moorage("retention", "simulate", "dock", "web", "--deleted")
    assert only.stdout.startswith("web\tv1\tDEL\tno rule keeps it\t")
    assert told(moorage("retention", "simulate", "dock", "--json")) == rows


def test_a_run_does_what_the_simulation_said_and_is_remembered(moorage):
    set_policy(moorage)
    dry = told(moorage("retention", "run", "dock", "--dry-run", "--json"))
    assert (dry["deleted"], dry["retained"], dry["dry_run"]) == (2, 2, True)
    done = told(moorage("retention", "run", "dock", "--json"))
    assert (done["state"], done["deleted"], done["retained"]) == ("success", 2, 2)
    assert told(moorage("retention", "simulate", "dock", "--deleted", "--json")) == []
    runs = told(moorage("retention", "history", "dock", "--json"))
    assert [(each["run"], each["dry_run"], each["state"]) for each in runs] == [
        (done["run"], False, "success"),
        (dry["run"], True, "success"),
    ]


@pytest.mark.parametrize(
    ("words", "policy", "complaint"),
    [
        (("show", "dock"), None, "project dock has no retention policy"),
        (("run", "dock"), None, "project dock has no retention policy"),
        (("simulate", "pier"), None, "no project is called 'pier'"),
        (("set", "dock", "-"), {"rules": "all"}, "rules is a list"),
        (("set", "dock", "-"), {"scope": {"level": "project", "ref": 999}}, "another project"),
        (("set", "dock", "-"), None, "the JSON is"),
    ],
)
def test_what_cannot_be_is_one_line_on_standard_error(moorage, words, policy, complaint):
    given = "nonsense" if policy is None else json.dumps(policy)
    result = moorage("retention", *words, input=given)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_repository_that_is_not_there_cannot_be_simulated(moorage):
    set_policy(moorage)
    result = moorage("retention", "simulate", "dock", "none")
    assert result.exit_code == 1
    assert "there is no repository dock/none" in result.stderr


def test_a_file_that_is_no_text_is_told_as_such(moorage: Moorage, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(b"\xff\xfe{}")
    result = moorage("retention", "set", "dock", str(file))
    assert result.exit_code == 1
    assert "the JSON is not UTF-8" in result.stderr
