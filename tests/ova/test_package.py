"""The package is what OVF says, the same each time, and there whole or not at all."""

import hashlib
import tarfile
from pathlib import Path

import pytest

from moorage_ova.errors import OvaError
from moorage_ova.package import package
from tests.support import small_ova


def test_descriptor_manifest_and_disk_in_this_order(tmp_path: Path) -> None:
    found = small_ova.ova(tmp_path)
    assert found == tmp_path / "moorage-1.2.3.ova"
    assert list(small_ova.files(found)) == [
        "moorage-1.2.3.ovf",
        "moorage-1.2.3.mf",
        "moorage-1.2.3-disk1.vmdk",
    ]


def test_the_manifest_has_the_digest_of_every_other_file(tmp_path: Path) -> None:
    descriptor, manifest, disk = small_ova.files(small_ova.ova(tmp_path)).values()
    assert manifest.decode().splitlines() == [
        f"SHA256(moorage-1.2.3.ovf)= {hashlib.sha256(descriptor).hexdigest()}",
        f"SHA256(moorage-1.2.3-disk1.vmdk)= {hashlib.sha256(disk).hexdigest()}",
    ]


def test_two_packages_of_one_disk_are_equal(tmp_path: Path) -> None:
    disk = small_ova.vmdk(tmp_path)
    first = package(disk, "1", tmp_path / "a").read_bytes()
    disk.touch()
    assert package(disk, "1", tmp_path / "b").read_bytes() == first


def test_no_trace_of_who_made_it_when(tmp_path: Path) -> None:
    with tarfile.open(small_ova.ova(tmp_path)) as archive:
        for each in archive:
            assert (each.mtime, each.uid, each.gid, each.uname, each.gname, each.mode) == (
                0,
                0,
                0,
                "",
                "",
                0o644,
            )


def test_what_is_no_streamed_disk_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    raw = tmp_path / "disk.raw"
    raw.write_bytes(bytes(4096))
    with pytest.raises(OvaError, match=r"disk\.raw: the disk has no header of a VMDK"):
        package(raw, "1", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failure_leaves_the_package_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = small_ova.ova(tmp_path).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(OSError, match="No space"):
        small_ova.ova(tmp_path)
    assert (tmp_path / "moorage-1.2.3.ova").read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["disk.vmdk", "moorage-1.2.3.ova"]
