"""The bundle that an appliance is upgraded by: the payload of the image, and who vouches for it.

The other half of it is `moorage_appliance.upgrade.bundle`, which reads it.
"""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from moorage_appliance.upgrade.bundle import FILES, FORMAT, MANIFEST, PAYLOAD, SIGNATURE, WHEELS
from moorage_ova.errors import OvaError
from moorage_ova.manifest import digest

SigningKey = Ed25519PrivateKey
#: The oldest release that can be upgraded to this one.
MINIMUM = "0.1.0"


def make_bundle(payload: Path, key: SigningKey, epoch: int, into: Path) -> Path:
    """Write the bundle of a payload into a folder; the same payload gives the same bytes.

    Args:
        payload: the folder that `payload.make` made.
        epoch: seconds; the time of every member.
    """
    version = json.loads((payload / PAYLOAD).read_text())["version"]
    members = {name: payload / name for name in (PAYLOAD, FILES, WHEELS)}
    said = {
        "format": FORMAT,
        "version": version,
        "minimum": MINIMUM,
        "members": {
            name: {"size": path.stat().st_size, "sha256": digest(path)} for name, path in members.items()
        },
    }
    manifest = json.dumps(said, indent=2, sort_keys=True).encode()
    made = into / f"moorage-{version}.upgrade"
    with tarfile.open(made, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in ((MANIFEST, manifest), (SIGNATURE, key.sign(manifest))):
            archive.addfile(_entry(name, len(content), epoch), io.BytesIO(content))
        for name, path in members.items():
            with path.open("rb") as file:
                archive.addfile(_entry(name, path.stat().st_size, epoch), file)
    return made


def read_key(path: Path) -> SigningKey:
    """The key that signs bundles.

    Raises:
        OvaError: the file has none.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise OvaError(f"{path} has no private key in PEM, without password: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise OvaError(f"{path} has a key, but none of Ed25519")
    return key


def make_upgrade_key(path: Path) -> None:
    """Make a key; nobody but its owner can read it."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)


def public_half(key: SigningKey) -> bytes:
    """What the image knows of the key, in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: SigningKey) -> str:
    """SHA-256 of the public half in DER, hexadecimal."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()


def _entry(name: str, size: int, epoch: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode, entry.uname, entry.gname = size, epoch, 0o644, "root", "root"
    return entry
