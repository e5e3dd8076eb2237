"""A project is renamed under the hands of the programs that people have."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import images
from tests.support.administration import Login, RoleId
from tests.support.containers import podman, skopeo
from tests.support.dockerd import DockerDaemon
from tests.support.images import tar_file
from tests.support.program import Program, says_no
from tests.support.server import ADMIN
from tests.support.site import Site
from tests.support.variants import DIRECT_SQLITE, NGINX_POSTGRESQL, on

pytestmark = on(DIRECT_SQLITE, NGINX_POSTGRESQL)

PLAIN = "--tls-verify=false"
CHUNK = 1 << 20


class Home:
    """A project of its own for a test, and what it is called."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.old = f"old-{os.urandom(4).hex()}"
        self.new = self.old.replace("old", "new")
        self._chief = site.administration()
        self._chief.project(self.old)
        self._chief.member(self.old, site.developer, RoleId.DEVELOPER)

    def rename(self, to: str = "") -> None:
        self._chief.call("PUT", f"/projects/{self.old}", {"project_name": to or self.new})

    def robot(self) -> Login:
        return self._chief.robot(self.old, "ci", "pull", "push")

    def close(self) -> None:
        self._chief.close()


@pytest.fixture
def home(site: Site) -> Iterator[Home]:
    made = Home(site)
    yield made
    made.close()


def log_in(program: Program, site: Site, who: Login, *words: str) -> None:
    program.ok("login", *words, "--username", who.name, "--password-stdin", site.host, stdin=who.password)


def digest_in(text: str) -> str:
    found = re.search(r"[Dd]igest: (sha256:[0-9a-f]{64})", text)
    assert found is not None, text
    return found[1]


def test_docker_pulls_and_pushes_under_both_names(
    docker_daemon: DockerDaemon, site: Site, home: Home, tmp_path: Path
) -> None:
    docker = docker_daemon.client(tmp_path)
    robot = home.robot()
    log_in(docker, site, robot)
    old = site.at(f"{home.old}/deep/app")
    docker.ok("import", tar_file(tmp_path), f"{old}:1")
    pushed = digest_in(docker.ok("push", f"{old}:1").text)
    home.rename()
    docker.ok("image", "rm", f"{old}:1")
    new = site.at(f"{home.new}/deep/app")
    for reference in (f"{old}:1", f"{new}:1", f"{old}@{pushed}"):
        assert digest_in(docker.ok("pull", reference).text) == pushed
        docker.ok("image", "rm", reference)
    # The login of old is stored and goes on; a fresh one under either name of the robot works as well.
    for number, name in enumerate((old, new)):
        docker.ok("import", tar_file(tmp_path), f"{name}:late{number}")
        late = digest_in(docker.ok("push", f"{name}:late{number}").text)
        assert site.digest(f"{home.new}/deep/app", f"late{number}") == late
    for name in (robot.name, robot.name.replace(home.old, home.new)):
        docker.ok("logout", site.host)
        log_in(docker, site, Login(name, robot.password))
        docker.ok("pull", f"{old}:1")
        docker.ok("image", "rm", f"{old}:1")
    docker.ok("logout", site.host)
    log_in(docker, site, site.stranger)
    assert says_no(docker.refused("pull", f"{old}:1"))


def test_podman_and_skopeo_work_under_both_names(
    site: Site, home: Home, tmp_path: Path, short_folder: Path
) -> None:
    program, copier = podman(short_folder), skopeo(tmp_path / "skopeo")
    for each in (program, copier):
        log_in(each, site, site.developer, PLAIN)
    old, new = (site.at(f"{name}/app") for name in (home.old, home.new))
    program.ok("import", tar_file(tmp_path), f"{old}:1")
    program.ok("push", PLAIN, f"{old}:1")
    home.rename()
    for name in (old, new):
        program.ok("rmi", "--all", "--force")
        program.ok("pull", PLAIN, f"{name}:1")
        program.ok("tag", f"{name}:1", f"{name}:again")
        program.ok("push", PLAIN, f"{name}:again")
        told = copier.ok("list-tags", PLAIN, f"docker://{name}").out
        assert "again" in told
        copier.ok(
            *("copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"),
            *(f"docker://{name}:1", f"docker://{old}:copy"),
        )
        assert site.digest(f"{home.new}/app", "copy") == site.digest(f"{home.old}/app", "1")
    answer = site.client().pull_manifest(f"{home.old}/app", "1")
    assert home.new in answer.headers["Warning"]


def test_an_upload_goes_on_through_two_renames(site: Site, home: Home) -> None:
    client = site.client(site.developer)
    data = os.urandom(4 * CHUNK)
    place = client.start_upload(f"{home.old}/app")
    for number in range(4):
        piece = data[number * CHUNK : (number + 1) * CHUNK]
        place = client.append(place, piece, number * CHUNK)
        if number == 0:
            home.rename()
        elif number == 2:
            home.rename(f"{home.new}-again")
    digest = images.digest_of(data)
    client.finish_upload(place, digest)
    for name in (home.old, home.new, f"{home.new}-again"):
        assert client.pull_blob(f"{name}/app", digest) == data
    client.close()


def test_images_are_pushed_and_pulled_while_the_project_changes_its_name(site: Site, home: Home) -> None:
    client, chief = site.client(site.developer), site.client(ADMIN)
    pushed = {}
    names = (home.new, f"{home.new}-b", home.old)
    for number in range(9):
        image = images.image()
        client.push(f"{home.old}/app", image, f"t{number}")
        home.rename(names[number % 3])
        pushed[f"t{number}"] = image.digest
        assert client.pull(f"{home.old}/app", f"t{number}") == image.digest
    assert set(client.tags(f"{home.new}/app")) == set(pushed)
    for tag, digest in pushed.items():
        assert chief.pull(f"{home.new}-b/app", tag) == digest
    client.close()
    chief.close()
