"""Queries of runs: asking for them, taking them up, ending them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from moorage.db.connection import database
from moorage.jobs.model import Execution, State, Trigger
from moorage.jobs.tables import ExecutionRow

_LIVE = (State.PENDING.value, State.RUNNING.value)


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that somebody took up.

    Attributes:
        owner: whoever it is; every later write must name it.
        deaths: how many processes ended without a word while they had it.
        retries: how often an ill database interrupted it.
        log_lines: how many lines it has said already.
    """

    execution: Execution
    owner: str
    deaths: int
    retries: int
    log_lines: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the worker of a run has to know again and again."""

    owner: str | None
    stop_requested: bool


class ExecutionStore:
    """Rows of runs."""

    def insert(
        self,
        *,
        kind: str,
        subject: int,
        project_id: int | None,
        trigger: Trigger,
        parameters: Mapping[str, object],
        requested_by: str,
        alone: bool,
        now: datetime,
        due_at: datetime,
    ) -> Execution:
        """A new one, waiting.

        Raises:
            IntegrityError: it is to be alone, and another one that is waits or works.
        """
        row = ExecutionRow.create(
            kind=kind,
            subject=subject,
            project_id=project_id,
            trigger=trigger.value,
            state=State.PENDING.value,
            sole=f"{kind}:{subject}" if alone else None,
            parameters=to_json(parameters),
            progress="{}",
            result="{}",
            message="",
            requested_by=requested_by,
            attempts=0,
            deaths=0,
            retries=0,
            stop_requested=False,
            log_lines=0,
            due_at=due_at,
            created_at=now,
            updated_at=now,
        )
        return _execution(row)

    def find(self, execution_id: int) -> Execution | None:
        """One of them."""
        row = ExecutionRow.get_or_none(ExecutionRow.id == execution_id)
        return None if row is None else _execution(row)

    def live(self, kind: str, subject: int) -> Execution | None:
        """The oldest that waits or works."""
        row = (
            _select(kind, subject, None).where(ExecutionRow.state << _LIVE).order_by(ExecutionRow.id).first()
        )
        return None if row is None else _execution(row)

    def page(
        self, kind: str | None, subject: int | None, state: State | None, limit: int, offset: int
    ) -> list[Execution]:
        """At most `limit` of them, newest first."""
        rows = _select(kind, subject, state).order_by(ExecutionRow.id.desc()).limit(limit).offset(offset)
        return [_execution(row) for row in rows]

    def count(self, kind: str | None, subject: int | None, state: State | None) -> int:
        """How many there are."""
        counted: int = _select(kind, subject, state).count()
        return counted

    def is_claimable(self, kinds: Collection[str], now: datetime) -> bool:
        """Whether `claim` would find one, at the price of a read."""
        return ExecutionRow.select(ExecutionRow.id).where(*_claimable(kinds, now)).first() is not None

    def claim(
        self,
        owner: str,
        now: datetime,
        lease_until: datetime,
        *,
        kinds: Collection[str] = (),
        execution_id: int | None = None,
    ) -> Claim | None:
        """Take up the oldest of these kinds, or exactly one; call it in a transaction.

        A run that is not due yet is taken up only when it is named.
        """
        where = _claimable(kinds, now) if execution_id is None else _takeable(execution_id, now)
        rows = ExecutionRow.select().where(*where).order_by(ExecutionRow.id).limit(1)
        if database.for_update:  # SQLite's only writer needs no lock
            rows = rows.for_update(skip_locked=execution_id is None)
        row = rows.first()
        if row is None:
            return None
        row.deaths += row.state == State.RUNNING.value
        row.attempts += 1
        row.state, row.owner, row.lease_until = State.RUNNING.value, owner, lease_until
        row.started_at, row.updated_at = row.started_at or now, now
        row.save()
        return Claim(_execution(row), owner, row.deaths, row.retries, row.log_lines)

    def pulse(self, execution_id: int) -> Pulse | None:
        """Whose it is, and whether it is to stop."""
        row = (
            ExecutionRow.select(ExecutionRow.owner, ExecutionRow.stop_requested)
            .where(ExecutionRow.id == execution_id)
            .tuples()
            .first()
        )
        return None if row is None else Pulse(row[0], bool(row[1]))

    def save(self, execution_id: int, owner: str, /, **columns: Any) -> bool:
        """Write columns of a run that still belongs to `owner`; False when it does not."""
        if "progress" in columns:
            columns["progress"] = to_json(columns["progress"])
        owned = (ExecutionRow.id == execution_id) & (ExecutionRow.owner == owner)
        changed: int = ExecutionRow.update(**columns).where(owned).execute()
        return bool(changed)

    def put_back(
        self, execution_id: int, owner: str, now: datetime, due_at: datetime, *, retries: int
    ) -> bool:
        """Have it wait for the next worker; False when it is not `owner`'s any more."""
        return self.save(
            execution_id,
            owner,
            state=State.PENDING.value,
            owner=None,
            lease_until=None,
            due_at=due_at,
            retries=retries,
            updated_at=now,
        )

    def end(
        self,
        execution_id: int,
        owner: str,
        state: State,
        now: datetime,
        *,
        result: Mapping[str, object],
        message: str,
    ) -> bool:
        """End it; False when it is not `owner`'s any more."""
        return self.save(
            execution_id,
            owner,
            state=state.value,
            sole=None,
            owner=None,
            lease_until=None,
            result=to_json(result),
            message=message,
            ended_at=now,
            updated_at=now,
        )

    def end_waiting(self, execution_id: int, now: datetime) -> bool:
        """Stop a run that nobody has taken up; False when somebody has."""
        ended = {"state": State.STOPPED.value, "sole": None, "stop_requested": True}
        waits = (ExecutionRow.id == execution_id) & (ExecutionRow.state == State.PENDING.value)
        changed: int = ExecutionRow.update(**ended, ended_at=now, updated_at=now).where(waits).execute()
        return bool(changed)

    def request_stop(self, execution_id: int, now: datetime) -> bool:
        """Ask the worker of a run to stop; False when nobody works on it, or it is asked already."""
        runs = (
            (ExecutionRow.id == execution_id)
            & (ExecutionRow.state == State.RUNNING.value)
            & (ExecutionRow.stop_requested == False)  # noqa: E712 - an expression of SQL
        )
        changed: int = ExecutionRow.update(stop_requested=True, updated_at=now).where(runs).execute()
        return bool(changed)

    def ended_before(self, moment: datetime, limit: int) -> list[int]:
        """Some that ended before `moment`."""
        rows = (
            ExecutionRow.select(ExecutionRow.id)
            .where(ExecutionRow.ended_at < moment)
            .order_by(ExecutionRow.id)
            .limit(limit)
        )
        return [row.id for row in rows]

    def delete(self, execution_id: int) -> None:
        """Delete one with its tasks and its log."""
        ExecutionRow.delete().where(ExecutionRow.id == execution_id).execute()


