"""Making a tag name a manifest, inside a transaction."""

from datetime import datetime

from moorage.distribution.errors import ManifestUnknownError
from moorage.distribution.model import Repository
from moorage.distribution.store import DistributionStore
from moorage.events import Actor, Events, TagMoved
from moorage.oci.digest import Digest
from moorage.oci.names import Tag
from moorage.projects.immutability import Immutability

_TRIES = 8


class Tagging:
    """Moves tags; whoever moves one says truly what it named before, however many race."""

    def __init__(self, store: DistributionStore, events: Events, immutability: Immutability) -> None:
        self._store = store
        self._events = events
        self._immutability = immutability

    def move(
        self,
        actor: Actor,
        repository: Repository,
        tag: Tag,
        manifest_id: int,
        digest: Digest,
        *,
        now: datetime,
    ) -> None:
        """Make the tag name the manifest; `TagMoved` is published unless it did so before.

        Raises:
            ImmutableTagError: it names another manifest, and is to stay so.
        """
        for _ in range(_TRIES):
            named = self._store.tags.find(repository.id, tag)
            if named is not None:
                if named.manifest_id != manifest_id:
                    self._immutability.check(repository.project_id, repository.name, tag)
                self._store.tags.move(named.tag_id, manifest_id, now)
                if named.manifest_id != manifest_id:
                    self._publish(actor, repository, tag, digest, named.digest)
                return
            if self._store.tags.insert(repository.id, tag, manifest_id, now):
                self._publish(actor, repository, tag, digest, None)
                return
        raise ManifestUnknownError.of(tag)

    def _publish(
        self, actor: Actor, repository: Repository, tag: Tag, digest: Digest, previous: Digest | None
    ) -> None:
        self._events.publish(TagMoved(actor, repository.project_id, repository.name, tag, digest, previous))
