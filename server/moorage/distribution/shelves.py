"""The storage's folders as they really are, with what does not belong there.

`FilesystemStorage` looks for what it knows; a check has to see the rest too.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from moorage.distribution.quarantine import printable, size_below
from moorage.distribution.storage import is_upload_id
from moorage.oci.digest import ALGORITHMS, Digest, DigestInvalidError

_PREFIX = re.compile(r"[0-9a-f]{2}").fullmatch
#: Every folder of blobs of one algorithm, by name.
PREFIXES = tuple(f"{number:02x}" for number in range(256))


@dataclass(frozen=True, slots=True)
class Stray:
    """A name that should not be where it is.

    Attributes:
        name: its path below the storage's root, in printable characters.
        guard: of the digest under whose lock it could have been made; None: nobody makes such names.
    """

    path: str
    name: str
    size_bytes: int
    guard: Digest | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies in one folder of blobs.

    Attributes:
        files: the size of each blob, by the text of its digest.
    """

    files: dict[str, int]
    strays: list[Stray]


class Shelves:
    """Looks into the folders of blobs and uploads; changes nothing.

    Every method raises `OSError` when a folder cannot be read: what is not seen is not missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._blobs = os.path.join(self._root, "blobs")
        self._uploads = os.path.join(self._root, "uploads")

    def path(self, digest: Digest) -> str:
        """Where the blob's file is, if there is one."""
        return os.path.join(self._blobs, digest.algorithm, digest.hex[:2], digest.hex)

    def find(self, digest: Digest) -> os.stat_result | None:
        """The blob's file; None when there is none (a folder or a link of that name is none)."""
        try:
            found = os.lstat(self.path(digest))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found if stat.S_ISREG(found.st_mode) else None

    def shelf(self, algorithm: str, prefix: str) -> Shelf:
        """One of the 256 folders of an algorithm; a folder that is not there has nothing in it."""
        shelf = Shelf({}, [])
        with suppress(FileNotFoundError), os.scandir(self._shelf_path(algorithm, prefix)) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    digest = _digest(algorithm, prefix, entry.name)
                    if digest is not None and stat.S_ISREG(found.st_mode):
                        shelf.files[str(digest)] = found.st_size
                    else:
                        shelf.strays.append(self._stray(entry.path, guard=_guard(algorithm, entry.name)))
        return shelf

    def strays(self) -> Iterator[Stray]:
        """What lies beside the folders of blobs."""
        for name in sorted(os.listdir(self._blobs)):
            path = os.path.join(self._blobs, name)
            if name not in ALGORITHMS:
                yield self._stray(path)
                continue
            for below in sorted(os.listdir(path)):
                if not _PREFIX(below) or not os.path.isdir(os.path.join(path, below)):
                    yield self._stray(os.path.join(path, below))

    def uploads(self, untouched_since: datetime) -> tuple[dict[str, Stray], list[Stray]]:
        """Folders of uploads that nobody touched since, by id, and what is no upload at all."""
        sessions: dict[str, Stray] = {}
        strays: list[Stray] = []
        with os.scandir(self._uploads) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    if not is_upload_id(entry.name):
                        strays.append(self._stray(entry.path))
                    elif found.st_mtime < untouched_since.timestamp():
                        sessions[entry.name] = self._stray(entry.path)
        return sessions, strays

    def _shelf_path(self, algorithm: str, prefix: str) -> str:
        return os.path.join(self._blobs, algorithm, prefix)

    def _stray(self, path: str, guard: Digest | None = None) -> Stray:
        return Stray(path, printable(os.path.relpath(path, self._root)), size_below(path), guard)


def _digest(algorithm: str, prefix: str, name: str) -> Digest | None:
    """The digest that a file of that name is, in that folder."""
    if not name.startswith(prefix):
        return None
    try:
        return Digest.parse(f"{algorithm}:{name}")
    except DigestInvalidError:
        return None


def _guard(algorithm: str, name: str) -> Digest | None:
    """The digest in whose turn ``<digest>.<random>`` is made, and then renamed to the digest."""
    hex_digits = name.partition(".")[0]
    return _digest(algorithm, hex_digits[:2], hex_digits)
