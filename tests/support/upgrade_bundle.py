"""Bundles around tiny releases: a wheel of a few lines, one unit, one file of settings."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moorage_ova.bundle import make_bundle

_MAKER = Path(__file__).parents[2] / "playbooks/roles/python/files/make-environment"
#: Says whether it can go on with the database, as `moorage migrate --check` does.
_PROGRAM = """
import os, sqlite3, sys
RELEASE, SCHEMA = {version!r}, {schema!r}
def main():
    path = os.environ["DATABASE"]
    found = sqlite3.connect(path).execute("SELECT number FROM schema").fetchone()[0]
    sys.exit(0 if found == SCHEMA else 1)
"""


def payload(folder: Path, version: str, *, schema: int = 1, files: Mapping[str, str] | None = None) -> Path:
    """What `make ova` makes of a release."""
    folder.mkdir(parents=True)
    wheel = _wheel(folder, version, schema)
    line = f"moorage=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    _tar(
        folder / "wheels.tar",
        {
            f"moorage-wheels/{wheel.name}": wheel.read_bytes(),
            "moorage-wheels/requirements.txt": line.encode(),
            "moorage-wheels/make-environment": _MAKER.read_bytes(),
        },
    )
    wheel.unlink()
    units = "usr/lib/systemd/system"
    content = {
        "usr/share/moorage/version": f"{version}\n",
        "usr/share/moorage/nginx.conf.j2": f"template of {version}\n",
        f"{units}/moorage-registry.service": f"# of {version}\n",
        **(files or {}),
    }
    _tar(folder / "files.tar", {name: text.encode() for name, text in content.items()})
    facts = {
        "version": version,
        "environment": f"digest-of-{version}",
        "units": ["moorage.target"],
        "timers": [],
    }
    (folder / "payload.json").write_text(json.dumps(facts))
    return folder


def bundle(folder: Path, key: Ed25519PrivateKey, version: str, *, schema: int = 1, **files: str) -> Path:
    """A bundle of a tiny release."""
    made = payload(folder / f"payload-{version}", version, schema=schema, files=files)
    return make_bundle(made, key, 0, folder)


def spoil_wheels(payload: Path) -> None:
    """Let a wheel be another than the one that the requirements name."""
    with tarfile.open(payload / "wheels.tar") as archive:
        parts = {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]
    name = next(each for each in parts if each.endswith(".whl"))
    _tar(payload / "wheels.tar", {**parts, name: parts[name] + b"\0"})


def _wheel(folder: Path, version: str, schema: int) -> Path:
    path = folder / f"moorage-{version}-py3-none-any.whl"
    info = f"moorage-{version}.dist-info"
    parts = {
        "moorage.py": _PROGRAM.format(version=version, schema=schema),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: moorage\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nmoorage = moorage:main\n",
    }
    record = "".join(f"{name},,\n" for name in (*parts, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**parts, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return path


def _tar(path: Path, parts: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
