"""What a policy would do to a repository right now; a run does exactly that."""

from collections.abc import Callable
from datetime import timedelta

from moorage.clock import Clock
from moorage.oci.names import RepositoryName
from moorage.projects.immutability import Immutability
from moorage.retention.model import Plan, Policy
from moorage.retention.planner import decide
from moorage.retention.store import RetentionStore

_ASK_EVERY = 1000


class Simulator:
    """Judges repositories; writes nothing.

    Args:
        young: how long an untagged artifact is left alone.
    """

    def __init__(
        self, store: RetentionStore, immutability: Immutability, clock: Clock, *, young: timedelta
    ) -> None:
        self._store = store
        self._immutability = immutability
        self._clock = clock
        self._young = young

    def plan(
        self, policy: Policy, repository: RepositoryName, stopping: Callable[[], bool] = lambda: False
    ) -> Plan:
        """What becomes of each artifact; a repository that is not there has none.

        Args:
            stopping: asked now and then whether nobody waits for the answer any more; if so it is empty.

        It takes a handful of statements for each thousand artifacts, and some 900 bytes of memory
        for each one.
        """
        rules = policy.rules_for(repository)
        if not rules:
            return Plan(repository, (), ())
        now = self._clock()
        candidates = []
        for number, each in enumerate(self._store.candidates(policy.project_id, repository)):
            if number % _ASK_EVERY == 0 and stopping():
                return Plan(repository, rules, ())
            candidates.append(each)
        tags = (tag.name for each in candidates for tag in each.tags)
        decisions = decide(
            candidates,
            rules,
            now=now,
            young_since=now - self._young,
            immutable=self._immutability.immutable_among(policy.project_id, repository, tags),
            held=self._store.held(policy.project_id, repository, now),
        )
        return Plan(repository, rules, decisions)
