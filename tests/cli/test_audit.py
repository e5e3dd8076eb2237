"""`moorage audit` over entries that were taken out of the log."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.audit.archive import Archive
from moorage.audit.model import Entry
from moorage.audit.model import Result as Outcome
from moorage.cli.main import main

Moorage = Callable[..., Result]

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def moorage(tmp_path: Path) -> Moorage:
    """Runs a command over a data folder of its own, already migrated."""
    runner = CliRunner()
    environment = {"MOORAGE_DATA": str(tmp_path / "data"), "MOORAGE_LOG_LEVEL": "error"}

    def run(*words: str) -> Result:
        return runner.invoke(main, words, env=environment)

    assert run("migrate").exit_code == 0
    return run


@pytest.fixture
def archived(moorage: Moorage, tmp_path: Path) -> str:
    """The name of a file with ten entries."""
    file = Archive(tmp_path / "data" / "audit-archive").begin(7, AT)
    file.append([entry(number) for number in range(10)])
    file.close()
    return file.name


def entry(number: int) -> Entry:
    return Entry(
        id=number,
        at=AT + timedelta(minutes=number),
        request_id="req",
        actor_kind="user",
        actor="bob" if number % 2 else "alice",
        address="192.0.2.7",
        user_agent="docker/27",
        operation="push_artifact",
        resource_type="artifact",
        resource=f"dock/app:{number}",
        project_id=1,
        project="dock",
        repository="dock/app",
        tag=str(number),
        digest="",
        result=Outcome.SUCCESS,
        detail="",
    )


def told(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_the_files_of_the_archive_are_listed(moorage: Moorage, archived: str) -> None:
    (file,) = told(moorage("audit", "archives", "--json"))
    assert (file["name"], int(str(file["size_bytes"])) > 100) == (archived, True)
    assert archived in moorage("audit", "archives").stdout


def test_without_an_archive_there_is_nothing_to_list(moorage: Moorage) -> None:
    assert told(moorage("audit", "archives", "--json")) == []


def test_an_archive_is_searched_like_the_log(moorage: Moorage, archived: str) -> None:
    found = told(moorage("audit", "--archive", archived, "--actor", "bob", "--limit", "2", "--json"))
    assert [each["tag"] for each in found] == ["9", "7"]
    moorage("project", "add", "dock")
    (live,) = told(moorage("audit", "--limit", "1", "--json"))
    assert set(found[0]) == set(live)
    since = told(moorage("audit", "--archive", archived, "--since", "2026-03-04T05:14:07", "--json"))
    assert [each["tag"] for each in since] == ["9", "8"]
    lines = moorage("audit", "--archive", archived, "--text", "APP:3").stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["bob"]


def test_the_log_is_exported_in_either_form(moorage: Moorage, tmp_path: Path) -> None:
    for name in ("dock", "pier"):
        moorage("project", "add", name)
    lines = moorage("audit", "export", "--resource-type", "project").stdout.splitlines()
    assert [json.loads(line)["resource"] for line in lines] == ["pier", "dock"]
    target = tmp_path / "log.csv"
    assert moorage("audit", "export", "--format", "csv", "--output", str(target)).exit_code == 0
    assert target.read_text().startswith("id,at,request_id,")
    refused = moorage("audit", "--actor", "bob", "export")
    assert (refused.exit_code, "come after" in refused.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        (("--actor-part", "BO", "--limit", "1"), ["9"]),
        (("--actor-kind", "robot"), []),
        (("--verb", "push", "--tag", "3"), ["3"]),
        (("--verb", "delete"), []),
        (("--resource", "dock/app:4"), ["4"]),
        (("--resource-part", "APP:5"), ["5"]),
        (("--resource-type", "artifact", "--tag", "6"), ["6"]),
        (("--request-id", "req", "--tag", "7"), ["7"]),
        (("--request-id", "other"), []),
    ],
)
def test_every_condition_narrows_the_answer(
    moorage: Moorage, archived: str, words: tuple[str, ...], tags: list[str]
) -> None:
    found = told(moorage("audit", "--archive", archived, *words, "--json"))
    assert [each["tag"] for each in found] == tags


def test_the_live_log_does_not_hold_what_is_archived(moorage: Moorage, archived: str) -> None:
    assert told(moorage("audit", "--json")) == []


@pytest.mark.parametrize("name", ["none.jsonl.gz", "../../etc/passwd", ""])
def test_a_file_that_is_not_there_is_told(moorage: Moorage, archived: str, name: str) -> None:
    refused = moorage("audit", "--archive", name)
    assert refused.exit_code == 1
    assert "the archive has no file" in refused.output
