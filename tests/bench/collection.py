"""Rows about garbage: how long it takes to collect, what that needs, and what pulls notice of it."""

import shutil
import statistics
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.garbage import Garbage
from tests.bench.rows import MIB
from tests.bench.stores import copy_store, write_ours, write_peer
from tests.bench.sweep import AT_ONCE, OurStore, Sweep, p99, sweep_ours, sweep_peer
from tests.bench.target import Target
from tests.bench.timing import Stopwatch


@dataclass
class Collections:
    """Both stores as written once, and the sweeps over copies of them.

    Every figure of one round comes from one sweep of each registry, whichever row asks first.

    Attributes:
        folder: of the stores; what is left of it at the end is removed with the whole run.
        settings: further variables for ours.
    """

    folder: Path
    garbage: Garbage
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sweeps: dict[tuple[str, str], deque[Sweep]] = {}
        self._written: set[str] = set()
        self._names: list[str] = []

    def shared_by(self, row: str) -> None:
        """Have every sweep wait for this row too."""
        self._names.append(row)

    def prepare(self, name: str) -> str:
        """Write the store of `ours` or of the `peer` unless it is there."""
        if name not in self._written:
            self._written.add(name)
            watch = Stopwatch()
            data = self._template(name)
            if name == "ours":
                store = OurStore(data.parent, {**self.settings, **AT_ONCE})
                write_ours(data, self.garbage.images(), store.environment)
            else:
                write_peer(data, self.garbage.images())
            print(
                f"  {name}: {self.garbage.blobs} blobs of {self.garbage.manifests} manifests written in "
                f"{watch.elapsed():.1f} s",
                file=sys.stderr,
            )
        return ""

    def sweep(self, row: str, name: str, seconds: float) -> Sweep:
        """The sweep of this round for this row."""
        waiting = self._sweeps.setdefault((row, name), deque())
        if not waiting:
            self.prepare(name)
            found = self._sweep(name, seconds)
            for each in {row, *self._names}:
                self._sweeps.setdefault((each, name), deque()).append(found)
        return waiting.popleft()

    def _sweep(self, name: str, seconds: float) -> Sweep:
        folder = self.folder / f"{name}-round"
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            copy_store(self._template(name), folder / "data")
            if name == "ours":
                return sweep_ours(OurStore(folder, {**self.settings, **AT_ONCE}), self.garbage, seconds)
            return sweep_peer(folder, self.garbage)

    def _template(self, name: str) -> Path:
        return self.folder / f"{name}-written" / "data"


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One figure of a sweep, ours while it serves beside the peer's while it is stopped."""

    name: str
    unit: str
    collections: Collections
    figure: Callable[[Sweep], float]
    more_is_better: bool = False
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """Write the store."""
        return self.collections.prepare(target.name)

    def measure(self, target: Target, seconds: float) -> float:
        """Sweep a copy of it."""
        return self.figure(self.collections.sweep(self.name, target.name, seconds))


@dataclass(frozen=True, slots=True)
class PullRow:
    """What pulls from ours notice of its collector; the peer's column is ours right before it."""

    name: str
    collections: Collections
    unit: str = "ms"
    more_is_better: bool = False
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """Write the store."""
        if target.name == "ours":
            self.collections.prepare("ours")
            return ""
        return "peer: ours without a collection"

    def measure(self, target: Target, seconds: float) -> float:
        """The 99th percentile during the sweep, or of the time before it."""
        during = target.name == "ours"
        found = self.collections.sweep(f"{self.name} {target.name}", "ours", seconds)
        times = found.busy_ms if during else found.idle_ms
        print(
            f"  {len(times)} pulls {'during' if during else 'before'} the collection, "
            f"median {statistics.median(times or [0]):.1f} ms",
            file=sys.stderr,
        )
        return p99(times)


def collection_rows(collections: Collections) -> list[SweepRow | PullRow]:
    """All rows over one pair of stores."""
    rows = [
        SweepRow("gc", "s", collections, lambda sweep: sweep.seconds),
        SweepRow("gc_memory", "MiB", collections, lambda sweep: sweep.peak_bytes / MIB),
        PullRow("gc_pull_p99", collections),
    ]
    for name in ("gc", "gc_memory", "gc_pull_p99 ours", "gc_pull_p99 peer"):
        collections.shared_by(name)
    return rows
