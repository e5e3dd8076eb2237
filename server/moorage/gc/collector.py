"""Carries verdicts out, a batch at a time, and keeps the queue."""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.changes import change
from moorage.distribution.chunks import chunks
from moorage.distribution.collecting import CollectedManifest, Collecting
from moorage.distribution.condemning import CondemnedBlob, Condemning, Fate
from moorage.distribution.evidence import Evidence
from moorage.distribution.model import ManifestFacts
from moorage.gc.model import COLLECTOR, Action, Candidate, Item, Kind, Rules, Verdict
from moorage.gc.planner import Planner
from moorage.gc.store import CandidateStore

_log = logging.getLogger(__name__)

_BUSY_SECONDS = (5.0, 15.0)
_LONGEST_BACK_OFF_MINUTES = 24 * 60.0
_FAULT_LENGTH = 500

Stopping = Callable[[], bool]


@dataclass(slots=True)
class Harvest:
    """What a batch came to.

    Attributes:
        gone: what was removed.
        deferred: how many are looked at again later.
        faults: name and reason of what could not be removed.
    """

    gone: list[Item] = field(default_factory=list)
    deferred: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)


class Collector:
    """Removes candidates that nothing needs.

    A candidate is dropped only after what it is about is gone for good or found to be needed, and
    only in the version that was looked at. Whatever kills us before that, the next run looks again.
    """

    def __init__(
        self,
        *,
        store: CandidateStore,
        evidence: Evidence,
        planner: Planner,
        condemning: Condemning,
        collecting: Collecting,
        clock: Clock,
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._planner = planner
        self._condemning = condemning
        self._collecting = collecting
        self._clock = clock

    def manifests(self, candidates: Sequence[Candidate], rules: Rules, stopping: Stopping) -> Harvest:
        """Look at candidates that are manifests and remove those that may go."""
        harvest, queue = Harvest(), _Queue(self._store, self._clock())
        facts = self._evidence.manifests([each.key for each in candidates])
        doomed: list[ManifestFacts] = []
        by_id: dict[int, tuple[Candidate, Verdict]] = {}
        for each in candidates:
            found = facts.get(each.key)
            verdict = Verdict(Action.KEEP, "gone") if found is None else self._planner.judge(found, rules)
            if found is not None and verdict.action is Action.GO:
                doomed.append(found)
                by_id[found.id] = each, verdict
            elif verdict.until is not None:
                queue.defer(each, verdict.until)
            else:
                queue.drop(each)
        versions = {found: candidate.version for found, (candidate, _) in by_id.items()}
        for one in self._collecting.collect(
            COLLECTOR, doomed, lambda locked: self._choose(locked, versions, rules), stopping
        ):
            candidate, verdict = by_id[one.facts.id]
            self._settle_manifest(candidate, one, verdict, harvest=harvest, queue=queue)
        return self._close(harvest, queue)

    def blobs(self, candidates: Sequence[Candidate], at_once: int, stopping: Stopping) -> Harvest:
        """Look at candidates that are blobs and remove those that may go.

        Args:
            at_once: how many are locked and removed together.
        """
        harvest, queue = Harvest(), _Queue(self._store, self._clock())
        doubtful = {each.digest: each for each in candidates}
        # Most of what was pushed is in use when its time comes; that takes a look and no lock.
        for digest in self._evidence.needed_blobs(list(doubtful), self._clock()):
            queue.drop(doubtful.pop(digest))
        for some in chunks(doubtful, at_once):
            for one in [] if stopping() else self._condemning.condemn(some, stopping):
                self._settle_blob(doubtful[one.digest], one, harvest=harvest, queue=queue)
        return self._close(harvest, queue)

    def _choose(
        self, locked: Sequence[ManifestFacts], versions: Mapping[int, int], rules: Rules
    ) -> list[ManifestFacts]:
        """Those that may still go. What was pushed anew since we looked has a new version, and stays."""
        found = self._store.find([(Kind.MANIFEST, each.key.repository, each.key.digest) for each in locked])
        return [
            each
            for each in locked
            if (candidate := found.get((Kind.MANIFEST, each.key.repository, each.key.digest))) is not None
            and candidate.version == versions[each.id]
            and self._planner.judge(each, rules).action is Action.GO
        ]

    def _settle_manifest(
        self,
        candidate: Candidate,
        one: CollectedManifest,
        verdict: Verdict,
        *,
        harvest: Harvest,
        queue: "_Queue",
    ) -> None:
        if one.fate is Fate.GONE:
            queue.drop(candidate)
            harvest.gone.append(
                Item(
                    Kind.MANIFEST,
                    candidate.repository,
                    candidate.digest,
                    one.facts.size_bytes,
                    f"{verdict.why} ({candidate.cause})",
                )
            )
        elif one.fate is Fate.FAILED:
            queue.fail(candidate, one.fault)
        else:
            queue.wait_a_moment(candidate)

    def _settle_blob(
        self, candidate: Candidate, one: CondemnedBlob, *, harvest: Harvest, queue: "_Queue"
    ) -> None:
        if one.fate is Fate.GONE:
            harvest.gone.append(
                Item(Kind.BLOB, "", one.digest, one.size_bytes, f"no repository holds it ({candidate.cause})")
            )
        if one.fate is Fate.FAILED:
            queue.fail(candidate, one.fault)
        elif one.fate is Fate.BUSY:
            queue.wait_a_moment(candidate)
        elif one.until is not None:
            queue.defer(candidate, one.until)
        else:
            queue.drop(candidate)

    def _close(self, harvest: Harvest, queue: "_Queue") -> Harvest:
        # Lost in a power cut, it costs one more look.
        change(queue.write, durable=False)
        reach("gc.candidates.committed")
        harvest.deferred = len(queue.deferred)
        harvest.faults = [(each.name, fault) for each, _, fault in queue.failed]
        return harvest


class _Queue:
    """What becomes of the candidates of a batch."""

    def __init__(self, store: CandidateStore, now: datetime) -> None:
        self._store = store
        self._now = now
        self._dropped: list[Candidate] = []
        self.deferred: list[tuple[Candidate, datetime]] = []
        self.failed: list[tuple[Candidate, datetime, str]] = []

    def drop(self, candidate: Candidate) -> None:
        self._dropped.append(candidate)

    def defer(self, candidate: Candidate, until: datetime) -> None:
        self.deferred.append((candidate, until))

    def wait_a_moment(self, candidate: Candidate) -> None:
        """Somebody works on it right now."""
        seconds = random.uniform(*_BUSY_SECONDS)  # noqa: S311 - no secret
        self.deferred.append((candidate, self._now + timedelta(seconds=seconds)))

    def fail(self, candidate: Candidate, fault: str) -> None:
        until = self._now + back_off(candidate.tries)
        _log.warning(
            "garbage could not be collected",
            extra={"candidate": candidate.name, "tries": candidate.tries + 1, "cause": fault},
        )
        self.failed.append((candidate, until, fault[:_FAULT_LENGTH]))

    def write(self) -> None:
        self._store.drop(self._dropped)
        for candidate, until in self.deferred:
            self._store.defer(candidate, until)
        for candidate, until, fault in self.failed:
            self._store.fail(candidate, until, fault)
        reach("gc.candidates.written")


def back_off(tries: int) -> timedelta:
    """How long to wait after so many failures before this one: a minute to a day, spread by chance."""
    minutes = min(2.0 ** min(tries, 20), _LONGEST_BACK_OFF_MINUTES)
    return timedelta(minutes=minutes * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
