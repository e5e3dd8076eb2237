"""The file that an upgrade comes in: believed only as far as its signature goes.

A tar archive: ``manifest.json``, ``manifest.sig`` (Ed25519 over the manifest's bytes, RFC 8032), and the
members that the manifest names with size and SHA-256, in any order.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from moorage_appliance.upgrade.errors import BundleInvalidError

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FILES, WHEELS, PAYLOAD = "files.tar", "wheels.tar", "payload.json"
_MEMBERS = frozenset({FILES, WHEELS, PAYLOAD})
_LARGEST_MANIFEST = 64 * 1024
_SIGNATURE_BYTES = 64
_PIECE = 1 << 20
_version = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}").fullmatch


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose every byte is what its maker signed.

    Attributes:
        minimum: the oldest release that can be upgraded by it.
        folder: where its members lie.
    """

    version: str
    minimum: str
    folder: Path

    def payload(self) -> dict[str, Any]:
        """Digest of the environment, names of units and timers."""
        found: dict[str, Any] = json.loads((self.folder / PAYLOAD).read_text())
        return found


def unpack(path: Path, public_key: bytes, folder: Path) -> Bundle:
    """Verify a bundle and put its members into a folder, which is made.

    Args:
        public_key: in PEM, of whoever makes this appliance's releases.

    Raises:
        BundleInvalidError: it is damaged, or somebody else's; the folder may hold a part of it.
    """
    key = load_pem_public_key(public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise BundleInvalidError("the key for upgrades on this appliance is none of Ed25519")
    folder.mkdir(parents=True, mode=0o700)
    try:
        with tarfile.open(path, "r|") as archive:
            return _read(archive, key, folder)
    except (tarfile.TarError, EOFError) as error:
        raise BundleInvalidError(f"{path.name} is no bundle, or only a part of one: {error}") from error


def as_numbers(version: str) -> tuple[int, ...]:
    """A version as something that can be compared.

    Raises:
        BundleInvalidError: it is none.
    """
    if not _version(version):
        raise BundleInvalidError(f"{version!r} is no version")
    return tuple(int(each) for each in version.split("."))


def _read(archive: tarfile.TarFile, key: Ed25519PublicKey, folder: Path) -> Bundle:
    text = _small(archive, MANIFEST, _LARGEST_MANIFEST)
    try:
        key.verify(_small(archive, SIGNATURE, _SIGNATURE_BYTES), text)
    except InvalidSignature:
        raise BundleInvalidError(
            "its signature is not by whoever made this appliance; get the bundle again from where it came"
        ) from None
    bundle, members = _manifest(text, folder)
    left = dict(members)
    # Not as an iterator, which would begin with the two again.
    while (entry := archive.next()) is not None:
        wanted = left.pop(entry.name, None)
        if wanted is None or not entry.isreg() or entry.size != wanted["size"]:
            raise BundleInvalidError(f"{entry.name!r} is not as the manifest says, or not in it")
        source = archive.extractfile(entry)
        assert source is not None  # noqa: S101 - a regular file has content
        if _copy(source, folder / entry.name) != wanted["sha256"]:
            raise BundleInvalidError(f"{entry.name} is damaged")
    if left:
        raise BundleInvalidError(f"{', '.join(sorted(left))} is missing")
    return bundle


def _small(archive: tarfile.TarFile, name: str, most: int) -> bytes:
    entry = archive.next()
    if entry is None or entry.name != name or not entry.isreg() or entry.size > most:
        raise BundleInvalidError(f"it does not begin as a bundle does: no {name}")
    source = archive.extractfile(entry)
    assert source is not None  # noqa: S101 - a regular file has content
    return source.read()


def _manifest(text: bytes, folder: Path) -> tuple[Bundle, Mapping[str, Mapping[str, Any]]]:
    # Signed, so it is ours; a newer form is told apart all the same.
    said = json.loads(text)
    if said.get("format") != FORMAT:
        raise BundleInvalidError("it is of a form that this release does not know; upgrade to one in between")
    members = said["members"]
    if set(members) != _MEMBERS:
        raise BundleInvalidError("its manifest names other members than an upgrade has")
    bundle = Bundle(said["version"], said["minimum"], folder)
    as_numbers(bundle.version), as_numbers(bundle.minimum)
    return bundle, members


def _copy(source: IO[bytes], target: Path) -> str:
    sha = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while piece := source.read(_PIECE):
            sha.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return sha.hexdigest()