def to_json(values: Mapping[str, object]) -> str:
    """How objects are kept: ASCII, so that no letter of theirs is refused by a database."""
    return json.dumps(dict(values), sort_keys=True, default=str)


def _select(kind: str | None, subject: int | None, state: State | None) -> Any:
    where: list[Any] = []
    if kind is not None:
        where.append(ExecutionRow.kind == kind)
    if subject is not None:
        where.append(ExecutionRow.subject == subject)
    if state is not None:
        where.append(ExecutionRow.state == state.value)
    rows = ExecutionRow.select()
    return rows.where(*where) if where else rows


def _claimable(kinds: Collection[str], now: datetime) -> tuple[Any, ...]:
    # What a clock wrote that ran ahead is due, or it would wait until that time has come again.
    due = (ExecutionRow.due_at <= now) | (ExecutionRow.updated_at > now)
    waits = (ExecutionRow.state == State.PENDING.value) & due
    return (ExecutionRow.state << _LIVE, ExecutionRow.kind << list(kinds), waits | _abandoned(now))


def _takeable(execution_id: int, now: datetime) -> tuple[Any, ...]:
    return (
        ExecutionRow.id == execution_id,
        (ExecutionRow.state == State.PENDING.value) | _abandoned(now),
    )


def _abandoned(now: datetime) -> peewee.Expression:
    return (ExecutionRow.state == State.RUNNING.value) & (ExecutionRow.lease_until < now)


def _execution(row: Any) -> Execution:
    return Execution(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        project_id=row.project_id,
        trigger=Trigger(row.trigger),
        state=State(row.state),
        parameters=json.loads(row.parameters),
        progress=json.loads(row.progress),
        result=json.loads(row.result),
        message=row.message,
        requested_by=row.requested_by,
        attempts=row.attempts,
        stop_requested=row.stop_requested,
        created_at=row.created_at,
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )
