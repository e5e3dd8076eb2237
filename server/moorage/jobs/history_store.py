"""Queries of what runs did: their parts and their log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moorage.jobs.model import ALL, LogLine, State, Task
from moorage.jobs.tables import LogRow, TaskRow

_ROWS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Said:
    """A line that is not written yet."""

    task_id: int | None
    at: datetime
    level: str
    text: str


class HistoryStore:
    """Rows of tasks and of log lines."""

    def begin_task(self, execution_id: int, name: str, now: datetime) -> int:
        """A task that works; one of that name begins anew. Returns its number."""
        found = TaskRow.get_or_none((TaskRow.execution == execution_id) & (TaskRow.name == name))
        anew = {"state": State.RUNNING.value, "result": "{}", "message": "", "ended_at": None}
        if found is None:
            row = TaskRow.create(execution=execution_id, name=name, started_at=now, **anew)
            number: int = row.id
            return number
        TaskRow.update(**anew).where(TaskRow.id == found.id).execute()
        number = found.id
        return number

    def end_task(
        self, task_id: int, state: State, result: Mapping[str, object], message: str, now: datetime
    ) -> None:
        """End a task."""
        done = json.dumps(dict(result), sort_keys=True, default=str)
        TaskRow.update(state=state.value, result=done, message=message, ended_at=now).where(
            TaskRow.id == task_id
        ).execute()

    def stop_tasks(self, execution_id: int, state: State, now: datetime) -> None:
        """End whatever still works in a run that is over."""
        works = (TaskRow.execution == execution_id) & (TaskRow.state == State.RUNNING.value)
        TaskRow.update(state=state.value, ended_at=now).where(works).execute()

    def task(self, execution_id: int, task_id: int) -> Task | None:
        """One task of a run."""
        row = TaskRow.get_or_none((TaskRow.execution == execution_id) & (TaskRow.id == task_id))
        return None if row is None else _task(row)

    def tasks(self, execution_id: int, limit: int, offset: int) -> list[Task]:
        """At most `limit` tasks of a run, the first first."""
        rows = TaskRow.select().where(TaskRow.execution == execution_id).order_by(TaskRow.id)
        return [_task(row) for row in rows.limit(limit).offset(offset)]

    def count_tasks(self, execution_id: int) -> int:
        """How many tasks a run has."""
        counted: int = TaskRow.select().where(TaskRow.execution == execution_id).count()
        return counted

    def say(self, execution_id: int, lines: Sequence[Said]) -> None:
        """Append lines to a run's log."""
        rows = [
            {
                "execution": execution_id,
                "task_id": line.task_id,
                "at": line.at,
                "level": line.level,
                "text": line.text,
            }
            for line in lines
        ]
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            LogRow.insert_many(rows[start : start + _ROWS_AT_ONCE]).execute()

    def log(self, execution_id: int, task_id: int | None, after: int, limit: int) -> list[LogLine]:
        """At most `limit` lines whose number is above `after`, in the order in which they were said."""
        where: list[Any] = [LogRow.execution == execution_id, LogRow.id > after]
        if task_id is None:
            where.append(LogRow.task_id.is_null())
        elif task_id != ALL:
            where.append(LogRow.task_id == task_id)
        rows = LogRow.select().where(*where).order_by(LogRow.id).limit(limit)
        return [
            LogLine(id=row.id, task_id=row.task_id, at=row.at, level=row.level, text=row.text) for row in rows
        ]

    def forget_lines(self, execution_id: int, limit: int) -> int:
        """Delete at most `limit` lines of a run; returns how many."""
        some = LogRow.select(LogRow.id).where(LogRow.execution == execution_id).limit(limit)
        deleted: int = LogRow.delete().where(LogRow.id << some).execute()
        return deleted


def _task(row: Any) -> Task:
    return Task(
        id=row.id,
        execution_id=row.execution_id,
        name=row.name,
        state=State(row.state),
        result=json.loads(row.result),
        message=row.message,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
