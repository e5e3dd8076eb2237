"""Real programs: registries in child processes, with people in them, and a docker daemon."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.child import Child
from tests.support.dockerd import DockerDaemon
from tests.support.postgresql import PostgresqlServer
from tests.support.program import Outcome
from tests.support.server import RunningServer
from tests.support.site import Site, populate

# Many wrong passwords come from one address here; the lock-out has tests of its own.
PATIENT = {"MOORAGE_LOGIN_ATTEMPTS": "1000", "MOORAGE_LOGIN_ADDRESS_ATTEMPTS": "10000"}


@pytest.fixture(scope="session")
def sites(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Site]:
    """Gives the site of a variant, for instance ``nginx-sqlite``; each is started once and kept."""
    started: dict[str, Site] = {}

    def get(variant: str) -> Site:
        if variant not in started:
            front, database = variant.split("-")
            url = _new_database(request, front) if database == "postgresql" else ""
            folder = tmp_path_factory.mktemp(variant)
            server = RunningServer(folder, url, nginx=front != "direct", tls=front == "tls", settings=PATIENT)
            request.addfinalizer(server.kill)
            started[variant] = populate(server.start())
        return started[variant]

    return get


def _new_database(request: pytest.FixtureRequest, name: str) -> str:
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.create(f"moorage_{name}")


@pytest.fixture
def site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Site:
    """The site that the test's parameter names."""
    return sites(request.param)


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[DockerDaemon]:
    daemon = DockerDaemon()
    yield daemon
    daemon.stop()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short: podman's sockets below it have no room for a long one."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[[Outcome], Outcome]:
    """Puts a command's output into the test log, also when the test passes."""

    def show(outcome: Outcome) -> Outcome:
        with capsys.disabled():
            print(f"\n{outcome}")
        return outcome

    return show


@pytest.fixture
def new_child(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Child]:
    """Starts programs that end with the test."""

    def start(command: list[str | Path], **how: object) -> Child:
        child = Child(command, tmp_path / f"{Path(command[0]).name}.log", **how)
        request.addfinalizer(child.kill)
        return child

    return start
