"""skopeo: whole indexes between registries, mirrors, lists and deletions."""

import json
from pathlib import Path

import pytest

from tests.support import images
from tests.support.administration import Login
from tests.support.containers import skopeo
from tests.support.layout import write_layout
from tests.support.program import Program, says_no
from tests.support.registry import Refusal, refused
from tests.support.site import PUBLIC, Site
from tests.support.variants import everywhere

pytestmark = everywhere

PLAIN = "--tls-verify=false"
INTO = "--dest-tls-verify=false"
FROM = "--src-tls-verify=false"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return skopeo(tmp_path / "skopeo")


def login(program: Program, site: Site, who: Login) -> None:
    program.ok("login", PLAIN, "--username", who.name, "--password-stdin", site.host, stdin=who.password)


def at(site: Site, name: str) -> str:
    return f"docker://{site.at(name)}"


@pytest.mark.parametrize("docker", [False, True], ids=["oci-index", "docker-list"])
def test_a_multi_platform_index_is_copied_whole(program: Program, site: Site, tmp_path: Path, docker: bool):
    name, copy = site.fresh(), site.fresh()
    index = images.multi_platform(docker=docker)
    site.client(site.developer).push(name, index, "all")
    login(program, site, site.developer)
    program.ok("copy", "--all", FROM, INTO, at(site, f"{name}:all"), at(site, f"{copy}:all"))
    assert site.digest(copy, "all") == index.digest
    program.ok("copy", "--all", FROM, at(site, f"{copy}:all"), f"dir:{tmp_path}/out")
    assert (tmp_path / "out" / "manifest.json").read_bytes() == index.body
    kept = {path.name for path in (tmp_path / "out").iterdir()}
    assert {blob.digest.partition(":")[2] for child in index.children for blob in child.blobs} <= kept


def test_a_layout_folder_is_pushed_with_its_digests_kept(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    index = images.multi_platform()
    layout = write_layout(tmp_path / "layout", index, "v1")
    login(program, site, site.robot)
    program.ok("copy", "--all", "--preserve-digests", INTO, layout, at(site, f"{name}:v1"))
    told = program.ok("inspect", PLAIN, "--raw", at(site, f"{name}:v1")).out
    assert images.digest_of(told.encode()) == index.digest == site.digest(name, "v1")


def test_one_platform_of_an_index_is_copied(program: Program, site: Site):
    name = site.fresh()
    index = images.multi_platform()
    site.client().push(name, index, "all")
    login(program, site, site.developer)
    words = ("--override-arch", "arm64", "copy", FROM, INTO, at(site, f"{name}:all"), at(site, f"{name}:arm"))
    program.ok(*words)
    assert site.digest(name, "arm") == index.children[1].digest


def test_a_repository_is_mirrored_to_a_folder_and_from_it(program: Program, site: Site, tmp_path: Path):
    name = site.fresh()
    pushed = {tag: images.image() for tag in ("1", "2")} | {"all": images.multi_platform()}
    for tag, image in pushed.items():
        site.client().push(name, image, tag)
    login(program, site, site.maintainer)
    out = tmp_path / "mirror"
    program.ok("sync", "--all", FROM, "--src", "docker", "--dest", "dir", site.at(name), out)
    program.ok("sync", "--all", INTO, "--src", "dir", "--dest", "docker", out, site.at("quay/mirrored"))
    short = name.partition("/")[2]
    for tag, image in pushed.items():
        assert site.digest(f"quay/mirrored/{short}", tag) == image.digest


def test_tags_are_listed(program: Program, site: Site):
    name = site.fresh()
    image = images.image()
    for tag in ("b", "a", "c"):
        site.client().push(name, image, tag)
    login(program, site, site.guest)
    assert json.loads(program.ok("list-tags", PLAIN, at(site, name)).out)["Tags"] == ["a", "b", "c"]


def test_an_image_is_deleted_by_those_who_may(program: Program, site: Site):
    name = site.fresh()
    raw = site.client()
    raw.push(name, images.image(), "kept")
    raw.push(name, images.image(), "gone")
    login(program, site, site.developer)
    text = program.refused("delete", PLAIN, at(site, f"{name}:gone"))
    assert says_no(text), text
    login(program, site, site.maintainer)
    program.ok("delete", PLAIN, at(site, f"{name}:gone"))
    with refused(Refusal.MANIFEST_UNKNOWN):
        raw.pull_manifest(name, "gone")
    assert raw.tags(name) == ["kept"]


def test_what_the_unnamed_may_do(program: Program, site: Site):
    public, private = site.fresh(PUBLIC), site.fresh()
    image = images.image()
    for name in (public, private):
        site.client().push(name, image, "1")
    assert json.loads(program.ok("inspect", PLAIN, at(site, f"{public}:1")).out)["Digest"] == image.digest
    for words in (
        ("inspect", PLAIN, at(site, f"{private}:1")),
        ("copy", FROM, INTO, at(site, f"{public}:1"), at(site, f"{public}:2")),
        ("delete", PLAIN, at(site, f"{public}:1")),
    ):
        text = program.refused(*words)
        assert says_no(text), text


def test_a_wrong_password_is_refused(program: Program, site: Site):
    words = ("login", PLAIN, "--username", site.guest.name, "--password-stdin", site.host)
    assert "invalid username/password" in program.refused(*words, stdin="Wrong-1-password")
    words = ("inspect", PLAIN, "--creds", f"{site.guest.name}:Wrong-1-password", at(site, "quay/any:1"))
    text = program.refused(*words)
    assert "invalid username/password" in text or says_no(text), text
