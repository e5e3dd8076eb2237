"""What belongs to a manifest and goes with it: the children of an index, and what is attached."""

from collections.abc import Iterable, Sequence

from moorage.clock import Clock
from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.model import ManifestFacts, Repository
from moorage.distribution.removal import Removal, Removed
from moorage.distribution.store import DistributionStore
from moorage.events import Actor, Events, TagDeleted
from moorage.oci.digest import Digest
from moorage.projects.immutability import Immutability

#: Indexes in indexes, signatures of signatures; what lies deeper is left to the collector.
_DEEPEST = 32


class Parts:
    """Takes parts out after what they belonged to, in the same transaction.

    A child stays when it has a tag, another index that lists it, or a subject of its own. What is
    attached stays when an index lists it or a rule keeps one of its tags. Whatever a running job holds,
    or somebody else works on at this moment, stays for the collector.
    """

    def __init__(
        self,
        store: DistributionStore,
        condemn_store: CondemnStore,
        removal: Removal,
        immutability: Immutability,
        events: Events,
        clock: Clock,
    ) -> None:
        self._store = store
        self._condemn_store = condemn_store
        self._removal = removal
        self._immutability = immutability
        self._events = events
        self._clock = clock

    def take_out(self, actor: Actor, within: Repository, removed: Sequence[Removed]) -> list[Removed]:
        """Remove what belonged to these manifests, which are out; nobody was told of either yet."""
        found: list[Removed] = []
        for _ in range(_DEEPEST):
            children = {digest for each in removed for digest in each.references.children}
            attached = {digest for each in removed for digest in each.references.referrers}
            known = self._store.manifests.known_among(within.id, children | attached)
            facts = self._condemn_store.lock_manifests([each.id for each in known.values()])
            doomed = [each for each in self._alone(facts) if self._is_doomed(each, attached)]
            doomed = self._without_tags(actor, within, doomed)
            if not doomed:
                break
            removed = self._removal.take_out({each.id: (within, each.key.digest) for each in doomed})
            found += removed
        return found

    def _alone(self, facts: Iterable[ManifestFacts]) -> list[ManifestFacts]:
        now = self._clock()
        return [
            each
            for each in facts
            if each.parent_id is None and (each.held_until is None or each.held_until <= now)
        ]

    def _is_doomed(self, facts: ManifestFacts, attached: set[Digest]) -> bool:
        if facts.subject_id is not None:
            return False  # a child that is attached to something else, which is still there
        return facts.key.digest in attached or not facts.tagged

    def _without_tags(
        self, actor: Actor, within: Repository, doomed: Sequence[ManifestFacts]
    ) -> list[ManifestFacts]:
        """Those that may lose their tags, without them."""
        protection = self._immutability.protection(within.project_id, within.name)
        tags = self._store.tags.of_manifests([each.id for each in doomed if each.tagged])
        free = []
        for each in doomed:
            if any(protection.rule_of(tag.name) is not None for tag in tags.get(each.id, ())):
                continue
            free.append(each)
            if each.tagged:
                for name in self._store.tags.delete_of_manifest(each.id):
                    self._events.publish(
                        TagDeleted(actor, within.project_id, within.name, name, each.key.digest)
                    )
        return free
