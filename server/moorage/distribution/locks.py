"""Locks on a digest or an upload, held across the step from file to row; they die with their holder.

Whoever needs both takes the upload's first. Whoever has one digest and wants others takes them without
waiting. None is taken inside a transaction.
"""

import errno
import fcntl
import hashlib
import os
import struct
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from moorage.db.connection import DatabaseIllError, Statement
from moorage.oci.digest import Digest


class DigestLocks(Protocol):
    """Mutual exclusion between all processes and nodes that share one storage."""

    def hold(self, digest: Digest) -> AbstractContextManager[None]:
        """Wait for the digest and keep it for the length of a ``with`` block."""

    def hold_free(self, digests: Collection[Digest]) -> AbstractContextManager[set[Digest]]:
        """Keep those of the digests that nobody has, waiting for none, and say which these are."""

    def hold_upload(self, upload_id: str) -> AbstractContextManager[None]:
        """Wait for an upload session and keep it likewise."""


class FileDigestLocks:
    """Locks between the processes of one machine: a byte of a file for each digest or upload.

    The files are made at the start and stay empty, so that a full disk stops nobody from locking
    what they are about to remove.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._digests = folder / "digests.lock"
        self._uploads = folder / "uploads.lock"
        for path in (self._digests, self._uploads):
            path.touch(mode=0o600)

    def hold(self, digest: Digest) -> AbstractContextManager[None]:
        return self._lock(self._digests, _place(digest))

    @contextmanager
    def hold_free(self, digests: Collection[Digest]) -> Iterator[set[Digest]]:
        # One descriptor for all: what it locked goes with it, and each byte is taken once.
        descriptor = os.open(self._digests, os.O_RDWR | os.O_CLOEXEC)
        try:
            yield {digest for digest in digests if _take_free(descriptor, _place(digest))}
        finally:
            os.close(descriptor)

    def hold_upload(self, upload_id: str) -> AbstractContextManager[None]:
        return self._lock(self._uploads, _number(upload_id))

    @contextmanager
    def _lock(self, path: Path, place: int) -> Iterator[None]:
        # The lock is the descriptor's, not the process's: threads exclude each other as well.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, _byte(place))
            yield
        finally:
            os.close(descriptor)


class AdvisoryDigestLocks:
    """Advisory locks of PostgreSQL, held by this thread's connection: for several nodes."""

    _take = Statement("SELECT pg_advisory_lock(?)")
    _give = Statement("SELECT pg_advisory_unlock(?)")
    _take_free = Statement(
        "SELECT key, pg_try_advisory_lock(key) FROM unnest(CAST(? AS BIGINT[])) AS keys (key)"
    )
    _give_all = Statement("SELECT pg_advisory_unlock(key) FROM unnest(CAST(? AS BIGINT[])) AS keys (key)")

    def hold(self, digest: Digest) -> AbstractContextManager[None]:
        return self._lock(_place(digest))

    @contextmanager
    def hold_free(self, digests: Collection[Digest]) -> Iterator[set[Digest]]:
        keys = {_place(digest): digest for digest in digests}
        taken = [key for key, got in self._take_free.all(list(keys)) if got]
        try:
            yield {keys[key] for key in taken}
        finally:
            with suppress(*DatabaseIllError):  # as below
                self._give_all.all(taken)

    def hold_upload(self, upload_id: str) -> AbstractContextManager[None]:
        return self._lock(_number(upload_id))

    @contextmanager
    def _lock(self, key: int) -> Iterator[None]:
        self._take.one(key)
        try:
            yield
        finally:
            with suppress(*DatabaseIllError):  # a connection that broke has let go by itself
                self._give.one(key)


def _place(digest: Digest) -> int:
    """The same of a digest, which is spread evenly as it is."""
    return int(digest.hex[:16], 16) >> 2


def _number(name: str) -> int:
    """A number of 62 bits; two names that share one merely wait for each other."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2


def _take_free(descriptor: int, place: int) -> bool:
    """Lock a byte unless somebody else has it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _byte(place))
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _byte(place: int) -> bytes:
    """`struct flock` for an exclusive lock on the byte at `place` (fcntl(2))."""
    return struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
