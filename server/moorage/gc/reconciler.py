"""`Reconciler`: the job ``fsck``, the two-way check of database and files. Never guesses."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from moorage.clock import Clock
from moorage.distribution.inspection import Inspection
from moorage.distribution.usage import Usage
from moorage.gc.blob_check import BlobCheck, settle_stray
from moorage.gc.findings import Account, FindingKind
from moorage.gc.queue_check import QueueCheck
from moorage.gc.reading import PacedReader
from moorage.gc.row_check import DatabaseCheck, EdgeCheck, ManifestCheck
from moorage.gc.store import CandidateStore
from moorage.gc.usage_check import UsageCheck
from moorage.jobs.executions import Executions
from moorage.jobs.model import State
from moorage.jobs.run import Run

#: Uploads end in two steps, and the worker tidies up behind those that died; what is older is ours.
_UPLOADS_SETTLE = timedelta(hours=2)
_DONE = "done"
#: The kind of the job.
JOB = "fsck"

_log = logging.getLogger(__name__)


class Check(Protocol):
    """One part of the whole; goes on after the account's cursor, and returns when the run is to stop."""

    name: str

    def run(self, run: Run, account: Account) -> None:
        """Look, tell, and repair if the account says so."""


class StrayCheck:
    """What lies in the storage's folders and belongs to nothing."""

    name = "strays"

    def __init__(self, inspection: Inspection, clock: Clock) -> None:
        self._inspection = inspection
        self._clock = clock

    def run(self, run: Run, account: Account) -> None:
        try:
            for stray in self._inspection.strays():
                settle_stray(self._inspection, account, stray, FindingKind.STRAY_FILE)
        except OSError as error:
            account.unreadable("blobs", error)
        try:
            for stray in self._inspection.orphan_uploads(self._clock() - _UPLOADS_SETTLE):
                settle_stray(self._inspection, account, stray, FindingKind.ORPHAN_UPLOAD)
        except OSError as error:
            account.unreadable("uploads", error)


class Reconciler:
    """Runs every check in turn; a run that was interrupted goes on where it was.

    Args:
        mib_per_second: how fast blobs are read; 0: no limit.
    """

    def __init__(
        self,
        inspection: Inspection,
        usage: Usage,
        candidates: CandidateStore,
        clock: Clock,
        *,
        mib_per_second: float,
    ) -> None:
        self._checks: Sequence[Check] = (
            DatabaseCheck(inspection),
            StrayCheck(inspection, clock),
            BlobCheck(inspection, PacedReader(mib_per_second * (1 << 20))),
            ManifestCheck(inspection),
            EdgeCheck(inspection),
            QueueCheck(inspection, candidates, clock),
            UsageCheck(inspection, usage),
        )

    def run(self, run: Run) -> Mapping[str, object]:
        """The handler of the job; its parameters are `repair` and `rehash` (default true)."""
        account = Account(run)
        names = [check.name for check in self._checks]
        begin = names.index(account.stage) if account.stage in names else 0
        for check in self._checks[begin:] if account.stage != _DONE else ():
            if account.stage != check.name:
                account.reached(check.name)
            check.run(run, account)
            if run.stopping:
                return account.result(complete=False)
        account.reached(_DONE)
        result = account.result(complete=True)
        if not result["ok"]:
            _log.error("a check found damage", extra={"run": run.execution.id, "outcome": result["message"]})
        return result


def last_warning(executions: Executions) -> str | None:
    """What health has to say of the last check that came to its end; None when all was well."""
    for last in executions.page(JOB, state=State.SUCCESS, limit=1):
        if last.result.get("ok") is False:
            return f"check {last.id} found damage: {last.message}"
    return None
