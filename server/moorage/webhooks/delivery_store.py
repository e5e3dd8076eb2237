"""Queries for what policies are told of, and for each delivery."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from moorage.db.connection import database
from moorage.jobs.model import State
from moorage.webhooks.model import Delivery, LastTrigger, Occurrence, TargetKind
from moorage.webhooks.tables import WebhookDeliveryRow, WebhookEventRow

#: By so much the clocks of several nodes may differ.
_SKEW = timedelta(minutes=5)
_LIVE = (State.PENDING.value, State.RUNNING.value)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that somebody took up; every later write must name the owner."""

    delivery: Delivery
    project_id: int
    owner: str


@dataclass(frozen=True, slots=True)
class Way:
    """One target of an event; `endpoint` is its host and port."""

    kind: str
    address: str
    endpoint: str


class DeliveryStore:
    """Reads and writes events and deliveries."""

    # -- what is to be told --------------------------------------------------------------------

    def insert(
        self,
        policy_id: int,
        project_id: int,
        event_type: str,
        operator: str,
        facts: Mapping[str, object],
        ways: Sequence[Way],
        now: datetime,
    ) -> int:
        """Write an event with a delivery for each of its targets; returns its number."""
        number: int = WebhookEventRow.insert(
            policy=policy_id,
            event_type=event_type,
            operator=operator,
            facts=json.dumps(facts),
            created_at=now,
        ).execute()
        WebhookDeliveryRow.insert_many(
            [
                {
                    "event": number,
                    "policy_id": policy_id,
                    "project_id": project_id,
                    "kind": way.kind,
                    "address": way.address,
                    "endpoint": way.endpoint,
                    "state": State.PENDING.value,
                    "failures": 0,
                    "deaths": 0,
                    "due_at": now,
                    "message": "",
                    "log": "",
                    "created_at": now,
                    "updated_at": now,
                }
                for way in ways
            ]
        ).execute()
        return number

    def waits_more_than(self, policy_id: int, most: int) -> bool:
        """Whether more deliveries of the policy wait than that."""
        waiting = (WebhookDeliveryRow.policy_id == policy_id) & (
            WebhookDeliveryRow.state == State.PENDING.value
        )
        row = WebhookDeliveryRow.select(WebhookDeliveryRow.id).where(waiting)
        return row.order_by(WebhookDeliveryRow.id).offset(most).limit(1).first() is not None

    def last_at(self, policy_id: int, event_type: str) -> datetime | None:
        """When the policy was last told of something of that kind."""
        same = (WebhookEventRow.policy == policy_id) & (WebhookEventRow.event_type == event_type)
        row = WebhookEventRow.select(WebhookEventRow.created_at).where(same)
        found = row.order_by(WebhookEventRow.created_at.desc()).first()
        return None if found is None else found.created_at

    # -- carrying out --------------------------------------------------------------------------

    def is_claimable(self, now: datetime) -> bool:
        """Whether `claim` may find one, at the price of a read."""
        return WebhookDeliveryRow.select(WebhookDeliveryRow.id).where(_claimable(now)).first() is not None

    def claim(self, owner: str, now: datetime, lease_until: datetime, of_project: int) -> Claim | None:
        """Take up what waits longest; call it in a transaction.

        An endpoint that somebody speaks to is left out, and so is a project of which `of_project`
        deliveries are under way.
        """
        busy: Any = WebhookDeliveryRow.select(
            WebhookDeliveryRow.endpoint, WebhookDeliveryRow.project_id
        ).where((WebhookDeliveryRow.state == State.RUNNING.value) & (WebhookDeliveryRow.lease_until >= now))
        under_way = list(busy.tuples())
        projects = [project for _, project in under_way]
        full = {project for project in projects if projects.count(project) >= of_project}
        rows = WebhookDeliveryRow.select().where(_claimable(now))
        if under_way:
            rows = rows.where(WebhookDeliveryRow.endpoint.not_in(sorted({each for each, _ in under_way})))
        if full:
            rows = rows.where(WebhookDeliveryRow.project_id.not_in(sorted(full)))
        rows = rows.order_by(WebhookDeliveryRow.due_at, WebhookDeliveryRow.id).limit(1)
        if database.for_update:
            rows = rows.for_update(skip_locked=True)
        row = rows.first()
        if row is None:
            return None
        row.deaths += row.state == State.RUNNING.value
        row.state, row.owner, row.lease_until = State.RUNNING.value, owner, lease_until
        row.started_at, row.updated_at = row.started_at or now, now
        row.save()
        event = WebhookEventRow.get_by_id(row.event_id)
        return Claim(_delivery(row, event.event_type), row.project_id, owner)

    def settle(self, delivery_id: int, owner: str, now: datetime, /, **columns: Any) -> bool:
        """Write how it went; False when it is not `owner`'s any more."""
        if "state" in columns:
            columns["state"] = columns["state"].value
        mine = (WebhookDeliveryRow.id == delivery_id) & (WebhookDeliveryRow.owner == owner)
        changed: int = (
            WebhookDeliveryRow.update(owner=None, lease_until=None, updated_at=now, **columns)
            .where(mine)
            .execute()
        )
        return bool(changed)

    def stop_waiting(self, policy_id: int, now: datetime, message: str) -> int:
        """End whatever of a policy waits; returns how many."""
        waiting = (WebhookDeliveryRow.policy_id == policy_id) & (
            WebhookDeliveryRow.state == State.PENDING.value
        )
        ended = {"state": State.STOPPED.value, "message": message, "ended_at": now, "updated_at": now}
        stopped: int = WebhookDeliveryRow.update(**ended).where(waiting).execute()
        return stopped

    # -- looking back --------------------------------------------------------------------------

    def occurrences(self, policy_id: int, limit: int, offset: int, downwards: bool) -> list[Occurrence]:
        """At most `limit` events of a policy by their age."""
        order = WebhookEventRow.id.desc() if downwards else WebhookEventRow.id
        rows = WebhookEventRow.select().where(WebhookEventRow.policy == policy_id).order_by(order)
        return self._with_states(list(rows.limit(limit).offset(offset)))

    def count_occurrences(self, policy_id: int) -> int:
        """How many there are."""
        counted: int = WebhookEventRow.select().where(WebhookEventRow.policy == policy_id).count()
        return counted

    def occurrence(self, policy_id: int, occurrence_id: int) -> Occurrence | None:
        """One event of a policy."""
        row = WebhookEventRow.get_or_none(
            (WebhookEventRow.id == occurrence_id) & (WebhookEventRow.policy == policy_id)
        )
        return None if row is None else self._with_states([row])[0]

    def facts(self, occurrence_id: int) -> Occurrence | None:
        """One event, whatever became of it."""
        row = WebhookEventRow.get_or_none(WebhookEventRow.id == occurrence_id)
        return None if row is None else _occurrence(row, {}, None)

    def deliveries(
        self,
        *,
        policy_id: int,
        occurrence_id: int | None = None,
        states: Collection[State] = (),
        downwards: bool = False,
        limit: int,
        offset: int = 0,
    ) -> list[Delivery]:
        """At most `limit` deliveries by their age."""
        order = WebhookDeliveryRow.id.desc() if downwards else WebhookDeliveryRow.id
        rows = (
            WebhookDeliveryRow.select(WebhookDeliveryRow, WebhookEventRow)
            .join(WebhookEventRow)
            .where(*_where(policy_id, occurrence_id, states))
            .order_by(order)
        )
        return [_delivery(row, row.event.event_type) for row in rows.limit(limit).offset(offset)]

    def count_deliveries(
        self, *, policy_id: int, occurrence_id: int | None = None, states: Collection[State] = ()
    ) -> int:
        """How many there are."""
        counted: int = WebhookDeliveryRow.select().where(*_where(policy_id, occurrence_id, states)).count()
        return counted

    def delivery(self, occurrence_id: int, delivery_id: int) -> Delivery | None:
        """One delivery of an event."""
        row = (
            WebhookDeliveryRow.select(WebhookDeliveryRow, WebhookEventRow)
            .join(WebhookEventRow)
            .where((WebhookDeliveryRow.id == delivery_id) & (WebhookDeliveryRow.event == occurrence_id))
            .first()
        )
        return None if row is None else _delivery(row, row.event.event_type)

    def last_triggers(self, policy_ids: Collection[int]) -> list[LastTrigger]:
        """When each policy was last told of something, kind by kind."""
        rows: Any = (
            WebhookEventRow.select(
                WebhookEventRow.policy, WebhookEventRow.event_type, fn.MAX(WebhookEventRow.created_at)
            )
            .where(WebhookEventRow.policy << list(policy_ids))
            .group_by(WebhookEventRow.policy, WebhookEventRow.event_type)
        )
        return [LastTrigger(policy, event_type, at) for policy, event_type, at in rows.tuples()]

    # -- forgetting ----------------------------------------------------------------------------

    def crowded(self, most: int) -> list[tuple[int, int]]:
        """Policies with more than `most` events, each with the number of the newest one too many."""
        rows: Any = (
            WebhookEventRow.select(WebhookEventRow.policy, fn.COUNT(WebhookEventRow.id))
            .group_by(WebhookEventRow.policy)
            .having(fn.COUNT(WebhookEventRow.id) > most)
        )
        found = []
        for policy_id, _ in rows.tuples():
            row = (
                WebhookEventRow.select(WebhookEventRow.id)
                .where(WebhookEventRow.policy == policy_id)
                .order_by(WebhookEventRow.id.desc())
                .offset(most)
                .limit(1)
                .first()
            )
            if row is not None:
                found.append((policy_id, row.id))
        return found

    def forget_older(self, moment: datetime, limit: int) -> int:
        """Delete at most `limit` events before `moment` of which nothing waits; returns how many."""
        return self._forget(WebhookEventRow.created_at < moment, limit)

    def forget_up_to(self, policy_id: int, event_id: int, limit: int) -> int:
        """Delete at most `limit` events of a policy up to that one, of which nothing waits."""
        return self._forget((WebhookEventRow.policy == policy_id) & (WebhookEventRow.id <= event_id), limit)

    def _forget(self, which: Any, limit: int) -> int:
        live = WebhookDeliveryRow.select(WebhookDeliveryRow.event).where(WebhookDeliveryRow.state << _LIVE)
        some = (
            WebhookEventRow.select(WebhookEventRow.id)
            .where(which, WebhookEventRow.id.not_in(live))
            .order_by(WebhookEventRow.id)
            .limit(limit)
        )
        numbers = [row.id for row in some]
        if numbers:
            WebhookEventRow.delete().where(WebhookEventRow.id << numbers).execute()
        return len(numbers)

    def _with_states(self, rows: Sequence[Any]) -> list[Occurrence]:
        counts: Any = (
            WebhookDeliveryRow.select(
                WebhookDeliveryRow.event,
                WebhookDeliveryRow.state,
                fn.COUNT(WebhookDeliveryRow.id),
                fn.MAX(WebhookDeliveryRow.ended_at),
            )
            .where(WebhookDeliveryRow.event << [row.id for row in rows])
            .group_by(WebhookDeliveryRow.event, WebhookDeliveryRow.state)
        )
        states: dict[int, dict[State, int]] = {}
        ended: dict[int, datetime | None] = {}
        for event_id, state, count, at in counts.tuples():
            states.setdefault(event_id, {})[State(state)] = count
            known = ended.get(event_id)
            ended[event_id] = at if known is None or (at is not None and at > known) else known
        return [_occurrence(row, states.get(row.id, {}), ended.get(row.id)) for row in rows]


