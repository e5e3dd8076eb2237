"""What would go if the collector ran now; writes nothing."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime

from moorage.clock import Clock
from moorage.distribution.evidence import Evidence
from moorage.distribution.model import ManifestFacts, ManifestKey
from moorage.gc.model import Action, Item, Kind, Rules, Verdict
from moorage.gc.store import CandidateStore
from moorage.gc.verdicts import Keeper, judge_blob, judge_manifest

_PAGE = 200


class Planner:
    """Gives verdicts on candidates.

    Args:
        keepers: reasons of other rooms to keep manifests.
    """

    def __init__(
        self, store: CandidateStore, evidence: Evidence, clock: Clock, keepers: Sequence[Keeper] = ()
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._clock = clock
        self._keepers = tuple(keepers)

    def judge(self, facts: ManifestFacts, rules: Rules) -> Verdict:
        """Whether this manifest may go now."""
        return judge_manifest(facts, rules, self._clock(), self._keepers)

    def plan(self, rules: Rules) -> Iterator[Item]:
        """Everything that would go now: manifests with what falls with them, then blobs.

        Blobs of the manifests that would go are not among it: their leases begin only then.
        """
        now = self._clock()
        yield from _Fall(self._store, self._evidence, rules, now, self._keepers).items()
        for page in self._store.all(Kind.BLOB, now):
            facts = self._evidence.blobs([each.digest for each in page], now)
            for each in page:
                found = facts[each.digest]
                verdict = judge_blob(found)
                if verdict.action is Action.GO:
                    yield Item(Kind.BLOB, "", each.digest, found.size_bytes or 0, verdict.why)


class _Fall:
    """Manifests that would go one after the other, each thought away for those that come after."""

    def __init__(
        self,
        store: CandidateStore,
        evidence: Evidence,
        rules: Rules,
        now: datetime,
        keepers: Sequence[Keeper],
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._rules = rules
        self._now = now
        self._keepers = keepers
        self._gone: set[int] = set()
        self._below: deque[ManifestKey] = deque()

    def items(self) -> Iterator[Item]:
        """Candidates in the order of the queue, and after each page what falls with them."""
        if not self._rules.delete_untagged:
            return
        for page in self._store.all(Kind.MANIFEST, self._now):
            yield from self._go([each.key for each in page])
            while self._below:
                some = [self._below.popleft() for _ in range(min(_PAGE, len(self._below)))]
                yield from self._go(self._due(some))

    def _due(self, keys: Sequence[ManifestKey]) -> list[ManifestKey]:
        """Those of what falls that do not wait in the queue for a time of their own."""
        wanted = [(Kind.MANIFEST, str(key.repository), key.digest) for key in keys]
        found = self._store.find(wanted)
        late = {each.key for each in found.values() if each.due_at > self._now}
        return [key for key in keys if key not in late]

    def _go(self, keys: Sequence[ManifestKey]) -> Iterator[Item]:
        for facts in self._evidence.manifests(keys).values():
            if facts.id in self._gone:
                continue
            verdict = judge_manifest(
                facts,
                self._rules,
                self._now,
                self._keepers,
                living_parent=self._has_living_parent(facts),
                gone=self._gone,
            )
            if verdict.action is Action.GO:
                self._gone.add(facts.id)
                self._below.extend(self._evidence.dependants(facts))
                key = facts.key
                yield Item(Kind.MANIFEST, key.repository, key.digest, facts.size_bytes, verdict.why)

    def _has_living_parent(self, facts: ManifestFacts) -> bool:
        if facts.parent_id is None:
            return False
        if facts.parent_id not in self._gone:
            return True
        return any(parent not in self._gone for parent in self._evidence.parents(facts.id))
