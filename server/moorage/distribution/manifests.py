"""Manifests: get, push, delete, and lists of them (distribution-spec 1.1.1)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.artifact_filter import EVERYTHING, ArtifactFilter
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.changes import change
from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.errors import (
    DigestMismatchError,
    ManifestInUseError,
    ManifestTaggedError,
    ManifestUnknownError,
    NameUnknownError,
)
from moorage.distribution.model import IndexEntry, ManifestSummary, PutResult, StoredManifest, TagEntry
from moorage.distribution.parts import Parts
from moorage.distribution.pushing import Push, Pushing
from moorage.distribution.removal import Removal
from moorage.distribution.repositories import Repositories
from moorage.distribution.store import DistributionStore
from moorage.events import Actor, Events, TagDeleted
from moorage.oci.digest import Digest, digest_of
from moorage.oci.manifest import ImageIndex, parse_manifest
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.immutability import Immutability


class Manifests:
    """Use cases on manifests.

    Args:
        lease: how long a repository goes on holding blobs that nothing needs any more.
        sparse_indexes: an index may list manifests that are not there (yet).
    """

    def __init__(
        self,
        store: DistributionStore,
        blobs: BlobStore,
        repositories: Repositories,
        events: Events,
        clock: Clock,
        *,
        lease: timedelta,
        immutability: Immutability,
        sparse_indexes: bool = False,
    ) -> None:
        self._store = store
        self._events = events
        self._removal = Removal(store, blobs, events, clock, lease=lease)
        self._immutability = immutability
        self._parts = Parts(store, CondemnStore(), self._removal, immutability, events, clock)
        self._pushing = Pushing(
            store,
            blobs,
            repositories,
            events,
            clock,
            sparse_indexes=sparse_indexes,
            immutability=immutability,
        )

    def get(self, repository: RepositoryName, reference: Tag | Digest) -> StoredManifest:
        """The manifest of that digest, or the one that the tag names right now.

        Raises:
            NameUnknownError: there is no such repository.
            ManifestUnknownError: it has no such manifest or tag.
        """
        if isinstance(reference, Digest):
            found = self._store.manifests.by_digest(repository, reference)
        else:
            found = self._store.manifests.by_tag(repository, reference)
        if found is None:
            self._check_repository(repository)
            raise ManifestUnknownError.of(reference)
        return found

    def put(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        reference: Tag | Digest,
        media_type: str | None,
        body: bytes,
    ) -> PutResult:
        """Store a manifest and, if it was pushed by tag, move the tag: both or neither.

        Raises:
            ManifestInvalidError, ManifestTooLargeError: the body is none, or contradicts what is stored.
            DigestMismatchError: it does not have the digest it was pushed by.
            ImmutableTagError: the tag names another manifest, and is to stay so.
            ManifestBlobUnknownError: the repository lacks content that it refers to.
            NameUnknownError: there is no such project any more.
            StorageFullError: there is no room.
        """
        manifest = parse_manifest(body, media_type)
        if isinstance(reference, Digest):
            tag, digest = None, digest_of(body, reference.algorithm)
            if digest != reference:
                raise DigestMismatchError.between(reference, digest)
        else:
            tag, digest = reference, digest_of(body)
        return self._pushing.push(Push(actor, project_id, repository, digest, tag, manifest, body))

    def delete(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        digest: Digest,
        *,
        even_tagged: bool = True,
        with_parts: bool = False,
    ) -> None:
        """Remove a manifest and the tags that name it.

        Blobs that no other manifest of the repository needs stay for the length of a lease.

        Args:
            even_tagged: whether a manifest goes that has tags.
            with_parts: whether `Parts` go with it at once, and not when the collector comes to them.

        Raises:
            ManifestTaggedError: it has tags, and was not to.
            NameUnknownError: there is no such repository.
            ManifestUnknownError: it has no such manifest.
            ManifestInUseError: an index lists it.
            ImmutableTagError: it has a tag that is to stay.
        """
        reach("manifest.delete.before")
        change(lambda: self._delete(actor, project_id, repository, digest, even_tagged, with_parts))
        reach("manifest.delete.committed")

    def _delete(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        digest: Digest,
        even_tagged: bool,
        with_parts: bool,
    ) -> None:
        held = self._store.repositories.hold(repository)
        if held is None:
            raise NameUnknownError.of(repository)
        manifest = self._store.manifests.known_alone(held.id, digest)
        if manifest is None:
            raise ManifestUnknownError.of(digest)
        if self._store.manifests.is_child(manifest.id):
            raise ManifestInUseError(
                "an index lists this manifest; delete that first", {"digest": str(digest)}
            )
        if not even_tagged and self._store.tags.of_manifests([manifest.id]):
            raise ManifestTaggedError(f"a tag names the manifest {digest}")
        tags = self._store.tags.delete_of_manifest(manifest.id)
        if tags:  # these very ones, whoever else moves tags at this moment
            self._immutability.protection(held.project_id, repository).check(tags)
        for tag in tags:
            self._events.publish(TagDeleted(actor, project_id, repository, tag, digest))
        removed = self._removal.take_out({manifest.id: (held, digest)})
        if with_parts:
            removed += self._parts.take_out(actor, held, removed)
        self._removal.finish(actor, removed, tags)
        reach("manifest.delete.written")

    def find_summary(self, repository: RepositoryName, reference: Tag | Digest) -> ManifestSummary | None:
        """A manifest without its bytes, whether lists show it or not."""
        return self._store.artifacts.find(repository, reference)

    def page(
        self,
        within: RepositoryName | int,
        wanted: ArtifactFilter = EVERYTHING,
        *,
        limit: int,
        offset: int = 0,
        sort: str = "-push_time",
    ) -> list[ManifestSummary]:
        """What people pushed: not the children of an index or what is attached to a subject, unless tagged.

        Args:
            within: a repository, or the number of a project for all of its.
            sort: a key of `artifact_store.SORTS`, with ``-`` in front for the other way round.

        Raises:
            ListTooWideError: too many types of content would have to be told apart.
        """
        return self._store.artifacts.page(within, wanted, limit, offset, sort)

    def count(self, within: RepositoryName | int, wanted: ArtifactFilter = EVERYTHING) -> int:
        """How many manifests `page` goes through."""
        return self._store.artifacts.count(within, wanted)

    def tags_of(self, manifest_ids: Iterable[int]) -> dict[int, list[TagEntry]]:
        """The tags of each manifest, the youngest first; a manifest without any is left out."""
        return self._store.tags.of_manifests(manifest_ids)

    def children(self, manifest_id: int) -> Sequence[IndexEntry]:
        """The lines of an index in their order; empty for any other manifest."""
        stored = self._store.manifests.by_id(manifest_id)
        if stored is None:
            return ()
        parsed = parse_manifest(stored.body, stored.media_type)
        if not isinstance(parsed, ImageIndex):
            return ()
        ids = self._store.manifests.child_ids(manifest_id)
        return [IndexEntry(manifest_id, ids.get(line.digest), line) for line in parsed.manifests]

    def _check_repository(self, repository: RepositoryName) -> None:
        if self._store.repositories.find(repository) is None:
            raise NameUnknownError.of(repository)
