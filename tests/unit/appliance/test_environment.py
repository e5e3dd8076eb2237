"""The OVF environment: guestinfo first, then the CD; nothing of a bad one is taken, and no secret is told."""

from pathlib import Path

import pytest

from moorage_appliance.commands import Completed, SystemCommands
from moorage_appliance.environment import LARGEST, EnvironmentInvalidError, parse, read_environment
from moorage_appliance.paths import Paths
from tests.appliance.machine import environment_xml

GOOD = {"network.hostname": "registry.example.com", "registry.admin_password": 'a&b<c>"d'}


class Machine(SystemCommands):
    """Its vmware-rpctool and its CD are what a test says."""

    def __init__(self, guestinfo: str | None = None, disc: bytes | None = None) -> None:
        self._guestinfo = guestinfo
        self._disc = disc

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        if argv[0] == "vmware-rpctool":
            assert argv[1:] == ("info-get guestinfo.ovfEnv",)
            return (
                Completed(0, f"{self._guestinfo}\n", "")
                if self._guestinfo
                else Completed(1, "", "No value found")
            )
        if argv[0] == "mount":
            assert "ro,nosuid,nodev,noexec" in argv
            if self._disc is not None:
                Path(argv[-1], "ovf-env.xml").write_bytes(self._disc)
            return Completed(0 if self._disc is not None else 32, "", "no medium")
        assert argv[0] == "umount"
        return Completed(0, "", "")


def machine_root(root: Path, vendor: str = "VMware, Inc.") -> Paths:
    paths = Paths(root)
    paths.vendor.parent.mkdir(parents=True)
    paths.vendor.write_text(f"{vendor}\n")
    (root / "dev").mkdir()
    (root / "dev/sr0").write_bytes(b"")
    return paths


def test_guestinfo_comes_before_the_disc(tmp_path: Path) -> None:
    machine = Machine(environment_xml(GOOD), environment_xml({"network.hostname": "other"}).encode())
    found = read_environment(machine_root(tmp_path), machine)
    assert (found.source, dict(found.values), found.problems) == ("guestinfo", GOOD, ())
    assert "a&b" not in repr(found)


@pytest.mark.parametrize("vendor", ["VMware, Inc.", "QEMU"])
def test_the_disc_is_read_when_guestinfo_has_nothing(tmp_path: Path, vendor: str) -> None:
    found = read_environment(machine_root(tmp_path, vendor), Machine(None, environment_xml(GOOD).encode()))
    assert (found.source, dict(found.values)) == ("iso", GOOD)


def test_neither_is_no_problem(tmp_path: Path) -> None:
    found = read_environment(machine_root(tmp_path), Machine())
    assert (found.source, dict(found.values), found.problems) == ("none", {}, ())


def test_broken_guestinfo_is_told_and_the_disc_is_read(tmp_path: Path) -> None:
    found = read_environment(machine_root(tmp_path), Machine("<Environment", environment_xml(GOOD).encode()))
    assert found.source == "iso"
    assert ["guestinfo" in each.message for each in found.problems] == [True]


def test_an_unknown_property_is_told_without_its_value(tmp_path: Path) -> None:
    machine = Machine(environment_xml({**GOOD, "network.hostnam": "Hidden-1"}))
    found = read_environment(machine_root(tmp_path), machine)
    assert [each.property for each in found.problems] == ["network.hostnam"]
    assert "network.hostname" in found.problems[0].remedy
    assert "Hidden-1" not in str(found.problems)


def test_a_document_type_is_refused() -> None:
    entity = '<!DOCTYPE Environment [<!ENTITY a SYSTEM "file:///etc/shadow">]>'
    body = environment_xml({"network.hostname": "x"}).replace("?>", f"?>{entity}", 1).replace('"x"', '"&a;"')
    with pytest.raises(EnvironmentInvalidError, match="document type"):
        parse(body.encode())


def test_a_large_one_is_refused() -> None:
    with pytest.raises(EnvironmentInvalidError, match="larger"):
        parse(b" " * (LARGEST + 1))


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe\x00", b"<html/>", b'<?xml version="1.0" encoding="x"?><a/>']
)
def test_what_is_no_environment_is_refused(body: bytes) -> None:
    with pytest.raises(EnvironmentInvalidError):
        parse(body)


def test_the_properties_of_other_machines_are_left_out() -> None:
    body = environment_xml({"network.hostname": "mine"})
    other = body.replace("mine", "theirs").partition("<PropertySection>")[2].partition("</Environment>")[0]
    assert other
    both = body.replace("</Environment>", f"<Entity><PropertySection>{other}</Entity></Environment>")
    assert parse(both.encode()) == (("network.hostname", "mine"),)
