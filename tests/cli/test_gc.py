"""`moorage gc` and `moorage run gc` as an administrator types them."""

import json
import os
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main
from moorage.clock import utcnow
from moorage.config import load
from moorage.db.connection import close_connection, open_database
from moorage.events import SYSTEM
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName
from moorage.services import Services

NAME = RepositoryName("library/app")
DATA = b"nobody needs this"


@pytest.fixture
def environment(tmp_path):
    return {
        "MOORAGE_DATA": str(tmp_path / "data"),
        "MOORAGE_LOG_LEVEL": "error",
        "MOORAGE_STORAGE_WARN_PERCENT": "100",
        "MOORAGE_STORAGE_FULL_PERCENT": "100",
    }


@pytest.fixture
def moorage(environment):
    """Runs a command over a data folder of its own, in which a blob was pushed two days ago."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, env=environment)

    assert run("migrate").exit_code == 0
    settings = load(None, environment)
    open_database(settings.database_url)
    services = Services.build(settings, lambda: utcnow() - timedelta(days=2))
    project = services.projects.create(SYSTEM, None, "library")
    path = services.spool.new_path()
    with open(path, "wb") as file:
        file.write(DATA)
    services.uploads.push(SYSTEM, project.id, NAME, services.spool.adopt(path), digest_of(DATA))
    close_connection()
    return run


def told(result: Result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_plan_is_written_and_carried_out(moorage, tmp_path):
    plan = str(tmp_path / "plan.jsonl")
    assert told(moorage("gc", "plan", plan, "--json")) == {
        "file": plan,
        "items": 1,
        "freed_bytes": len(DATA),
    }
    done = told(moorage("gc", "apply", plan, "--json"))
    assert (done["state"], done["blobs"], done["freed_bytes"]) == ("success", 1, len(DATA))
    assert told(moorage("gc", "plan", plan, "--json"))["items"] == 0
    assert "17 bytes" in moorage("gc", "forecast").stdout


def test_a_run_collects_and_a_dry_run_does_not(moorage):
    for _ in range(2):
        assert told(moorage("run", "gc", "--dry-run", "--json"))["blobs"] == 1
    assert told(moorage("run", "gc", "--json"))["blobs"] == 1
    assert told(moorage("run", "gc", "--json"))["blobs"] == 0


def test_the_forecast_tells_of_the_queue_and_of_the_trash(moorage):
    before = told(moorage("gc", "forecast", "--json"))
    assert (before["waiting_bytes"], before["due"], before["trash_bytes"]) == (len(DATA), 1, 0)
    moorage("run", "gc")
    after = told(moorage("gc", "forecast", "--json"))
    assert (after["waiting_bytes"], after["candidates"], after["trash_bytes"]) == (0, 0, len(DATA))
    assert told(moorage("gc", "failing", "--json")) == []


def test_what_is_no_plan_is_refused(moorage, tmp_path):
    plan = tmp_path / "plan.jsonl"
    result = moorage("gc", "apply", str(plan))
    assert result.exit_code == 1
    assert "cannot be read" in result.output
    plan.write_text("nonsense")
    assert "is not a plan" in moorage("gc", "apply", str(plan)).output
    assert "cannot be written" in moorage("gc", "plan", str(tmp_path / "no" / "plan")).output


def test_a_plan_replaces_nothing_but_a_plain_file_and_is_its_owners(moorage, tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    for name, make in (("pipe", os.mkfifo), ("link", lambda path: os.symlink(kept, path))):
        make(tmp_path / name)
        assert "is no plain file" in moorage("gc", "plan", str(tmp_path / name)).output
    assert kept.read_text() == "kept"
    plan = tmp_path / "plan.jsonl"
    plan.write_text("an older one")
    assert moorage("gc", "plan", str(plan)).exit_code == 0
    assert plan.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob(".plan*")] == []
