"""Packer takes both of its sources, and says what it does not take."""

import hashlib
import shutil
from pathlib import Path

import pytest

from moorage_ova.base import PACKAGES
from moorage_ova.build import validate
from moorage_ova.errors import OvaError
from moorage_ova.prepare import make_key
from moorage_ova.preseed import answers

_PROJECT = Path(__file__).parents[2]
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI build"
needs_packer = pytest.mark.skipif(
    shutil.which("packer") is None, reason="packer is not installed: server/scripts/programs.sh ova"
)


@pytest.fixture
def values(tmp_path: Path) -> dict[str, str]:
    make_key(tmp_path / "key")
    for name in ("base.qcow2", "ansible-playbook"):
        (tmp_path / name).write_text("")
    (tmp_path / "ansible-playbook").chmod(0o700)
    for name in ("image.yml", "verify.yml"):
        (tmp_path / name).write_text("---\n")
    return {
        "version": "1.0",
        "payload": str(tmp_path),
        "playbooks": str(tmp_path),
        "private_key": str(tmp_path / "key"),
        "base_disk": str(tmp_path / "base.qcow2"),
        "base_checksum": f"sha256:{hashlib.sha256(b'').hexdigest()}",
        "output": str(tmp_path / "made"),
        "vcenter_address": "vcenter.example",
        "vcenter_account": "builder@vsphere.local",
        "vcenter_password": "a password",
        "datacenter": "one",
        "cluster": "two",
        "datastore": "three",
        "network": "four",
        "installer": "https://installer.example/debian.iso",
        "installer_checksum": f"sha256:{'0' * 64}",
        "answers": str(tmp_path),
    }


@needs_packer
def test_packer_takes_the_sources_for_qemu_and_for_vsphere(values: dict[str, str]) -> None:
    validate(_PROJECT / "packer", values)


@needs_packer
@pytest.mark.parametrize("missing", ["vcenter_address", "vcenter_password", "base_disk"])
def test_packer_says_what_is_missing(values: dict[str, str], missing: str) -> None:
    with pytest.raises(OvaError, match="packer does not take"):
        validate(_PROJECT / "packer", values | {missing: ""})


def test_the_installer_is_told_the_packages_of_the_image_the_mirror_and_the_key() -> None:
    template = _PROJECT / "packer/http/preseed.cfg.in"
    text = answers(template, "http://mirror.example:8080/debian", _KEY)
    lines = text.splitlines()
    assert "d-i mirror/http/hostname string mirror.example:8080" in lines
    assert "d-i mirror/http/directory string /debian" in lines
    assert f"d-i pkgsel/include string {' '.join(PACKAGES)}" in lines
    assert f"echo '{_KEY}' > /target/root/.ssh/authorized_keys" in text
    assert not any(line.count("@") > 1 for line in lines if not line.startswith("#"))


@pytest.mark.parametrize(
    ("mirror", "key"),
    [
        ("https://mirror.example/debian", _KEY),
        ("mirror.example", _KEY),
        ("http://mirror.example/debian", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ("http://mirror.example/debian", "ssh-ed25519 x'; reboot; '"),
        ("http://mirror.example/debian", f"{_KEY}\nssh-ed25519 other"),
    ],
)
def test_the_installer_is_told_nothing_it_cannot_use(mirror: str, key: str) -> None:
    with pytest.raises(OvaError):
        answers(_PROJECT / "packer/http/preseed.cfg.in", mirror, key)
