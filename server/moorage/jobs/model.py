"""Runs of jobs, their tasks, their log, and when they run by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

#: Every line of a run's log, those of its tasks too.
ALL: Final = -1


class State(StrEnum):
    """Where a run or a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    STOPPED = "stopped"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self not in (State.PENDING, State.RUNNING)


class Trigger(StrEnum):
    """Why a run was begun."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    RESTART = "restart"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a job.

    Attributes:
        kind: of the job, for instance ``gc``, ``fsck``, ``retention`` or ``purge``.
        subject: what it works on, a number that `kind` gives a meaning to; 0 for the whole registry.
        project_id: whose log it belongs to; None outside projects.
        parameters: as it was asked for; plain JSON values.
        progress: numbers and marks that the job keeps while it works; they survive a restart.
        result: what it came to, once it ended; plain JSON values.
        message: one sentence about that, or why it failed.
        attempts: how often a process took it up; more than one after a crash or a restart.
    """

    id: int
    kind: str
    subject: int
    project_id: int | None
    trigger: Trigger
    state: State
    parameters: Mapping[str, object]
    progress: Mapping[str, object]
    result: Mapping[str, object]
    message: str
    requested_by: str
    attempts: int
    stop_requested: bool
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a run with a log of its own, for instance one repository.

    Attributes:
        name: what it works on; unique in its run.
    """

    id: int
    execution_id: int
    name: str
    state: State
    result: Mapping[str, object]
    message: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something that a run had to say.

    Attributes:
        task_id: of the task that said it; None for the run itself.
        level: ``info``, ``warning`` or ``error``.
    """

    id: int
    task_id: int | None
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs by itself.

    Attributes:
        id: 0 for one that comes from the settings.
        pattern: Harbor's word for the kind of rhythm: ``Hourly``, ``Daily``, ``Weekly``, ``Custom``.
        cron: six fields, UTC: second minute hour day month weekday.
        next_at: None when it never comes again.
    """

    id: int
    kind: str
    subject: int
    project_id: int | None
    pattern: str
    cron: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    next_at: datetime | None = None
    last_at: datetime | None = None
    updated_at: datetime | None = None
