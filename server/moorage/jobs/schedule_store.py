"""Queries of schedules."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from moorage.db.connection import database
from moorage.jobs.model import Schedule
from moorage.jobs.tables import ScheduleRow


class ScheduleStore:
    """Rows of schedules, those that somebody chose and those that follow the settings."""

    def find(self, kind: str, subject: int, *, chosen: bool) -> Schedule | None:
        """The schedule of a job."""
        row = ScheduleRow.get_or_none(_of(kind, subject) & (ScheduleRow.chosen == chosen))
        return None if row is None else _schedule(row)

    def put(
        self,
        kind: str,
        subject: int,
        *,
        chosen: bool,
        project_id: int | None,
        pattern: str,
        cron: str,
        parameters: Mapping[str, object],
        next_at: datetime | None,
        now: datetime,
    ) -> None:
        """Write a job's schedule over what there was; the moment of its last run stays.

        A chosen one is only overwritten by a chosen one.
        """
        columns = {
            "chosen": chosen,
            "project_id": project_id,
            "pattern": pattern,
            "cron": cron,
            "parameters": json.dumps(dict(parameters), sort_keys=True, default=str),
            "next_at": next_at,
            "updated_at": now,
        }
        known: dict[str, Any] = {
            "conflict_target": [ScheduleRow.kind, ScheduleRow.subject],
            "update": columns,
        }
        if not chosen:  # somebody may have chosen in this moment
            known["where"] = ScheduleRow.chosen == False  # noqa: E712 - an expression of SQL
        ScheduleRow.insert(kind=kind, subject=subject, **columns).on_conflict(**known).execute()

    def delete(self, kind: str, subject: int) -> bool:
        """Delete a job's schedule; False when there is none."""
        deleted: int = ScheduleRow.delete().where(_of(kind, subject)).execute()
        return bool(deleted)

    def forget_settings_but(self, kinds: Collection[str]) -> None:
        """Delete the places in rhythms that the settings no longer name."""
        gone = (ScheduleRow.chosen == False) & ~(ScheduleRow.kind << list(kinds))  # noqa: E712 - SQL
        if ScheduleRow.select().where(gone).exists():
            ScheduleRow.delete().where(gone).execute()

    def page(self, limit: int, offset: int) -> list[Schedule]:
        """At most `limit` of those that somebody chose, the oldest first."""
        rows = ScheduleRow.select().where(ScheduleRow.chosen).order_by(ScheduleRow.id)
        return [_schedule(row) for row in rows.limit(limit).offset(offset)]

    def count(self) -> int:
        """How many somebody chose."""
        counted: int = ScheduleRow.select().where(ScheduleRow.chosen).count()
        return counted

    def due(self, now: datetime) -> list[Schedule]:
        """Those whose moment has come, the longest waiting first."""
        rows = ScheduleRow.select().where(ScheduleRow.next_at <= now).order_by(ScheduleRow.next_at)
        return [_schedule(row) for row in rows]

    def from_the_future(self, now: datetime) -> list[Schedule]:
        """Those that were written by a clock which went backwards since."""
        later = (ScheduleRow.updated_at > now) | (ScheduleRow.last_at > now)
        return [_schedule(row) for row in ScheduleRow.select().where(later)]

    def locked(self, kind: str, subject: int, now: datetime) -> Schedule | None:
        """One that is due, held against others until the transaction ends."""
        rows = ScheduleRow.select().where(_of(kind, subject), ScheduleRow.next_at <= now)
        if database.for_update:  # SQLite's only writer needs no lock
            rows = rows.for_update(skip_locked=True)
        row = rows.first()
        return None if row is None else _schedule(row)

    def set_right(self, kind: str, subject: int, *, next_at: datetime | None, now: datetime) -> None:
        """Its next moment is `next_at`, and nothing about it lies in the future."""
        ScheduleRow.update(next_at=next_at, last_at=None, updated_at=now).where(_of(kind, subject)).execute()

    def passed(self, kind: str, subject: int, *, last_at: datetime, next_at: datetime | None) -> None:
        """Its moment was used; the next one is `next_at`."""
        ScheduleRow.update(last_at=last_at, next_at=next_at).where(_of(kind, subject)).execute()


def _of(kind: str, subject: int) -> Any:
    return (ScheduleRow.kind == kind) & (ScheduleRow.subject == subject)


def _schedule(row: Any) -> Schedule:
    return Schedule(
        id=row.id if row.chosen else 0,
        kind=row.kind,
        subject=row.subject,
        project_id=row.project_id,
        pattern=row.pattern,
        cron=row.cron,
        parameters=json.loads(row.parameters),
        next_at=row.next_at,
        last_at=row.last_at,
        updated_at=row.updated_at,
    )
