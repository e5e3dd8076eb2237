"""A full disk: a clear error, service goes on, deletes work, and room makes it well again."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.images import Blob, image
from tests.support.registry import Refusal, RefusedError, RegistryClient, refused
from tests.support.server import ADMIN, MOORAGE, RunningServer
from tests.support.soak_site import document_in

_DISK_BYTES = 48 * 2**20
_LARGER_BYTES = 192 * 2**20
_CHUNK = os.urandom(2**20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a server whose data has a file system of 48 MiB of its own; its logs lie outside."""
    with mounted(tmp_path, _DISK_BYTES):
        yield tmp_path


@pytest.fixture
def larger_disk(tmp_path: Path) -> Iterator[Path]:
    """The same with room for the database when 95 parts in a hundred are used."""
    with mounted(tmp_path, _LARGER_BYTES):
        yield tmp_path


@contextmanager
def mounted(folder: Path, size_bytes: int) -> Iterator[None]:
    data = folder / "data"
    data.mkdir()
    options = f"size={size_bytes},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", data], check=True)
    yield
    subprocess.run(["umount", "-l", data], check=True)


@pytest.fixture(params=[False, True], ids=["direct", "nginx"])
def server(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[RunningServer]:
    made = RunningServer(
        small_disk, nginx=request.param, settings={"MOORAGE_STORAGE_RESERVE_BYTES": str(8 * 2**20)}
    )
    with made:
        yield made


@pytest.fixture
def client(server: RunningServer) -> RegistryClient:
    made = RegistryClient(server.url, ADMIN.name, ADMIN.password)
    made.warm("library/full")
    return made


def test_below_the_reserve_an_upload_is_refused_before_it_starts(
    server: RunningServer, client: RegistryClient
) -> None:
    kept = client.push_blob("library/full", b"kept")
    fill(server.data, leave_bytes=6 * 2**20)
    with pytest.raises(RefusedError) as caught:
        until_refused(client)
    assert caught.value.status == requests.codes.insufficient_storage, caught.value
    assert caught.value.codes, "the refusal is not in the protocol's own form"
    assert client.pull_blob("library/full", kept) == b"kept"


def test_a_disk_that_fills_up_during_an_upload_is_told_and_everything_else_goes_on(
    server: RunningServer, client: RegistryClient
) -> None:
    kept = client.push_blob("library/full", b"kept")
    spare = client.push_blob("library/full", os.urandom(2**20))
    location = client.start_upload("library/full")
    with pytest.raises(RefusedError) as caught:  # no length is declared, so it cannot be refused beforehand
        client.request("PATCH", location, data=(_CHUNK for _ in range(100)))
    assert caught.value.status == requests.codes.insufficient_storage, caught.value
    assert client.pull_blob("library/full", kept) == b"kept"
    assert [each for each in (server.data / "spool").rglob("*") if each.is_file()] == []

    fill(server.data, leave_bytes=0)
    assert client.pull_blob("library/full", kept) == b"kept"
    assert server.health().status_code == requests.codes.ok

    (server.data / "filler").unlink()
    client.request("DELETE", f"/v2/library/full/blobs/{spare}")
    after = client.push_blob("library/full", b"there is room again")
    assert client.pull_blob("library/full", after) == b"there is room again"


def test_a_body_that_finds_no_room_is_refused_before_it_is_sent(
    server: RunningServer, client: RegistryClient
) -> None:
    location = client.start_upload("library/full")
    with pytest.raises(RefusedError) as caught:
        client.request("PATCH", location, data=_CHUNK * 60)
    assert caught.value.status == requests.codes.insufficient_storage, caught.value
    assert [each for each in (server.data / "spool").rglob("*") if each.is_file()] == []


def test_an_upload_that_ended_is_unknown_to_the_next_chunk(client: RegistryClient) -> None:
    location = client.start_upload("library/full")
    client.request("DELETE", location)
    with refused(Refusal.UPLOAD_UNKNOWN):
        client.request("PATCH", location, data=b"too late")


def test_a_blob_can_be_deleted_while_nothing_more_can_be_pushed(
    server: RunningServer, client: RegistryClient
) -> None:
    spare = client.push_blob("library/full", os.urandom(2**20))
    fill(server.data, leave_bytes=7 * 2**20)
    with pytest.raises(RefusedError):
        until_refused(client)
    client.request("DELETE", f"/v2/library/full/blobs/{spare}")
    assert not client.has_blob("library/full", spare)


class TestMarks:
    """A disk that is used to 95 parts in a hundred, with a lot of room yet."""

    @pytest.fixture(params=[False, True], ids=["direct", "nginx"])
    def server(self, request: pytest.FixtureRequest, larger_disk: Path) -> Iterator[RunningServer]:
        settings = {
            "MOORAGE_STORAGE_RESERVE_BYTES": "0",
            "MOORAGE_STORAGE_WARN_PERCENT": "80",
            "MOORAGE_STORAGE_FULL_PERCENT": "95",
            "MOORAGE_UPLOADS_LEASE_HOURS": "0.0003",
            "MOORAGE_GC_CRON": "",
            "MOORAGE_GC_GRACE_MINUTES": "0",
            "MOORAGE_GC_JITTER_SECONDS": "0",
        }
        with RunningServer(larger_disk, nginx=request.param, settings=settings) as made:
            yield made

    def test_uploads_are_refused_until_a_collection_has_made_room(
        self, server: RunningServer, client: RegistryClient
    ) -> None:
        kept, large = image(), image(layer_bytes=10 * 2**20)
        for each, tag in ((kept, "kept"), (large, "large")):
            client.push("library/full", each, tag)
        session = client.start_upload("library/full")
        fill(server.data, leave_bytes=_LARGER_BYTES * 45 // 1000)
        with pytest.raises(RefusedError) as caught:
            until_refused(client)
        assert caught.value.status == requests.codes.insufficient_storage, caught.value
        with pytest.raises(RefusedError) as caught:
            append_until_refused(client, session)
        assert caught.value.status == requests.codes.insufficient_storage, caught.value
        assert "at most 95 % may be" in str(caught.value)

        assert requests.get(f"{server.url}/readyz", timeout=30).status_code == requests.codes.ok
        assert storage_health(server)["status"] == "unhealthy"
        assert "uploads are refused" in str(storage_health(server)["error"])
        client.pull("library/full", "kept")
        client.push_manifest("library/full", "again", kept)
        client.request("DELETE", f"/v2/library/full/manifests/{large.digest}")
        client.request("DELETE", "/v2/library/full/manifests/again")

        collect_until_freed(server, 10 * 2**20)
        again = until_accepted(client)
        assert client.pull_blob("library/full", again)
        client.pull("library/full", "kept")
        assert storage_health(server)["status"] == "healthy"

    def test_health_and_figures_warn_before_anything_is_refused(
        self, server: RunningServer, client: RegistryClient
    ) -> None:
        assert "warning" not in storage_health(server)
        fill(server.data, leave_bytes=_LARGER_BYTES * 15 // 100)
        found = storage_health(server)
        assert found["status"] == "healthy"
        assert "from 95 % on uploads are refused" in str(found["warning"])
        client.push_blob("library/full", b"still there is room")
        figures = requests.get(f"{server.url}/metrics", auth=(ADMIN.name, ADMIN.password), timeout=30).text
        used = re.search(r"^moorage_storage_used_ratio (\S+)", figures, re.MULTILINE)
        assert used is not None
        assert 0.84 < float(used[1]) < 0.95


def storage_health(server: RunningServer) -> dict[str, object]:
    """What an administrator is told of the disk."""
    answer = requests.get(f"{server.url}/api/v2.0/health", auth=(ADMIN.name, ADMIN.password), timeout=30)
    (found,) = [each for each in answer.json()["components"] if each["name"] == "storage"]
    return dict(found)


def collect_until_freed(server: RunningServer, size_bytes: int) -> None:
    """Collect, as the leases end, until so many bytes were freed."""
    freed = 0
    for _ in range(60):
        done = subprocess.run(
            [MOORAGE, "run", "gc", "--json"],
            env=server.environment(),
            cwd=server.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        freed += int(str(document_in(done.stdout)["freed_bytes"]))
        if freed >= size_bytes:
            return
    pytest.fail(f"sixty collections freed {freed} bytes")


def until_accepted(client: RegistryClient) -> str:
    """Push until it is taken: the free space is looked at once a second at most."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return client.push_blob("library/full", os.urandom(1000))
        except RefusedError:
            if time.monotonic() > deadline:
                raise


def until_refused(client: RegistryClient) -> None:
    """Push until it is refused: the free space is looked at once a second at most."""
    for _ in range(2000):
        data = os.urandom(1000)
        client.push_blob("library/full", data, Blob(data, "").digest)
    pytest.fail("two thousand pushes went through on a disk without room")


def append_until_refused(client: RegistryClient, location: str) -> None:
    """The same with the chunks of one upload; each process of the server looks for itself."""
    for _ in range(2000):
        location = client.append(location, b"small")


def fill(folder: Path, leave_bytes: int) -> None:
    """Write until so many bytes are left."""
    with (folder / "filler").open("wb", buffering=0) as file:
        while os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize > leave_bytes:
            try:
                file.write(_CHUNK if leave_bytes else _CHUNK[:4096])
            except OSError:
                return
