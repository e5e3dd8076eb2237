"""What a service manager hears of the programs: ready when they serve, and not before."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.child import Child
from tests.support.raw_http import RawClient
from tests.support.server import MOORAGE, RunningServer

SECONDS = 60


class Manager:
    """The socket of a service manager."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(SECONDS)

    def hears(self) -> dict[str, str]:
        """The next thing it is told."""
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def heard_nothing(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(SECONDS)
        return False


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.socket.close()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    made = RunningServer(tmp_path_factory.mktemp("m"), nginx=True)
    made.sockets.mkdir()
    yield made
    made.kill()


def started(server: RunningServer, manager: Manager, *words: str) -> Child:
    environment = {**server.environment(), "NOTIFY_SOCKET": str(manager.path)}
    return Child([MOORAGE, *words], server.folder / "program.log", env=environment)


def test_a_server_is_ready_when_every_process_answers(server: RunningServer, manager: Manager) -> None:
    child = started(server, manager, "serve")
    try:
        told = manager.hears()
        assert told["READY"] == "1"
        assert "is ready at" in told["STATUS"]
        for name in sorted(os.listdir(server.sockets)):
            with RawClient(f"unix:{server.sockets}/{name}") as client:
                assert client.request("GET", "/healthz").status == 200
        assert child.stop() == 0
        assert manager.heard_nothing()
    finally:
        child.kill()


def test_a_worker_is_ready_when_it_works(server: RunningServer, manager: Manager) -> None:
    prepared = started(server, manager, "prepare")
    assert prepared.ended(SECONDS) == 0
    assert manager.heard_nothing()
    child = started(server, manager, "worker")
    try:
        assert manager.hears()["READY"] == "1"
        assert child.stop() == 0
    finally:
        child.kill()


def test_a_server_that_cannot_start_is_never_ready(server: RunningServer, manager: Manager) -> None:
    child = started(server, manager, "serve", "registry")  # nothing is prepared
    assert child.ended(SECONDS) == 1
    assert manager.heard_nothing()


@pytest.mark.parametrize("where", ["/nobody/listens", "@moorage-nobody-listens"])
def test_a_service_manager_that_is_gone_stops_nobody(server: RunningServer, where: str) -> None:
    environment = {**server.environment(), "NOTIFY_SOCKET": where}
    child = Child([MOORAGE, "serve"], server.folder / "program.log", env=environment)
    try:
        child.wait_for("is ready at", SECONDS)
        child.wait_for("could not be told", SECONDS)
        assert child.stop() == 0
    finally:
        child.kill()