def _claimable(now: datetime) -> Any:
    # What a clock wrote that ran ahead is due, or it would wait until that time has come again.
    due = (WebhookDeliveryRow.due_at <= now) | (WebhookDeliveryRow.updated_at > now + _SKEW)
    waits = (WebhookDeliveryRow.state == State.PENDING.value) & due
    abandoned = (WebhookDeliveryRow.state == State.RUNNING.value) & (WebhookDeliveryRow.lease_until < now)
    return (WebhookDeliveryRow.state << _LIVE) & (waits | abandoned)


def _where(policy_id: int, occurrence_id: int | None, states: Collection[State]) -> list[Any]:
    where: list[Any] = [WebhookDeliveryRow.policy_id == policy_id]
    if occurrence_id is not None:
        where.append(WebhookDeliveryRow.event == occurrence_id)
    if states:
        where.append(WebhookDeliveryRow.state << [each.value for each in states])
    return where


def _occurrence(row: Any, states: Mapping[State, int], ended_at: datetime | None) -> Occurrence:
    over = states and not set(states) & {State.PENDING, State.RUNNING}
    return Occurrence(
        id=row.id,
        policy_id=row.policy_id,
        event_type=row.event_type,
        operator=row.operator,
        facts=json.loads(row.facts),
        created_at=row.created_at,
        states=states,
        ended_at=ended_at if over else None,
    )


def _delivery(row: Any, event_type: str) -> Delivery:
    return Delivery(
        id=row.id,
        occurrence_id=row.event_id,
        policy_id=row.policy_id,
        event_type=event_type,
        kind=TargetKind(row.kind),
        address=row.address,
        state=State(row.state),
        failures=row.failures,
        deaths=row.deaths,
        status_code=row.status_code,
        message=row.message,
        log=row.log,
        created_at=row.created_at,
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )
