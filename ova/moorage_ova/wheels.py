"""The wheels that the image's environment is made of: those that the lock names, and the project's own."""

import sys
from pathlib import Path

from moorage_ova import programs

#: Python of Debian 13, and the systems whose wheels its C library can load.
PYTHON = "3.13"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def gather(project: Path, folder: Path, epoch: int) -> None:
    """Put every wheel into `folder`: each file is the one that the lock knows by its hash.

    Args:
        project: the source tree.
        epoch: seconds; the time of the files in the project's own wheel.

    Raises:
        OvaError: the lock cannot be satisfied with wheels, or the project not be built.
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
    programs.run(
        *(sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "wheel"),
        *("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(project)),
        environment={"SOURCE_DATE_EPOCH": str(epoch)},
    )
