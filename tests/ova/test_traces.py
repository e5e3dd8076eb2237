"""What is left of a build is found, whatever left it there."""

from pathlib import Path

import pytest

from moorage_ova.seal import clean
from moorage_ova.traces import traces

_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIexample"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with nothing in it that an image must not have."""
    for name in ("root", "home", "tmp", "etc/apt", "etc/ssh", "var/log", "var/tmp"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/machine-id").write_text("")
    (tmp_path / "etc/shadow").write_text("root:*:20000:0:99999:7:::\nmoorage:!:20000::::::\n")
    return tmp_path


def test_a_clean_image_has_none(image: Path) -> None:
    assert traces(image, [_KEY, "mirror.example"]) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("root/.ssh/authorized_keys", "ssh-ed25519 x"),
        ("etc/systemd/network/80-build.network", "[Match]"),
        ("etc/ssh/ssh_host_ed25519_key", "x"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/apt/sources.list", "deb http://mirror.example trixie main"),
        ("etc/apt/sources.list.d/debian.sources", "Types: deb"),
        ("etc/apt/apt.conf.d/01proxy", 'Acquire::http::Proxy "http://10.0.0.1:3128";'),
        ("etc/shadow", "root:$y$j9T$abc:20000:0:99999:7:::\n"),
        ("etc/issue.d/build", f"ssh-ed25519 {_KEY} build"),
        ("usr/share/moorage/payload.json", '{"from": "http://mirror.example/debian"}'),
        ("root/.bash_history", "ls"),
        ("var/log/syslog", "boot"),
        ("var/lib/systemd/random-seed", "x"),
        ("usr/local/share/ca-certificates/site.crt", "x"),
    ],
)
def test_each_trace_is_found(image: Path, name: str, text: str) -> None:
    path = image / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    found = traces(image, [_KEY, "mirror.example"])
    assert found
    assert any(name.rsplit("/", maxsplit=1)[-1] in each or "/root/.ssh" in each for each in found)


def test_the_seal_takes_them_out(image: Path) -> None:
    for name in (
        "root/.ssh/authorized_keys",
        "root/.profile",
        "etc/systemd/network/80-build.network",
        "etc/ssh/ssh_host_rsa_key",
        "etc/apt/sources.list",
        "etc/apt/sources.list.d/debian.sources",
        "var/log/syslog",
        "var/lib/systemd/random-seed",
        "tmp/.x/y",
    ):
        (image / name).parent.mkdir(parents=True, exist_ok=True)
        (image / name).write_text("x")
    (image / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    assert traces(image)
    clean(image)
    assert traces(image) == []
