"""Entries taken out of the log, in files that other programs can read: JSON lines, compressed by gzip.

    audit-archive/20260304T021500Z-17.jsonl.gz    what run 17 took out, oldest first

Each batch is a gzip member of its own and is on the medium before its rows leave the database. A run that
was killed leaves a file that is good up to its last whole member; what follows is in the log still.
"""

import gzip
import json
import os
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from moorage.audit.errors import ArchiveFailedError, ArchiveUnknownError
from moorage.audit.lines import json_lines, restored
from moorage.audit.model import Entry, Query
from moorage.audit.search import accepts
from moorage.distribution.disk import make_folder, sync_folder

_SUFFIX = ".jsonl.gz"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,99}\.jsonl\.gz").fullmatch
_TORN = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True)
class Archived:
    """One file of the archive."""

    name: str
    size_bytes: int
    written_at: datetime


class ArchiveFile:
    """A file that is being written; it is made with its first batch.

    Args:
        stem: the file's name without its ending; a number is added when there is such a file already.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder = folder
        self._stem = stem
        self._descriptor = -1
        self._length = 0
        self.name = ""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write a batch; it is on the medium on return.

        Raises:
            ArchiveFailedError: it could not be written; the file is as it was before.
        """
        lines = json_lines(entries)
        try:
            if self._descriptor < 0:
                self._create()
            left = memoryview(gzip.compress(lines))
            self._length += self._write(left)
        except OSError as error:
            self._take_back()
            raise ArchiveFailedError(f"the archive of the log cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _create(self) -> None:
        make_folder(str(self._folder))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        for number in count(1):
            name = f"{self._stem}{_SUFFIX}" if number == 1 else f"{self._stem}.{number}{_SUFFIX}"
            with suppress(FileExistsError):
                self._descriptor = os.open(self._folder / name, flags, 0o600)
                self.name = name
                break
        sync_folder(str(self._folder))

    def _write(self, content: memoryview) -> int:
        left = content
        while left:
            left = left[os.write(self._descriptor, left) :]
        os.fsync(self._descriptor)
        return len(content)

    def _take_back(self) -> None:
        """Cut off half a batch, so that a later one can still be read."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
                os.lseek(self._descriptor, self._length, os.SEEK_SET)


class Archive:
    """The folder of these files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, run_id: int, moment: datetime) -> ArchiveFile:
        """A new file for a run that begins at this moment."""
        return ArchiveFile(self._folder, f"{moment:%Y%m%dT%H%M%SZ}-{run_id}")

    def files(self) -> list[Archived]:
        """Every file, newest first."""
        found = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for each in entries:
                if _NAME(each.name) and each.is_file(follow_symlinks=False):
                    known = each.stat(follow_symlinks=False)
                    written_at = datetime.fromtimestamp(known.st_mtime, UTC)
                    found.append(Archived(each.name, known.st_size, written_at))
        return sorted(found, key=lambda each: each.name, reverse=True)

    def search(self, name: str, query: Query, limit: int) -> list[Entry]:
        """The newest `limit` entries of a file that answer `query`, newest first.

        Raises:
            ArchiveUnknownError: there is no such file.
        """
        newest: deque[Entry] = deque(maxlen=limit)
        newest.extend(each for each in self.read(name) if accepts(query, each))
        return list(reversed(newest))

    def read(self, name: str) -> Iterator[Entry]:
        """Every entry of a file, oldest first, up to where a killed run left off.

        Raises:
            ArchiveUnknownError: there is no such file.
        """
        if not _NAME(name):
            raise ArchiveUnknownError(f"the archive has no file {name!r}")
        try:
            file = gzip.open(self._folder / name, "rb")  # noqa: SIM115 - closed below
        except FileNotFoundError as error:
            raise ArchiveUnknownError(f"the archive has no file {name!r}") from error
        with file, suppress(*_TORN):
            for line in file:
                yield restored(json.loads(line))
