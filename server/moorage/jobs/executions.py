"""`Executions`: runs of jobs, asked for, looked at and stopped."""

from collections.abc import Mapping
from datetime import timedelta

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import SYSTEM, Actor, Events, JobFinished, JobRequested, JobStopped
from moorage.jobs.errors import ExecutionRunningError, ExecutionUnknownError
from moorage.jobs.model import ALL, Execution, LogLine, State, Task, Trigger
from moorage.jobs.store import JobStore

#: The most lines of one answer.
LOG_LIMIT = 10_000
_AT_ONCE = 100
_LINES_AT_ONCE = 5000


class Executions:
    """What was asked for, what works, and what came of it."""

    def __init__(self, store: JobStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def request(
        self,
        actor: Actor,
        kind: str,
        *,
        trigger: Trigger,
        subject: int = 0,
        project_id: int | None = None,
        parameters: Mapping[str, object] | None = None,
        alone: bool = True,
        after: timedelta = timedelta(),
    ) -> Execution:
        """Ask for a run; a worker takes it up. In the caller's transaction, if there is one.

        Args:
            alone: only one of the same kind and subject may wait or work at a time.
            after: how long workers leave it for the one who asked.

        Raises:
            ExecutionRunningError: it is to be alone and is not.
        """
        now = self._clock()
        try:
            with atomic():
                if alone and self._store.runs.live(kind, subject) is not None:
                    raise _running(kind)
                execution = self._store.runs.insert(
                    kind=kind,
                    subject=subject,
                    project_id=project_id,
                    trigger=trigger,
                    parameters=parameters or {},
                    requested_by=actor.name,
                    alone=alone,
                    now=now,
                    due_at=now + after,
                )
                self._events.publish(
                    JobRequested(actor, kind, execution.id, project_id, trigger=trigger.value)
                )
        except IntegrityError as error:
            raise _running(kind) from error
        return execution

    def get(self, execution_id: int, kind: str | None = None) -> Execution:
        """One run.

        Raises:
            ExecutionUnknownError: there is none, or it is of another kind.
        """
        found = self._store.runs.find(execution_id)
        if found is None or kind not in (None, found.kind):
            raise ExecutionUnknownError(f"there is no run {execution_id}")
        return found

    def page(
        self,
        kind: str | None = None,
        *,
        subject: int | None = None,
        state: State | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[Execution]:
        """At most `limit` runs, newest first."""
        return self._store.runs.page(kind, subject, state, limit, offset)

    def count(
        self, kind: str | None = None, *, subject: int | None = None, state: State | None = None
    ) -> int:
        """How many runs there are."""
        return self._store.runs.count(kind, subject, state)

    def latest(self, kind: str, subject: int = 0) -> Execution | None:
        """The newest run of a job."""
        return next(iter(self.page(kind, subject=subject, limit=1)), None)

    def live(self, kind: str, subject: int = 0) -> Execution | None:
        """The run of a job that waits or works."""
        return self._store.runs.live(kind, subject)

    def stop(self, actor: Actor, execution_id: int) -> None:
        """Stop a run: one that waits ends at once, one that works ends when its worker hears of it.

        Nothing happens to one that is over.

        Raises:
            ExecutionUnknownError: there is no such run.
        """
        with atomic():
            now = self._clock()
            execution = self.get(execution_id)
            told = (execution.kind, execution.id, execution.project_id)
            if self._store.runs.end_waiting(execution_id, now):
                self._store.history.stop_tasks(execution_id, State.STOPPED, now)
                self._events.publish(JobStopped(actor, *told))
                self._events.publish(JobFinished(SYSTEM, *told, state=State.STOPPED.value, message=""))
            elif self._store.runs.request_stop(execution_id, now):
                self._events.publish(JobStopped(actor, *told))

    def tasks(self, execution_id: int, *, limit: int, offset: int = 0) -> list[Task]:
        """At most `limit` parts of a run, in the order in which they began."""
        return self._store.history.tasks(execution_id, limit, offset)

    def count_tasks(self, execution_id: int) -> int:
        """How many parts a run has."""
        return self._store.history.count_tasks(execution_id)

    def task(self, execution_id: int, task_id: int) -> Task:
        """One part of a run.

        Raises:
            ExecutionUnknownError: the run has no such part.
        """
        found = self._store.history.task(execution_id, task_id)
        if found is None:
            raise ExecutionUnknownError(f"run {execution_id} has no task {task_id}")
        return found

    def log(
        self, execution_id: int, *, task_id: int | None = ALL, after: int = 0, limit: int = 1000
    ) -> list[LogLine]:
        """Lines of a run's log, in the order in which they were said.

        Args:
            task_id: `ALL` for every line, None for those of no task.
            after: only lines with a higher number: that of the last one seen.
            limit: at most so many, up to `LOG_LIMIT`.
        """
        return self._store.history.log(execution_id, task_id, after, min(limit, LOG_LIMIT))

    def forget(self, older_than: timedelta) -> int:
        """Delete the history and the logs of runs that ended so long ago; returns how many."""
        moment = self._clock() - older_than
        forgotten = 0
        while some := self._store.runs.ended_before(moment, _AT_ONCE):
            for execution_id in some:
                self._forget(execution_id)
            forgotten += len(some)
        return forgotten

    def _forget(self, execution_id: int) -> None:
        lines = _LINES_AT_ONCE
        while lines == _LINES_AT_ONCE:  # a long log must not hold up everybody who writes
            with atomic(durable=False):
                lines = self._store.history.forget_lines(execution_id, _LINES_AT_ONCE)
        with atomic(durable=False):
            self._store.runs.delete(execution_id)


def _running(kind: str) -> ExecutionRunningError:
    return ExecutionRunningError(f"a run of {kind} waits or works already")
