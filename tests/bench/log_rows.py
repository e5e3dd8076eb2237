"""Rows about the log of operations: how long a page takes, and what an entry costs to write.

Both columns are ours: the first is a log of millions, the second for a search PostgreSQL beside SQLite, and
for writing an empty log. They are measured when they are asked for, since the logs take minutes to fill.
"""

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.log_store import Logs, append_many, append_one, measure, questions
from tests.bench.rows import Row
from tests.bench.target import Target

#: What the name of each of these rows begins with.
PREFIX = "audit_"
_DATABASES = {"ours": "sqlite", "peer": "postgresql"}


@dataclass(frozen=True, slots=True)
class LogSearchRow:
    """The 95th percentile of a page of 50: SQLite beside PostgreSQL."""

    name: str
    kind: str
    logs: Logs
    deep: bool = False
    unit: str = "ms"
    more_is_better: bool = False
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """Fill the log."""
        self.logs.bind(_DATABASES[target.name], long=True)
        return "SQLite / PostgreSQL" if target.name == "ours" else ""

    def measure(self, target: Target, seconds: float) -> float:
        """Ask twenty questions of a kind."""
        self.logs.bind(_DATABASES[target.name], long=True)
        return measure(self.logs.count, self.kind, deep=self.deep).p95


@dataclass
class LogWriteRow:
    """The median of what one write takes: a long log beside an empty one."""

    name: str
    database: str
    write: Callable[[int], float]
    logs: Logs
    unit: str = "ms"
    more_is_better: bool = False
    warms_up: bool = True
    times: int = 50
    written: int = 0

    def prepare(self, target: Target) -> str:
        """Fill the log."""
        self.logs.bind(self.database, long=target.name == "ours")
        return "long log / empty log" if target.name == "ours" else ""

    def measure(self, target: Target, seconds: float) -> float:
        """Write a number of times."""
        self.logs.bind(self.database, long=target.name == "ours")
        first, self.written = self.written, self.written + self.times
        return statistics.median(self.write(first + number) for number in range(self.times))


def log_rows(folder: Path, stack: ExitStack, count: int) -> list[Row]:
    """All of them over logs of `count` entries."""
    logs = Logs(folder, stack, count)
    rows: list[Row] = []
    for kind in questions(count):
        rows.append(LogSearchRow(f"{PREFIX}{kind}", kind, logs))
        rows.append(LogSearchRow(f"{PREFIX}{kind}_deep", kind, logs, deep=True))
    # Last: what is written has no segments.
    for database in _DATABASES.values():
        rows.append(LogWriteRow(f"{PREFIX}append_{database}", database, append_one, logs))
        rows.append(LogWriteRow(f"{PREFIX}append_1000_{database}", database, append_many, logs, times=10))
    return rows
