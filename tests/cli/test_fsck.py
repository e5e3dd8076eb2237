"""`moorage fsck` as an administrator types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main
from moorage.oci.digest import digest_of

Moorage = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def moorage(data: Path) -> Moorage:
    """Runs a command over a data folder of its own, already migrated."""
    runner = CliRunner()
    environment = {"MOORAGE_DATA": str(data), "MOORAGE_LOG_LEVEL": "error"}

    def run(*words: str) -> Result:
        return runner.invoke(main, words, env=environment)

    assert run("migrate").exit_code == 0
    assert run("status").exit_code == 0
    return run


def orphan(data: Path, content: bytes = b"nobody's") -> Path:
    digest = digest_of(content)
    path = data / "blobs" / digest.algorithm / digest.hex[:2] / digest.hex
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("words", [("fsck",), ("run", "fsck"), ("fsck", "--no-hash"), ("fsck", "--repair")])
def test_a_clean_registry_ends_with_zero(moorage, words):
    result = moorage(*words, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["ok"], told["findings"], told["state"], told["job"]) == (True, {}, "success", "fsck")


@pytest.mark.parametrize("words", [("fsck",), ("run", "fsck")])
def test_findings_are_named_and_end_with_one(moorage, data, words):
    path = orphan(data)
    result = moorage(*words)
    assert result.exit_code == 1
    assert f"orphan_file: sha256:{path.name} (8 bytes)" in result.stdout
    assert path.exists()
    assert json.loads(moorage(*words, "--json").stdout)["findings"] == {"orphan_file": 1}


def test_what_was_repaired_ends_with_zero_and_lies_in_the_quarantine(moorage, data):
    path = orphan(data)
    repaired = moorage("fsck", "--repair")
    assert repaired.exit_code == 0, repaired.output
    assert "moved to the quarantine" in repaired.stdout
    assert not path.exists()
    (thing,) = json.loads(moorage("fsck", "--quarantine", "--json").stdout)
    assert (thing["name"], thing["why"], thing["size_bytes"]) == (path.name, "orphan_file", 8)
    assert (Path(thing["folder"]) / path.name).read_bytes() == b"nobody's"
    assert path.name in moorage("fsck", "--quarantine").stdout


def test_the_quarantine_is_emptied_of_what_is_old_alone(moorage, data):
    orphan(data)
    moorage("fsck", "--repair")
    kept = moorage("fsck", "--empty-quarantine", "--older-than", "1", "--json")
    assert json.loads(kept.stdout) == {"removed": 0, "freed_bytes": 0}
    gone = moorage("fsck", "--empty-quarantine", "--older-than", "0", "--json")
    assert json.loads(gone.stdout) == {"removed": 1, "freed_bytes": 8}
    assert json.loads(moorage("fsck", "--quarantine", "--json").stdout) == []
    assert list((data / "quarantine").iterdir()) == []
    logged = json.loads(moorage("audit", "--operation", "delete_quarantine", "--json").stdout)
    assert [each["detail"] for each in logged] == ["1 removed, 8 bytes"]


@pytest.mark.parametrize(
    "words",
    [
        ("--empty-quarantine",),
        ("--quarantine", "--empty-quarantine", "--older-than", "1"),
        ("--quarantine", "--repair"),
        ("--empty-quarantine", "--older-than", "-1"),
    ],
)
def test_what_makes_no_sense_changes_nothing(moorage, data, words):
    orphan(data)
    moorage("fsck", "--repair")
    assert moorage("fsck", *words).exit_code == 2
    assert len(json.loads(moorage("fsck", "--quarantine", "--json").stdout)) == 1


def test_status_tells_of_the_last_check(moorage, data):
    assert json.loads(moorage("status", "--json").stdout)["last_fsck"] == "never"
    orphan(data)
    moorage("fsck")
    told = json.loads(moorage("status", "--json").stdout)["last_fsck"]
    assert "UTC: 0 blobs checked, found 1 orphan_file" in told
    assert "1 remain" in told
