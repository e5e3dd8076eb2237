"""buildah: an image built from scratch, without a network, pushed and built upon."""

from pathlib import Path

import pytest

from tests.support.administration import Login
from tests.support.containers import buildah
from tests.support.program import Program, says_no
from tests.support.site import Site
from tests.support.variants import DIRECT_POSTGRESQL, NGINX_SQLITE, on

pytestmark = on(DIRECT_POSTGRESQL, NGINX_SQLITE)

PLAIN = "--tls-verify=false"


@pytest.fixture
def program(short_folder: Path) -> Program:
    return buildah(short_folder)


def login(program: Program, site: Site, who: Login) -> None:
    program.ok("login", PLAIN, "--username", who.name, "--password-stdin", site.host, stdin=who.password)


def built(program: Program, base: str, reference: str, folder: Path, text: str) -> str:
    """Build an image of one more file on `base`, push it, and return the digest that buildah tells."""
    (folder / "greeting").write_text(text)
    container = program.ok("from", PLAIN, base).out.strip()
    program.ok("copy", container, folder / "greeting", f"/{text}")
    program.ok("config", "--label", f"text={text}", container)
    program.ok("commit", container, reference)
    file = folder / "digest"
    program.ok("push", PLAIN, "--digestfile", file, reference)
    return file.read_text().strip()


def test_an_image_is_built_upon_one_that_was_pushed(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    login(program, site, site.developer)
    base = built(program, "scratch", site.at(f"{name}:base"), tmp_path, "base")
    assert site.digest(name, "base") == base
    program.ok("rm", "--all")
    program.ok("rmi", "--all", "--force")
    above = built(program, site.at(f"{name}:base"), site.at(f"{name}:above"), tmp_path, "above")
    assert site.digest(name, "above") == above
    raw = site.client()
    lower, upper = (raw.pull_manifest(name, tag).json()["layers"] for tag in ("base", "above"))
    assert [each["digest"] for each in upper[:1]] == [each["digest"] for each in lower]


def test_a_docker_format_image_is_pushed(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    login(program, site, site.robot)
    built(program, "scratch", site.at(f"{name}:1"), tmp_path, "one")
    program.ok("push", PLAIN, "--format", "v2s2", site.at(f"{name}:1"), f"docker://{site.at(name)}:docker")
    media_type = site.client().pull_manifest(name, "docker").headers["Content-Type"]
    assert media_type == "application/vnd.docker.distribution.manifest.v2+json"


def test_without_the_right_nothing_is_pushed(program: Program, site: Site, tmp_path: Path):
    login(program, site, site.guest)
    container = program.ok("from", "scratch").out.strip()
    program.ok("commit", container, site.at("dock/forbidden:1"))
    text = program.refused("push", PLAIN, site.at("dock/forbidden:1"))
    assert says_no(text), text
    words = ("login", PLAIN, "--username", "gus", "--password-stdin", site.host)
    assert "invalid username/password" in program.refused(*words, stdin="Wrong-1-password")
