"""A layer larger than the memory anyone would give to a registry."""

import http.client
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.server import RunningServer
from tests.support.site import PRIVATE, Site, populate

SIZE = 6 * 1024**3
# Of that many zero bytes.
DIGEST = "sha256:5c32c2b28999325bc5ad39d6530bcb46fbdf1f86375a991b7269764c50b0d109"
GROWTH = 40 * 1024**2
SECONDS = 600


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = RunningServer(tmp_path / "server")
    with server:
        yield populate(server)
    shutil.rmtree(server.folder)  # pytest would keep it for a while


@pytest.fixture
def layer(tmp_path: Path) -> Iterator[Path]:
    """A file of holes: it takes no room on the disk of the client."""
    path = tmp_path / "layer"
    with path.open("wb") as file:
        file.truncate(SIZE)
    yield path
    path.unlink()


def send(site: Site, location: str, token: str, layer: Path) -> int:
    """PUT the file without holding any of it here either; returns the status."""
    with closing(http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=SECONDS)) as connection:
        connection.putrequest("PUT", f"{location.removeprefix(site.server.url)}?digest={DIGEST}")
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Type", "application/octet-stream")
        connection.putheader("Content-Length", str(SIZE))
        connection.endheaders()
        with layer.open("rb") as file:
            connection.sock.sendfile(file)
        return connection.getresponse().status


def test_six_gibibytes_pass_without_filling_the_memory(site: Site, layer: Path):
    client, name = site.client(site.developer), f"{PRIVATE}/big"
    client.warm(name)
    location = client.start_upload(name)
    before = site.server.forget_peak()
    assert send(site, location, client.token(f"repository:{name}:pull,push"), layer) == 201
    assert site.server.peak_bytes() - before < GROWTH

    head = client.request("HEAD", f"/v2/{name}/blobs/{DIGEST}")
    assert head.headers["Content-Length"] == str(SIZE)
    last = client.request("GET", f"/v2/{name}/blobs/{DIGEST}", headers={"Range": "bytes=-5"})
    assert last.status_code == 206
    assert last.content == bytes(5)
    assert last.headers["Content-Range"] == f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}"
    middle = client.request(
        "GET", f"/v2/{name}/blobs/{DIGEST}", headers={"Range": "bytes=5000000000-5000000009"}
    )
    assert middle.content == bytes(10)
    assert stored_bytes(site.server.data) < SIZE + GROWTH
    assert site.server.peak_bytes() - before < GROWTH
    client.close()


def stored_bytes(folder: Path) -> int:
    """What lies below `folder`; a second copy of the layer would show."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
