"""oras, the client library for artifacts that are no images."""

from pathlib import Path
from types import SimpleNamespace

import oras.client
import oras.oci
import pytest

from tests.support import images
from tests.support.administration import Login
from tests.support.registry import Refusal, refused
from tests.support.site import PUBLIC, Site
from tests.support.variants import DIRECT_SQLITE, NGINX_POSTGRESQL, on

pytestmark = on(DIRECT_SQLITE, NGINX_POSTGRESQL)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps credentials below the home folder and takes files from where it stands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # It tries again five times whatever the answer was, with pauses of two minutes together.
    monkeypatch.setattr("oras.decorator.time", SimpleNamespace(sleep=lambda seconds: None))


def client(site: Site, who: Login | None, auth: str = "token") -> oras.client.OrasClient:
    """A client; `auth` is how it proves who it is.

    The library asks for one token and keeps it: the first request of a push only reads, so that
    token is not for pushing. Whoever pushes through it sends the password every time instead.
    """
    made = oras.client.OrasClient(hostname=site.host, insecure=True, auth_backend=auth)
    if who is not None:
        made.login(username=who.name, password=who.password, hostname=site.host)
    return made


def attached(folder: Path, text: bytes = b"some notes") -> str:
    (folder / "notes.txt").write_bytes(text)
    return "notes.txt:text/plain"


def test_a_file_is_pushed_and_pulled(site: Site, tmp_path: Path):
    name = site.fresh()
    dave = client(site, site.developer, "basic")
    answer = dave.push(files=[attached(tmp_path)], target=site.at(f"{name}:1"))
    assert answer.status_code == 201
    assert answer.headers["Docker-Content-Digest"] == site.digest(name, "1")
    out = tmp_path / "out"
    (path,) = client(site, site.guest).pull(target=site.at(f"{name}:1"), outdir=str(out))
    assert Path(path).read_bytes() == b"some notes"
    assert dave.get_tags(site.at(name)) == ["1"]


def test_an_artifact_is_attached_to_an_image_and_found(site: Site, tmp_path: Path):
    name = site.fresh()
    image, dave = images.image(), client(site, site.developer, "basic")
    site.client().push(name, image, "1")
    subject = oras.oci.Subject(image.media_type, image.digest, len(image.body))
    pushed = dave.push(files=[attached(tmp_path)], target=site.at(f"{name}:notes"), subject=subject)
    assert pushed.headers["OCI-Subject"] == image.digest
    found = site.client().request("GET", f"/v2/{name}/referrers/{image.digest}").json()["manifests"]
    assert [each["digest"] for each in found] == [site.digest(name, "notes")]


def test_a_tag_is_deleted_by_those_who_may(site: Site, tmp_path: Path):
    name = site.fresh()
    client(site, site.developer, "basic").push(files=[attached(tmp_path)], target=site.at(f"{name}:1"))
    with pytest.raises((RuntimeError, ValueError)):
        client(site, site.developer, "basic").delete_tag(site.at(name), "1")
    assert client(site, site.maintainer, "basic").delete_tag(site.at(name), "1")
    with refused(Refusal.MANIFEST_UNKNOWN):
        site.client().pull_manifest(name, "1")


def test_a_wrong_password_is_refused(site: Site, tmp_path: Path):
    name = site.fresh()
    wrong = client(site, Login(site.developer.name, "Wrong-1-password"))
    with pytest.raises(ValueError, match="authentication"):
        wrong.push(files=[attached(tmp_path)], target=site.at(f"{name}:1"))


def test_a_guest_cannot_push(site: Site, tmp_path: Path):
    with pytest.raises(ValueError, match="DENIED"):
        client(site, site.guest, "basic").push(files=[attached(tmp_path)], target=site.at("dock/none:1"))


def test_the_unnamed_pull_only_what_is_public(site: Site, tmp_path: Path):
    public, private = site.fresh(PUBLIC), site.fresh()
    for name in (public, private):
        client(site, site.developer, "basic").push(files=[attached(tmp_path)], target=site.at(f"{name}:1"))
    (tmp_path / ".docker" / "config.json").unlink()  # where it kept the password
    (path,) = client(site, None).pull(target=site.at(f"{public}:1"), outdir=str(tmp_path / "out"))
    assert Path(path).read_bytes() == b"some notes"
    with pytest.raises(ValueError, match="Unauthorized"):
        client(site, None).pull(target=site.at(f"{private}:1"), outdir=str(tmp_path / "none"))
