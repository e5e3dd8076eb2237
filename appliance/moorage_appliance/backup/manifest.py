"""What a finished backup says of itself: ``manifest.json``, with its digest beside it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from moorage_appliance.backup.copying import Copied, read_file, sync_folder, write_file
from moorage_appliance.backup.errors import BackupError

_FORMAT = 1
_FILE = "manifest.json"
_DIGEST = "manifest.sha256"
DATABASE = "database.sqlite"
BLOBS = "blobs.txt"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a backup.

    Attributes:
        path: below the backup's folder.
    """

    path: str
    size_bytes: int
    sha256: str

    @property
    def wanted(self) -> Copied:
        """What its bytes have to be."""
        return Copied(self.size_bytes, self.sha256)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A finished backup.

    Attributes:
        name: of its folder, the time of its beginning.
        version: of the release that made it.
        schema: the last migration of its database.
        database: ``sqlite``, which is among the parts, or ``postgresql``, which is not.
        database_at: the moment that the database's copy, or the list of blobs, is of.
        parts: every file but the blobs.
        blobs: how many the database names, with their bytes.
        copied: how many of them this backup added to those that were there.
        damaged: digests of blobs that the registry itself had lost, with the reason.
    """

    name: str
    version: str
    schema: str
    database: str
    database_at: str
    parts: tuple[Part, ...]
    blobs: int
    blob_bytes: int
    copied: int
    copied_bytes: int
    damaged: Mapping[str, str]

    def part(self, path: str) -> Part:
        """The part of that name.

        Raises:
            BackupError: there is none.
        """
        for each in self.parts:
            if each.path == path:
                return each
        raise BackupError(f"the backup {self.name} has no {path}")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it, durable on return."""
    text = json.dumps({"moorage": "backup", "format": _FORMAT, **asdict(manifest)}, indent=1) + "\n"
    body = text.encode()
    write_file(folder / _FILE, body)
    write_file(folder / _DIGEST, f"{hashlib.sha256(body).hexdigest()}  {_FILE}\n".encode())
    sync_folder(folder)


def has_manifest(folder: Path) -> bool:
    """Whether the folder is a finished backup."""
    return (folder / _FILE).is_file() and (folder / _DIGEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Read it.

    Raises:
        BackupError: there is none, it is not what was written, or of a format that is not known.
    """
    try:
        body = (folder / _FILE).read_bytes()
        digest = (folder / _DIGEST).read_text(errors="replace").partition(" ")[0]
    except OSError as error:
        raise BackupError(f"{folder} is no finished backup: {error.strerror}") from error
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), digest):
        raise BackupError(f"{folder / _FILE} was changed or damaged since it was written")
    found: dict[str, Any] = json.loads(body)
    if found.pop("moorage", "") != "backup" or found.pop("format", 0) != _FORMAT:
        raise BackupError(f"{folder} was made in a format that this release does not know")
    parts = tuple(Part(**each) for each in found.pop("parts"))
    for each in parts:
        path = PurePosixPath(each.path)
        if path.is_absolute() or ".." in path.parts:
            raise BackupError(f"{folder} names a file outside of it")
    return Manifest(**found, parts=parts)


def check_parts(folder: Path, manifest: Manifest) -> list[str]:
    """What is wrong with its files, the blobs aside."""
    faults = []
    for part in manifest.parts:
        try:
            read_file(folder / part.path, part.wanted)
        except BackupError as error:
            faults.append(str(error))
    return faults
