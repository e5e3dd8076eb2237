"""A server in two halves, as the appliance runs it: the registry and the portal, ready before both."""

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.child import Child
from tests.support.raw_http import RawClient
from tests.support.server import ADMIN, MOORAGE, RunningServer

READY_SECONDS = 60


class Halves:
    """The programs of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._server = RunningServer(folder, nginx=True)
        self._children: list[Child] = []
        self.sockets = self._server.sockets
        self.data = self._server.data

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        environment = {**self._server.environment(), **more}
        return subprocess.run(
            [MOORAGE, *words], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def serve(self, part: str, **more: str) -> Child:
        """Start one half and wait until it serves."""
        log = self._server.folder / f"{part}.log"
        child = Child([MOORAGE, "serve", part], log, env={**self._server.environment(), **more})
        self._children.append(child)
        child.wait_for("is ready at", READY_SECONDS)
        return child

    def ask(self, part: str, path: str, number: int = 0, login: str = "") -> int:
        """The status with which a process of a half answers; `login` is name:password."""
        headers = {"Authorization": "Basic " + b64encode(login.encode()).decode()} if login else {}
        with RawClient(f"unix:{self.sockets}/{part}/{number}.sock") as client:
            return client.request("GET", path, headers).status

    def end(self) -> None:
        for child in self._children:
            child.kill()


@pytest.fixture
def halves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Halves]:
    made = Halves(tmp_path_factory.mktemp("h"))
    yield made
    made.end()


def test_each_half_serves_on_sockets_of_its_own(halves: Halves) -> None:
    assert halves.run("prepare").returncode == 0
    halves.serve("registry")
    halves.serve("portal")
    assert sorted(os.listdir(halves.sockets)) == ["portal", "registry"]
    assert halves.ask("registry", "/v2/") == 401
    assert halves.ask("portal", "/api/v2.0/ping") == 200
    assert halves.ask("portal", "/healthz", 1) == 200


def test_a_half_wants_everything_prepared(halves: Halves) -> None:
    done = halves.run("serve", "registry")
    assert done.returncode == 1
    assert "moorage prepare" in done.stderr


def test_there_is_one_of_each_half_and_no_whole_beside_them(halves: Halves) -> None:
    halves.run("prepare")
    halves.serve("registry")
    for words in (("serve", "registry"), ("serve",), ("prepare",)):
        done = halves.run(*words)
        assert done.returncode == 1
        assert "another moorage serves" in done.stderr
    assert halves.ask("registry", "/v2/") == 401


def test_a_half_without_a_folder_for_its_sockets_is_refused(halves: Halves) -> None:
    halves.run("prepare")
    done = halves.run("serve", "portal", MOORAGE_SERVER_SOCKET_FOLDER="")
    assert done.returncode == 1
    assert "server.socket_folder" in done.stderr


def test_the_first_administrator_has_the_password_of_the_credential(halves: Halves, tmp_path: Path) -> None:
    (tmp_path / "admin-password").write_text("Pier-9-keeper\n")
    done = halves.run("prepare", CREDENTIALS_DIRECTORY=str(tmp_path))
    assert done.returncode == 0
    assert "Pier-9-keeper" not in done.stdout + done.stderr
    assert not (halves.data / "admin-password").exists()
    halves.serve("portal")
    assert halves.ask("portal", "/api/v2.0/users/current", login="admin:Pier-9-keeper") == 200
    assert halves.ask("portal", "/api/v2.0/users/current", login=f"admin:{ADMIN.password}") == 401


def test_the_registry_and_not_the_portal_asks_for_a_collection_on_restart(halves: Halves) -> None:
    halves.run("prepare")
    halves.serve("portal", MOORAGE_GC_ON_RESTART="true")
    assert _collections(halves) == 0
    halves.serve("registry", MOORAGE_GC_ON_RESTART="true")
    assert _collections(halves) == 1


def _collections(halves: Halves) -> int:
    done = halves.run("job", "list", "--json")
    return sum(each["kind"] == "gc" for each in json.loads(done.stdout))
