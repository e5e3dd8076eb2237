"""The folder that backups are kept in.

blobs/sha256/ab/abcdef...   content, shared by all of its backups
20260701T014000Z/           one backup: manifest, database, list of blobs, keys, state
.partial-...                one that is being made
.lock                       held by who writes here
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.backup.copying import make_folders, sync_folder
from moorage_appliance.backup.errors import BackupError
from moorage_appliance.backup.manifest import has_manifest

_NAME = re.compile(r"\d{8}T\d{6}Z").fullmatch
_UNFINISHED = (".partial-", ".gone-")


@dataclass(frozen=True, slots=True)
class Place:
    """Where backups are."""

    root: Path

    @property
    def blobs(self) -> Path:
        """The content of all of them."""
        return self.root / "blobs"

    def names(self) -> list[str]:
        """The finished backups, the oldest first."""
        try:
            found = sorted(each.name for each in self.root.iterdir() if _NAME(each.name))
        except OSError as error:
            raise BackupError(f"{self.root} cannot be read: {error.strerror}") from error
        return [name for name in found if has_manifest(self.root / name)]

    def begin(self, name: str) -> Path:
        """The folder of a new backup, and away with what was never finished."""
        if (self.root / name).exists():
            raise BackupError(f"there is a backup {name} already; try again in a second")
        self.sweep()
        folder = self.root / f".partial-{name}"
        make_folders(folder)
        make_folders(self.blobs)
        return folder

    def publish(self, folder: Path, name: str) -> None:
        """From now on it is a backup."""
        sync_folder(folder)
        folder.rename(self.root / name)
        sync_folder(self.root)

    def drop(self, name: str) -> None:
        """From now on it is none; its content stays."""
        gone = self.root / f".gone-{name}"
        (self.root / name).rename(gone)
        sync_folder(self.root)
        shutil.rmtree(gone)

    def sweep(self) -> None:
        """Remove what was begun and not finished, or dropped and not removed; content stays."""
        for each in self.root.iterdir():
            if each.name.startswith(_UNFINISHED) and each.is_dir():
                shutil.rmtree(each)

    @contextmanager
    def unchanging(self) -> Iterator[None]:
        """Keep others from writing here, as far as it can be locked: not where nobody can write.

        Raises:
            BackupError: somebody writes.
        """
        try:
            descriptor = os.open(self.root / ".lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            yield
            return
        try:
            _lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, self._refusal)
            yield
        finally:
            os.close(descriptor)

    @property
    def _refusal(self) -> str:
        return f"another backup or restore works in {self.root}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one that writes here.

        Raises:
            BackupError: somebody does.
        """
        with locked(self.root / ".lock", self._refusal):
            yield


@contextmanager
def locked(path: Path, refusal: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock that ends with the process; the file belongs to whom its folder belongs to.

    Raises:
        BackupError: somebody else has it, or it cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise BackupError(f"{path} cannot be made: {error.strerror}") from error
    try:
        above, own = path.parent.stat(), os.fstat(descriptor)
        if os.geteuid() == 0 and (above.st_uid, above.st_gid) != (own.st_uid, own.st_gid):
            os.fchown(descriptor, above.st_uid, above.st_gid)
        _lock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), refusal)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int, refusal: str) -> None:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        raise BackupError(refusal) from None
