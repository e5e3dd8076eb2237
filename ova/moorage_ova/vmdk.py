"""The streaming form of a virtual disk, as vSphere exports and imports it.

Written by Debian's python3-vmdkstream, which puts the directory of the grains at the end as vSphere's own
exports have it; qemu-img puts it in front.
"""

from pathlib import Path

from moorage_ova import programs
from moorage_ova.errors import OvaError

#: Debian's modules belong to Debian's Python.
_PYTHON = "/usr/bin/python3"
_PROGRAM = "import sys, VMDKstream; VMDKstream.convert_to_stream(sys.argv[1], sys.argv[2])"


def make_vmdk(disk: Path, vmdk: Path) -> None:
    """Write the raw `disk` as `vmdk`, and read it back.

    Raises:
        OvaError: python3-vmdkstream is not installed, or the two are not the same.
    """
    try:
        programs.run(_PYTHON, "-c", _PROGRAM, str(disk), str(vmdk))
    except OvaError as error:
        raise OvaError(f"Debian's package python3-vmdkstream is needed: {error}") from error
    programs.run("qemu-img", "compare", "-q", str(disk), str(vmdk))
