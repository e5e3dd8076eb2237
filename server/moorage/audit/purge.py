"""`Purge`: the job that takes the oldest entries out of the log, by age and by number.

It goes from the oldest entry towards a limit, a small batch at a time: what a batch holds is in the archive
before it leaves the database. Killed in between, the next run archives that batch once more and loses none.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from moorage.audit.archive import Archive, ArchiveFile
from moorage.audit.errors import PurgeInvalidError
from moorage.audit.forwarding import Forwarding, Guard
from moorage.audit.model import Choice, Cursor, Entry
from moorage.audit.store import AuditStore
from moorage.clock import Clock
from moorage.config.settings import AuditSettings
from moorage.db.connection import atomic
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.jobs.run import Run

#: The longest time that can be asked for, as in Harbor: 27 years.
MOST_HOURS = 240_000
#: Stands in `operations` for all but `ARTIFACT_OPERATIONS`.
OTHERS = "other"

_BATCH = 500
_COUNTED_AT_ONCE = 20_000
_STEP = 200_000
_PAUSE_SECONDS = 0.02
_START = Cursor(0, 0)
_OPERATION = re.compile(r"[a-z][a-z_]{0,63}").fullmatch


@dataclass(frozen=True, slots=True)
class _Order:
    """What a run was asked for; `keep_hours` None stands for the limits of the settings."""

    dry_run: bool
    keep_hours: int | None
    choice: Choice


class Purge:
    """Takes entries out of the log.

    Args:
        settings: say how long and how many entries are kept, and whether there is an archive.
        forwarding: knows which entries wait for a syslog server; these stay, within its bounds.
        batch: how many entries leave in one transaction.
    """

    def __init__(
        self,
        store: AuditStore,
        archive: Archive,
        clock: Clock,
        settings: AuditSettings,
        forwarding: Forwarding | None = None,
        *,
        batch: int = _BATCH,
        step: int = _STEP,
    ) -> None:
        self._store = store
        self._archive = archive
        self._clock = clock
        self._settings = settings
        self._forwarding = forwarding
        self._batch = batch
        self._step = step

    def run(self, run: Run) -> Mapping[str, object]:
        """The handler of the job ``purge``.

        Its parameters: `dry_run`, `keep_hours` (instead of the limits of the settings; 0 keeps
        everything) and `operations` (only entries of these; `OTHERS` among them).

        Returns:
            `found` and `removed` are numbers of entries, short by a second's worth for each time that a
            process was killed; `before` is the limit, `archives` are the names of the files.

        Raises:
            PurgeInvalidError: a parameter makes no sense.
            ArchiveFailedError: the archive cannot be written; what was not written is in the log still.
        """
        order = _read(run.parameters)
        began = time.monotonic()
        end = self._limit(run, order)
        if end is None:
            return {"found": 0, "removed": 0, "archives": [], "message": "no entry is beyond the limits"}
        before = from_microseconds(end.at)
        archives: list[str] = []
        run.say(f"looking for entries before {before.isoformat(sep=' ', timespec='seconds')}")
        if order.dry_run:
            removed, found = 0, self._count(run, end, order.choice)
            message = f"{found} entries would be removed"
        else:
            removed, archives = self._remove(run, end, order.choice)
            found, message = removed, f"{removed} entries removed"
            if archives:
                message += f", kept in {', '.join(archives)}"
        run.say(message)
        return {
            "found": found,
            "removed": removed,
            "archives": archives,
            "before": before.isoformat(),
            "seconds": round(time.monotonic() - began, 3),
            "message": message,
        }

    def _limit(self, run: Run, order: _Order) -> Cursor | None:
        """The place that everything older than is to go; None when nothing is."""
        asked = order.keep_hours
        hours = self._settings.keep_days * 24 if asked is None else asked
        by_age = None
        if hours:
            by_age = Cursor(to_microseconds(self._clock() - timedelta(hours=hours)), 0)
        by_number = self._by_number(run, self._settings.keep_entries) if asked is None else None
        return max(filter(None, (by_age, by_number)), default=None)

    def _by_number(self, run: Run, keep: int) -> Cursor | None:
        """The place of the oldest entry that is among the newest `keep`; None when all of them are.

        It walks an index in steps, so that a stop need not wait for millions of entries.
        """
        if not keep or self._store.most() <= keep:
            return None
        place: Cursor | None = None
        while keep and not run.stopping:
            step = min(keep, self._step)
            place = self._store.further(step, place)
            if place is None:
                return None
            keep -= step
        return None if keep else place

    def _count(self, run: Run, end: Cursor, choice: Choice) -> int:
        found, place, guard = 0, _START, self._guard()
        while place < end and not run.stopping:
            following = self._store.window(place, end, _COUNTED_AT_ONCE)
            counted = self._tally(place, following, choice, guard)
            found += counted
            run.count(found=counted)
            place = following
        return found

    def _remove(self, run: Run, end: Cursor, choice: Choice) -> tuple[int, list[str]]:
        """Returns how many went, and the names of the files that hold them; earlier processes' included."""
        removed = _number(run.progress.get("removed"))
        archives = _names(run.progress.get("archives"))
        file = self._archive.begin(run.execution.id, self._clock()) if self._settings.archive else None
        try:
            place, guard = _START, self._guard()
            while place < end and not run.stopping:
                following = self._store.window(place, end, self._batch)
                gone = self._take(_free(guard, self._store.between(place, following, choice)), guard, file)
                if gone and file is not None and file.name not in archives:
                    archives.append(file.name)
                    run.mark(archives=list(archives))
                if gone:
                    removed += gone
                    run.count(removed=gone)
                    run.pause(_PAUSE_SECONDS)
                place = following
        finally:
            if file is not None:
                file.close()
        return removed, archives

    def _take(self, entries: list[Entry], guard: Guard | None, file: ArchiveFile | None) -> int:
        if not entries:
            return 0
        if file is not None:
            file.append(entries)
        # By their numbers, not by their place: an entry that was gathered may arrive late and in between.
        with atomic(durable=False):
            self._store.remove([each.id for each in entries])
            if self._forwarding is not None and guard is not None:
                self._forwarding.drop([each for each in entries if each.id > guard.settled_id])
        return len(entries)

    def _tally(self, begin: Cursor, end: Cursor, choice: Choice, guard: Guard | None) -> int:
        if guard is None:
            return self._store.tally(begin, end, choice)
        return len(_free(guard, self._store.between(begin, end, choice)))

    def _guard(self) -> Guard | None:
        return None if self._forwarding is None else self._forwarding.guard()


def check_hours(hours: int) -> None:
    """Raises:
    PurgeInvalidError: nothing can be kept for so long.
    """
    if not 0 <= hours <= MOST_HOURS:
        raise PurgeInvalidError(f"the hours that entries are kept go from 0 to {MOST_HOURS}")


def _read(parameters: Mapping[str, object]) -> _Order:
    dry_run = parameters.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise PurgeInvalidError("dry_run is neither true nor false")
    hours = parameters.get("keep_hours")
    if hours is not None:
        if not isinstance(hours, int) or isinstance(hours, bool):
            raise PurgeInvalidError("keep_hours is not a whole number")
        check_hours(hours)
    names = parameters.get("operations") or []
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and _OPERATION(n) for n in names):
        raise PurgeInvalidError("operations is not a list of names of operations")
    choice = Choice(frozenset(names) - {OTHERS}, others=OTHERS in names)
    return _Order(dry_run, hours, choice)


def _free(guard: Guard | None, entries: list[Entry]) -> list[Entry]:
    return entries if guard is None else guard.free(entries)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
