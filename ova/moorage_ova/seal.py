"""Stage 4: what Packer built becomes a folder again, without a trace of where and when it was built.

The disk of the appliance is made anew of that folder: nothing that was deleted during the build is left in
its blocks, and the same content gives the same bytes.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moorage_ova import programs
from moorage_ova.disk import ROOT_START

#: Emptied, the folder itself stays.
EMPTIED = (
    "boot/grub",
    "home",
    "mnt",
    "root",
    "run",
    "tmp",
    "var/backups",
    "var/cache",
    "var/lib/apt/lists",
    "var/lib/systemd/catalog",
    "var/lib/systemd/deb-systemd-helper-masked",
    "var/lib/systemd/timers",
    "var/log",
    "var/tmp",
)
#: Removed: what belongs to the build, or to one machine alone.
REMOVED = (
    "etc/.pwd.lock",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d",
    "etc/group-",
    "etc/gshadow-",
    "etc/passwd-",
    "etc/shadow-",
    "etc/ssh/ssh_host_*",
    "etc/systemd/network/80-build.network",
    "etc/udev/hwdb.bin",
    "lost+found",
    "var/lib/dbus/machine-id",
    "var/lib/dpkg/*-old",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret",
)


#: What Debian's packages bring and an appliance does not need: tests and tools of Python's library, and names
#: of hardware that no virtual machine has.
NOT_NEEDED = (
    "usr/lib/python3.13/idlelib",
    "usr/lib/python3.13/lib2to3",
    "usr/lib/python3.13/pydoc_data",
    "usr/lib/python3.13/test",
    "usr/lib/python3.13/tkinter",
    "usr/lib/python3.13/turtledemo",
    "usr/lib/udev/hwdb.bin",
    "usr/lib/udev/hwdb.d/*",
    "usr/share/bash-completion",
    "usr/share/doc/*/changelog*",
    "usr/share/doc/*/NEWS*",
    "usr/share/doc/*/README*",
    "opt/moorage/lib/python3.13/site-packages/*/tests",
    "opt/moorage/lib/python3.13/site-packages/*/test",
)


def sealed(disk: Path, folder: Path) -> None:
    """Copy the root file system of the built disk into `folder`, and take everything out that is in no image.

    Args:
        disk: as Packer left it, qcow2.
        folder: is replaced.

    Raises:
        OvaError: a program is missing or failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _mounted(disk) as root:
        programs.run("cp", "-a", f"{root}/.", str(folder))
    clean(folder)
    strip(folder)
    compile_python(folder)


def strip(folder: Path) -> None:
    """Take out of `folder` what no appliance needs."""
    for pattern in NOT_NEEDED:
        for path in folder.glob(pattern):
            _remove(path)


def compile_python(folder: Path) -> None:
    """Compile all of Python's modules anew, in a form that does not look at the times of the sources.

    The times change when the disk is made, and an appliance could not keep what it compiles itself.

    Raises:
        OvaError: a module cannot be compiled.
    """
    for cache in [*folder.glob("usr/lib/python3*/**/__pycache__"), *folder.glob("opt/**/__pycache__")]:
        _remove(cache)
    places = ["/usr/lib/python3.13", "/usr/lib/python3", *(["/opt"] if any(folder.glob("opt/*")) else [])]
    programs.run(
        *("chroot", str(folder), "/usr/bin/python3", "-I", "-m", "compileall", "-q", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash", *places),
        environment={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin"},
    )


def clean(folder: Path) -> None:
    """Take out of `folder` what belongs to the build or to one machine alone."""
    for name in EMPTIED:
        for path in (folder / name).iterdir() if (folder / name).is_dir() else ():
            _remove(path)
    for pattern in REMOVED:
        for path in folder.glob(pattern):
            _remove(path)
    # Empty, not missing: systemd then makes an id at the first boot.
    (folder / "etc/machine-id").write_text("")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _mounted(disk: Path) -> Iterator[Path]:
    """The root file system of a disk, to be read only."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as work:
        raw, root = Path(work, "disk.raw"), Path(work, "root")
        programs.run("qemu-img", "convert", "-O", "raw", str(disk), str(raw))
        root.mkdir()
        programs.run("mount", "-o", f"loop,ro,offset={ROOT_START}", str(raw), str(root))
        try:
            yield root
        finally:
            programs.run("umount", str(root))
