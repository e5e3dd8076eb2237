"""A package imported by govmomi, the library that others' tools stand on."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.go_program import go_program
from tests.support.vcenter import Vcenter

_SOURCE = Path(__file__).with_name("main.go")


def import_ova(
    vcenter: Vcenter, account: str, password: str, ova: Path, name: str, pool: str, network: str
) -> dict[str, Any]:
    """What govmomi read in the package, sent, and the power state of the machine in the end."""
    words = [
        go_program(_SOURCE, "govmomi"),
        vcenter.address,
        vcenter.issued.authority,
        ova,
        name,
        pool,
        network,
    ]
    secret = {"VCENTER_ACCOUNT": account, "VCENTER_PASSWORD": password}
    done = subprocess.run(words, env={**os.environ, **secret}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
