"""A bundle is believed as a whole or not at all."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moorage_appliance.upgrade.bundle import as_numbers, unpack
from moorage_appliance.upgrade.errors import BundleInvalidError
from moorage_ova.bundle import make_bundle, make_upgrade_key, public_half, read_key
from moorage_ova.errors import OvaError
from tests.support import upgrade_bundle

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = public_half(KEY)
Parts = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return upgrade_bundle.bundle(tmp_path / "made", KEY, "1.2.3")


def test_what_was_signed_is_unpacked(tmp_path: Path, file: Path) -> None:
    found = unpack(file, PUBLIC, tmp_path / "out")
    assert (found.version, found.minimum) == ("1.2.3", "0.1.0")
    assert found.payload()["environment"] == "digest-of-1.2.3"
    for name in ("files.tar", "wheels.tar", "payload.json"):
        assert (found.folder / name).read_bytes() == (tmp_path / "made/payload-1.2.3" / name).read_bytes()


def test_the_same_payload_gives_the_same_bundle(tmp_path: Path, file: Path) -> None:
    (tmp_path / "again").mkdir()
    again = make_bundle(tmp_path / "made/payload-1.2.3", KEY, 0, tmp_path / "again")
    assert again.read_bytes() == file.read_bytes()


def test_another_makers_bundle_is_refused(tmp_path: Path, file: Path) -> None:
    other = public_half(Ed25519PrivateKey.generate())
    with pytest.raises(BundleInvalidError, match="signature is not by whoever made this appliance"):
        unpack(file, other, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def _swapped(parts: Parts) -> Parts:
    said = json.loads(parts[0][1])
    said["version"] = "9.9.9"
    return [_part("manifest.json", json.dumps(said).encode()), *parts[1:]]


def _rotten(parts: Parts) -> Parts:
    entry, content = parts[-1]
    return [*parts[:-1], (entry, content[:-1] + bytes([content[-1] ^ 1]))]


def _link(parts: Parts) -> Parts:
    entry, _ = parts[-1]
    link = tarfile.TarInfo(entry.name)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
    return [*parts[:-1], (link, b"")]


SPOILT: dict[str, Callable[[Parts], Parts]] = {
    "manifest changed": _swapped,
    "member rotten": _rotten,
    "member is a link": _link,
    "member missing": lambda parts: parts[:-1],
    "member twice": lambda parts: [*parts, parts[-1]],
    "member more": lambda parts: [*parts, _part("more", b"")],
    "member outside": lambda parts: [*parts, _part("../../etc/passwd", b"root::0:0")],
    "no signature": lambda parts: [parts[0], *parts[2:]],
    "members first": lambda parts: parts[::-1],
    "nothing": lambda _: [],
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_bundle_is_refused(tmp_path: Path, file: Path, spoil: Callable[[Parts], Parts]) -> None:
    spoilt = tmp_path / "spoilt"
    with tarfile.open(file) as source, tarfile.open(spoilt, "w") as target:
        for entry, content in spoil([(each, source.extractfile(each).read()) for each in source]):  # type: ignore[union-attr]
            target.addfile(entry, io.BytesIO(content))
    with pytest.raises(BundleInvalidError):
        unpack(spoilt, PUBLIC, tmp_path / "out")
    assert not (tmp_path / "etc").exists()
    assert {each.name for each in (tmp_path / "out").iterdir()} <= {"files.tar", "wheels.tar", "payload.json"}


def test_a_bundle_that_is_cut_off_is_refused(tmp_path: Path, file: Path) -> None:
    whole = file.read_bytes()
    # Behind the last member there are only zeros.
    for number, length in enumerate(range(0, len(whole.rstrip(b"\0")), 997)):
        cut = tmp_path / "cut"
        cut.write_bytes(whole[:length])
        with pytest.raises(BundleInvalidError):
            unpack(cut, PUBLIC, tmp_path / f"out-{number}")


@pytest.mark.parametrize("text", ["", "1", "1.2.x", "1.2.3.4.5", "../1.2", "1.2\n", "-1.2"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(BundleInvalidError):
        as_numbers(text)


def test_versions_are_compared_as_numbers() -> None:
    assert as_numbers("0.10.0") > as_numbers("0.9.9")


def test_a_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "upgrade.key"
    make_upgrade_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_half(read_key(path)).startswith(b"-----BEGIN PUBLIC KEY-----")
    with pytest.raises(FileExistsError):
        make_upgrade_key(path)
    path.write_text("no key")
    with pytest.raises(OvaError, match="no private key"):
        read_key(path)


def _part(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    return entry, content
