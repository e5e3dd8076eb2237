"""What pulls leave behind: counts and dates, written in batches by whoever gathers them."""

from datetime import datetime

from moorage.distribution.store import DistributionStore
from moorage.oci.names import RepositoryName


class Pulls:
    """Counts pulls; called inside the transaction of a batch, never on the way of a pull."""

    def __init__(self, store: DistributionStore) -> None:
        self._store = store

    def count(self, repository: RepositoryName, tag: str, digest: str, count: int, last_at: datetime) -> None:
        """Add pulls of one manifest; what was deleted meanwhile is passed over.

        Args:
            tag: empty when it was pulled by its digest.
        """
        self._store.repositories.count_pulls(repository, count)
        self._store.manifests.note_pull(repository, digest, last_at)
        if tag:
            self._store.tags.note_pull(repository, tag, last_at)
