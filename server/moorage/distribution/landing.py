"""The last step of every upload: arrived bytes become a blob that a repository holds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.changes import change
from moorage.distribution.errors import (
    BlobUploadInvalidError,
    BlobUploadUnknownError,
    DigestMismatchError,
    UploadRangeError,
)
from moorage.distribution.locks import DigestLocks
from moorage.distribution.model import StoredBlob, UploadSession
from moorage.distribution.repositories import Repositories
from moorage.distribution.segments import Settled
from moorage.distribution.spool import Spooled
from moorage.distribution.storage import BlobStorage
from moorage.distribution.upload_store import UploadStore
from moorage.errors import MoorageError
from moorage.events import Actor, BlobPushed, Events
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Bytes from which on a second thread is worth its while.
_LARGE = 8 << 20


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

    def settle(self, body: Spooled, algorithm: str) -> Settled:
        """Wait until the body is on the medium, and take its digest unless that was done on the way.

        Of a large body both at once: the processor reads while the medium writes.
        """
        if body.size < _LARGE or (body.digest is not None and body.digest.algorithm == algorithm):
            return replace(self._storage.settle(body), digest=self._storage.digest(body, algorithm))
        with ThreadPoolExecutor(max_workers=1) as pool:
            settling = pool.submit(self._storage.settle, body)
            digest = self._storage.digest(body, algorithm)
            return replace(settling.result(), digest=digest)

    def push(
        self, actor: Actor, project_id: int, repository: RepositoryName, body: Spooled, digest: Digest
    ) -> StoredBlob:
        """Make one body a blob; see `Uploads.push` for the errors."""
        reach("upload.finish.before")
        source = self.settle(body, digest.algorithm)
        self._verify(source, digest)
        reach("upload.finish.settled")
        return self._land(actor, project_id, repository, source, digest)

    def finish(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        session: UploadSession,
        digest: Digest,
        *,
        tail: Spooled | None,
    ) -> StoredBlob:
        """Make what an upload received, and its last chunk, a blob; see `Uploads.finish` for the errors."""
        reach("upload.finish.before")
        try:
            source = self._whole(session, tail, digest.algorithm)
            try:
                self._verify(source, digest)
                reach("upload.finish.settled")
                return self._land(actor, project_id, repository, source, digest, session=session)
            finally:
                self._storage.discard(source)
        except (FileNotFoundError, BlobUploadInvalidError, BlobUploadUnknownError) as error:
            return self._finished_by_another(repository, session, digest, error)

    def _whole(self, session: UploadSession, tail: Spooled | None, algorithm: str) -> Settled:
        if session.received_bytes == 0 and tail is not None:
            return self.settle(tail, algorithm)
        source = self._storage.assemble(session.id, session.received_bytes, tail)
        reach("upload.finish.assembled")
        return replace(source, digest=session.digest if tail is None else None)

    def _verify(self, source: Settled, promised: Digest) -> None:
        actual = self._storage.digest(source, promised.algorithm)
        if actual != promised:
            raise DigestMismatchError.between(promised, actual)

    def _land(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        source: Settled,
        digest: Digest,
        *,
        session: UploadSession | None = None,
    ) -> StoredBlob:
        with self._locks.hold(digest):
            reach("upload.finish.named")
            self._storage.place(source, digest)
            reach("upload.finish.placed")
            try:
                blob = change(
                    lambda: self._write(
                        actor, project_id, repository, digest, size=source.size, session=session
                    )
                )
            except MoorageError:
                self._forget(digest)
                raise
            reach("upload.finish.committed")
        return blob

    def _forget(self, digest: Digest) -> None:
        """Give the room back: a row that was refused for sure does not come any more."""
        if self._blobs.find(digest) is None:
            self._storage.remove(digest)

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
        self._events.publish(BlobPushed(actor, project_id, held.name, digest, size))
        reach("upload.finish.written")
        return blob

    def _finished_by_another(
        self, repository: RepositoryName, session: UploadSession, digest: Digest, error: Exception
    ) -> StoredBlob:
        """What to answer when the session changed under our hands: two requests may say the same."""
        repository = self._repositories.present(repository)
        now = self._uploads.find(session.id, repository)
        if now is not None and now.received_bytes != session.received_bytes:
            raise UploadRangeError.at(now.received_bytes) from error
        if now is not None:
            raise BlobUploadInvalidError("the upload is damaged; start it again") from error
        held = self._blobs.held(repository, digest)
        if held is None:
            raise BlobUploadUnknownError("the upload ended meanwhile", {"upload": session.id}) from error
        change(lambda: self._blobs.link(held.repository_id, held.blob.id, self._clock() + self._lease))
        return held.blob
