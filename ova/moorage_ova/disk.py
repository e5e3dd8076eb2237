"""Stage 2: a folder becomes a disk that BIOS and EFI boot; no loop device and no mount is needed.

The same folder, identity and time give the same bytes.
"""

import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage_ova import programs
from moorage_ova.boot import MIB, SECTOR, install_bios, install_efi, make_loaders, menu
from moorage_ova.errors import OvaError

_BIOS_START, _BIOS_SIZE = 1 * MIB, 1 * MIB
_ESP_START, _ESP_SIZE = 2 * MIB, 16 * MIB
ROOT_START = _ESP_START + _ESP_SIZE
#: The copy of the partition table at the end.
_TAIL = 1 * MIB
_TYPES = {
    "bios": "21686148-6449-6E6F-744E-656564454649",
    "esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "root": "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
}
COMMAND_LINE = "console=ttyS0,115200 console=tty0 quiet loglevel=3 systemd.show_status=auto"


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of a disk and its parts, all from one text, so that a build can be repeated."""

    seed: str

    def of(self, part: str) -> str:
        """The UUID of a part."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"moorage/{self.seed}/{part}"))

    def number(self, part: str) -> int:
        """A number of 32 bits for a part."""
        return uuid.UUID(self.of(part)).int & 0xFFFFFFFF


def make_disk(root: Path, disk: Path, *, size: int, identity: Identity, epoch: int) -> None:
    """Make the raw disk `disk` with the content of `root`; its menu and table of mounts come too.

    Args:
        size: bytes of the whole disk.
        epoch: seconds; the time of every file system.

    Raises:
        OvaError: a program is missing or failed.
    """
    root_id = identity.of("root")
    _write(root / "boot/grub/grub.cfg", menu(root_id, COMMAND_LINE))
    _write(root / "etc/fstab", f"UUID={root_id} / ext4 errors=remount-ro,noatime 0 1\n")
    clamp_times(root, epoch)
    _partition(disk, size, identity)
    environment = {"SOURCE_DATE_EPOCH": str(epoch), "E2FSPROGS_FAKE_TIME": str(epoch)}
    with tempfile.TemporaryDirectory(dir=disk.parent) as work:
        bios, efi = make_loaders(Path(work), root_id)
        install_bios(disk, bios, _BIOS_START // SECTOR)
        install_efi(disk, efi, _ESP_START, _ESP_SIZE, identity.number("esp"), epoch)
    options = f"offset={ROOT_START},hash_seed={identity.of('hash')},root_owner=0:0"
    kinds = ("-t", "ext4", "-L", "moorage-root", "-U", root_id, "-m", "1", "-E", options)
    mib = (size - ROOT_START - _TAIL) // MIB
    programs.run("mke2fs", "-q", "-F", *kinds, "-d", str(root), str(disk), f"{mib}M", environment=environment)
    _settle_times(root, disk, epoch, environment)


def clamp_times(root: Path, epoch: int) -> None:
    """Let nothing in `root` be younger than `epoch`."""
    for path in _everything(root):
        changed = min(path.lstat().st_mtime_ns // 1_000_000_000, epoch)
        os.utime(path, (epoch, changed), follow_symlinks=False)


def _settle_times(root: Path, disk: Path, epoch: int, environment: Mapping[str, str]) -> None:
    """Set the times that come with reading and copying: of each inode's last access, change and birth."""
    lines = []
    for path in _everything(root):
        name = str(path.relative_to(root)).replace('"', '""')
        for field in ("atime", "ctime", "crtime"):
            lines.append(f'set_inode_field "/{name}" {field} @{epoch}')
            lines.append(f'set_inode_field "/{name}" {field}_extra 0')
    with tempfile.NamedTemporaryFile("w", suffix=".debugfs", dir=disk.parent) as script:
        script.write("\n".join(lines) + "\n")
        script.flush()
        said = programs.run(
            "debugfs", "-w", "-f", script.name, f"{disk}?offset={ROOT_START}", environment=environment
        )
    refused = [line for line in said.splitlines() if "not found" in line or "Invalid" in line]
    if refused:
        raise OvaError(f"debugfs could not set times: {refused[0]}")


def _everything(root: Path) -> Iterator[Path]:
    yield root
    for folder, folders, files in os.walk(root):
        for name in sorted((*folders, *files)):
            yield Path(folder, name)


def _partition(disk: Path, size: int, identity: Identity) -> None:
    parts = (
        ("bios", _BIOS_START, _BIOS_SIZE),
        ("esp", _ESP_START, _ESP_SIZE),
        ("root", ROOT_START, size - ROOT_START - _TAIL),
    )
    lines = ["label: gpt", f"label-id: {identity.of('disk')}"]
    for name, start, length in parts:
        lines.append(
            f"start={start // SECTOR}, size={length // SECTOR}, type={_TYPES[name]}, name={name}, "
            f"uuid={identity.of(name)}"
        )
    disk.unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(size)
    script = disk.with_suffix(".sfdisk")
    script.write_text("\n".join(lines) + "\n")
    programs.run("sh", "-c", 'exec "$0" -q "$1" < "$2"', programs.find("sfdisk"), str(disk), str(script))
    script.unlink()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
