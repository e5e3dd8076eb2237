"""Removal of blobs that nobody holds: rows first, files after, under the locks of their digests."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.changes import change
from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.locks import DigestLocks
from moorage.distribution.model import BlobFacts, StoredBlob
from moorage.distribution.storage import BlobStorage, never
from moorage.oci.digest import Digest

_log = logging.getLogger(__name__)


class Fate(StrEnum):
    """What became of something that was to go."""

    GONE = "gone"
    #: There was nothing of that name.
    ABSENT = "absent"
    #: It is needed, and whoever ends that tells of it.
    KEPT = "kept"
    #: It may go later.
    WAITS = "waits"
    #: Somebody works on it right now.
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CondemnedBlob:
    """What became of a blob.

    Attributes:
        size_bytes: of what is gone.
        until: when to look again.
        fault: why it failed.
    """

    digest: Digest
    fate: Fate
    size_bytes: int = 0
    until: datetime | None = None
    fault: str = ""


class Condemning:
    """Removes blobs.

    The row goes first, and the foreign keys of the links judge whether it may. The file goes into
    the trash after the commit and before the lock is released: an upload of the same bytes looks
    for the file under that lock. Whatever kills us in between leaves a file that no row knows,
    which breaks nothing; whoever comes to the digest next finds it and takes it out.

    Args:
        trash: whether what is removed can be put back for a while; else its file goes at once.
    """

    def __init__(
        self,
        store: CondemnStore,
        blobs: BlobStore,
        storage: BlobStorage,
        locks: DigestLocks,
        clock: Clock,
        *,
        trash: bool,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._storage = storage
        self._locks = locks
        self._clock = clock
        self._trash = trash

    def condemn(
        self, digests: Collection[Digest], stopping: Callable[[], bool] = never
    ) -> list[CondemnedBlob]:
        """Let go of leases that are over, and remove the blobs that nobody holds after that.

        All in one transaction; when that fails, one by one, so that an ill one stops no other.
        Those that were not reached before `stopping` are left out.
        """
        reach("gc.blobs.before")
        with self._locks.hold_free(digests) as free:
            reach("gc.blobs.locked")
            wanted = list(free)
            try:
                found = self._condemn(wanted)
            except Exception:
                _log.exception("a batch of blobs could not be removed; trying one by one")
                found = [each for digest in wanted if not stopping() for each in self._alone(digest)]
            reach("gc.blobs.committed")
            found = [self._clear(each) for each in found]
            reach("gc.blobs.cleared")
        return found + [CondemnedBlob(digest, Fate.BUSY) for digest in set(digests) - free]

    def _alone(self, digest: Digest) -> Sequence[CondemnedBlob]:
        try:
            return self._condemn([digest])
        except Exception as error:  # told to whoever asked, who tries again later
            return [_failed(digest, error)]

    def _condemn(self, digests: Sequence[Digest]) -> list[CondemnedBlob]:
        return change(lambda: self._write(digests)) if digests else []

    def _write(self, digests: Sequence[Digest]) -> list[CondemnedBlob]:
        now = self._clock()
        known = self._store.known_blobs(digests)
        ids = [each.id for each in known.values()]
        self._blobs.unlink_expired(ids, now)
        gone = self._store.delete_blobs(ids)
        held = self._store.blob_facts([each.digest for each in known.values() if each.id not in gone], now)
        reach("gc.blobs.written")
        return [_fate(digest, known.get(digest), held.get(digest)) for digest in digests]

    def _clear(self, found: CondemnedBlob) -> CondemnedBlob:
        """Take the file out.

        Nothing waits for the medium here: when a power cut undoes the rename, the file is one that
        no row knows, and a push that comes meanwhile makes the folder durable itself.
        """
        try:
            if found.fate is Fate.GONE:
                self._take_out(found.digest)
            elif found.fate is Fate.ABSENT:
                size = self._storage.stat(found.digest)
                if size is not None and self._take_out(found.digest):
                    return replace(found, fate=Fate.GONE, size_bytes=size)
        except OSError as error:
            return _failed(found.digest, error)
        return found

    def _take_out(self, digest: Digest) -> bool:
        return self._storage.trash(digest) if self._trash else self._storage.remove(digest)


def is_free(facts: BlobFacts) -> bool:
    """Whether nobody holds the blob once leases that are over are gone."""
    return not facts.kept and facts.next_end is None


def _fate(digest: Digest, known: StoredBlob | None, held: BlobFacts | None) -> CondemnedBlob:
    if known is None:
        return CondemnedBlob(digest, Fate.ABSENT)
    if held is None:
        return CondemnedBlob(digest, Fate.GONE, known.size_bytes)
    if held.next_end is not None:
        return CondemnedBlob(digest, Fate.WAITS, until=held.next_end)
    return CondemnedBlob(digest, Fate.KEPT if held.kept else Fate.BUSY)


def _failed(digest: Digest, error: Exception) -> CondemnedBlob:
    _log.warning("a blob could not be removed", extra={"digest": str(digest), "cause": str(error)})
    return CondemnedBlob(digest, Fate.FAILED, fault=f"{type(error).__name__}: {error}")
