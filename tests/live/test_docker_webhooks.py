"""docker pushes, pulls and deletes, and a receiver is told: signed, in both forms, and nothing is lost."""

import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.administration import RoleId
from tests.support.dockerd import DockerDaemon
from tests.support.images import tar_file
from tests.support.program import Program
from tests.support.receiver import Got, Receiver, Says
from tests.support.server import RunningServer
from tests.support.site import Site, populate

EVENTS = ["PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT"]
CLOUD_TYPES = {
    "PUSH_ARTIFACT": "harbor.artifact.pushed",
    "PULL_ARTIFACT": "harbor.artifact.pulled",
    "DELETE_ARTIFACT": "harbor.artifact.deleted",
}
#: The clock of the receiver and of the server are one; what lies between is the way.
_AGE = 60
_SECONDS = 60.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A registry that may call loopback, where the receivers are."""
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_server").create("moorage_webhooks")
    folder = tmp_path_factory.mktemp(f"webhooks-{request.param}")
    with RunningServer(folder, url, settings={"MOORAGE_OUTBOUND_ALLOW": "127.0.0.1"}) as server:
        yield populate(server)


@pytest.fixture
def project(site: Site) -> str:
    chief = site.administration()
    name = chief.project(f"told-{os.urandom(4).hex()}")
    chief.member(name, site.maintainer, RoleId.MAINTAINER)
    chief.close()
    return name


@pytest.fixture
def docker(docker_daemon: DockerDaemon, site: Site, tmp_path: Path) -> Program:
    program = docker_daemon.client(tmp_path)
    who = site.maintainer
    program.run("login", "--username", who.name, "--password-stdin", site.host, stdin=who.password)
    return program


def hook(site: Site, project: str, address: str, form: str) -> str:
    """Make a policy; returns the secret that its deliveries are signed with."""
    chief = site.administration()
    made = chief.call(
        "POST",
        f"/projects/{project}/webhook/policies",
        {
            "name": form.lower(),
            "enabled": True,
            "event_types": EVENTS,
            "targets": [
                {
                    "type": "http",
                    "address": address,
                    "payload_format": form,
                    "auth_header": "Bearer of-the-receiver",
                }
            ],
        },
    )
    chief.close()
    secret: str = made.json()["moorage"]["secret"]
    return secret


def is_genuine(got: Got, secret: str) -> bool:
    """As a receiver looks at a delivery."""
    at = got.headers["x-moorage-timestamp"]
    signed = hmac.new(secret.encode(), at.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(at)) < _AGE
    return fresh and hmac.compare_digest(got.headers["x-moorage-signature"], f"sha256={signed}")


def push(docker: Program, folder: Path, reference: str) -> str:
    docker.ok("import", tar_file(folder), reference)
    found = re.search(r"[Dd]igest: (sha256:[0-9a-f]{64})", docker.ok("push", reference).text)
    assert found is not None
    return found[1]


def bodies(gots: list[Got]) -> dict[str, Any]:
    return {got.headers["x-moorage-event"]: json.loads(got.body) for got in gots}


def test_push_pull_and_delete_are_told_in_both_forms(
    site: Site, project: str, docker: Program, tmp_path: Path
) -> None:
    with Receiver() as plain, Receiver() as cloud:
        secrets = {
            "Default": hook(site, project, plain.url(), "Default"),
            "CloudEvents": hook(site, project, cloud.url(), "CloudEvents"),
        }
        reference = site.at(f"{project}/app:1.0")
        digest = push(docker, tmp_path, reference)
        plain.wait_for(1, _SECONDS)
        docker.ok("image", "rm", reference)
        docker.ok("pull", reference)
        plain.wait_for(2, _SECONDS)
        client = site.client(site.maintainer)
        client.delete(f"{project}/app", digest)
        client.close()
        gots, clouds = plain.wait_for(3, _SECONDS), cloud.wait_for(3, _SECONDS)
    assert [got.headers["x-moorage-event"] for got in gots] == EVENTS
    assert all(is_genuine(got, secrets["Default"]) for got in gots)
    assert all(is_genuine(got, secrets["CloudEvents"]) for got in clouds)
    assert not any(is_genuine(got, secrets["CloudEvents"]) for got in gots)
    assert {got.headers["authorization"] for got in gots + clouds} == {"Bearer of-the-receiver"}
    for event, body in bodies(gots).items():
        assert (body["type"], body["operator"]) == (event, site.maintainer.name)
        assert body["event_data"]["repository"]["repo_full_name"] == f"{project}/app"
        (resource,) = body["event_data"]["resources"]
        assert resource["digest"] == digest
    told = bodies(clouds)
    assert {event: body["type"] for event, body in told.items()} == CLOUD_TYPES
    for body in told.values():
        assert (body["specversion"], body["operator"]) == ("1.0", site.maintainer.name)
        assert body["data"]["resources"][0]["digest"] == digest


def test_a_receiver_that_was_away_misses_nothing(
    site: Site, project: str, docker: Program, tmp_path: Path
) -> None:
    """It fails at first, the server is even killed meanwhile, and then everything arrives."""
    with Receiver(lambda got: Says(503)) as receiver:
        secret = hook(site, project, receiver.url(), "Default")
        pushed = {tag: push(docker, tmp_path, site.at(f"{project}/app:{tag}")) for tag in ("1", "2", "3")}
        receiver.wait_for(3, _SECONDS)
        site.server.kill()
        failed = len(receiver.got)
        receiver.script = lambda got: Says()
        site.server.start()
        deadline = time.monotonic() + _SECONDS
        arrived: dict[str, str] = {}
        count = failed
        while arrived != pushed:
            assert time.monotonic() < deadline, arrived
            count += 1
            got = receiver.wait_for(count, _SECONDS)[count - 1]
            assert is_genuine(got, secret)
            (resource,) = json.loads(got.body)["event_data"]["resources"]
            arrived[resource["tag"]] = resource["digest"]
