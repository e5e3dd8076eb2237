"""Outside programs that build the appliance: found or told what to install, run with their words kept."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from moorage_ova.errors import OvaError

#: Debian's package of each program that the build needs.
PACKAGES: Mapping[str, str] = {
    "ansible-playbook": "ansible",
    "debugfs": "e2fsprogs",
    "grub-mkimage": "grub-common",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mmdebstrap": "mmdebstrap",
    "mmd": "mtools",
    "packer": "packer",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "sfdisk": "fdisk",
    "ssh-keygen": "openssh-client",
}
_ADMINISTRATOR = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_SHOWN_LINES = 15
_END_SECONDS = 20


def find(name: str) -> str:
    """The path of a program.

    Raises:
        OvaError: it is not installed.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), *_ADMINISTRATOR))
    found = shutil.which(name, path=path)
    if found is None:
        raise OvaError(f"{name} is missing; Debian's package {PACKAGES.get(name, name)} has it")
    return found


def run(*argv: str, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """Run a program to its end; returns what it printed.

    Raises:
        OvaError: it is missing or failed; with the last lines that it said.
    """
    process = subprocess.Popen(
        (find(argv[0]), *argv[1:]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(environment or {})},
        cwd=folder,
        # Ctrl-C is ours to pass on: a program that ends by itself could leave its children.
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        raise OvaError(f"{argv[0]} ended with {process.returncode}:\n{_last_lines(output)}")
    return output


def _end(process: "subprocess.Popen[str]") -> None:
    """End a program and what it started: politely first, so that it can take its mounts away."""
    for each in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, each)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)


def _last_lines(text: str) -> str:
    lines: Sequence[str] = text.strip().splitlines()
    return "\n".join(lines[-_SHOWN_LINES:])
