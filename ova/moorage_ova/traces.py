"""Looks for what must be in no image: anything of the build, of the machine it ran on, or of a first boot."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from moorage_ova.prepare import AUTHORIZED, NETWORK_FILE

#: Must not be there at all.
_ABSENT = (
    AUTHORIZED,
    NETWORK_FILE,
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/*",
    "etc/ssh/ssh_host_*",
    "home/*",
    "opt/moorage-build",
    "root/*",
    "root/.*",
    "tmp/*",
    "usr/local/share/ca-certificates/*",
    "var/cache/apt/archives/*.deb",
    "var/lib/apt/lists/*",
    "var/lib/dbus/machine-id",
    "var/lib/systemd/credential.secret",
    "var/lib/systemd/random-seed",
    "var/log/*",
    "var/tmp/*",
)
#: Where a word of the build could have been written to, and what is too large to be configuration.
_SEARCHED = ("etc", "usr/share/moorage", "usr/local", "opt/moorage", "var/lib/systemd")
_LARGEST = 256 * 1024
_PROXY = re.compile(rb"(?im)^\s*acquire::(http|https|ftp)::proxy")


def traces(folder: Path, words: Sequence[str] = ()) -> list[str]:
    """What of the build is still in `folder`; empty if it is clean.

    Args:
        words: texts that must be in no file of the configuration, as the build's key and mirror.
    """
    found = [
        f"/{path.relative_to(folder)} is there"
        for pattern in _ABSENT
        for path in sorted(folder.glob(pattern))
        if path.name not in {".", ".."}
    ]
    machine_id = folder / "etc/machine-id"
    if not machine_id.exists() or machine_id.read_text():
        found.append("/etc/machine-id is not an empty file")
    found += [f"/etc/shadow: {name} has a password" for name in _with_password(folder / "etc/shadow")]
    found += _words_in(folder, [word.encode() for word in words if word])
    return found


def _with_password(shadow: Path) -> list[str]:
    fields = [line.split(":") for line in shadow.read_text().splitlines()]
    return [each[0] for each in fields if not each[1].startswith(("!", "*"))]


def _words_in(folder: Path, words: Sequence[bytes]) -> list[str]:
    found = []
    for start in _SEARCHED:
        for parent, _, names in os.walk(folder / start):
            for path in (Path(parent, name) for name in sorted(names)):
                if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                    continue
                text = path.read_bytes()
                shown = f"/{path.relative_to(folder)}"
                found += [f"{shown} holds {word.decode()!r}" for word in words if word in text]
                if _PROXY.search(text):
                    found.append(f"{shown} names a proxy for packages")
    return found
