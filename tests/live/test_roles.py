"""The playbook of the image, in a chroot: it makes an appliance, and a second run finds nothing to do."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage_ova import base, payload, sources

PROJECT = Path(__file__).parents[2]
PLACES = PROJECT / "build" / "ova"
PLAYBOOKS = PROJECT / "playbooks"
EPOCH = 1_760_000_000
VERSION = "0.0.1"


@pytest.fixture(scope="module")
def base_root() -> Path:
    """The packages of the image, made once for each list of them."""
    key = hashlib.sha256(repr((base.SUITE, base.PACKAGES)).encode()).hexdigest()[:12]
    folder = PLACES / f"packages-{key}"
    if not folder.is_dir():
        PLACES.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_suffix(".unfinished")
        base.make_root(unfinished, sources.sources(), EPOCH)
        unfinished.rename(folder)
    return folder


@pytest.fixture(scope="module")
def brought() -> Path:
    """The payload."""
    payload.make(PROJECT, PLACES / "payload-of-tests", EPOCH, VERSION, b"a key\n")
    return PLACES / "payload-of-tests"


@pytest.fixture(scope="module")
def image(base_root: Path, brought: Path) -> Iterator[Path]:
    """The root of an image that the playbook has configured; on a disk, since a chroot needs devices."""
    with tempfile.TemporaryDirectory(dir=PLACES) as work:
        root = Path(work, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", base_root, root], check=True)
        changed, output = play("image.yml", root, brought)
        assert changed, output
        yield root


def play(name: str, root: Path, brought: Path, version: str = VERSION) -> tuple[int, str]:
    """Run a playbook; how many tasks changed something, and what it said. A negative number: it failed."""
    program = shutil.which("ansible-playbook")
    assert program, "ansible-playbook is not installed (Debian's package ansible)"
    variables = ["-e", f"image_payload={brought}", "-e", f"image_version={version}"]
    done = subprocess.run(
        [program, "-i", f"{root},", "-c", "community.general.chroot", *variables, PLAYBOOKS / name],
        env={**os.environ, "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    output = done.stdout + done.stderr
    found = re.search(r"changed=(\d+)", output)
    return (int(found[1]) if found and done.returncode == 0 else -1), output


def test_a_second_run_changes_nothing(image: Path, brought: Path) -> None:
    changed, output = play("image.yml", image, brought)
    assert changed == 0, output


def test_the_image_is_as_it_should_be(image: Path, brought: Path) -> None:
    changed, output = play("verify.yml", image, brought)
    assert changed == 0, output


def test_what_is_not_as_it_should_be_is_found(image: Path, brought: Path) -> None:
    left = image / "etc" / "left.conf"
    left.write_text("-----BEGIN " + "PRIVATE KEY-----\n")
    try:
        changed, output = play("verify.yml", image, brought)
    finally:
        left.unlink()
    assert changed == -1
    assert "/etc/left.conf holds a key" in output


def test_a_payload_of_another_version_is_refused(image: Path, brought: Path) -> None:
    changed, output = play("image.yml", image, brought, version="9.9.9")
    assert changed == -1
    assert "the payload is of version 0.0.1" in output


@pytest.mark.parametrize("program", ["moorage", "moorage-appliance"])
def test_the_programs_run_in_the_image(image: Path, program: str) -> None:
    done = subprocess.run(
        ["chroot", image, f"/opt/moorage/bin/{program}", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Commands:" in done.stdout


def test_the_firewall_is_understood(image: Path) -> None:
    said = subprocess.run(
        ["chroot", image, "/usr/sbin/nft", "-c", "-f", "/etc/nftables.conf"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr
