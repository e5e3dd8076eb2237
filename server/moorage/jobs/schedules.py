"""`Schedules`: when jobs run by themselves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.events import SYSTEM, Actor, Events, ScheduleChanged
from moorage.jobs.cron import parse
from moorage.jobs.errors import CronInvalidError, ExecutionRunningError, ScheduleUnknownError
from moorage.jobs.executions import Executions
from moorage.jobs.model import Schedule, Trigger
from moorage.jobs.store import JobStore

#: Of a schedule that never comes.
NEVER = "None"
#: Of one that the settings give.
CUSTOM = "Custom"


class Schedules:
    """The rhythms of jobs: those that somebody chose, and those of the settings for all others.

    Args:
        defaults: kinds of jobs and their rhythm in the settings; empty for none.
        idle: of kinds that may have nothing to do, whether it is so now: their moments pass by then.
    """

    def __init__(
        self,
        store: JobStore,
        events: Events,
        clock: Clock,
        defaults: Mapping[str, str] | None = None,
        idle: Mapping[str, Callable[[], bool]] | None = None,
    ) -> None:
        self._store = store.schedules
        self._events = events
        self._clock = clock
        self._defaults = {kind: cron for kind, cron in (defaults or {}).items() if cron}
        self._idle = dict(idle or {})

    def find(self, kind: str, subject: int = 0) -> Schedule | None:
        """The schedule of a job: the chosen one, or the settings'; None when there is neither."""
        chosen = self._store.find(kind, subject, chosen=True)
        if chosen is not None or subject or kind not in self._defaults:
            return chosen
        return self._default(kind)

    def put(
        self,
        actor: Actor,
        kind: str,
        pattern: str,
        cron: str,
        *,
        subject: int = 0,
        project_id: int | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> Schedule:
        """Choose when a job runs, from now on.

        Args:
            pattern: Harbor's word; ``None`` chooses never, and so does an empty `cron`.

        Raises:
            CronInvalidError: `cron` says nothing that can be understood, or a moment that never comes.
        """
        cron = "" if pattern == NEVER else cron
        now = self._clock()
        next_at = parse(cron).next_after(now) if cron else None
        if cron and next_at is None:
            raise CronInvalidError("this schedule names a day that no month has")
        with atomic():
            self._store.put(
                kind,
                subject,
                chosen=True,
                project_id=project_id,
                pattern=pattern if cron else NEVER,
                cron=cron,
                parameters=parameters or {},
                next_at=next_at,
                now=now,
            )
            self._events.publish(ScheduleChanged(actor, kind, project_id, cron or "none"))
            written = self._store.find(kind, subject, chosen=True)
        if written is None:
            raise ScheduleUnknownError(f"{kind} has no schedule")
        return written

    def remove(self, actor: Actor, kind: str, subject: int = 0) -> None:
        """Have a job run by itself no more, nor in the rhythm of the settings.

        Raises:
            ScheduleUnknownError: it has no schedule.
        """
        with atomic():
            found = self.find(kind, subject)
            if found is None:
                raise ScheduleUnknownError(f"{kind} has no schedule")
            if kind in self._defaults and not subject:
                # Without a row the settings would have their way again.
                self.put(actor, kind, NEVER, "")
                return
            self._store.delete(kind, subject)
            self._events.publish(ScheduleChanged(actor, kind, found.project_id, "none"))

    def list(self, limit: int, offset: int = 0) -> Sequence[Schedule]:
        """At most `limit` schedules: first those of the settings, then the chosen ones."""
        defaults = self._in_force()[offset : offset + limit]
        left = limit - len(defaults)
        chosen = self._store.page(left, max(offset - len(self._in_force()), 0)) if left else []
        return [*defaults, *chosen]

    def count(self) -> int:
        """How many there are."""
        return len(self._in_force()) + self._store.count()

    def plan_due(self, executions: Executions) -> int:
        """Ask for every run whose moment has come; returns how many.

        However many moments went by while nobody planned, it is one run. A job that waits or works
        already is asked for again when that run is over.
        """
        now = self._clock()
        self._follow_settings(now)
        self._follow_clock(now)
        return sum(self._plan(due, executions, now) for due in self._store.due(now))

    def _plan(self, due: Schedule, executions: Executions, now: datetime) -> bool:
        with atomic():
            schedule = self._store.locked(due.kind, due.subject, now)
            if schedule is None:  # another worker was faster, or somebody chose anew
                return False
            idle = self._idle.get(schedule.kind)
            asked = idle is None or not idle()
            try:
                if asked:
                    executions.request(
                        SYSTEM,
                        schedule.kind,
                        trigger=Trigger.SCHEDULE,
                        subject=schedule.subject,
                        project_id=schedule.project_id,
                        parameters=schedule.parameters,
                    )
            except ExecutionRunningError:
                return False
            next_at = parse(schedule.cron).next_after(now)
            self._store.passed(schedule.kind, schedule.subject, last_at=now, next_at=next_at)
        return asked

    def _follow_settings(self, now: datetime) -> None:
        """Keep a place in each rhythm of the settings, so that a moment is not missed while nobody runs."""
        self._store.forget_settings_but(self._defaults)
        for kind, cron in self._defaults.items():
            if self._store.find(kind, 0, chosen=True) is not None:
                continue
            kept = self._store.find(kind, 0, chosen=False)
            if kept is not None and kept.cron == cron:
                continue
            self._keep(kind, cron, now)

    def _follow_clock(self, now: datetime) -> None:
        """A clock that once ran ahead must not silence a job until its time has come again."""
        for schedule in self._store.from_the_future(now):
            next_at = parse(schedule.cron).next_after(now) if schedule.cron else None
            with atomic():
                self._store.set_right(schedule.kind, schedule.subject, next_at=next_at, now=now)

    def _keep(self, kind: str, cron: str, now: datetime) -> None:
        with atomic():
            if self._store.find(kind, 0, chosen=True) is not None:
                return
            self._store.put(
                kind,
                0,
                chosen=False,
                project_id=None,
                pattern=CUSTOM,
                cron=cron,
                parameters={},
                next_at=parse(cron).next_after(now),
                now=now,
            )

    def _in_force(self) -> Sequence[Schedule]:
        """The settings' schedules that nobody chose another for."""
        kinds = sorted(self._defaults)
        return [self._default(kind) for kind in kinds if self._store.find(kind, 0, chosen=True) is None]

    def _default(self, kind: str) -> Schedule:
        cron = self._defaults[kind]
        kept = self._store.find(kind, 0, chosen=False)
        if kept is not None and kept.cron == cron:
            return kept
        return Schedule(
            id=0,
            kind=kind,
            subject=0,
            project_id=None,
            pattern=CUSTOM,
            cron=cron,
            next_at=parse(cron).next_after(self._clock()),
        )
