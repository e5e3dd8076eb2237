"""Uploads: how blobs come in (distribution-spec 1.1.1, "Pushing blobs")."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.capacity import Capacity
from moorage.distribution.changes import change
from moorage.distribution.errors import (
    BlobUploadUnknownError,
    TooManyUploadsError,
    UploadRangeError,
)
from moorage.distribution.landing import Landing
from moorage.distribution.locks import DigestLocks
from moorage.distribution.model import StoredBlob, UploadSession
from moorage.distribution.mounts import Mounts
from moorage.distribution.repositories import Repositories
from moorage.distribution.segments import Settled
from moorage.distribution.spool import Spooled
from moorage.distribution.storage import BlobStorage, is_upload_id
from moorage.distribution.upload_store import UploadStore
from moorage.distribution.usage import Usage
from moorage.events import Actor, Events
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

_EXPIRE_AT_ONCE = 500
_WAIT_SECONDS = 60


class Uploads:
    """Use cases on upload sessions.

    Every method that takes a body uses it up: adopted or discarded, it is gone from the spool.

    Args:
        lease: how long a repository holds a blob that no manifest needs yet.
        open_limit: the most sessions one account may have open.
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
        open_limit: int,
        capacity: Capacity,
        usage: Usage,
    ) -> None:
        self._blobs = blobs
        self._uploads = uploads
        self._repositories = repositories
        self._storage = storage
        self._locks = locks
        self._events = events
        self._clock = clock
        self._lease = lease
        self._open_limit = open_limit
        self._capacity = capacity
        self._usage = usage
        self._mounts = Mounts(
            blobs=blobs, repositories=repositories, storage=storage, events=events, clock=clock, lease=lease
        )
        self._landing = Landing(
            blobs=blobs,
            uploads=uploads,
            repositories=repositories,
            storage=storage,
            locks=locks,
            events=events,
            clock=clock,
            lease=lease,
        )

    def admit(
        self,
        actor_key: str,
        declared_bytes: int = 0,
        *,
        opens: bool = False,
        project_id: int | None = None,
        digest: Digest | None = None,
    ) -> None:
        """Ask, before the first byte is sent, whether a body may come.

        Args:
            declared_bytes: its length; 0 when that is not known.
            opens: the request opens a session.
            project_id: whose storage limit it comes under; None: none is looked at.
            digest: what the blob is to be, when the request says so already.

        Raises:
            StorageFullError: there is no room for it.
            QuotaExceededError: the project's storage limit does not allow it.
            TooManyUploadsError: the account has too many sessions open.
        """
        self._capacity.check(declared_bytes)
        if opens:
            self._check_open(actor_key)
        # Opening a session stores nothing, and a request without a length that names the blob is
        # as a rule the last one of an upload, whose bytes are here already.
        elif project_id is not None and (declared_bytes or digest is None):
            self._usage.check_room(project_id, declared_bytes, digest)

    def start(self, actor: Actor, project_id: int, repository: RepositoryName) -> UploadSession:
        """Open a session.

        Raises:
            TooManyUploadsError: the account has too many open.
            NameUnknownError: there is no such project any more.
        """
        self._check_open(actor.key)
        reach("upload.start.before")
        # An empty session lost to a power cut costs the client nothing; its first bytes are synced.
        session = change(lambda: self._start(actor, project_id, repository), durable=False)
        reach("upload.start.committed")
        return session

    def _start(self, actor: Actor, project_id: int, repository: RepositoryName) -> UploadSession:
        held = self._repositories.hold(actor, project_id, repository)
        return self._uploads.insert(uuid4().hex, held.id, actor.key, self._clock())

    def status(self, actor: Actor, repository: RepositoryName, upload_id: str) -> UploadSession:
        """The session as it stands.

        Raises:
            BlobUploadUnknownError: there is none in this repository that is this account's.
        """
        session = self._find(upload_id, repository) if is_upload_id(upload_id) else None
        if session is None or session.subject != actor.key:
            raise BlobUploadUnknownError("there is no such upload", {"upload": upload_id})
        return session

    def append(
        self,
        actor: Actor,
        repository: RepositoryName,
        upload_id: str,
        body: Spooled,
        start: int | None = None,
    ) -> UploadSession:
        """Add a chunk; it is durable when this returns.

        Of two chunks for the same place one wins, whichever way they race.

        Args:
            start: where the client thinks the chunk begins; None when it does not say.

        Raises:
            BlobUploadUnknownError: there is no such session.
            UploadRangeError: the chunk does not begin where the upload stands.
            StorageFullError: there is no room; the session stands as before.
        """
        try:
            session = self.status(actor, repository, upload_id)
            if start is not None and start != session.received_bytes:
                raise UploadRangeError.at(session.received_bytes)
            reach("upload.append.before")
            # A client that streams sends one chunk: its digest is that of the blob.
            first = session.received_bytes == 0
            settled = self._landing.settle(body, "sha256") if first else self._storage.settle(body)
            reach("upload.append.settled")
            with self._locks.hold_upload(upload_id):
                return self._append(actor, repository, session, settled)
        finally:
            body.discard()

    def _append(
        self, actor: Actor, repository: RepositoryName, seen: UploadSession, body: Settled
    ) -> UploadSession:
        session = self.status(actor, repository, seen.id)
        if session.received_bytes != seen.received_bytes:
            raise UploadRangeError.at(session.received_bytes)
        digest = session.digest
        if body.size:
            self._storage.append(session.id, session.received_bytes, body)
            digest = body.digest if session.received_bytes == 0 else None
        reach("upload.append.placed")
        now = self._clock()
        received = session.received_bytes + body.size
        if not change(lambda: self._uploads.grow(session, received, digest, now)):
            if not self._uploads.known([session.id]):
                self._storage.discard_upload(session.id)
            raise BlobUploadUnknownError("the upload ended meanwhile", {"upload": session.id})
        reach("upload.append.committed")
        return UploadSession(
            session.id, session.repository_id, session.subject, received, digest, session.started_at, now
        )

    def finish(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        upload_id: str,
        body: Spooled | None,
        digest: Digest,
        start: int | None = None,
    ) -> StoredBlob:
        """End a session with its blob, after a last chunk if `body` is one.

        When it fails the session stands as it did before, without the last chunk.

        Args:
            start: where the client thinks the last chunk begins; None when it does not say.

        Raises:
            BlobUploadUnknownError: there is no such session, or it ended meanwhile.
            BlobUploadInvalidError: what was received is damaged.
            UploadRangeError: the last chunk does not begin where the upload stands.
            DigestMismatchError: the content has another digest.
            QuotaExceededError: the project's storage limit does not allow it.
            StorageFullError: there is no room.
        """
        try:
            session = self.status(actor, repository, upload_id)
            if start is not None and start != session.received_bytes:
                raise UploadRangeError.at(session.received_bytes)
            tail = body if body is not None and body.size else None
            blob = self._landing.finish(actor, project_id, repository, session, digest, tail=tail)
        finally:
            if body is not None:
                body.discard()
        self._storage.discard_upload(upload_id)
        reach("upload.finish.cleared")
        return blob

    def push(
        self, actor: Actor, project_id: int, repository: RepositoryName, body: Spooled, digest: Digest
    ) -> StoredBlob:
        """Store a blob that came in one request, without a session.

        Raises:
            DigestMismatchError: the content has another digest.
            NameUnknownError: there is no such project any more.
            QuotaExceededError: the project's storage limit does not allow it.
            StorageFullError: there is no room.
        """
        try:
            return self._landing.push(actor, project_id, repository, body, digest)
        finally:
            body.discard()

    def mount(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        digest: Digest,
        source: RepositoryName | None,
        readable: Callable[[int], bool],
    ) -> StoredBlob | None:
        """Let the repository hold a blob that another one holds; nothing is sent.

        Args:
            source: the other repository, of which the caller was found to be allowed to pull;
                None: any of those in projects that the caller may read.
            readable: whether the caller may pull from the project of this number.

        Returns:
            None when there is no such blob to be had: the client must send it.

        Raises:
            NameUnknownError: there is no such project any more.
            QuotaExceededError: the project's storage limit does not allow it.
        """
        return self._mounts.mount(actor, project_id, repository, digest, source, readable=readable)

    def cancel(self, actor: Actor, repository: RepositoryName, upload_id: str) -> None:
        """Give a session up and forget what was received.

        Raises:
            BlobUploadUnknownError: there is no such session.
        """
        with self._locks.hold_upload(upload_id):
            session = self.status(actor, repository, upload_id)
            reach("upload.cancel.before")
            if not change(lambda: self._uploads.drop(session.id)):
                raise BlobUploadUnknownError("the upload ended meanwhile", {"upload": upload_id})
            reach("upload.cancel.committed")
            self._storage.discard_upload(session.id)
            reach("upload.cancel.cleared")

    def expire(self, older_than: timedelta) -> int:
        """Give up sessions that nobody touched for so long, and files that belong to no session.

        Returns:
            How many sessions went.
        """
        before = self._clock() - older_than
        ended = 0
        while idle := self._uploads.idle(before, _EXPIRE_AT_ONCE):
            ended += sum(self._expire(upload_id, before) for upload_id in idle)
        for upload_id in self._strays():
            with self._locks.hold_upload(upload_id):
                self._storage.discard_upload(upload_id)
        return ended

    def _expire(self, upload_id: str, before: datetime) -> bool:
        with self._locks.hold_upload(upload_id):
            ended = change(lambda: self._uploads.expire(upload_id, before))
            if ended:
                self._storage.discard_upload(upload_id)
        return ended

    def _strays(self) -> list[str]:
        """Uploads that have files and no row; they never get one again."""
        stored = list(self._storage.upload_ids())
        known = self._uploads.known(stored)
        return [upload_id for upload_id in stored if upload_id not in known]

    def _find(self, upload_id: str, repository: RepositoryName) -> UploadSession | None:
        """An upload goes on when the project is renamed under way."""
        return self._uploads.find(upload_id, repository) or self._uploads.find_renamed(upload_id, repository)

    def _check_open(self, actor_key: str) -> None:
        if self._uploads.count_open(actor_key, self._open_limit) >= self._open_limit:
            raise TooManyUploadsError(
                f"the account has {self._open_limit} uploads open; finish or cancel some",
                retry_after=_WAIT_SECONDS,
            )
