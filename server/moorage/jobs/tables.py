"""Tables of jobs: runs, their parts, what they said, and when they run by themselves.

Parameters, progress and results are JSON objects in text.
"""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField


class ExecutionRow(Row):
    """A run.

    `sole` holds a name while the run waits or works and no second one may; its index is what
    decides between two that are asked for at once. `owner` is whoever works on it until
    `lease_until`. `deaths` counts processes that ended without a word, `retries` how often an ill
    database interrupted it.
    """

    id = IdField()
    kind = NameField()
    subject = peewee.BigIntegerField()
    project_id = peewee.BigIntegerField(null=True)
    trigger = peewee.TextField()
    state = NameField()
    sole = NameField(null=True, unique=True)
    parameters = peewee.TextField()
    progress = peewee.TextField()
    result = peewee.TextField()
    message = peewee.TextField()
    requested_by = peewee.TextField()
    attempts = peewee.IntegerField()
    deaths = peewee.IntegerField()
    retries = peewee.IntegerField()
    stop_requested = peewee.BooleanField()
    owner = peewee.TextField(null=True)
    lease_until = MomentField(null=True)
    log_lines = peewee.IntegerField()
    due_at = MomentField()
    created_at = MomentField()
    started_at = MomentField(null=True)
    updated_at = MomentField()
    ended_at = MomentField(null=True)

    class Meta:
        table_name = "execution"
        indexes = (
            (("kind", "subject", "id"), False),
            (("state", "id"), False),
        )


class TaskRow(Row):
    """A part of a run."""

    id = IdField()
    execution = peewee.ForeignKeyField(ExecutionRow, on_delete="CASCADE", index=False)
    name = NameField()
    state = peewee.TextField()
    result = peewee.TextField()
    message = peewee.TextField()
    started_at = MomentField()
    ended_at = MomentField(null=True)

    class Meta:
        table_name = "job_task"
        indexes = (
            (("execution", "name"), True),
            (("execution", "id"), False),
        )


class LogRow(Row):
    """A line of a run's log; `task_id` is NULL for those that belong to none of its parts."""

    id = IdField()
    execution = peewee.ForeignKeyField(ExecutionRow, on_delete="CASCADE", index=False)
    task_id = peewee.BigIntegerField(null=True)
    at = MomentField()
    level = peewee.TextField()
    text = peewee.TextField()

    class Meta:
        table_name = "job_log"
        indexes = (
            (("execution", "id"), False),
            (("execution", "task_id", "id"), False),
        )


class ScheduleRow(Row):
    """When a job runs by itself; one whose `chosen` is false only keeps the place in the settings' rhythm."""

    id = IdField()
    kind = NameField()
    subject = peewee.BigIntegerField()
    project_id = peewee.BigIntegerField(null=True)
    chosen = peewee.BooleanField()
    pattern = peewee.TextField()
    cron = peewee.TextField()
    parameters = peewee.TextField()
    next_at = MomentField(null=True, index=True)
    last_at = MomentField(null=True)
    updated_at = MomentField()

    class Meta:
        table_name = "schedule"
        indexes = ((("kind", "subject"), True),)
