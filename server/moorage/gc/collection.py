"""The job `gc`: the queue is worked off, the trash emptied, and told what it came to."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from moorage.clock import Clock
from moorage.config.settings import GcSettings
from moorage.crashpoints import reach
from moorage.db.connection import bulk
from moorage.distribution.holds import Holds
from moorage.distribution.storage import BlobStorage
from moorage.distribution.uploads import Uploads
from moorage.gc.collector import Collector, Harvest
from moorage.gc.forecast import Forecast
from moorage.gc.gate import Gate
from moorage.gc.model import Candidate, Item, Kind, Outlook, Rules
from moorage.gc.pace import Pace
from moorage.gc.plan_file import read_plan
from moorage.gc.planner import Planner
from moorage.gc.store import CandidateStore
from moorage.jobs.run import Run
from moorage.sizes import in_words

#: Lines of the log that tell of single things; the rest is in the numbers.
_MOST_LINES = 1000
#: Rows of manifests go a few at a time, for each takes many statements.
_MANIFESTS_AT_ONCE = 100
#: Many blobs turn out to be in use, which takes a look and no lock: so batches of candidates are larger.
_LOOKED_AT = 2
_COUNTS = ("found", "manifests", "blobs", "uploads", "freed_bytes", "deferred", "errors")

Result = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Work:
    """What a run works with."""

    store: CandidateStore
    planner: Planner
    collector: Collector
    forecast: Forecast
    storage: BlobStorage
    uploads: Uploads
    holds: Holds


class Collection:
    """Handles the job `gc`.

    Whatever ends it, the queue says what is left: the next process goes on from there.

    Args:
        idle: after how long without a byte an upload is given up.
        is_full: whether the disk is so full that the trash must go at once.
        gate: closed by a backup, during which nothing is removed.
    """

    def __init__(
        self,
        work: Work,
        clock: Clock,
        settings: GcSettings,
        *,
        idle: timedelta,
        is_full: Callable[[], bool],
        gate: Gate,
    ) -> None:
        self._work = work
        self._clock = clock
        self._settings = settings
        self._idle = idle
        self._is_full = is_full
        self._gate = gate

    def rules(self, delete_untagged: object = None) -> Rules:
        """Which manifests may go.

        Args:
            delete_untagged: a wish for this run; None: by the settings.
        """
        wanted = self._settings.delete_untagged if delete_untagged is None else bool(delete_untagged)
        return Rules(wanted, timedelta(hours=self._settings.untagged_hours))

    def plan(self, delete_untagged: object = None) -> Iterator[Item]:
        """Everything that would go now; writes nothing."""
        return self._work.planner.plan(self.rules(delete_untagged))

    def outlook(self) -> Outlook:
        """What becomes free later by itself."""
        return self._work.forecast.outlook()

    def run(self, run: Run) -> Result:
        """Carry out one run.

        Parameters: `dry_run`, `delete_untagged` (by the settings when missing), `plan` (the path
        of a plan; nothing else is looked at then).

        Raises:
            PlanInvalidError: there is no such plan.
        """
        session = _Session(run, self._clock)
        rules = self.rules(run.parameters.get("delete_untagged"))
        if run.parameters.get("dry_run"):
            self._rehearse(session, rules)
            return self._result(session)
        if self._is_full():  # first of all: without room not even a row can be removed
            self._empty_trash(session)
        self._give_up_uploads(session)
        with nullcontext() if self._is_full() else bulk():
            self._collect_all(session, rules)
        self._empty_trash(session)
        return self._result(session)

    def _collect_all(self, session: "_Session", rules: Rules) -> None:
        plan = session.run.parameters.get("plan")
        if plan is None:
            self._work_off(session, rules)
        else:
            self._carry_out(session, rules, Path(str(plan)))

    def _rehearse(self, session: "_Session", rules: Rules) -> None:
        for item in self._work.planner.plan(rules):
            if session.run.stopping:
                break
            session.would_go(item)

    def _give_up_uploads(self, session: "_Session") -> None:
        uploads = self._work.uploads.expire(self._idle)
        session.count(uploads=uploads)
        self._work.holds.sweep()

    def _work_off(self, session: "_Session", rules: Rules) -> None:
        """Manifests first, for they leave blobs behind."""
        kinds = (Kind.MANIFEST, Kind.BLOB) if rules.delete_untagged else (Kind.BLOB,)
        for kind in kinds:
            while not session.ended:
                page = self._work.store.due(kind, self._clock(), self._batch(kind))
                if not page:
                    break
                self._collect(session, kind, page, rules)

    def _carry_out(self, session: "_Session", rules: Rules, plan: Path) -> None:
        """What a plan names, as far as it is still in the queue and its time has come."""
        for kind in (Kind.MANIFEST, Kind.BLOB):
            items = (item for item in read_plan(plan) if item.kind is kind)
            while not session.ended and (some := list(islice(items, self._batch(kind)))):
                found = self._work.store.find([(each.kind, each.repository, each.digest) for each in some])
                now = self._clock()
                self._collect(session, kind, [each for each in found.values() if each.due_at <= now], rules)

    def _batch(self, kind: Kind) -> int:
        most = self._settings.batch
        return min(most, _MANIFESTS_AT_ONCE) if kind is Kind.MANIFEST else most * _LOOKED_AT

    def _collect(self, session: "_Session", kind: Kind, page: list[Candidate], rules: Rules) -> None:
        pace = session.pace(self._settings.per_second)
        collector, stopping = self._work.collector, lambda: session.run.stopping
        with self._gate.passing() as is_open:
            if not is_open:
                session.hold_back()
                return
            if kind is Kind.MANIFEST:
                harvest = collector.manifests(page, rules, stopping)
            else:
                harvest = collector.blobs(page, self._settings.batch, stopping)
        session.reaped(len(page), harvest)
        session.run.pause(pace.pause_seconds(len(harvest.gone)))

    def _empty_trash(self, session: "_Session") -> None:
        run, full = session.run, self._is_full()
        if session.ended:
            return
        reach("gc.trash.before")
        kept = timedelta(0) if full else timedelta(hours=self._settings.trash_hours)
        with self._gate.passing() as is_open:
            if not is_open:
                session.hold_back()
                return
            removed = self._work.storage.empty_trash(kept, lambda: run.stopping)
        reach("gc.trash.emptied")
        if removed:
            why = "at once, for the disk is full" if full else "after its time"
            run.say(f"removed {removed} blobs from the trash {why}")

    def _result(self, session: "_Session") -> Result:
        stopping = session.run.stopping
        outlook = self._work.forecast.outlook(lambda: session.run.stopping) if not stopping else Outlook()
        return session.result(outlook, dry=bool(session.run.parameters.get("dry_run")))


class _Session:
    """One run: its numbers, which go on from those of the process before, and what it says."""

    def __init__(self, run: Run, clock: Clock) -> None:
        self.run = run
        self._clock = clock
        self._began = time.monotonic()
        self._counts = {name: _number(run.progress.get(name)) for name in _COUNTS}
        self._lines = 0
        self._held_back = False

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be removed in this run."""
        return self._held_back or self.run.stopping

    def hold_back(self) -> None:
        """A backup is under way."""
        self._held_back = True
        self.run.say("a backup is under way: what is left is removed by a later run")

    def count(self, **increments: int) -> None:
        for name, increment in increments.items():
            self._counts[name] += increment
        self.run.count(**increments)

    def pace(self, per_second: int) -> Pace:
        """For a batch that begins now."""
        return Pace(per_second)

    def would_go(self, item: Item) -> None:
        """A dry run found it."""
        self._tell(item, "would remove")
        self._count_items([item], found=1)

    def reaped(self, looked_at: int, harvest: Harvest) -> None:
        """A batch is done."""
        for item in harvest.gone:
            self._tell(item, "removed")
        for name, fault in harvest.faults:
            self.run.say(f"could not remove {name}: {fault}", level="error")
        self._count_items(harvest.gone, found=looked_at)
        self.count(deferred=harvest.deferred, errors=len(harvest.faults))

    def result(self, outlook: Outlook, *, dry: bool) -> Result:
        """What it came to."""
        return {
            **self._counts,
            "seconds": round(time.monotonic() - self._began, 3),
            "waiting_bytes": outlook.waiting_bytes,
            "waiting_manifests": outlook.manifests,
            "waiting_from": _text(outlook.waiting_from),
            "waiting_until": _text(outlook.waiting_until),
            "message": self._message(dry),
        }

    def _count_items(self, items: list[Item], found: int) -> None:
        blobs = [item for item in items if item.kind is Kind.BLOB]
        self.count(
            found=found,
            manifests=len(items) - len(blobs),
            blobs=len(blobs),
            freed_bytes=sum(item.size_bytes for item in blobs),
        )

    def _tell(self, item: Item, verb: str) -> None:
        self._lines += 1
        if self._lines <= _MOST_LINES:
            name = f"{item.repository}@{item.digest}" if item.repository else str(item.digest)
            self.run.say(f"{verb} {item.kind} {name}, {in_words(item.size_bytes)}: {item.why}")
        elif self._lines == _MOST_LINES + 1:
            self.run.say("there is more, of which only the numbers are told")

    def _message(self, dry: bool) -> str:
        counts = self._counts
        verb = "would remove" if dry else "removed"
        text = f"{verb} {counts['manifests']} manifests and {counts['blobs']} blobs"
        text += f" ({in_words(counts['freed_bytes'])})"
        text += f"; {counts['errors']} failed" if counts["errors"] else ""
        return text + ("; the rest waits for the end of a backup" if self._held_back else "")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
