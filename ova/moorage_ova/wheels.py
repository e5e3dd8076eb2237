"""The wheels that the image's environment is made of: those that the lock names, and the project's own."""

import shutil
import sys
import tempfile
from pathlib import Path

from moorage_ova import programs

#: Python of Debian 13, and the systems whose wheels its C library can load.
PYTHON = "3.13"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
#: What a wheel of the project is built of.
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "server/moorage", "appliance/moorage_appliance", "ova")
_NO_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")


def gather(project: Path, folder: Path, epoch: int) -> None:
    """Put every wheel into `folder`: each file is the one that the lock knows by its hash.

    Args:
        project: the source tree.
        epoch: seconds; the time of the files in the project's own wheel.

    Raises:
        OvaError: the lock cannot be satisfied with wheels, or the project not be built.
    """
    fetch(project, folder)
    build(project, folder, epoch)


def fetch(project: Path, folder: Path) -> None:
    """Put the wheels of the lock into `folder`.

    Raises:
        OvaError: one of them cannot be had, or is not the one that the lock knows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [argument for each in _PLATFORMS for argument in ("--platform", each)]
    programs.run(
        *(sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download"),
        *("--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"),
        *platforms,
        *("--dest", str(folder)),
        *("--requirement", str(project / "server/requirements/run.txt")),
    )


def build(project: Path, folder: Path, epoch: int) -> None:
    """Put the project's own wheel into `folder`; it is built of a copy, where no earlier build left anything.

    Args:
        project: the source tree.
        epoch: seconds; the time of the files in the wheel.

    Raises:
        OvaError: the project cannot be built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for name in _SOURCES:
            source, copy = project / name, Path(work, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=_NO_SOURCES)
            else:
                shutil.copy(source, copy)
        programs.run(
            *(sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "wheel"),
            *("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), work),
            environment={"SOURCE_DATE_EPOCH": str(epoch)},
        )
