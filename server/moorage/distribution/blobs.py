"""Blobs that a repository holds (distribution-spec 1.1.1, "Pulling blobs", "Deleting Blobs")."""

import logging
from datetime import datetime, timedelta
from typing import BinaryIO

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore, HeldBlob
from moorage.distribution.changes import change
from moorage.distribution.errors import BlobInUseError, BlobUnknownError
from moorage.distribution.model import StoredBlob
from moorage.distribution.storage import BlobStorage
from moorage.events import Actor, BlobDeleted, Events
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

_log = logging.getLogger(__name__)


class Blobs:
    """Use cases on blobs.

    A blob is there for a caller when the repository holds it and its file is whole: a short file
    is never served, and the client that is told "unknown" sends it again.

    Args:
        lease: how long the answer "it is there" holds for a blob that no manifest needs yet.
    """

    def __init__(
        self, blobs: BlobStore, storage: BlobStorage, events: Events, clock: Clock, *, lease: timedelta
    ) -> None:
        self._blobs = blobs
        self._storage = storage
        self._events = events
        self._clock = clock
        self._lease = lease

    def stat(self, repository: RepositoryName, digest: Digest) -> StoredBlob:
        """The blob, promised to stay for a while: a client skips its upload because of this answer.

        Writes only when less than half of the lease is left.

        Raises:
            BlobUnknownError: the repository does not hold it, or its file is damaged.
        """
        held = self._held(repository, digest)
        if held.leased_until is not None:
            now = self._clock()
            if held.leased_until - now < self._lease / 2:
                self._renew(repository, held, now + self._lease)
        return held.blob

    def open(self, repository: RepositoryName, digest: Digest) -> tuple[StoredBlob, BinaryIO]:
        """The blob and its bytes; the caller closes them.

        Raises:
            BlobUnknownError: as `stat`.
        """
        held = self._held(repository, digest)
        try:
            return held.blob, self._storage.open(digest)
        except FileNotFoundError as error:
            raise BlobUnknownError.of(digest) from error

    def locate(self, repository: RepositoryName, digest: Digest) -> tuple[StoredBlob, str | None]:
        """The blob and where a proxy finds it below the root of blobs; None: `open` it instead.

        Raises:
            BlobUnknownError: as `stat`.
        """
        return self._held(repository, digest).blob, self._storage.locate(digest)

    def delete(self, actor: Actor, project_id: int, repository: RepositoryName, digest: Digest) -> None:
        """Make the repository let go of the blob; others go on holding it.

        Raises:
            BlobUnknownError: the repository does not hold it.
            BlobInUseError: a manifest of the repository needs it.
        """
        reach("delete.blob.before")
        change(lambda: self._delete(actor, project_id, repository, digest))
        reach("delete.blob.committed")

    def _delete(self, actor: Actor, project_id: int, repository: RepositoryName, digest: Digest) -> None:
        held = self._blobs.held(repository, digest)
        if held is None:
            raise BlobUnknownError.of(digest)
        if self._blobs.is_needed(held.repository_id, held.blob.id):
            raise BlobInUseError("a manifest of this repository needs the blob", {"digest": str(digest)})
        # A manifest that comes in between makes this an IntegrityError, and the change begins again.
        if not self._blobs.unlink(held.repository_id, held.blob.id):
            raise BlobUnknownError.of(digest)
        self._events.publish(BlobDeleted(actor, project_id, repository, digest))
        reach("delete.blob.written")

    def _held(self, repository: RepositoryName, digest: Digest) -> HeldBlob:
        held = self._blobs.held(repository, digest)
        if held is None:
            raise BlobUnknownError.of(digest)
        size = self._storage.stat(digest)
        if size != held.blob.size_bytes:
            _log.error(
                "a blob is damaged",
                extra={"digest": str(digest), "size": size, "expected": held.blob.size_bytes},
            )
            raise BlobUnknownError.of(digest)
        return held

    def _renew(self, repository: RepositoryName, held: HeldBlob, until: datetime) -> None:
        blob = held.blob
        if change(lambda: self._blobs.renew(held.repository_id, blob.id, until)):
            return
        # Longer or permanent by now, or taken away by the collector.
        if self._blobs.held(repository, blob.digest) is None:
            raise BlobUnknownError.of(blob.digest)
