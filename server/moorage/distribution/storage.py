"""Where blobs lie: the contract, and the folder that fulfils it.

    blobs/sha256/ab/abcdef...       a blob, complete and durable
    uploads/<id>/00000000000000000000   the segment of an upload that begins at this offset
    trash/<algorithm>-<hex>.<when>      a blob that was taken out and can still be put back
    quarantine/                         what a check set aside, see `quarantine`

A blob's name appears in one step (link or rename) and only after its bytes are on the medium.
"""

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from moorage.distribution.disk import (
    file_size,
    make_folder,
    needs_room,
    remove_file,
    sync_file,
    sync_folder,
)
from moorage.distribution.segments import Settled, acknowledged, joined, segment_name
from moorage.distribution.spool import Spooled
from moorage.oci.digest import ALGORITHMS, Digest, hasher

_BLOB_HEX = re.compile(r"[0-9a-f]{64}(?:[0-9a-f]{64})?").fullmatch
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}").fullmatch
_TRASHED = re.compile(r"(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})\.([0-9a-f]{16})").fullmatch
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Trashed:
    """A blob that was taken out and can still be put back."""

    digest: Digest
    size_bytes: int
    trashed_at: datetime


def never() -> bool:
    """Says no: for work that nobody stops."""
    return False


@dataclass(frozen=True, slots=True)
class Space:
    """What a storage has room for: in all, and still."""

    total_bytes: int
    free_bytes: int

    @property
    def used_percent(self) -> float:
        """The used part; 100 of a storage that has no room at all."""
        used = self.total_bytes - self.free_bytes
        return 100 * used / self.total_bytes if self.total_bytes > 0 else 100.0


