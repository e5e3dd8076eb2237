"""Mounts: a blob that is here already need not be sent again (distribution-spec, "Mounting a blob")."""

from collections.abc import Callable
from datetime import timedelta

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.changes import change
from moorage.distribution.model import StoredBlob
from moorage.distribution.repositories import Repositories
from moorage.distribution.storage import BlobStorage
from moorage.events import Actor, BlobMounted, Events
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Projects looked at for a mount that names no source.
_MOST_PROJECTS = 100


class Mounts:
    """Links blobs from one repository to another; never one that the caller could not have pulled."""

    def __init__(
        self,
        *,
        blobs: BlobStore,
        repositories: Repositories,
        storage: BlobStorage,
        events: Events,
        clock: Clock,
        lease: timedelta,
    ) -> None:
        self._blobs = blobs
        self._repositories = repositories
        self._storage = storage
        self._events = events
        self._clock = clock
        self._lease = lease

    def mount(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        digest: Digest,
        source: RepositoryName | None,
        *,
        readable: Callable[[int], bool],
    ) -> StoredBlob | None:
        """See `Uploads.mount`."""
        source = source or self._source(digest, project_id, readable)
        held = None if source is None else self._blobs.held(source, digest)
        # A damaged blob is not handed on: sending it again repairs it.
        if source is None or held is None or self._storage.stat(digest) != held.blob.size_bytes:
            return None
        reach("upload.mount.before")
        blob = change(lambda: self._link(actor, project_id, repository, digest, source))
        reach("upload.mount.committed")
        return blob

    def _source(
        self, digest: Digest, project_id: int, readable: Callable[[int], bool]
    ) -> RepositoryName | None:
        holders = self._blobs.holders(digest, project_id, _MOST_PROJECTS)
        return next((holder.repository for holder in holders if readable(holder.project_id)), None)

    def _link(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        digest: Digest,
        source: RepositoryName,
    ) -> StoredBlob | None:
        held = self._blobs.held(source, digest) or self._blobs.held(
            self._repositories.present(source), digest
        )
        if held is None:
            return None
        target = self._repositories.hold(actor, project_id, repository)
        is_new = self._blobs.held(target.name, digest) is None
        self._blobs.link(target.id, held.blob.id, self._clock() + self._lease)
        if is_new:
            self._events.publish(BlobMounted(actor, project_id, target.name, digest, source))
        return held.blob
