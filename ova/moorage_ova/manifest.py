"""``build.json``: what was built from what, how long it took, and what two builds may differ in."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from moorage_ova.commit import Commit

#: The same commit gives the same image as long as Debian's archive and the wheels are the same.
MAY_DIFFER: Sequence[str] = (
    "versions of Debian's packages, if the archive moved on and the folder of packages was made anew "
    "(the bill of materials tells)",
    "the key of the upgrades (usr/share/moorage/upgrade.pub), if each build made its own",
    "the seconds of the stages in this file",
)
_BLOCK = 1024 * 1024


def write_manifest(
    path: Path, commit: Commit, seconds: Mapping[str, float], products: Sequence[Path]
) -> None:
    """Write the manifest of a build to `path`.

    Args:
        seconds: of each stage.
        products: files that the build made.
    """
    said = {
        "version": commit.version,
        "commit": commit.id,
        "changed_since_commit": commit.changed,
        "epoch": commit.epoch,
        "stages": [{"name": name, "seconds": each} for name, each in seconds.items()],
        "products": [
            {"name": each.name, "size": each.stat().st_size, "sha256": digest(each)} for each in products
        ],
        "may_differ_between_builds": list(MAY_DIFFER),
    }
    path.write_text(json.dumps(said, indent=2) + "\n")


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
    return sha.hexdigest()
