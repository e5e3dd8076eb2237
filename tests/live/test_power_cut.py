"""SIGKILL before and after every step of every change: what was acknowledged is there and verifies,
nothing half-done is seen, and the service goes on."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from moorage import crashpoints
from tests.support.images import OCI_CONFIG, OCI_LAYER, Blob, Image, manifest
from tests.support.ledger import Holding, Ledger, Step, observe
from tests.support.registry import RegistryClient
from tests.support.server import ADMIN, RunningServer

#: What requests reach; the collector's own are tested with its room.
POINTS = [point for point in crashpoints.POINTS if not point.startswith(("gc.", "project.rename."))]


def steps(client: RegistryClient, round_name: str) -> list[Step]:
    """Every kind of change a client can make, one acknowledged answer each."""
    here, there = f"library/{round_name}", f"library/{round_name}-copy"
    config, layer, spare = (os.urandom(1500) for _ in range(3))
    first = manifest(Blob(config, OCI_CONFIG), [Blob(layer, OCI_LAYER)])
    second = manifest(Blob(config, OCI_CONFIG), [Blob(layer, OCI_LAYER)], annotations={"second": "yes"})
    config_digest, layer_digest, spare_digest = (Blob(each, "").digest for each in (config, layer, spare))
    return [
        Step("blob in one PUT", lambda: client.push_blob(here, config), _with_blob(here, config_digest)),
        Step(
            "blob in chunks",
            lambda: client.push_blob_in_chunks(here, layer, 1000),
            _with_blob(here, layer_digest),
        ),
        Step(
            "blob in one POST",
            lambda: client.request("POST", f"/v2/{here}/blobs/uploads/?digest={spare_digest}", data=spare),
            _with_blob(here, spare_digest),
        ),
        Step("manifest by tag", lambda: client.push_manifest(here, "v1", first), _tagged(here, "v1", first)),
        Step(
            "manifest by digest",
            lambda: client.push_manifest(here, second.digest, second),
            _with_manifest(here, second),
        ),
        Step("tag moved", lambda: client.push_manifest(here, "v1", second), _tagged(here, "v1", second)),
        Step(
            "blob mounted",
            lambda: client.request("POST", f"/v2/{there}/blobs/uploads/?mount={config_digest}&from={here}"),
            _with_blob(there, config_digest),
        ),
        Step("upload cancelled", lambda: _cancel(client, here), lambda held: held),
        Step(
            "tag made", lambda: _make_tag(client.url, here, second.digest, "v2"), _tagged(here, "v2", second)
        ),
        Step("tag deleted", lambda: client.delete(here, "v2"), _untagged(here, "v2")),
        Step(
            "manifest deleted",
            lambda: client.delete(here, first.digest),
            lambda held: replace(held, manifests=held.manifests - {(here, first.digest)}),
        ),
        Step(
            "blob deleted",
            lambda: client.request("DELETE", f"/v2/{here}/blobs/{spare_digest}"),
            lambda held: replace(held, blobs=held.blobs - {(here, spare_digest)}),
        ),
        Step("repository deleted", lambda: _delete_repository(client.url, there), _without_repository(there)),
    ]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_kill_at_every_point_loses_nothing_acknowledged(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    server = RunningServer(tmp_path, _database(database, request), settings={"MOORAGE_SERVER_PROCESSES": "1"})
    request.addfinalizer(server.kill)
    past: list[Holding] = []
    server.start(MOORAGE_CRASH_AT=POINTS[0])
    for number, point in enumerate(POINTS):
        client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
        ledger = Ledger()
        ledger.run(steps(client, f"round-{number}"))
        assert ledger.cut is not None, f"nothing was cut off at {point}"
        server.kill()
        client.close()

        following = POINTS[number + 1] if number + 1 < len(POINTS) else ""
        server.start(MOORAGE_CRASH_AT=following)
        client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
        found = observe(client, ledger.possible())
        assert found in ledger.possible(), f"{point}, at {ledger.cut.name}:\n{found}\n{ledger.possible()}"
        assert list((server.data / "spool").iterdir()) == [], f"{point}: the spool was not emptied"
        past.append(found)
        client.close()
        with capsys.disabled():
            print(f"\n  killed at {point:30} during {ledger.cut.name!r}", end="")

    client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
    for holding in past:  # forty crashes later all of it is still whole
        assert observe(client, [holding]) == holding
    ledger = Ledger()
    ledger.run(steps(client, "afterwards"))
    assert ledger.cut is None
    assert observe(client, ledger.possible()) == ledger.acknowledged


def test_an_upload_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    data = os.urandom(30_000)
    with RunningServer(tmp_path) as server:
        client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
        location = client.append(client.start_upload("library/resumed"), data[:10_000], 0)
        server.kill()
        server.start()
        held = client.request("GET", location)
        assert held.headers["Range"] == "0-9999"
        location = client.append(client.absolute(held.headers["Location"]), data[10_000:], 10_000)
        client.finish_upload(location, Blob(data, "").digest)
        assert client.pull_blob("library/resumed", Blob(data, "").digest) == data


def _database(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgresql_server").create("moorage_power_cut")
    return url


def _with_blob(repository: str, digest: str):
    return lambda held: replace(held, blobs=held.blobs | {(repository, digest)})


def _with_manifest(repository: str, image: Image):
    return lambda held: replace(held, manifests=held.manifests | {(repository, image.digest)})


def _tagged(repository: str, tag: str, image: Image):
    def after(held: Holding) -> Holding:
        held = _untagged(repository, tag)(_with_manifest(repository, image)(held))
        return replace(held, tags=held.tags | {((repository, tag), image.digest)})

    return after


def _untagged(repository: str, tag: str):
    return lambda held: replace(
        held, tags=frozenset(each for each in held.tags if each[0] != (repository, tag))
    )


def _without_repository(repository: str):
    return lambda held: Holding(
        frozenset(each for each in held.blobs if each[0] != repository),
        frozenset(each for each in held.manifests if each[0] != repository),
        frozenset(each for each in held.tags if each[0][0] != repository),
    )


def _cancel(client: RegistryClient, repository: str) -> None:
    location = client.append(client.start_upload(repository), b"half of it")
    client.request("DELETE", location)


def _make_tag(url: str, repository: str, digest: str, tag: str) -> None:
    project, _, path = repository.partition("/")
    address = f"{url}/api/v2.0/projects/{project}/repositories/{path}/artifacts/{digest}/tags"
    answer = requests.post(address, json={"name": tag}, auth=(ADMIN.name, ADMIN.password), timeout=30)
    assert answer.status_code == requests.codes.created, answer.text


def _delete_repository(url: str, repository: str) -> None:
    project, _, path = repository.partition("/")
    address = f"{url}/api/v2.0/projects/{project}/repositories/{path}"
    answer = requests.delete(address, auth=(ADMIN.name, ADMIN.password), timeout=30)
    assert answer.status_code == requests.codes.ok, answer.text
