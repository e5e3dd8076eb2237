"""Everything that is rows alone: the database itself, manifests, and what refers to what."""

from moorage.distribution.inspected import BadManifest
from moorage.distribution.inspection import Inspection
from moorage.gc.findings import Account, Finding, FindingKind
from moorage.jobs.run import Run

_MANIFESTS_AT_ONCE = 100
_NUMBERS_AT_ONCE = 1000


class DatabaseCheck:
    """Whether the database can be believed; first of all, because repairs depend on its word."""

    name = "database"

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    def run(self, run: Run, account: Account) -> None:
        account.expect(*self._inspection.totals())
        for fault in self._inspection.faults(lambda: run.stopping):
            account.found(Finding(FindingKind.DATABASE, fault))


class ManifestCheck:
    """Whether each manifest's body has its digest, and an edge to everything it names."""

    name = "manifests"

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    def run(self, run: Run, account: Account) -> None:
        after: int | None = int(account.cursor or 0)
        while after is not None and not run.stopping:
            after, bad = self._inspection.manifests(after, _MANIFESTS_AT_ONCE)
            for manifest in bad:
                account.found(_finding(manifest))
            if after is not None:
                account.reached(self.name, str(after))


class EdgeCheck:
    """Whether rows name only rows that are there: what foreign keys forbid, and more."""

    name = "edges"

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    def run(self, run: Run, account: Account) -> None:
        first = int(account.cursor or 0)
        while first <= self._inspection.last_number() and not run.stopping:
            after = first + _NUMBERS_AT_ONCE
            for row in self._inspection.bad_rows(first, after - 1):
                account.found(Finding(FindingKind.DANGLING_EDGE, row.repository or "?", detail=row.text))
            account.reached(self.name, str(after))
            first = after
        for row in self._inspection.broken_keys(lambda: run.stopping):
            account.found(Finding(FindingKind.DANGLING_EDGE, row.repository or "?", detail=row.text))


def _finding(manifest: BadManifest) -> Finding:
    names = ", ".join(manifest.names)
    if manifest.actual is not None:
        detail = f"{names}: its body has the digest {manifest.actual}; delete it and push it again"
        return Finding(FindingKind.CORRUPT_MANIFEST, manifest.digest, manifest.size_bytes, detail)
    missing = ", ".join(map(str, manifest.missing))
    detail = f"{names}: nothing keeps {missing} for it; delete it and push it again"
    return Finding(FindingKind.DANGLING_EDGE, manifest.digest, manifest.size_bytes, detail)
