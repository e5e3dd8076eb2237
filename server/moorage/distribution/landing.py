"""The last step of every upload: arrived bytes become a blob that a repository holds."""

from datetime import timedelta

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.changes import change
from moorage.distribution.errors import BlobUploadUnknownError, DigestMismatchError
from moorage.distribution.locks import DigestLocks
from moorage.distribution.model import StoredBlob, UploadSession
from moorage.distribution.repositories import Repositories
from moorage.distribution.spool import Spooled
from moorage.distribution.storage import BlobStorage, Settled
from moorage.distribution.upload_store import UploadStore
from moorage.events import Actor, BlobPushed, Events
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName


class Landing:
    """Makes blobs, in the one order that no crash and no collector can break.

    Digest taken; file on the medium; then, under the digest's lock: name, folder on the medium,
    row and lease committed. Whether the file is there already is asked under the lock and of the
    storage, never of a row: the collector removes row and file under the same lock.
    """

    def __init__(
        self,
        *,
        blobs: BlobStore,
        uploads: UploadStore,
        repositories: Repositories,
        storage: BlobStorage,
        locks: DigestLocks,
        events: Events,
        clock: Clock,
        lease: timedelta,
    ) -> None:
        self._blobs = blobs
        self._uploads = uploads
        self._repositories = repositories
        self._storage = storage
        self._locks = locks
        self._events = events
        self._clock = clock
        self._lease = lease

    def verify(self, source: Spooled | Settled, promised: Digest) -> None:
        """Make sure that the bytes have the digest; reads them unless it was taken on the way.

        Raises:
            DigestMismatchError: they have another one.
        """
        actual = self._storage.digest(source, promised.algorithm)
        if actual != promised:
            raise DigestMismatchError.between(promised, actual)

    def land(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        source: Settled,
        digest: Digest,
        *,
        session: UploadSession | None = None,
    ) -> StoredBlob:
        """Make the verified bytes the blob `digest`, held by the repository under a lease.

        Args:
            session: the upload that ends with this.

        Raises:
            BlobUploadUnknownError: the session ended or changed meanwhile.
            NameUnknownError: there is no such project any more.
            StorageFullError: there is no room.
        """
        with self._locks.hold(digest):
            reach("upload.finish.named")
            self._storage.place(source, digest)
            reach("upload.finish.placed")
            blob = change(
                lambda: self._write(actor, project_id, repository, digest, size=source.size, session=session)
            )
            reach("upload.finish.committed")
        return blob

    def _write(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        digest: Digest,
        *,
        size: int,
        session: UploadSession | None,
    ) -> StoredBlob:
        now = self._clock()
        held = self._repositories.hold(actor, project_id, repository)
        if session is not None and not (held.id == session.repository_id and self._uploads.end(session)):
            raise BlobUploadUnknownError("the upload ended or went on meanwhile")
        blob = self._blobs.put(digest, size, now)
        self._blobs.link(held.id, blob.id, now + self._lease)
        self._events.publish(BlobPushed(actor, project_id, repository, digest, size))
        reach("upload.finish.written")
        return blob
