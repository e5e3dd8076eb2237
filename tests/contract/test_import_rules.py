"""Who may import whom, as pyproject.toml says it; and that every kind of wrong import is seen."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    # The copy is of one package; the others are looked at where they are.
    places = (root / "server", ROOT / "appliance", ROOT / "ova")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [LINTER, "--no-cache"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


SPOILED = (
    ("errors.py", "moorage.oci.names"),
    ("distribution/model.py", "moorage.audit.model"),
    ("token/model.py", "moorage.distribution.model"),
    ("web/problems.py", "moorage.cli.main"),
    ("distribution/errors.py", "moorage.distribution.model"),
    ("projects/model.py", "moorage.projects.store"),
    ("web/v2/tags.py", "moorage.distribution.tables"),
    ("web/v2/tags.py", "moorage.distribution.store"),
    ("distribution/tags.py", "peewee"),
    ("distribution/tags.py", "falcon"),
    ("web/app.py", "waitress"),
    ("identity/users.py", "passlib"),
    ("token/tokens.py", "jwt"),
    ("jobs/model.py", "schedule"),
    ("web/app.py", "click"),
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the package into which every wrong import was put."""
    house = tmp_path_factory.mktemp("house")
    package = house / "server" / "moorage"
    shutil.copytree(ROOT / "server" / "moorage", package)
    shutil.copy(ROOT / "pyproject.toml", house)
    for file, imported in SPOILED:
        with (package / file).open("a") as stream:
            stream.write(f"\nimport {imported}\n")
    result = lint(house)
    assert result.returncode == 1, result.stderr
    return result.stdout


@pytest.mark.parametrize(("file", "imported"), SPOILED)
def test_a_wrong_import_is_found(findings: str, file: str, imported: str):
    importer = "moorage." + file.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {imported} (" in findings


def test_a_module_that_has_no_floor_is_found(tmp_path: Path):
    shutil.copytree(ROOT / "server" / "moorage", tmp_path / "server" / "moorage")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "server" / "moorage" / "utils.py").touch()
    assert "moorage.utils" in lint(tmp_path).stdout
