"""The push of a manifest: one transaction, after which everything it needs is there to stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore, HeldBlob
from moorage.distribution.changes import change
from moorage.distribution.errors import ManifestBlobUnknownError
from moorage.distribution.model import PutResult, Repository
from moorage.distribution.repositories import Repositories
from moorage.distribution.store import DistributionStore
from moorage.distribution.tagging import Tagging
from moorage.events import Actor, Events, ManifestPushed
from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import Digest
from moorage.oci.errors import ManifestInvalidError
from moorage.oci.manifest import ImageIndex, ImageManifest
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.immutability import Immutability


@dataclass(frozen=True, slots=True)
class Push:
    """A manifest on its way in, parsed and found to have its digest.

    Attributes:
        tag: None when the client named the digest.
    """

    actor: Actor
    project_id: int
    repository: RepositoryName
    digest: Digest
    tag: Tag | None
    manifest: ImageManifest | ImageIndex
    body: bytes


class Pushing:
    """Writes manifests.

    Whether the repository holds a blob is judged twice: by a question, which gives a good answer
    to the client, and by the foreign key of the edge, which no race gets past.
    """

    def __init__(
        self,
        store: DistributionStore,
        blobs: BlobStore,
        repositories: Repositories,
        events: Events,
        clock: Clock,
        *,
        sparse_indexes: bool,
        immutability: Immutability,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._repositories = repositories
        self._events = events
        self._clock = clock
        self._sparse_indexes = sparse_indexes
        self._tagging = Tagging(store, events, immutability)

    def push(self, push: Push) -> PutResult:
        """Store the manifest and move its tag; see `Manifests.put` for the errors."""
        reach("manifest.put.before")
        created = change(lambda: self._push(push))
        reach("manifest.put.committed")
        subject = push.manifest.subject
        return PutResult(push.digest, None if subject is None else subject.digest, created)

    def _push(self, push: Push) -> bool:
        now = self._clock()
        repository = self._repositories.hold(push.actor, push.project_id, push.repository)
        known = self._store.manifests.known_shared(repository.id, push.digest)
        if known is None:
            held, manifest_id = self._store_new(push, repository, now)
        else:  # what it needs has been kept since, and the same bytes are never of another kind
            held, manifest_id = {}, known.id
        reach("manifest.put.stored")
        self._events.publish(
            ManifestPushed(
                push.actor, push.project_id, repository.name, push.digest, push.tag, created=known is None
            )
        )
        if push.tag is not None:
            self._tagging.move(push.actor, repository, push.tag, manifest_id, push.digest, now=now)
        # Last, as in a deletion: two transactions that lock in one order never block each other. Also what
        # was held for good when we looked: a deletion may have loosened it before our edges were written.
        self._blobs.keep(repository.id, [blob.blob.id for blob in held.values()])
        self._repositories.touch(repository, now)
        reach("manifest.put.written")
        return known is None

    def _store_new(
        self, push: Push, repository: Repository, now: datetime
    ) -> tuple[Mapping[Digest, HeldBlob], int]:
        manifest = push.manifest
        children = manifest.required_manifests if isinstance(manifest, ImageIndex) else ()
        if self._sparse_indexes:
            # An index and its missing child, pushed at once, must not both overlook the other.
            self._store.manifests.lock_digests({push.digest, *(child.digest for child in children)})
        held = self._blobs.held_among(repository.id, [blob.digest for blob in manifest.required_blobs])
        listed = self._store.manifests.known_among(repository.id, [child.digest for child in children])
        missing = [blob.digest for blob in manifest.required_blobs if blob.digest not in held]
        if not self._sparse_indexes:
            missing += [child.digest for child in children if child.digest not in listed]
        if missing:
            raise ManifestBlobUnknownError.of(missing)
        _check_sizes(manifest.required_blobs, {digest: one.blob.size_bytes for digest, one in held.items()})
        _check_sizes(children, {digest: one.size_bytes for digest, one in listed.items()})
        manifest_id = self._store.manifests.insert(repository.id, push.digest, manifest, push.body, now)
        self._store.manifests.need_blobs(manifest_id, repository.id, [one.blob.id for one in held.values()])
        self._store.manifests.list_children(
            manifest_id,
            {child.digest: listed[child.digest].id if child.digest in listed else None for child in children},
        )
        self._store.manifests.take_in(repository.id, manifest_id, push.digest)
        return held, manifest_id


def _check_sizes(descriptors: tuple[Descriptor, ...], sizes: Mapping[Digest, int]) -> None:
    """A wrong size makes clients refuse the image, long after its push seemed to go well."""
    for descriptor in descriptors:
        actual = sizes.get(descriptor.digest, descriptor.size)
        if actual != descriptor.size:
            raise ManifestInvalidError(
                f"{descriptor.digest} has {actual} bytes, its descriptor says {descriptor.size}"
            )
