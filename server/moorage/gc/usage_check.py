"""Whether the counters of projects, which their storage limits go by, are right."""

from moorage.distribution.inspection import Inspection
from moorage.distribution.usage import Usage
from moorage.gc.findings import Account, Finding, FindingKind
from moorage.jobs.run import Run
from moorage.sizes import in_words

_AT_ONCE = 100


class UsageCheck:
    """Counts every project anew, and sets right what is wrong."""

    name = "usage"

    def __init__(self, inspection: Inspection, usage: Usage) -> None:
        self._inspection = inspection
        self._usage = usage

    def run(self, run: Run, account: Account) -> None:
        """Go on after the account's cursor, until the end or until the run is to stop."""
        while projects := self._inspection.projects(int(account.cursor or 0), _AT_ONCE):
            for number, name in projects:
                if run.stopping:
                    return
                self._project(run, account, number, name)
                account.reached(self.name, str(number))

    def _project(self, run: Run, account: Account, number: int, name: str) -> None:
        counted = self._inspection.counted(number, lambda: run.stopping)
        if counted is None or counted.right:
            return
        detail = f"counted as {in_words(counted.used_bytes)}, is {in_words(counted.actual_bytes)}"
        if counted.wrong:
            detail += f"; {counted.wrong} counters of blobs are wrong"
        set_right = account.repairs and self._usage.recount(number)
        done = "counted anew" if set_right else ""
        account.found(Finding(FindingKind.USAGE, name, detail=detail, done=done, solved=set_right))
