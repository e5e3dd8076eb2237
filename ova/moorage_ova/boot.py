"""What starts the kernel: GRUB for BIOS and for EFI, put onto the disk without mounting it.

The image holds no package of GRUB: its configuration names ``/vmlinuz`` and ``/initrd.img``, which Debian's
kernel package keeps up to date.
"""

import os
import struct
from pathlib import Path

from moorage_ova import programs

SECTOR = 512
MIB = 1024 * 1024
_MODULES = (
    *("part_gpt", "ext2", "search", "search_fs_uuid", "configfile", "normal", "linux"),
    *("serial", "terminal", "echo", "test", "minicmd", "gzio"),
)
_TARGETS = ("i386-pc", "core.img", ["biosdisk"]), ("x86_64-efi", "BOOTX64.EFI", ["fat", "efi_gop"])
_BIOS_BOOT = Path("/usr/lib/grub/i386-pc/boot.img")
_BOOT_CODE_BYTES = 440
#: In GRUB's first stage: where the first sector of the second one is named, and the check of the drive.
_KERNEL_SECTOR_AT = 0x5C
_DRIVE_CHECK_AT = 0x66
_NO_OPERATION = b"\x90\x90"
#: In the first sector of the second stage: where the list of its other sectors begins.
_BLOCK_LIST_AT = 500


def menu(root_id: str, command_line: str) -> str:
    """GRUB's configuration.

    Args:
        root_id: UUID of the root file system.
        command_line: of the kernel, besides the root.
    """
    return f"""set timeout=0
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --fs-uuid --set=root {root_id}
menuentry Moorage {{
  linux /vmlinuz root=UUID={root_id} ro {command_line}
  initrd /initrd.img
}}
"""


def make_loaders(folder: Path, root_id: str) -> tuple[Path, Path]:
    """GRUB for BIOS and for EFI, as files in `folder`; both look for the menu on the root file system.

    Raises:
        OvaError: GRUB is not installed on this machine.
    """
    early = folder / "early.cfg"
    early.write_text(
        f"search --no-floppy --fs-uuid --set=root {root_id}\n"
        "set prefix=($root)/boot/grub\n"
        "configfile $prefix/grub.cfg\n"
    )
    made = []
    for target, name, more in _TARGETS:
        path = folder / name
        common = ("-O", target, "-o", str(path), "-c", str(early), "-p", "/boot/grub")
        programs.run("grub-mkimage", *common, *_MODULES, *more)
        made.append(path)
    return made[0], made[1]


def install_bios(disk: Path, core: Path, first_sector: int) -> None:
    """Write GRUB's two stages: into the first sector of the disk, and from `first_sector` on."""
    second = bytearray(core.read_bytes())
    struct.pack_into("<Q", second, _BLOCK_LIST_AT, first_sector + 1)
    first = bytearray(_BIOS_BOOT.read_bytes()[:_BOOT_CODE_BYTES])
    struct.pack_into("<Q", first, _KERNEL_SECTOR_AT, first_sector)
    first[_DRIVE_CHECK_AT : _DRIVE_CHECK_AT + len(_NO_OPERATION)] = _NO_OPERATION
    with disk.open("r+b") as file:
        file.write(first)
        file.seek(first_sector * SECTOR)
        file.write(second)


def install_efi(disk: Path, loader: Path, start: int, size: int, serial: int, epoch: int) -> None:
    """Make the EFI system partition, of `size` bytes at byte `start`, with the loader in it.

    Args:
        serial: the file system's number.
        epoch: seconds; when its files were made.
    """
    image = loader.with_name("esp.img")
    with image.open("wb") as file:
        file.truncate(size)
    programs.run("mkfs.vfat", "--invariant", "-i", f"{serial:08x}", "-n", "ESP", str(image))
    time = {"SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC"}
    programs.run("mmd", "-i", str(image), "::/EFI", "::/EFI/BOOT", environment=time)
    os.utime(loader, (epoch, epoch))
    programs.run("mcopy", "-m", "-i", str(image), str(loader), "::/EFI/BOOT/BOOTX64.EFI", environment=time)
    with disk.open("r+b") as file:
        file.seek(start)
        file.write(image.read_bytes())
