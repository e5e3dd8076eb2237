"""The command line as an administrator types it: plain output, JSON, and errors on one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main

Moorage = Callable[..., Result]

PASSWORD = "Quay-side-7\n"


@pytest.fixture
def moorage(tmp_path: Path) -> Moorage:
    """Runs a command over a data folder of its own, already migrated."""
    runner = CliRunner()
    environment = {
        "MOORAGE_DATA": str(tmp_path / "data"),
        "MOORAGE_LOG_LEVEL": "error",
        # How full this machine's own disk is is no test's business.
        "MOORAGE_STORAGE_WARN_PERCENT": "100",
        "MOORAGE_STORAGE_FULL_PERCENT": "100",
    }

    def run(*words: str, **how: object) -> Result:
        return runner.invoke(main, words, env=environment, **how)

    assert run("migrate").exit_code == 0
    return run


def told(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_command_explains_itself(moorage: Moorage):
    pending = [()]
    while pending:
        words = pending.pop()
        result = moorage(*words, "--help")
        assert result.exit_code == 0, words
        assert "Usage:" in result.output
        group = main
        for word in words:
            group = group.commands[word]
        pending += [(*words, name) for name in getattr(group, "commands", {})]


def test_a_new_password_of_the_first_administrator_removes_the_made_up_one(moorage: Moorage, tmp_path: Path):
    assert moorage("prepare").exit_code == 0
    kept = tmp_path / "data" / "admin-password"
    moorage("user", "add", "alice", "--password-stdin", input=PASSWORD)
    assert moorage("user", "password", "alice", "--password-stdin", input="Quay-side-8\n").exit_code == 0
    assert kept.read_text().startswith("Mo1-")
    assert moorage("user", "password", "admin", "--password-stdin", input="weak\n").exit_code == 1
    assert kept.exists()
    assert moorage("user", "password", "admin", "--password-stdin", input=PASSWORD).exit_code == 0
    assert not kept.exists()


def test_a_user_is_added_listed_disabled_and_deleted(moorage: Moorage):
    added = told(
        moorage("user", "add", "alice", "--email", "a@b.c", "--password-stdin", "--json", input=PASSWORD)
    )
    assert (added["name"], added["admin"], added["disabled"]) == ("alice", False, False)
    assert moorage("user", "disable", "alice").exit_code == 0
    assert [each["disabled"] for each in told(moorage("user", "list", "--match", "alice", "--json"))] == [
        True
    ]
    assert moorage("user", "delete", "alice", "--yes").exit_code == 0
    assert told(moorage("user", "list", "--match", "alice", "--json")) == []


def test_the_last_administrator_stays(moorage: Moorage):
    assert moorage("user", "add", "root", "--admin", "--password-stdin", input=PASSWORD).exit_code == 0
    refused = moorage("user", "delete", "root", "--yes")
    assert refused.exit_code == 1
    assert [each["name"] for each in told(moorage("user", "list", "--json"))] == ["root"]


def test_a_weak_password_is_refused_with_the_rule(moorage: Moorage):
    refused = moorage("user", "add", "alice", "--password-stdin", input="weak\n")
    assert refused.exit_code == 1
    assert "password" in refused.output
    assert "Traceback" not in refused.output


def test_a_password_is_never_printed(moorage: Moorage):
    result = moorage("user", "add", "alice", "--password-stdin", input=PASSWORD)
    assert PASSWORD.strip() not in result.output


def test_a_project_with_members(moorage: Moorage):
    for name in ("alice", "bob"):
        moorage("user", "add", name, "--password-stdin", input=PASSWORD)
    made = told(moorage("project", "add", "shop", "--owner", "alice", "--json"))
    assert (made["name"], made["public"], made["owner"]) == ("shop", False, "alice")
    assert moorage("project", "member", "add", "shop", "bob", "--role", "guest").exit_code == 0
    assert moorage("project", "member", "add", "shop", "bob", "--role", "maintainer").exit_code == 0
    members = told(moorage("project", "member", "list", "shop", "--json"))
    assert {each["user"]: each["role"] for each in members} == {"alice": "project-admin", "bob": "maintainer"}
    assert moorage("project", "member", "remove", "shop", "bob").exit_code == 0
    assert moorage("project", "publish", "shop").exit_code == 0
    assert told(moorage("project", "list", "--json"))[0]["public"] is True
    assert moorage("project", "delete", "shop", "--yes").exit_code == 0


def test_a_project_is_renamed_and_its_old_name_released(moorage: Moorage):
    moorage("project", "add", "shop")
    assert moorage("project", "rename", "shop", "store").exit_code == 0
    assert [each["name"] for each in told(moorage("project", "list", "--json"))] == ["store"]
    assert moorage("project", "publish", "shop").exit_code == 0  # leads there
    refused = moorage("project", "add", "shop")
    assert refused.exit_code == 1
    assert "shop" in refused.output
    (former,) = told(moorage("project", "former-names", "--json"))
    assert (former["name"], former["project"]) == ("shop", "store")
    assert moorage("project", "release-name", "shop").exit_code == 1  # nobody said yes
    assert moorage("project", "release-name", "shop", "--yes").exit_code == 0
    assert moorage("project", "add", "shop").exit_code == 0
    assert moorage("project", "release-name", "shop", "--yes").exit_code == 1
    assert moorage("project", "rename", "nobody", "other").exit_code == 1
    assert moorage("project", "rename", "shop", "store").exit_code == 1


def test_what_does_not_exist_is_named(moorage: Moorage):
    for words in (
        ("user", "disable", "nobody"),
        ("project", "publish", "nobody"),
        ("robot", "list", "nobody"),
        ("token", "list", "nobody"),
    ):
        result = moorage(*words)
        assert result.exit_code == 1, words
        assert "nobody" in result.output


def test_a_robots_secret_is_shown_once_and_can_be_refreshed(moorage: Moorage):
    moorage("project", "add", "shop")
    made = told(moorage("robot", "add", "shop", "ci", "--may", "push", "--json"))
    assert made["name"] == "robot$shop+ci"
    listed = moorage("robot", "list", "shop", "--json")
    assert made["secret"] not in listed.output
    fresh = told(moorage("robot", "refresh", "shop", "ci", "--json"))
    assert fresh["secret"] != made["secret"]
    assert moorage("robot", "delete", "shop", "ci", "--yes").exit_code == 0


def test_a_robot_of_the_system_is_for_projects_and_for_what_lies_outside(moorage: Moorage):
    moorage("project", "add", "shop")
    words = ("robot", "add", "/", "ci", "--project", "shop", "--right", "user:list", "--json")
    assert told(moorage(*words))["name"] == "robot$ci"
    assert moorage("robot", "add", "/", "all", "--all-projects").exit_code == 0
    listed = told(moorage("robot", "list", "/", "--json"))
    assert [each["name"] for each in listed] == ["robot$all", "robot$ci"]
    assert told(moorage("robot", "list", "shop", "--json")) == []
    assert told(moorage("robot", "refresh", "/", "ci", "--json"))["secret"]
    assert moorage("robot", "delete", "/", "ci", "--yes").exit_code == 0
    for wrong in (
        ("/", "none"),
        ("/", "bad", "--right", "administrator:update"),
        ("/", "bad", "--project", "nobody"),
        ("shop", "bad", "--all-projects"),
        ("shop", "bad", "--right", "user:list"),
    ):
        assert moorage("robot", "add", *wrong).exit_code == 1, wrong


def test_an_auditor_is_appointed_and_dismissed(moorage: Moorage):
    moorage("user", "add", "iris", "--password-stdin", input=PASSWORD)
    for words, flag in ((("auditor", "iris"), True), (("auditor", "iris", "--off"), False)):
        assert moorage("user", *words).exit_code == 0
        assert told(moorage("user", "list", "--json"))[0]["auditor"] is flag


def test_a_personal_access_token_is_shown_once_and_can_be_revoked(moorage: Moorage):
    moorage("user", "add", "alice", "--password-stdin", input=PASSWORD)
    made = told(moorage("token", "add", "alice", "laptop", "--json"))
    listed = moorage("token", "list", "alice", "--json")
    assert made["token"] not in listed.output
    assert moorage("token", "revoke", "alice", str(made["id"])).exit_code == 0
    assert told(moorage("token", "list", "alice", "--json")) == []


def test_storage_limits_are_shown_set_and_lifted(moorage: Moorage):
    moorage("project", "add", "shop")
    assert told(moorage("quota", "show", "shop", "--json")) == {
        "project": "shop",
        "used": 0,
        "limit": -1,
        "percent": None,
        "near_limit": False,
        "pending": 0,
    }
    assert told(moorage("quota", "set", "shop", "10GiB", "--json"))["limit"] == 10 * 2**30
    shown = moorage("quota", "list").stdout
    assert "shop\t0 bytes\t10 GiB\t0.0\tno" in shown
    assert "shop" not in moorage("quota", "list", "--near").stdout
    assert told(moorage("quota", "set", "shop", "none", "--json"))["limit"] == -1
    for odd in ("lots", "0", "-5", "10 apples"):
        refused = moorage("quota", "set", "--", "shop", odd)
        assert refused.exit_code != 0, odd
    assert told(moorage("quota", "show", "shop", "--json"))["limit"] == -1
    assert moorage("quota", "show", "nobody").exit_code == 1
    operations = [each["operation"] for each in told(moorage("audit", "--project", "shop", "--json"))]
    assert operations.count("update_project") == 2


def test_the_signing_key_is_rotated(moorage: Moorage):
    keys = {told(moorage("token", "rotate-key", "--json"))["key"] for _ in range(2)}
    assert len(keys) == 2


def test_keys_that_were_stolen_are_removed_with_the_rotation(moorage: Moorage):
    old = told(moorage("token", "rotate-key", "--json"))["key"]
    assert old in told(moorage("token", "rotate-key", "--void", "--json"))["removed"]


def test_the_log_says_what_was_done_newest_first(moorage: Moorage):
    moorage("project", "add", "shop")
    moorage("robot", "add", "shop", "ci")
    entries = told(moorage("audit", "--project", "shop", "--json"))
    assert [each["operation"] for each in entries] == ["create_robot", "create_project"]
    assert {each["actor"] for each in entries} == {"system"}
    only = told(moorage("audit", "--operation", "create_robot", "--limit", "1", "--json"))
    assert [each["operation"] for each in only] == ["create_robot"]


def test_plain_lists_have_one_line_a_row_for_grep_and_cut(moorage: Moorage):
    for name in ("alice", "bob"):
        moorage("user", "add", name, "--password-stdin", input=PASSWORD)
    lines = moorage("user", "list").output.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["alice", "bob"]


def test_status_tells_that_every_part_is_well(moorage: Moorage):
    row = told(moorage("status", "--json"))
    assert row["database"] == "sqlite"
    assert {name: row[name] for name in row if name.endswith("_health")} == {
        "database_health": "ok",
        "storage_health": "ok",
        "spool_health": "ok",
        "keys_health": "ok",
        "collection_health": "ok",
        "content_health": "ok",
        "people_health": "ok",
        "syslog_health": "ok",
    }


def test_status_names_the_part_that_is_ill(tmp_path: Path, moorage: Moorage):
    result = CliRunner().invoke(
        main,
        ["status", "--json"],
        env={"MOORAGE_DATA": str(tmp_path / "data"), "MOORAGE_STORAGE_RESERVE_BYTES": str(2**50)},
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout)["database_health"] == "ok"
    assert "reserve" in json.loads(result.stdout)["storage_health"]


def test_a_database_that_was_never_migrated_is_not_touched(tmp_path: Path):
    result = CliRunner().invoke(main, ["user", "list"], env={"MOORAGE_DATA": str(tmp_path / "fresh")})
    assert result.exit_code == 1
    assert "moorage migrate" in result.output


def test_migrate_check_tells_what_is_pending_and_changes_nothing(tmp_path: Path):
    environment = {"MOORAGE_DATA": str(tmp_path / "fresh")}
    for _ in range(2):
        result = CliRunner().invoke(main, ["migrate", "--check", "--json"], env=environment)
        assert result.exit_code == 1
        assert json.loads(result.stdout)["pending"][0] == "0001_initial"


def test_wrong_settings_are_all_told_at_once(tmp_path: Path):
    file = tmp_path / "moorage.toml"
    file.write_text("[server]\nport = 'many'\ncolour = 'blue'\n")
    result = CliRunner().invoke(main, ["status"], env={"MOORAGE_CONFIG": str(file)})
    assert result.exit_code == 2
    for word in (str(file), "server.port", "server.colour"):
        assert word in result.output


def test_the_worker_does_everything_once(moorage: Moorage):
    assert moorage("worker", "--once").exit_code == 0
