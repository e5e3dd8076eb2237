"""The check over a registry's room, without jobs around it, and ways to damage what is stored."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moorage.db.connection import database, is_postgresql
from moorage.distribution.inspection import Inspection
from moorage.distribution.inspection_store import InspectionStore
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.quarantine import Quarantine
from moorage.distribution.shelves import Shelves
from moorage.distribution.tables import (
    BlobLinkRow,
    BlobRow,
    ManifestBlobRow,
    ManifestChildRow,
    ManifestRow,
    ProjectBlobRow,
    ProjectUsageRow,
    RepositoryRow,
    TagRow,
    UploadRow,
)
from moorage.distribution.usage import Usage
from moorage.distribution.usage_store import UsageStore
from moorage.gc.reconciler import Reconciler
from moorage.gc.store import CandidateStore
from moorage.gc.tables import CandidateRow
from moorage.oci.digest import Digest
from tests.support.distribution import Distribution
from tests.support.fake_run import FakeRun

TABLES = (
    RepositoryRow,
    BlobRow,
    BlobLinkRow,
    ManifestRow,
    ManifestBlobRow,
    ManifestChildRow,
    TagRow,
    UploadRow,
    ProjectBlobRow,
    ProjectUsageRow,
    CandidateRow,
)


class Fsck:
    """Checks `site`, which lies in `folder`."""

    def __init__(self, site: Distribution, folder: Path, *, mib_per_second: float = 0) -> None:
        self.site = site
        self.folder = folder
        self.quarantine = Quarantine(folder, site.events, site.clock)
        self.shelves = Shelves(folder)
        self.inspection = Inspection(
            InspectionStore(), site.upload_store, self.shelves, self.quarantine, site.locks
        )
        self.candidates = CandidateStore()
        self.usage = Usage(UsageStore(), OverviewStore())
        self.reconciler = Reconciler(
            self.inspection, self.usage, self.candidates, site.clock, mib_per_second=mib_per_second
        )
        self.last = FakeRun()

    def run(
        self,
        *,
        repair: bool = False,
        rehash: bool = True,
        progress: dict[str, Any] | None = None,
        stop_when: Callable[[FakeRun], bool] = lambda run: False,
    ) -> dict[str, Any]:
        """One run; what it said is in `last`."""
        parameters = {"repair": repair, "rehash": rehash}
        self.last = FakeRun(parameters, kind="fsck", progress=progress, stop_when=stop_when)
        return dict(self.reconciler.run(self.last))  # type: ignore[arg-type]

    def found(self, **how: Any) -> dict[str, int]:
        """How many of each kind a run finds."""
        found: dict[str, int] = self.run(**how)["findings"]
        return found

    @property
    def errors(self) -> list[str]:
        """What the last run told as an error."""
        return [text for level, text in self.last.said if level == "error"]

    def path(self, digest: Digest) -> Path:
        """The blob's file."""
        return Path(self.shelves.path(digest))

    def set_aside(self) -> dict[str, bytes]:
        """The bytes in the quarantine, by the names that they had."""
        return {thing.name: Path(thing.path).read_bytes() for thing in self.quarantine.list()}


def everything(folder: Path) -> str:
    """A digest over every row of the registry, every file and every name below the folder."""
    running = hashlib.sha256()
    for table in TABLES:
        running.update(repr(sorted(table.select().tuples(), key=repr)).encode())
    for path in sorted(folder.rglob("*")):
        if "moorage.sqlite" not in path.name:
            running.update(f"{path} {path.lstat().st_mtime_ns}".encode())
            running.update(path.read_bytes() if path.is_file() else b"")
    return running.hexdigest()


@contextmanager
def lawless() -> Iterator[None]:
    """Changes of rows that no foreign key judges, as a damaged or mended-by-hand database has them."""
    if is_postgresql():
        database.execute_sql("SET session_replication_role = replica")
    else:
        database.execute_sql("PRAGMA foreign_keys = 0")
    try:
        yield
    finally:
        if is_postgresql():
            database.execute_sql("SET session_replication_role = DEFAULT")
        else:
            database.execute_sql("PRAGMA foreign_keys = 1")
