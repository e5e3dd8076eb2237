"""python-dxf: single blobs under names, from the command line. It sends passwords over https only."""

import errno
import os
import sys
from pathlib import Path

from tests.support.administration import Login
from tests.support.images import digest_of
from tests.support.program import Program
from tests.support.site import PUBLIC, Site
from tests.support.variants import TLS_POSTGRESQL, TLS_SQLITE, on

pytestmark = on(TLS_SQLITE, TLS_POSTGRESQL)


def dxf(site: Site, folder: Path, who: Login | None) -> Program:
    known = {"DXF_USERNAME": who.name, "DXF_PASSWORD": who.password} if who else {}
    env = {"DXF_HOST": site.host, "DXF_TLSVERIFY": str(site.server.authority), **known}
    return Program(Path(sys.executable).with_name("dxf"), home=folder, env=env)


def new_file(folder: Path) -> Path:
    path = folder / f"blob-{os.urandom(4).hex()}"
    path.write_text(os.urandom(500).hex())
    return path


def test_a_blob_is_pushed_under_a_name_and_pulled(site: Site, tmp_path: Path):
    name, file = site.fresh(), new_file(tmp_path)
    dave = dxf(site, tmp_path, site.developer)
    digest = dave.ok("push-blob", name, file, "@logo").out.strip()
    assert digest == digest_of(file.read_bytes())
    guest = dxf(site, tmp_path, site.guest)
    assert guest.ok("pull-blob", name, "@logo").out == file.read_text()
    assert guest.ok("get-alias", name, "logo").out.strip() == digest
    assert guest.ok("list-aliases", name).out.split() == ["logo"]
    assert guest.ok("blob-size", name, "@logo").out.strip() == str(file.stat().st_size)


def test_a_blob_is_mounted_from_another_repository(site: Site, tmp_path: Path):
    first, second, file = site.fresh(), site.fresh(), new_file(tmp_path)
    dave = dxf(site, tmp_path, site.developer)
    digest = dave.ok("push-blob", first, file).out.strip()
    assert dave.ok("mount-blob", second, first, digest, "@same").out.strip() == digest
    assert dave.ok("pull-blob", second, "@same").out == file.read_text()


def test_a_name_is_deleted_by_those_who_may(site: Site, tmp_path: Path):
    name = site.fresh()
    dxf(site, tmp_path, site.developer).ok("push-blob", name, new_file(tmp_path), "@old")
    dxf(site, tmp_path, site.developer).refused("del-alias", name, "old")
    mary = dxf(site, tmp_path, site.maintainer)
    mary.ok("del-alias", name, "old")
    assert mary.run("get-alias", name, "old").code == errno.ENOENT


def test_repositories_are_listed_to_those_who_may_see_them(site: Site, tmp_path: Path):
    public, private = site.fresh(PUBLIC), site.fresh()
    for name in (public, private):
        dxf(site, tmp_path, site.developer).ok("push-blob", name, new_file(tmp_path), "@x")
    seen = dxf(site, tmp_path, site.stranger).ok("list-repos").out.split()
    assert public in seen
    assert private not in seen
    assert private in dxf(site, tmp_path, site.guest).ok("list-repos").out.split()


def test_a_wrong_password_and_a_missing_right_are_refused(site: Site, tmp_path: Path):
    name, file = site.fresh(), new_file(tmp_path)
    wrong = dxf(site, tmp_path, Login(site.developer.name, "Wrong-1-password"))
    assert wrong.run("push-blob", name, file).code == errno.EACCES
    assert "403" in dxf(site, tmp_path, site.guest).refused("push-blob", name, file)


def test_the_unnamed_pull_only_what_is_public(site: Site, tmp_path: Path):
    public, private, file = site.fresh(PUBLIC), site.fresh(), new_file(tmp_path)
    for name in (public, private):
        dxf(site, tmp_path, site.developer).ok("push-blob", name, file, "@x")
    assert dxf(site, tmp_path, None).ok("pull-blob", public, "@x").out == file.read_text()
    dxf(site, tmp_path, None).refused("pull-blob", private, "@x")
