"""The built package, the names that lead to its machines, and a docker that trusts them."""

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.appliance import HOST
from tests.appliance.names import own_names
from tests.support.dockerd import DockerDaemon
from tests.support.free_port import free_port

_BUILT = Path(__file__).parents[2] / "build/ova"


@pytest.fixture(scope="session")
def package() -> Path:
    """The OVA that was built last."""
    found = sorted(_BUILT.glob("moorage-*.ova"), key=lambda each: each.stat().st_mtime)
    assert found, f"there is no OVA in {_BUILT}; run `make ova`"
    return found[-1]


@pytest.fixture(scope="session")
def system_disk(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The appliance's disk, taken out of the package."""
    folder = tmp_path_factory.mktemp("package")
    with tarfile.open(package) as archive:
        (name,) = [each for each in archive.getnames() if each.endswith(".vmdk")]
        archive.extract(name, folder, filter="data")
    return folder / name


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key for SSH."""
    path = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)), check=True)
    return path


@pytest.fixture(scope="session")
def port() -> int:
    """Where every appliance here serves, one at a time."""
    return free_port()


@pytest.fixture(scope="session")
def docker_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What counts as /etc/docker here; the registry's name leads to this machine from now on."""
    with own_names(tmp_path_factory.mktemp("names"), **{HOST: "127.0.0.1"}) as folder:
        yield folder


@pytest.fixture(scope="session")
def docker_daemon(docker_folder: Path) -> Iterator[DockerDaemon]:
    daemon = DockerDaemon()
    yield daemon
    daemon.stop()
