"""Immutable tags as people with real clients meet them: they are told what happened, and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.administration import Login
from tests.support.containers import podman, skopeo
from tests.support.dockerd import DockerDaemon
from tests.support.images import tar_file
from tests.support.program import Program
from tests.support.registry import Refusal, refused
from tests.support.site import PRIVATE, Site
from tests.support.variants import DIRECT_SQLITE, NGINX_POSTGRESQL, on

pytestmark = on(DIRECT_SQLITE, NGINX_POSTGRESQL)

PLAIN = "--tls-verify=false"


@pytest.fixture
def rule(site: Site) -> Iterator[int]:
    """Tags like ``v*`` of the private project are immutable; the number of the rule."""
    chief = site.administration()
    body = {
        "tag_selectors": [{"decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": "**"}]},
    }
    path = f"/projects/{PRIVATE}/immutabletagrules"
    made = chief.call("POST", path, body)
    number = int(made.headers["Location"].rpartition("/")[2])
    yield number
    if any(each["id"] == number for each in chief.call("GET", path).json()):
        chief.call("DELETE", f"{path}/{number}")
    chief.close()


def explained(text: str, site: Site, name: str, rule: int) -> bool:
    """Whether a client shows its user the registry's own sentence."""
    return f"tag v1 of {name} is immutable: rule {rule} of the project keeps tags like 'v*'" in text


def login(program: Program, site: Site, who: Login, *options: str) -> None:
    program.ok("login", *options, "--username", who.name, "--password-stdin", site.host, stdin=who.password)


def free(site: Site, rule: int) -> None:
    chief = site.administration()
    chief.call("DELETE", f"/projects/{PRIVATE}/immutabletagrules/{rule}")
    chief.close()


def test_docker_says_why_a_tag_cannot_be_pushed_over(
    docker_daemon: DockerDaemon, site: Site, tmp_path: Path, rule: int, capsys: pytest.CaptureFixture[str]
):
    name = site.fresh()
    docker, reference = docker_daemon.client(tmp_path), site.at(f"{name}:v1")
    login(docker, site, site.developer)
    docker.ok("import", tar_file(tmp_path), reference)
    docker.ok("push", reference)
    kept = site.digest(name, "v1")
    docker.ok("push", reference)  # the same image again
    docker.ok("import", tar_file(tmp_path), reference)
    text = docker.refused("push", reference)
    with capsys.disabled():
        print(f"\n{text}")
    assert explained(text, site, name, rule)
    assert site.digest(name, "v1") == kept
    free(site, rule)
    docker.ok("push", reference)
    assert site.digest(name, "v1") != kept


def test_podman_and_skopeo_say_so_too(site: Site, tmp_path: Path, short_folder: Path, rule: int):
    name = site.fresh()
    program, reference = podman(short_folder), site.at(f"{name}:v1")
    login(program, site, site.maintainer, PLAIN)
    program.ok("import", tar_file(tmp_path), reference)
    program.ok("push", PLAIN, reference)
    kept = site.digest(name, "v1")
    program.ok("import", tar_file(tmp_path), reference)
    assert explained(program.refused("push", PLAIN, reference), site, name, rule)
    other = skopeo(tmp_path / "skopeo")
    login(other, site, site.maintainer, PLAIN)
    assert explained(other.refused("delete", PLAIN, f"docker://{reference}"), site, name, rule)
    assert site.digest(name, "v1") == kept
    free(site, rule)
    other.ok("delete", PLAIN, f"docker://{reference}")
    with refused(Refusal.MANIFEST_UNKNOWN):
        site.digest(name, "v1")