class BlobStorage(Protocol):
    """What the registry needs of a storage; `tests/contract` holds every storage to it.

    Whatever writes raises `StorageFullError` when there is no room, and leaves things as they were.
    """

    def settle(self, body: Spooled) -> Settled:
        """Wait until an arrived body is on the medium."""

    def append(self, upload_id: str, offset: int, body: Settled) -> None:
        """Make the body the segment of the upload that begins at `offset`; durable on return.

        A segment that is there already was never acknowledged and is replaced.
        """

    def assemble(self, upload_id: str, length: int, tail: Spooled | None = None) -> Settled:
        """The first `length` bytes of the upload, and those of `tail`, as one; durable on return.

        Raises:
            BlobUploadInvalidError: the segments do not add up to `length`.
        """

    def digest(self, source: Spooled | Settled, algorithm: str) -> Digest:
        """Read everything and take its digest."""

    def place(self, source: Settled, digest: Digest) -> None:
        """Give the bytes their name as a blob; durable on return. The digest's lock must be held.

        A blob of the right size that is there already is kept, one of another size is replaced.
        """

    def discard(self, source: Settled) -> None:
        """Forget what `assemble` or `settle` left over; segments of an upload stay."""

    def discard_upload(self, upload_id: str) -> None:
        """Remove all segments of an upload."""

    def upload_ids(self) -> Iterator[str]:
        """The uploads that have segments."""

    def stat(self, digest: Digest) -> int | None:
        """The size of a blob; None when there is none."""

    def open(self, digest: Digest) -> BinaryIO:
        """A blob for reading at any offset; it stays readable when it is trashed meanwhile.

        Raises:
            FileNotFoundError: there is no such blob.
        """

    def locate(self, digest: Digest) -> str | None:
        """Where a proxy finds the blob below the storage's root of blobs; None: only we can read it."""

    def trash(self, digest: Digest) -> bool:
        """Take a blob out; False when there was none. The digest's lock must be held.

        Does not wait for the medium: a power cut may bring the blob back.
        """

    def restore(self, digest: Digest, size_bytes: int) -> bool:
        """Put back what was taken out last and has this size; durable on return.

        False when there is none, or the blob is there. The digest's lock must be held.
        """

    def trashed(self) -> Iterator[Trashed]:
        """What was taken out and not removed yet, in no order."""

    def remove(self, digest: Digest) -> bool:
        """Remove a blob for good; False when there was none. The digest's lock must be held."""

    def empty_trash(self, older_than: timedelta, stopping: Callable[[], bool] = never) -> int:
        """Remove for good what was taken out so long ago; returns how many blobs.

        Args:
            stopping: asked again and again; the rest stays for another time when it says so.
        """

    def walk(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size, in no order; what comes or goes meanwhile may be missed."""

    def space(self) -> Space:
        """How much there is, and how much of it is free."""


def is_upload_id(text: str) -> bool:
    """Whether `text` can be the id of an upload session: 32 hex digits in lower case."""
    return _UPLOAD_ID(text) is not None


class FilesystemStorage:
    """A folder on a local file system with hard links.

    Args:
        root: holds `blobs`, `uploads` and `trash`; the spool must be on the same file system.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._blobs = os.path.join(self._root, "blobs")
        self._uploads = os.path.join(self._root, "uploads")
        self._trash = os.path.join(self._root, "trash")
        os.makedirs(self._root, mode=0o700, exist_ok=True)
        for folder in (self._uploads, self._trash, self._blobs):
            make_folder(folder)
        for algorithm in ALGORITHMS:
            _make_prefixes(os.path.join(self._blobs, algorithm))

    def settle(self, body: Spooled) -> Settled:
        with needs_room():
            sync_file(body.path)
        return Settled(body.path, body.size, body.digest)

    def append(self, upload_id: str, offset: int, body: Settled) -> None:
        folder = self._upload_folder(upload_id)
        with needs_room():
            make_folder(folder)
            os.replace(body.path, os.path.join(folder, segment_name(offset)))
            sync_folder(folder)

    def assemble(self, upload_id: str, length: int, tail: Spooled | None = None) -> Settled:
        folder = self._upload_folder(upload_id)
        segments = list(acknowledged(folder, length))
        if len(segments) == 1 and tail is None:
            return Settled(segments[0], length, kept=True)
        with needs_room():
            make_folder(folder)
            return joined(segments, tail, length, os.path.join(folder, f"whole.{secrets.token_hex(8)}"))

    def digest(self, source: Spooled | Settled, algorithm: str) -> Digest:
        if source.digest is not None and source.digest.algorithm == algorithm:
            return source.digest
        running = hasher(algorithm)
        piece = memoryview(bytearray(_PIECE))
        with open(source.path, "rb", buffering=0) as file:
            while size := file.readinto(piece):
                running.update(piece[:size])
        return Digest(algorithm, running.hexdigest())

    def place(self, source: Settled, digest: Digest) -> None:
        final = self._blob_path(digest)
        with needs_room():
            if file_size(final) != source.size:
                _name(source, final)
            # Also when the name was there: whoever made it may have died before this step.
            sync_folder(os.path.dirname(final))

    def discard(self, source: Settled) -> None:
        if not source.kept:
            remove_file(source.path)

    def discard_upload(self, upload_id: str) -> None:
        folder = self._upload_folder(upload_id)
        with suppress(FileNotFoundError):
            for name in os.listdir(folder):
                remove_file(os.path.join(folder, name))
            os.rmdir(folder)

    def upload_ids(self) -> Iterator[str]:
        with os.scandir(self._uploads) as entries:
            yield from (entry.name for entry in entries if is_upload_id(entry.name))

    def stat(self, digest: Digest) -> int | None:
        return file_size(self._blob_path(digest))

    def open(self, digest: Digest) -> BinaryIO:
        return open(self._blob_path(digest), "rb", buffering=0)

    def locate(self, digest: Digest) -> str | None:
        return self._blob_path(digest)[len(self._blobs) + 1 :]

    def trash(self, digest: Digest) -> bool:
        path = self._blob_path(digest)
        # Its age in the trash begins now, not when the file was written.
        name = f"{digest.algorithm}-{digest.hex}.{time.time_ns():016x}"
        try:
            os.rename(path, os.path.join(self._trash, name))
        except FileNotFoundError:
            return False
        return True

    def restore(self, digest: Digest, size_bytes: int) -> bool:
        path = self._blob_path(digest)
        found = [each for each in self._in_trash() if each[0].digest == digest]
        fitting = [(each.trashed_at, name) for each, name in found if each.size_bytes == size_bytes]
        if not fitting:
            return False
        try:
            os.link(max(fitting)[1], path)
        except (FileExistsError, FileNotFoundError):
            return False
        remove_file(max(fitting)[1])
        sync_folder(os.path.dirname(path))
        return True

    def trashed(self) -> Iterator[Trashed]:
        return (each for each, _ in self._in_trash())

    def remove(self, digest: Digest) -> bool:
        return remove_file(self._blob_path(digest))

    def empty_trash(self, older_than: timedelta, stopping: Callable[[], bool] = never) -> int:
        now, kept = time.time(), older_than.total_seconds()
        removed = 0
        for name in os.listdir(self._trash):
            if stopping():
                break
            match = _TRASHED(name)
            # What comes from the future was taken out when the clock was wrong.
            if match is not None and abs(now - _seconds(match[3])) >= kept:
                removed += remove_file(os.path.join(self._trash, name))
        return removed

    def _in_trash(self) -> Iterator[tuple[Trashed, str]]:
        with os.scandir(self._trash) as entries:
            for entry in entries:
                match = _TRASHED(entry.name)
                if match is not None:
                    with suppress(FileNotFoundError):
                        size = entry.stat(follow_symlinks=False).st_size
                        at = datetime.fromtimestamp(_seconds(match[3]), UTC)
                        yield Trashed(Digest(match[1], match[2]), size, at), entry.path

    def walk(self) -> Iterator[tuple[Digest, int]]:
        for algorithm in ALGORITHMS:
            for prefix in sorted(os.listdir(os.path.join(self._blobs, algorithm))):
                yield from _blobs_in(os.path.join(self._blobs, algorithm, prefix), algorithm)

    def space(self) -> Space:
        found = os.statvfs(self._root)
        # What only the system may write counts neither as used nor as free, as `df` has it.
        usable = found.f_blocks - found.f_bfree + found.f_bavail
        return Space(usable * found.f_frsize, found.f_bavail * found.f_frsize)

    def _blob_path(self, digest: Digest) -> str:
        if digest.algorithm not in ALGORITHMS or not _BLOB_HEX(digest.hex):
            raise ValueError("not a digest")
        return os.path.join(self._blobs, digest.algorithm, digest.hex[:2], digest.hex)

    def _upload_folder(self, upload_id: str) -> str:
        if not is_upload_id(upload_id):
            raise ValueError("not an upload id")
        return os.path.join(self._uploads, upload_id)


def _seconds(nanoseconds_hex: str) -> float:
    return int(nanoseconds_hex, 16) / 1e9


def _make_prefixes(folder: str) -> None:
    """The 256 folders of one algorithm; the last one made tells that all are there."""
    names = [f"{number:02x}" for number in range(256)]
    if os.path.isdir(os.path.join(folder, names[-1])):
        return
    make_folder(folder)
    for name in names:
        with suppress(FileExistsError):
            os.mkdir(os.path.join(folder, name), 0o700)
    sync_folder(folder)


def _name(source: Settled, final: str) -> None:
    if not source.kept:
        os.replace(source.path, final)
        return
    try:
        os.link(source.path, final)
    except FileExistsError:  # of a wrong size: readers keep what they opened, the name moves on
        beside = f"{final}.{secrets.token_hex(8)}"
        os.link(source.path, beside)
        os.replace(beside, final)


def _blobs_in(folder: str, algorithm: str) -> Iterator[tuple[Digest, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _BLOB_HEX(entry.name):
                with suppress(FileNotFoundError):
                    yield Digest(algorithm, entry.name), entry.stat(follow_symlinks=False).st_size
