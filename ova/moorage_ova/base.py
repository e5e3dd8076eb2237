"""Stage 1: a folder with a small Debian, which a kernel of vSphere's hardware can boot."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from moorage_ova import programs
from moorage_ova.sources import Sources

SUITE = "trixie"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
#: The kernel for clouds has vSphere's drivers (vmxnet3, pvscsi) and a quarter of the size of the other.
PACKAGES: Sequence[str] = (
    "ca-certificates",
    "dbus",
    "e2fsprogs",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "linux-image-cloud-amd64",
    "nftables",
    "nginx-light",
    "open-vm-tools",
    "openssh-server",
    "openssl",
    "procps",
    "python3",
    "python3-venv",
    "rsyslog",
    "rsyslog-gnutls",
    "systemd",
    "systemd-resolved",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    "xfsprogs",
    "zstd",
)
_LEFT_OUT = ("man", "doc", "locale", "info", "lintian")
_OPTIONS = (
    '--aptopt=Apt::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    *(f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in _LEFT_OUT),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    # A smaller first disk for the kernel, and one that is quick to unpack.
    '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"; '
    'echo COMPRESS=zstd > "$1/etc/initramfs-tools/conf.d/moorage"; '
    'echo MODULES=most >> "$1/etc/initramfs-tools/conf.d/moorage"',
)


def cached_root(folder: Path, sources: Sources, epoch: int, *, fresh: bool = False) -> bool:
    """Fill `folder` with the packages, unless it was filled with the same list before.

    Args:
        fresh: fill it anyway, with the packages as they are in the archive now.

    Returns:
        Whether it was filled now.

    Raises:
        OvaError: a package could not be had.
    """
    key = hashlib.sha256(repr((SUITE, PACKAGES, _OPTIONS)).encode()).hexdigest()
    stamp = folder.with_name(f"{folder.name}.key")
    if not fresh and stamp.is_file() and stamp.read_text() == key:
        return False
    stamp.unlink(missing_ok=True)
    make_root(folder, sources, epoch)
    stamp.write_text(key)
    return True


def make_root(folder: Path, sources: Sources, epoch: int) -> None:
    """Fill `folder` with the packages; what was there is removed.

    Args:
        epoch: seconds; no file is younger.

    Raises:
        OvaError: a package could not be had.
    """
    shutil.rmtree(folder, ignore_errors=True)
    programs.run(
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--architectures=amd64",
        f"--keyring={_KEYRING}",
        f"--include={','.join(PACKAGES)}",
        *_OPTIONS,
        SUITE,
        str(folder),
        *sources.lines(SUITE),
        environment={"SOURCE_DATE_EPOCH": str(epoch)},
    )
