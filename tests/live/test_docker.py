"""docker: the daemon and the command line that people have."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.administration import Login, RoleId
from tests.support.dockerd import DockerDaemon
from tests.support.images import tar_file
from tests.support.program import Outcome, Program, says_no
from tests.support.site import PUBLIC, Site
from tests.support.variants import everywhere

pytestmark = everywhere

Show = Callable[[Outcome], Outcome]


class Docker:
    """The command line with stored credentials of its own."""

    def __init__(self, program: Program, site: Site, folder: Path) -> None:
        self.program = program
        self._site = site
        self._folder = folder

    def login(self, login: Login) -> Outcome:
        words = ("login", "--username", login.name, "--password-stdin", self._site.host)
        return self.program.run(*words, stdin=login.password)

    def logout(self) -> None:
        self.program.ok("logout", self._site.host)

    def image(self, name: str) -> str:
        """Make a new image locally, ready to be pushed as `name`."""
        reference = self._site.at(name)
        self.program.ok("import", tar_file(self._folder), reference)
        return reference


@pytest.fixture
def docker(docker_daemon: DockerDaemon, site: Site, tmp_path: Path) -> Docker:
    return Docker(docker_daemon.client(tmp_path), site, tmp_path)


def told_digest(outcome: Outcome) -> str:
    return re.search(r"[Dd]igest: (sha256:[0-9a-f]{64})", outcome.text)[1]


def test_what_a_newcomer_pushes_comes_back_the_same(docker: Docker, site: Site, shown: Show):
    name = site.fresh()
    assert "Login Succeeded" in shown(docker.login(site.developer)).text
    reference = docker.image(f"{name}:1.0")
    made = docker.program.ok("image", "inspect", "--format", "{{.Id}}", reference).out
    pushed = told_digest(shown(docker.program.ok("push", reference)))
    docker.program.ok("image", "rm", reference)
    pulled = shown(docker.program.ok("pull", reference))
    assert told_digest(pulled) == pushed == site.digest(name, "1.0")
    assert "Downloaded newer image" in pulled.text
    assert docker.program.ok("image", "inspect", "--format", "{{.Id}}", reference).out == made


def test_an_image_is_pulled_by_digest(docker: Docker, site: Site):
    name = site.fresh()
    docker.login(site.developer)
    reference = docker.image(f"{name}:1.0")
    pushed = told_digest(docker.program.ok("push", reference))
    docker.program.ok("image", "rm", reference)
    assert told_digest(docker.program.ok("pull", f"{site.at(name)}@{pushed}")) == pushed


def test_a_layer_that_is_there_is_not_sent_again(docker: Docker, site: Site):
    first, second = site.fresh(), site.fresh()
    docker.login(site.developer)
    reference = docker.image(f"{first}:1.0")
    docker.program.ok("push", reference)
    assert "Layer already exists" in docker.program.ok("push", reference).text
    docker.program.ok("tag", reference, site.at(f"{second}:1.0"))
    assert f"Mounted from {first}" in docker.program.ok("push", site.at(f"{second}:1.0")).text


def test_all_tags_are_pushed_at_once(docker: Docker, site: Site):
    name = site.fresh()
    docker.login(site.developer)
    for tag in ("1", "2", "latest"):
        docker.image(f"{name}:{tag}")
    docker.program.ok("push", "--all-tags", site.at(name))
    assert site.client().tags(name) == ["1", "2", "latest"]


def test_a_wrong_password_is_refused(docker: Docker, site: Site):
    outcome = docker.login(Login(site.developer.name, "Wrong-1-password"))
    assert outcome.code != 0
    assert "unauthorized" in outcome.text.lower()


def test_a_robot_pushes_and_pulls(docker: Docker, site: Site):
    assert docker.login(site.robot).code == 0
    reference = docker.image(f"{site.fresh()}:1.0")
    docker.program.ok("push", reference)
    docker.program.ok("pull", reference)


def test_a_guest_pulls_and_cannot_push(docker: Docker, site: Site):
    name = site.fresh()
    docker.login(site.developer)
    reference = docker.image(f"{name}:1.0")
    docker.program.ok("push", reference)
    docker.login(site.guest)
    docker.program.ok("pull", reference)
    assert says_no(docker.program.refused("push", docker.image(f"{name}:2.0")))
    assert site.client().tags(name) == ["1.0"]


def test_a_stranger_sees_nothing_of_a_private_project(docker: Docker, site: Site):
    docker.login(site.developer)
    reference = docker.image(f"{site.fresh()}:1.0")
    docker.program.ok("push", reference)
    docker.login(site.stranger)
    known = docker.program.refused("pull", reference)
    unknown = docker.program.refused("pull", site.at("dock/never-pushed:1.0"))
    assert says_no(known)
    assert says_no(unknown)


def test_anyone_pulls_from_a_public_project_and_nobody_pushes_unnamed(docker: Docker, site: Site):
    docker.login(site.developer)
    reference = docker.image(f"{site.fresh(PUBLIC)}:1.0")
    docker.program.ok("push", reference)
    docker.logout()
    docker.program.ok("image", "rm", reference)
    docker.program.ok("pull", reference)
    assert says_no(docker.program.refused("push", reference))


def test_a_private_project_asks_the_unnamed_to_log_in(docker: Docker, site: Site):
    assert says_no(docker.program.refused("pull", site.at(f"{site.fresh()}:1.0")))


def test_a_push_over_the_storage_limit_is_told_why(docker: Docker, site: Site):
    project = f"tight-{os.urandom(4).hex()}"
    chief = site.administration()
    chief.call("POST", "/projects", {"project_name": project, "storage_limit": 1024})
    chief.member(project, site.developer, RoleId.DEVELOPER)
    (quota,) = chief.call("GET", "/quotas?page_size=100&sort=-id").json()[:1]
    assert quota["ref"]["name"] == project
    docker.login(site.developer)
    reference = docker.image(f"{project}/app:1.0")
    refused = docker.program.refused("push", reference)
    assert "denied: the project's storage limit is 1 KiB: 0 bytes are used, and 4" in refused
    chief.call("PUT", f"/quotas/{quota['id']}", {"hard": {"storage": 2**20}})
    docker.program.ok("push", reference)
    chief.call("PUT", f"/quotas/{quota['id']}", {"hard": {"storage": 1}})
    docker.program.ok("push", reference)
    docker.program.ok("pull", reference)
    assert says_no(docker.program.refused("push", docker.image(f"{project}/app:2.0")))
    chief.close()
