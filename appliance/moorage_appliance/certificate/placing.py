"""Where nginx finds certificate and key: both change by one rename, so nobody reads one of each."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from moorage_appliance.certificate.model import Served
from moorage_appliance.files import MOORAGE, ROOT, folder, put

_CURRENT = "current"
_AUTHORITY = "ca.crt"


def place(tls: Path, served: Served) -> bool:
    """Put what nginx serves with in place; whether it is other than before.

    Args:
        tls: the folder; `server.crt`, `server.key` and, if known, `ca.crt` are links in it.
    """
    text = "\0".join((served.certificate, served.key, served.authority))
    name = "set-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    new = tls / name
    folder(tls, 0o755)
    folder(new, 0o755)
    put(new / "server.key", served.key, 0o640, ROOT, MOORAGE)
    put(new / "server.crt", served.certificate)
    if served.authority:
        put(new / _AUTHORITY, served.authority)
    before = _target(tls / _CURRENT)
    _link(tls / _CURRENT, name)
    _link(tls / "server.key", f"{_CURRENT}/server.key")
    _link(tls / "server.crt", f"{_CURRENT}/server.crt")
    if served.authority:
        _link(tls / _AUTHORITY, f"{_CURRENT}/{_AUTHORITY}")
    else:
        (tls / _AUTHORITY).unlink(missing_ok=True)
    for each in tls.glob("set-*"):
        if each.name != name:
            shutil.rmtree(each, ignore_errors=True)
    return before != name


def _target(link: Path) -> str:
    with suppress(OSError):
        return str(link.readlink())
    return ""


def _link(path: Path, target: str) -> None:
    if _target(path) == target:
        return
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
