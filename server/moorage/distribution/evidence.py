"""What speaks for and against keeping blobs and manifests; reads only."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.model import BlobFacts, ManifestFacts, ManifestKey
from moorage.distribution.storage import BlobStorage
from moorage.oci.digest import Digest


class Evidence:
    """Answers the garbage collector's questions, many at once.

    What it says may be over in the next moment: whoever deletes asks again under a lock, and the
    foreign keys have the last word.
    """

    def __init__(self, store: CondemnStore, storage: BlobStorage) -> None:
        self._store = store
        self._storage = storage

    def blobs(self, digests: Sequence[Digest], now: datetime) -> dict[Digest, BlobFacts]:
        """Each of the digests; one without a row has `id` None and the size of its file."""
        found = self._store.blob_facts(digests, now)
        for digest in digests:
            if digest not in found:
                found[digest] = replace(BlobFacts.absent(digest), size_bytes=self._storage.stat(digest))
        return found

    def needed_blobs(self, digests: Sequence[Digest], now: datetime) -> set[Digest]:
        """Those of the digests that a repository holds for good, and of which no lease is over."""
        return self._store.needed_blobs(digests, now)

    def manifests(self, keys: Iterable[ManifestKey]) -> dict[ManifestKey, ManifestFacts]:
        """Those of the manifests that are there."""
        return {facts.key: facts for facts in self._store.manifest_facts(list(keys))}

    def parents(self, manifest_id: int) -> list[int]:
        """The numbers of the indexes that list the manifest."""
        return self._store.parents(manifest_id)

    def dependants(self, manifest: ManifestFacts) -> list[ManifestKey]:
        """What may go once this manifest is gone: its children, and what it is the subject of."""
        digests = {*self._store.children(manifest.id), *self._store.referrers(manifest.key)}
        return [ManifestKey(manifest.key.repository, digest) for digest in sorted(digests)]
