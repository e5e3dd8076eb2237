"""A full disk: a clear error, service goes on, deletes work, and room makes it well again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.images import Blob
from tests.support.registry import Refusal, RefusedError, RegistryClient, refused
from tests.support.server import ADMIN, RunningServer

_DISK_BYTES = 48 * 2**20
_CHUNK = os.urandom(2**20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a server whose data has a file system of 48 MiB of its own; its logs lie outside."""
    data = tmp_path / "data"
    data.mkdir()
    options = f"size={_DISK_BYTES},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", data], check=True)
    yield tmp_path
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
    fill(server.data, leave_bytes=4 * 2**20)
    with pytest.raises(RefusedError):
        until_refused(client)
    client.request("DELETE", f"/v2/library/full/blobs/{spare}")
    assert not client.has_blob("library/full", spare)


def until_refused(client: RegistryClient) -> None:
    """Push until it is refused: the free space is looked at once a second at most."""
    for _ in range(2000):
        data = os.urandom(1000)
        client.push_blob("library/full", data, Blob(data, "").digest)
    pytest.fail("two thousand pushes went through on a disk without room")


def fill(folder: Path, leave_bytes: int) -> None:
    """Write until so many bytes are left."""
    with (folder / "filler").open("wb", buffering=0) as file:
        while os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize > leave_bytes:
            try:
                file.write(_CHUNK if leave_bytes else _CHUNK[:4096])
            except OSError:
                return
