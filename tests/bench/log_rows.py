"""Rows about the log of operations: how long a page takes, and what an entry costs to write.

Both columns are ours: the first is a log of millions, the second for a search PostgreSQL beside SQLite, and
for writing an empty log. They are measured when they are asked for, since the logs take minutes to fill.
"""

import statistics
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.log_site import LogSite
from tests.bench.log_store import Logs, append_many, append_one, measure, questions
from tests.bench.rows import Row
from tests.bench.target import Target

#: What the name of each of these rows begins with.
PREFIX = "audit_"
_TIMES = 20
_TITLES = {"ours": "SQLite", "peer": "PostgreSQL"}
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


@dataclass
class LogSites:
    """A server over the long log in each database, started when it is asked for."""

    logs: Logs
    folder: Path
    stack: ExitStack
    settings: Mapping[str, str]
    known: dict[str, LogSite] = field(default_factory=dict)

    def on(self, database: str) -> LogSite:
        """The one over the log in this database."""
        if database not in self.known:
            url = self.logs.bind(database, long=True)
            site = LogSite(self.folder / f"site-{database}", url, self.logs.count, self.settings)
            self.stack.callback(site.stop)
            self.known[database] = site
        return self.known[database]


@dataclass(frozen=True, slots=True)
class LogPageRow:
    """The 99th percentile of a page of 50 over HTTP: SQLite beside PostgreSQL."""

    name: str
    kind: str
    sites: LogSites
    deep: bool = False
    unit: str = "ms"
    more_is_better: bool = False
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """Fill the log and start the server."""
        asked = self.sites.on(_DATABASES[target.name]).ask([self.kind], _TIMES, deep=self.deep)
        return f"{_TITLES[target.name]} p50 {asked.p50:.1f} ms"

    def measure(self, target: Target, seconds: float) -> float:
        """Ask questions of a kind."""
        return self.sites.on(_DATABASES[target.name]).ask([self.kind], _TIMES, deep=self.deep).p99


@dataclass(frozen=True, slots=True)
class LogRateRow:
    """Pages a second over HTTP: SQLite beside PostgreSQL.

    Attributes:
        mixed: one client that asks all kinds by turns; else many that ask for the newest page.
    """

    name: str
    sites: LogSites
    mixed: bool
    unit: str = "req/s"
    more_is_better: bool = True
    warms_up: bool = True

    def prepare(self, target: Target) -> str:
        """Fill the log and start the server."""
        self.sites.on(_DATABASES[target.name])
        return (
            "SQLite / PostgreSQL; Harbor publishes 110 to 111 for its list" if target.name == "ours" else ""
        )

    def measure(self, target: Target, seconds: float) -> float:
        """Ask."""
        site = self.sites.on(_DATABASES[target.name])
        if self.mixed:
            return site.ask(list(questions(self.sites.logs.count)), max(1, round(seconds))).rate
        load = site.load(seconds)
        print(f"    p50 {load.p50 * 1000:.1f} ms, p99 {load.p99 * 1000:.1f} ms", file=sys.stderr)
        return load.requests / load.seconds


def log_rows(folder: Path, stack: ExitStack, count: int, settings: Mapping[str, str]) -> list[Row]:
    """All of them over logs of `count` entries."""
    logs = Logs(folder, stack, count)
    rows: list[Row] = []
    for kind in questions(count):
        rows.append(LogSearchRow(f"{PREFIX}{kind}", kind, logs))
        rows.append(LogSearchRow(f"{PREFIX}{kind}_deep", kind, logs, deep=True))
    sites = LogSites(logs, folder, stack, settings)
    for kind in questions(count):
        rows.append(LogPageRow(f"{PREFIX}http_{kind}", kind, sites))
        rows.append(LogPageRow(f"{PREFIX}http_{kind}_deep", kind, sites, deep=True))
    rows.append(LogRateRow(f"{PREFIX}http_rate", sites, mixed=False))
    rows.append(LogRateRow(f"{PREFIX}http_mixed_rate", sites, mixed=True))
    # Last: what is written has no segments.
    for database in _DATABASES.values():
        rows.append(LogWriteRow(f"{PREFIX}append_{database}", database, append_one, logs))
        rows.append(LogWriteRow(f"{PREFIX}append_1000_{database}", database, append_many, logs, times=10))
    return rows
