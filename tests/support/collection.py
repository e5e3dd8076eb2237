"""The garbage collector over a `Distribution`: what is noted, what a run does, and that nothing is broken."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from moorage.clock import Clock
from moorage.config.settings import GcSettings
from moorage.db.connection import database
from moorage.distribution.collecting import Collecting
from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.condemning import Condemning
from moorage.distribution.evidence import Evidence
from moorage.distribution.hold_store import HoldStore
from moorage.distribution.holds import Holds
from moorage.distribution.removal import Removal
from moorage.distribution.tables import BlobLinkRow, BlobRow, ManifestBlobRow
from moorage.gc.candidates import Candidates
from moorage.gc.collection import Collection, Work
from moorage.gc.collector import Collector
from moorage.gc.forecast import Forecast
from moorage.gc.gate import Gate
from moorage.gc.model import Item
from moorage.gc.planner import Planner
from moorage.gc.store import CandidateStore
from moorage.gc.tables import CandidateRow
from moorage.oci.digest import Digest
from tests.support.distribution import LEASE, Distribution
from tests.support.fake_run import FakeRun

#: Nothing waits but for what it was promised to.
AT_ONCE = GcSettings(untagged_hours=0, grace_minutes=0, jitter_seconds=0, trash_hours=0)
UNTAGGED = timedelta(hours=AT_ONCE.untagged_hours)


class Yard(Distribution):
    """A registry with its collector.

    Args:
        lease: of the collector's promises; what `Distribution` itself promises lasts `LEASE`.
        keepers: reasons to keep manifests.
        trash: whether files go there first.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        gc: GcSettings = AT_ONCE,
        keepers: Any = (),
        is_full: Callable[[], bool] = lambda: False,
        trash: bool = True,
        **rest: Any,
    ) -> None:
        super().__init__(folder, clock, **rest)
        self.queue = CandidateStore()
        self.condemn_store = CondemnStore()
        self.evidence = Evidence(self.condemn_store, self.storage)
        self.holds = Holds(HoldStore(), clock)
        self.candidates = Candidates(self.queue, self.evidence, self.holds, clock, gc, lease=LEASE)
        self.candidates.subscribe(self.events)
        self.planner = Planner(self.queue, self.evidence, clock, keepers)
        self.condemning = Condemning(
            *(self.condemn_store, self.blob_store, self.storage, self.locks, clock), trash=trash
        )
        removal = Removal(self.store, self.blob_store, self.events, clock, lease=LEASE)
        self.work = Work(
            store=self.queue,
            planner=self.planner,
            collector=Collector(
                store=self.queue,
                evidence=self.evidence,
                planner=self.planner,
                condemning=self.condemning,
                collecting=Collecting(self.store, self.condemn_store, removal),
                clock=clock,
            ),
            forecast=Forecast(
                self.queue, self.evidence, self.storage, clock, trash=timedelta(hours=gc.trash_hours)
            ),
            storage=self.storage,
            uploads=self.uploads,
            holds=self.holds,
        )
        self.is_full = is_full
        self.collecting_lock = folder / "collecting.lock"
        self.collection = self.with_settings(gc)

    def with_settings(self, gc: GcSettings, **changes: Any) -> Collection:
        """The job under other settings."""
        return Collection(
            self.work,
            self.clock,
            replace(gc, **changes),
            idle=timedelta(hours=168),
            is_full=lambda: bool(self.is_full()),
            gate=Gate(self.collecting_lock),
        )

    def collect(self, **parameters: object) -> FakeRun:
        """Run the job once; its result is the fake run's `marks`."""
        run = FakeRun(parameters, kind="gc")
        run.mark(**self.collection.run(run))
        return run

    def plan(self, delete_untagged: object = None) -> list[Item]:
        """What a dry run finds."""
        return list(self.collection.plan(delete_untagged))

    def causes(self) -> dict[tuple[str, str, str], str]:
        """Kind, repository and digest of each candidate, and why it is one."""
        return {(row.kind, row.repository, row.digest): row.cause for row in CandidateRow.select()}

    def candidate(self, digest: Digest) -> CandidateRow | None:
        """The candidate about that digest."""
        return CandidateRow.get_or_none(CandidateRow.digest == str(digest))

    def intact(self) -> bool:
        """Nothing that was promised is missing: rows have their whole files, manifests their blobs."""
        for row in BlobRow.select():
            digest = Digest.parse(row.digest)
            with self.storage.open(digest) as file:
                assert hashlib.file_digest(file, digest.algorithm).hexdigest() == digest.hex
        held = {(link.repository_id, link.blob_id): link.leased_until for link in BlobLinkRow.select()}
        for edge in ManifestBlobRow.select():
            assert held[edge.repository_id, edge.blob_id] is None
        return True

    def orphans(self) -> set[Digest]:
        """Files that no row knows."""
        return self.files() - {Digest.parse(row.digest) for row in BlobRow.select()}


def contents(folder: Path) -> dict[str, object]:
    """Every row of every table and every file, to see that nothing changed."""
    tables = sorted(database.get_tables())
    found: dict[str, object] = {
        name: sorted(map(repr, database.execute_sql(f'SELECT * FROM "{name}"').fetchall()))  # noqa: S608
        for name in tables
    }
    for place in ("blobs", "trash", "uploads"):
        for path in (folder / place).rglob("*"):
            if path.is_file():
                found[str(path)] = (path.stat().st_mtime_ns, path.read_bytes())
    return found
