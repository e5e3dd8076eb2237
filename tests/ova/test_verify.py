"""A package is read back: whatever is wrong with it is told."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from moorage_appliance.properties import PROPERTIES
from moorage_ova.cli import main
from moorage_ova.errors import OvaError
from moorage_ova.verify import verify
from tests.support import small_ova


@pytest.fixture(name="ova")
def _ova(tmp_path: Path) -> Path:
    return small_ova.ova(tmp_path)


def _faults(ova: Path) -> str:
    with pytest.raises(OvaError) as refused:
        verify(ova)
    return str(refused.value)


def test_what_was_packed_is_as_it_should_be(ova: Path) -> None:
    found = verify(ova)
    assert found.version == "1.2.3"
    assert found.capacity == small_ova.SECTORS * 512
    assert found.size == ova.stat().st_size
    assert found.properties == tuple(each.key for each in PROPERTIES)


@pytest.mark.parametrize("name", ["ovf", "vmdk"])
def test_a_flipped_byte_is_found(ova: Path, name: str) -> None:
    parts = small_ova.files(ova)
    for each in parts:
        if each.endswith(name):
            content = bytearray(parts[each])
            content[len(content) // 2] ^= 1
            parts[each] = bytes(content)
    assert f".{name} is not the one that was packed" in _faults(small_ova.write(ova, parts))


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ((1, 0, 2), "the first file is moorage-1.2.3.mf"),
        ((0, 2, 1), "the second file is moorage-1.2.3-disk1.vmdk"),
        ((0, 1), "the archive goes on with nothing"),
        ((0,), "the second file is missing"),
        ((2, 0, 1), "the first file is moorage-1.2.3-disk1.vmdk, not the descriptor"),
    ],
)
def test_another_order_is_refused(ova: Path, order: tuple[int, ...], told: str) -> None:
    parts = list(small_ova.files(ova).items())
    assert told in _faults(small_ova.write(ova, dict(parts[place] for place in order)))


def test_a_file_that_nobody_named_is_refused(ova: Path) -> None:
    faults = _faults(small_ova.write(ova, {**small_ova.files(ova), "extra.txt": b"x"}))
    assert "does not list extra.txt" in faults
    assert "the archive goes on with moorage-1.2.3-disk1.vmdk, extra.txt" in faults


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_another_kind_of_archive_is_refused(ova: Path, form: int) -> None:
    parts = small_ova.files(ova)
    if form == tarfile.PAX_FORMAT:
        long = "x" * 120
        parts = {long + ".ovf": b"", **parts}
    assert "is not written in the form USTAR" in _faults(small_ova.write(ova, parts, form))


def test_a_folder_in_the_archive_is_refused(ova: Path) -> None:
    parts = {f"folder/{name}": content for name, content in small_ova.files(ova).items()}
    assert "no plain file at the top" in _faults(small_ova.write(ova, parts))


@pytest.mark.parametrize("left", [0, 100, 20_000, 60_000])
def test_an_archive_that_is_cut_off_is_refused(ova: Path, left: int) -> None:
    ova.write_bytes(ova.read_bytes()[:left])
    assert _faults(ova)


def test_an_archive_without_its_end_is_refused(ova: Path) -> None:
    whole = ova.read_bytes().rstrip(b"\0")
    ova.write_bytes(whole.ljust(-(-len(whole) // 512) * 512, b"\0"))
    assert "cut off" in _faults(ova)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'ovf:key="hostname"', b'ovf:key="host"', "the property network.hostname is missing"),
        (b'ovf:key="hostname"', b'ovf:key="host"', "the property network.host is not the appliance's"),
        (b' ovf:password="true"', b"", "the property tls.key has password None, not 'true'"),
        (b"MaxValue(65535)", b"MaxValue(99999)", "registry.port has qualifiers"),
        (b'ovf:password="true"', b'ovf:password="true" ovf:value="secret"', "the same for everybody"),
        (b"com.vmware.guestInfo iso", b"com.vmware.guestInfo", "properties cannot arrive by iso"),
        (b"vmx-15", b"vmx-99", "the hardware version is vmx-99"),
        (b"VmxNet3", b"E1000", "there is no E1000 in the appliance's kernel"),
        (b"VirtualSCSI", b"lsilogic", "there is no lsilogic in the appliance's kernel"),
        (b"<rasd:ResourceType>15<", b"<rasd:ResourceType>20<", "have no device of type 20"),
        (b"<rasd:Parent>3<", b"<rasd:Parent>4<", "it hangs on no SCSI controller"),
        (b"<rasd:AddressOnParent>3<", b"<rasd:AddressOnParent>7<", "a device is missing"),
        (b'ovf:capacity="2"', b'ovf:capacity="4"', "holds a disk of 2097152 bytes, not 4194304"),
        (b'ovf:capacity="20480"', b'ovf:capacity="0"', "disk database has a capacity of 0"),
        (b'ovf:fileRef="system-file"', b"", "disk system has no file"),
        (b'ovf:diskId="log"', b'ovf:diskId="log" ovf:fileRef="system-file"', "disk log has a file"),
        (b"#streamOptimized", b"#sparse", "disk system is not in the streaming form"),
        (b"<Version>1.2.3</Version>", b"", "name or version is missing"),
        (b'vmw:value="bios"', b'vmw:value="none"', "the firmware is none"),
        (b'ovf:id="large"', b'ovf:id="huge"', "the sizes are small, medium, huge"),
        (b"<Info>License</Info>", b"", "EulaSection does not begin with Info"),
        (b'<Network ovf:name="Network">', b'<Network ovf:name="x">', "no network 'Network'"),
        (b"</Envelope>", b"", "it is not well-formed"),
        (b"<Envelope ", b"<!DOCTYPE x><Envelope ", "it declares a document type"),
        (b"schemas.dmtf.org/ovf/envelope/1", b"schemas.dmtf.org/ovf/envelope/2", "no envelope of OVF 1.x"),
    ],
)
def test_a_descriptor_that_says_something_else_is_refused(
    ova: Path, old: bytes, new: bytes, told: str
) -> None:
    def change(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new)

    faults = _faults(small_ova.changed(ova, ".ovf", change))
    assert told in faults
    assert "not the one that was packed" not in faults


def test_settings_out_of_order_are_refused_as_the_schema_does(ova: Path) -> None:
    first = b"        <rasd:Address>0</rasd:Address>\n"
    second = b"        <rasd:ElementName>SCSI controller 0</rasd:ElementName>\n"
    small_ova.changed(ova, ".ovf", lambda text: text.replace(first + second, second + first))
    assert "SCSI controller 0: its settings are not in the order of the alphabet" in _faults(ova)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda disk: disk[:-512], "the disk has no footer; it is cut off"),
        (lambda disk: disk[:-100], "does not end at a sector"),
        (lambda disk: disk[:512], "does not say streamOptimized"),
        (lambda disk: b"", "has no header of a VMDK"),
        (lambda disk: b"QFI\xfb" + disk[4:], "has no header of a VMDK"),
        (lambda disk: small_ova.header(21) + disk[512:], "its directory stands in front"),
        (lambda disk: small_ova.header(2**64 - 1, flags=3) + disk[512:], "not compressed for streaming"),
        (lambda disk: small_ova.header(2**64 - 1, version=1) + disk[512:], "of version 1"),
        (lambda disk: disk.replace(b"\n \r\n", b"\n \n\n"), "changed its line ends"),
        (lambda disk: disk[:-1024] + small_ova.header(9**9) + disk[-512:], "points to no directory"),
        (lambda disk: disk[:-1024] + small_ova.header(150) + disk[-512:], "there is no directory"),
        (lambda disk: disk[:-1024] + small_ova.header(200, sectors=8) + disk[-512:], "its footer 8"),
    ],
)
def test_a_disk_that_vsphere_would_not_take_is_refused(
    ova: Path, change: Callable[[bytes], bytes], told: str
) -> None:
    assert told in _faults(small_ova.changed(ova, ".vmdk", change))


def test_a_size_that_the_descriptor_does_not_say_is_told(ova: Path) -> None:
    small_ova.changed(ova, ".vmdk", lambda disk: disk[:-1536] + bytes(512) + disk[-1536:])
    assert "as the descriptor says" in _faults(ova)


def test_a_manifest_in_other_words_is_refused(ova: Path) -> None:
    parts = small_ova.files(ova)
    parts["moorage-1.2.3.mf"] = parts["moorage-1.2.3.mf"].replace(b"SHA256", b"SHA1") + b"junk\n"
    assert "this is no SHA-256 of a file: 'junk'" in _faults(small_ova.write(ova, parts))


def test_everything_that_is_wrong_is_told_at_once(ova: Path) -> None:
    small_ova.changed(ova, ".vmdk", lambda disk: disk[:-512])
    small_ova.changed(ova, ".ovf", lambda text: text.replace(b"vmx-15", b"vmx-7").replace(b"iso", b"usb"))
    faults = _faults(ova)
    for told in ("cut off", "vmx-7", "cannot arrive by iso"):
        assert told in faults


def test_the_command_tells_what_is_in_it_and_fails_with_what_is_wrong(ova: Path) -> None:
    good = CliRunner().invoke(main, ["verify", str(ova)])
    assert good.exit_code == 0
    assert "moorage-1.2.3.ova is as it should be: Moorage 1.2.3" in good.output
    ova.write_bytes(b"not an archive")
    bad = CliRunner().invoke(main, ["verify", str(ova)])
    assert bad.exit_code == 1
    assert "no whole archive" in bad.output
    assert "Traceback" not in bad.output


def test_the_command_packs(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["package", str(small_ova.vmdk(tmp_path)), "--version", "7", "--into", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert verify(tmp_path / "out" / "moorage-7.ova").version == "7"
