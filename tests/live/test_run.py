"""The first start and every later one, as a newcomer sees them."""

import os
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moorage.cli import prepare
from moorage.cli.context import settings
from moorage.db.connection import atomic, close_connection, database, open_database
from moorage.distribution.tables import BlobLinkRow, BlobRow, ManifestRow, RepositoryRow, TagRow
from moorage.projects.tables import ProjectRow
from moorage.services import Services
from moorage.web.app import root_app
from tests.support.child import Child
from tests.support.registry import Refusal, RegistryClient, refused
from tests.support.server import ADMIN, MOORAGE, RunningServer

ROOT = Path(__file__).parents[2]
MANY = 20_000
PASSWORD_LINE = r"[Pp]assword\W+(Mo1-\S+)"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server nobody gave a password to."""
    made = RunningServer(tmp_path / "server")
    yield made
    made.kill()


def start_unprepared(server: RunningServer) -> str:
    """Start it without an administrator's password; returns everything it printed until it was ready."""
    environment = server.environment()
    del environment["MOORAGE_ADMIN_PASSWORD"]
    server.child = Child([MOORAGE, "serve"], server.log, env=environment, cwd=server.folder)
    server.wait_until_ready()
    server.child.wait_for("docker push")  # the last of what it says
    return server.child.output


def test_the_first_start_says_where_it_is_and_how_to_log_in_and_push(server: RunningServer):
    said = start_unprepared(server)
    assert server.url in said
    assert f"docker login {server.host}" in said
    assert f"docker push {server.host}/library/" in said
    password = re.search(PASSWORD_LINE, said)[1]
    RegistryClient(server.url, "admin", password).login()


def test_the_password_is_kept_where_only_its_owner_can_read_it(server: RunningServer):
    password = re.search(PASSWORD_LINE, start_unprepared(server))[1]
    (kept,) = server.data.glob("admin-password")
    assert kept.read_text().strip() == password
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) & 0o007 == 0


def test_the_password_is_told_once_and_stays_valid(server: RunningServer):
    password = re.search(PASSWORD_LINE, start_unprepared(server))[1]
    server.stop()
    said = start_unprepared(server)
    assert password not in said
    assert not re.search(PASSWORD_LINE, said)
    RegistryClient(server.url, "admin", password).login()


def test_a_password_that_was_given_is_used_and_printed_nowhere(server: RunningServer):
    server.start()
    RegistryClient(server.url, ADMIN.name, ADMIN.password).login()
    assert ADMIN.password not in server.log.read_text()
    assert not (server.data / "admin-password").exists()


def test_ctrl_c_ends_it_cleanly(server: RunningServer):
    server.start()
    os.killpg(server.child.pid, signal.SIGINT)  # a terminal signals the whole group
    assert server.child.ended() == 0
    assert "Traceback" not in server.log.read_text()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_ctrl_c_ends_make_run_with_everything_it_started(server: RunningServer):
    command = ["make", "--no-print-directory", "-C", ROOT, "run"]
    server.child = Child(command, server.log, env=server.environment())
    server.wait_until_ready()
    family = server.processes()
    os.killpg(server.child.pid, signal.SIGINT)
    server.child.ended()
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    assert "Traceback" not in server.log.read_text()


def test_what_was_pushed_is_there_after_a_restart(server: RunningServer):
    server.start()
    client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
    digest = client.push_blob("library/kept", b"some bytes")
    server.restart()
    assert client.pull_blob("library/kept", digest) == b"some bytes"


def test_it_is_ready_however_much_is_stored(server: RunningServer, monkeypatch: pytest.MonkeyPatch):
    """No clock says so: a start does not look at each row of any table even once."""
    server.start()
    server.stop()
    empty = steps_of_a_start(server, monkeypatch)
    fill(server.data / "db" / "moorage.sqlite")
    full = steps_of_a_start(server, monkeypatch)
    assert empty > 0
    assert full < empty + MANY
    server.start()
    tags = RegistryClient(server.url, ADMIN.name, ADMIN.password).request(
        "GET", "/v2/library/many/tags/list", params={"n": "3"}
    )
    assert tags.json()["tags"] == ["tag-00000", "tag-00001", "tag-00002"]


def steps_of_a_start(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many instructions SQLite carries out until everything is ready that a server needs."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def opened(url: str) -> None:
        open_database(url)
        database.connection().set_progress_handler(count, 1)

    def build(services: Services) -> None:
        root_app(services)

    monkeypatch.setattr(prepare, "open_database", opened)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    prepare.make_ready(settings(), build)
    return steps


def fill(path: Path) -> None:
    """Put many tags, manifests and blobs into the database, as years of use would."""
    open_database(f"sqlite:///{path}")
    now = 1_700_000_000_000_000
    with atomic():
        project = ProjectRow.get(name="library")
        moments = {"created_at": now, "updated_at": now}
        repository = RepositoryRow.create(project=project, name="library/many", **moments)
        for start in range(0, MANY, 1000):
            numbers = range(start, start + 1000)
            BlobRow.insert_many(blob_row(number, now) for number in numbers).execute()
            ManifestRow.insert_many(manifest_row(repository.id, number, now) for number in numbers).execute()
        BlobLinkRow.insert_from(
            BlobRow.select(repository.id, BlobRow.id), [BlobLinkRow.repository, BlobLinkRow.blob]
        ).execute()
        manifests = ManifestRow.select(ManifestRow.id).order_by(ManifestRow.id).tuples()
        rows = [
            {"repository": repository.id, "name": f"tag-{number:05}", "manifest": found, "pushed_at": now}
            for number, (found,) in enumerate(manifests)
        ]
        for start in range(0, MANY, 1000):
            TagRow.insert_many(rows[start : start + 1000]).execute()
    close_connection()


def blob_row(number: int, now: int) -> dict[str, object]:
    return {"digest": f"sha256:{number:064x}", "size_bytes": 1000, "created_at": now}


def manifest_row(repository_id: int, number: int, now: int) -> dict[str, object]:
    return {
        "repository": repository_id,
        "digest": f"sha256:{number + MANY:064x}",
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "size_bytes": 1000,
        "pushed_at": now,
        "body": b"{}",
    }


def test_a_port_that_is_taken_is_told_in_one_line(server: RunningServer, new_child: Callable[..., Child]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        child = new_child([MOORAGE, "serve"], env=server.environment())
        assert child.ended() == 1
    assert str(server.port) in child.output
    assert "Traceback" not in child.output


def test_everything_that_is_wrong_with_the_settings_is_told_at_once(
    server: RunningServer, new_child: Callable[..., Child]
):
    file = server.folder / "moorage.toml"
    unreachable = file / "below-a-file"
    file.write_text(f'[server]\nport = "high"\ncolour = "blue"\n[storage]\ndata = "{unreachable}"\n')
    inherited = {key: value for key, value in server.environment().items() if "MOORAGE" not in key}
    env = {**inherited, "MOORAGE_CONFIG": str(file), "MOORAGE_SERVER_THREADS": "many"}
    child = new_child([MOORAGE, "serve"], env=env)
    assert child.ended() == 2
    for word in (str(file), "server.port", "server.colour", "storage.data", "MOORAGE_SERVER_THREADS"):
        assert word in child.output
    assert "Traceback" not in child.output


def test_a_wrong_password_of_the_administrator_is_refused(server: RunningServer):
    server.start()
    with refused(Refusal.UNAUTHENTICATED):
        RegistryClient(server.url, "admin", "Wrong-1-password").login()
