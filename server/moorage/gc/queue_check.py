"""Whether everything that will be garbage waits in the queue; what does not would stay for ever."""

from collections.abc import Sequence

from moorage.clock import Clock
from moorage.distribution.changes import change
from moorage.distribution.inspected import Unneeded
from moorage.distribution.inspection import Inspection
from moorage.gc.findings import Account, Finding, FindingKind
from moorage.gc.model import Kind
from moorage.gc.store import CandidateStore, Key, Noted
from moorage.jobs.run import Run

_AT_ONCE = 1000
_CAUSE = "found by a check"


class QueueCheck:
    """Compares what nothing needs with the candidates; a repair notes what is missing there."""

    name = "queue"

    def __init__(self, inspection: Inspection, store: CandidateStore, clock: Clock) -> None:
        self._inspection = inspection
        self._store = store
        self._clock = clock

    def run(self, run: Run, account: Account) -> None:
        """Go on after the account's cursor, until the end or until the run is to stop."""
        first = int(account.cursor or 0)
        while first <= self._inspection.last_number() and not run.stopping:
            after = first + _AT_ONCE
            unqueued = self._unqueued(first, after - 1)
            done = "noted" if account.repairs and unqueued else ""
            if done:
                self._note(unqueued)
            for each in unqueued:
                what = f"{each.repository}@{each.digest}" if each.repository else str(each.digest)
                detail = "nothing needs it, and the collector does not know of it"
                finding = Finding(
                    FindingKind.UNQUEUED, what, each.size_bytes, detail, done, solved=bool(done)
                )
                account.found(finding)
            account.reached(self.name, str(after))
            first = after

    def _unqueued(self, first: int, last: int) -> Sequence[Unneeded]:
        """Looked at twice: what was collected between the two questions is not a finding."""
        unqueued = self._without_candidate(self._inspection.unneeded(first, last))
        if not unqueued:
            return ()
        still = set(self._inspection.unneeded(first, last))
        return self._without_candidate([each for each in unqueued if each in still])

    def _without_candidate(self, unneeded: Sequence[Unneeded]) -> Sequence[Unneeded]:
        known = self._store.find([_key(each) for each in unneeded])
        return [each for each in unneeded if _key(each) not in known]

    def _note(self, unqueued: Sequence[Unneeded]) -> None:
        change(lambda: self._write(unqueued))

    def _write(self, unqueued: Sequence[Unneeded]) -> None:
        now = self._clock()
        for kind in Kind:
            noted = [Noted(each.repository, each.digest, now) for each in unqueued if _key(each)[0] is kind]
            self._store.put(kind, noted, _CAUSE, now)


def _key(unneeded: Unneeded) -> Key:
    kind = Kind.MANIFEST if unneeded.repository else Kind.BLOB
    return kind, unneeded.repository, unneeded.digest
