"""`moorage backup` as the appliance's own backup calls it."""

import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main
from moorage.config import load
from moorage.db.connection import close_connection, open_database
from moorage.events import SYSTEM
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName
from moorage.services import Services

DATA = [b"one", b"another"]


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request, tmp_path):
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_server").create("moorage_cli_backup")
    return {
        "MOORAGE_DATA": str(tmp_path / "data"),
        "MOORAGE_DATABASE_URL": url,
        "MOORAGE_LOG_LEVEL": "error",
        "MOORAGE_STORAGE_WARN_PERCENT": "100",
        "MOORAGE_STORAGE_FULL_PERCENT": "100",
    }


@pytest.fixture
def moorage(environment):
    """Runs a command over a registry with two blobs."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, env=environment)

    assert run("migrate").exit_code == 0
    settings = load(None, environment)
    open_database(settings.database_url)
    services = Services.build(settings)
    project = services.projects.create(SYSTEM, None, "library")
    for data in DATA:
        path = services.spool.new_path()
        with open(path, "wb") as file:
            file.write(data)
        adopted = services.spool.adopt(path)
        services.uploads.push(SYSTEM, project.id, RepositoryName("library/app"), adopted, digest_of(data))
    close_connection()
    return run


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "copy"
    found.mkdir()
    return found


def test_the_list_names_every_blob_in_order(moorage, folder, environment):
    done = moorage("backup", "database", str(folder), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["blobs"], told["blob_bytes"]) == (2, len(b"oneanother"))
    lines = sorted(f"{digest_of(data)} {len(data)}\n" for data in DATA)
    assert (folder / "blobs.txt").read_text() == "".join(lines)
    kind = "postgresql" if environment["MOORAGE_DATABASE_URL"] else "sqlite"
    assert told["database"] == kind
    copies = {"database.sqlite"} if kind == "sqlite" else set()
    assert {path.name for path in folder.iterdir()} == {"blobs.txt", *copies}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("environment", ["sqlite"], indirect=True)
class TestCopy:
    """The copy of an SQLite database."""

    def test_a_whole_one_is_taken(self, moorage, folder):
        moorage("backup", "database", str(folder))
        done = moorage("backup", "check", str(folder / "database.sqlite"))
        assert (done.exit_code, "is whole" in done.stdout) == (0, True), done.output
        assert {path.name for path in folder.iterdir()} == {"blobs.txt", "database.sqlite"}

    def test_one_of_a_newer_release_is_refused(self, moorage, folder):
        moorage("backup", "database", str(folder))
        copy = folder / "database.sqlite"
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute(
                "INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2036-01-01')"
            )
        done = moorage("backup", "check", str(copy))
        assert done.exit_code == 1
        assert "9999_from_the_future" in done.stderr

    def test_a_damaged_one_is_refused(self, moorage, folder):
        moorage("backup", "database", str(folder))
        copy = folder / "database.sqlite"
        body = bytearray(copy.read_bytes())
        body[len(body) // 3 : len(body) * 2 // 3] = b"\xff" * (len(body) * 2 // 3 - len(body) // 3)
        copy.write_bytes(body)
        assert moorage("backup", "check", str(copy)).exit_code == 1

    def test_a_copy_takes_no_other_files_place(self, moorage, folder):
        (folder / "database.sqlite").write_text("mine")
        done = moorage("backup", "database", str(folder))
        assert (done.exit_code, (folder / "database.sqlite").read_text()) == (1, "mine")
