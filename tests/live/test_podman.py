"""podman, with storage of its own."""

from pathlib import Path

import pytest

from tests.support.administration import Login
from tests.support.containers import podman
from tests.support.images import tar_file
from tests.support.program import Program, says_no
from tests.support.site import PUBLIC, Site
from tests.support.variants import DIRECT_SQLITE, NGINX_POSTGRESQL, on

pytestmark = on(DIRECT_SQLITE, NGINX_POSTGRESQL)

PLAIN = "--tls-verify=false"


@pytest.fixture
def program(short_folder: Path) -> Program:
    return podman(short_folder)


def login(program: Program, site: Site, who: Login) -> None:
    program.ok("login", PLAIN, "--username", who.name, "--password-stdin", site.host, stdin=who.password)


def pushed(program: Program, site: Site, name: str, folder: Path) -> tuple[str, str]:
    """Import and push a new image; its reference and the digest that podman tells."""
    reference = site.at(name)
    program.ok("import", tar_file(folder), reference)
    file = folder / "digest"
    program.ok("push", PLAIN, "--digestfile", file, reference)
    return reference, file.read_text().strip()


def test_what_is_pushed_comes_back_the_same(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    login(program, site, site.developer)
    reference, digest = pushed(program, site, f"{name}:1", tmp_path)
    made = program.ok("image", "inspect", "--format", "{{.Id}}", reference).out
    program.ok("rmi", "--force", reference)
    program.ok("pull", PLAIN, reference)
    assert program.ok("image", "inspect", "--format", "{{.Digest}}", reference).out.strip() == digest
    assert program.ok("image", "inspect", "--format", "{{.Id}}", reference).out == made
    assert site.digest(name, "1") == digest


def test_a_multi_platform_manifest_is_made_and_pushed(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    login(program, site, site.developer)
    first, _ = pushed(program, site, f"{name}:amd64", tmp_path)
    second, _ = pushed(program, site, f"{name}:arm64", tmp_path)
    program.ok("manifest", "create", "list")
    for each in (first, second):
        program.ok("manifest", "add", PLAIN, "list", f"docker://{each}")
    program.ok("manifest", "push", PLAIN, "--all", "list", f"docker://{site.at(name)}:all")
    children = site.client().pull_manifest(name, "all").json()["manifests"]
    wanted = {site.digest(name, "amd64"), site.digest(name, "arm64")}
    assert {child["digest"] for child in children} == wanted


def test_a_wrong_password_is_refused(program: Program, site: Site):
    words = ("login", PLAIN, "--username", site.guest.name, "--password-stdin", site.host)
    assert "invalid username/password" in program.refused(*words, stdin="Wrong-1-password")


def test_a_guest_pulls_and_cannot_push(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    login(program, site, site.developer)
    reference, _ = pushed(program, site, f"{name}:1", tmp_path)
    login(program, site, site.guest)
    program.ok("pull", PLAIN, reference)
    program.ok("import", tar_file(tmp_path), site.at(f"{name}:2"))
    text = program.refused("push", PLAIN, site.at(f"{name}:2"))
    assert says_no(text), text


def test_the_unnamed_pull_only_what_is_public(program: Program, site: Site, tmp_path: Path):
    login(program, site, site.developer)
    public, _ = pushed(program, site, f"{site.fresh(PUBLIC)}:1", tmp_path)
    private, _ = pushed(program, site, f"{site.fresh()}:1", tmp_path)
    program.ok("logout", site.host)
    program.ok("pull", PLAIN, public)
    text = program.refused("pull", PLAIN, private)
    assert says_no(text), text
