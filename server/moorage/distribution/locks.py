"""Locks on a digest or an upload, held across the step from file to row; they die with their holder.

Whoever needs both takes the upload's first. Neither is taken inside a transaction.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from moorage.db.connection import DatabaseIllError, Statement
from moorage.oci.digest import Digest


class DigestLocks(Protocol):
    """Mutual exclusion between all processes and nodes that share one storage."""

    def hold(self, digest: Digest) -> AbstractContextManager[None]:
        """Wait for the digest and keep it for the length of a ``with`` block."""

    def hold_upload(self, upload_id: str) -> AbstractContextManager[None]:
        """The same for an upload session."""


class FileDigestLocks:
    """`flock` on one of 4,096 files of either kind: enough that strangers hardly ever meet."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = str(folder)

    def hold(self, digest: Digest) -> AbstractContextManager[None]:
        return self._lock(f"digest-{digest.hex[:3]}")

    def hold_upload(self, upload_id: str) -> AbstractContextManager[None]:
        return self._lock(f"upload-{_spread(upload_id)}")

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        # A descriptor of one's own each time: those of two threads exclude each other as well.
        descriptor = os.open(os.path.join(self._folder, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class AdvisoryDigestLocks:
    """Advisory locks of PostgreSQL, held by this thread's connection: for several nodes."""

    _take = Statement("SELECT pg_advisory_lock(?)")
    _give = Statement("SELECT pg_advisory_unlock(?)")

    def hold(self, digest: Digest) -> AbstractContextManager[None]:
        return self._lock(f"digest {digest}")

    def hold_upload(self, upload_id: str) -> AbstractContextManager[None]:
        return self._lock(f"upload {upload_id}")

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        self._take.one(key)
        try:
            yield
        finally:
            with suppress(*DatabaseIllError):  # a connection that broke has let go by itself
                self._give.one(key)


def _spread(upload_id: str) -> str:
    return hashlib.sha256(upload_id.encode()).hexdigest()[:3]
