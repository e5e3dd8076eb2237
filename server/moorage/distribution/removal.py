"""Taking manifests out of a repository, inside a transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from moorage.clock import Clock
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.manifest_store import References
from moorage.distribution.model import Repository
from moorage.distribution.store import DistributionStore
from moorage.events import Actor, Events, ManifestDeleted
from moorage.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Removed:
    """A manifest that is out; its blobs are still held for good and nobody was told."""

    repository: Repository
    digest: Digest
    references: References


class Removal:
    """Removes manifests in two steps, so that many can go in one transaction.

    All rows of manifests come first and all links to blobs after them, in the order in which
    a push locks them: two transactions that lock in one order never block each other.

    Args:
        lease: how long a repository goes on holding blobs that nothing needs any more.
    """

    def __init__(
        self, store: DistributionStore, blobs: BlobStore, events: Events, clock: Clock, *, lease: timedelta
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._events = events
        self._clock = clock
        self._lease = lease

    def take_out(self, manifests: Mapping[int, tuple[Repository, Digest]]) -> list[Removed]:
        """Remove manifests by their numbers; each must be locked.

        Raises:
            IntegrityError: an index lists one of them, or a tag names it.
        """
        references = self._store.manifests.references(manifests)
        self._store.manifests.delete(manifests)
        return [
            Removed(repository, digest, references[number])
            for number, (repository, digest) in manifests.items()
        ]

    def finish(self, actor: Actor, removed: Iterable[Removed], tags: Iterable[str] = ()) -> None:
        """Turn what was held for these manifests alone into leases, and tell of each of them.

        Args:
            tags: that named the first of them.
        """
        removed = list(removed)
        blob_ids: dict[int, set[int]] = defaultdict(set)
        for each in removed:
            blob_ids[each.repository.id].update(each.references.blobs.values())
        until = self._clock() + self._lease
        for repository_id in sorted(blob_ids):
            self._blobs.loosen(repository_id, blob_ids[repository_id], until)
        self._events.publish_all(
            [
                ManifestDeleted(
                    actor,
                    each.repository.project_id,
                    each.repository.name,
                    each.digest,
                    blobs=tuple(each.references.blobs),
                    children=each.references.children,
                    referrers=each.references.referrers,
                    subject=each.references.subject,
                    tags=() if number else tuple(tags),
                )
                for number, each in enumerate(removed)
            ]
        )
