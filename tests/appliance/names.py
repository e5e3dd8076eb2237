"""Names and trusted authorities for this process and its children alone, in a mount namespace."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNS = 0x00020000


@contextmanager
def own_names(folder: Path, **hosts: str) -> Iterator[Path]:
    """Let names lead to addresses; what is put below the folder that is given counts as /etc/docker.

    The machine's own files are not touched. Only root can do this.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "no mount namespace of our own")
    table, docker = folder / "hosts", folder / "docker"
    lines = [Path("/etc/hosts").read_text(), *(f"{address} {name}" for name, address in hosts.items())]
    table.write_text("\n".join(lines) + "\n")
    docker.mkdir()
    Path("/etc/docker").mkdir(exist_ok=True)
    _mount("--make-rprivate", "/")
    _mount("--bind", table, "/etc/hosts")
    _mount("--bind", docker, "/etc/docker")
    try:
        yield docker
    finally:
        for each in ("/etc/docker", "/etc/hosts"):
            subprocess.run(("umount", each), check=True)


def _mount(*words: str | os.PathLike[str]) -> None:
    subprocess.run(("mount", *words), check=True)
