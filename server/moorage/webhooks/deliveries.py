"""`Deliveries`: looking back at what policies were told, and how it was delivered."""

from collections.abc import Collection
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.jobs.model import State
from moorage.webhooks.delivery_store import DeliveryStore
from moorage.webhooks.errors import WebhookUnknownError
from moorage.webhooks.model import Delivery, LastTrigger, Occurrence

_AT_ONCE = 200


class Deliveries:
    """The history of policies."""

    def __init__(self, store: DeliveryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def occurrences(
        self, policy_id: int, *, limit: int, offset: int = 0, downwards: bool = True
    ) -> list[Occurrence]:
        """At most `limit` events that the policy was told of, newest first unless told otherwise."""
        return self._store.occurrences(policy_id, limit, offset, downwards)

    def count_occurrences(self, policy_id: int) -> int:
        """How many there are."""
        return self._store.count_occurrences(policy_id)

    def occurrence(self, policy_id: int, occurrence_id: int) -> Occurrence:
        """One of them.

        Raises:
            WebhookUnknownError: the policy was told of no such event.
        """
        found = self._store.occurrence(policy_id, occurrence_id)
        if found is None:
            raise WebhookUnknownError(f"the webhook policy has no execution {occurrence_id}")
        return found

    def of_occurrence(
        self, policy_id: int, occurrence_id: int, *, limit: int, offset: int = 0
    ) -> list[Delivery]:
        """The deliveries of an event, one for each target."""
        return self._store.deliveries(
            policy_id=policy_id, occurrence_id=occurrence_id, limit=limit, offset=offset
        )

    def of_policy(
        self, policy_id: int, *, states: Collection[State] = (), limit: int, offset: int = 0
    ) -> list[Delivery]:
        """The deliveries of a policy, newest first; `states` narrows them."""
        return self._store.deliveries(
            policy_id=policy_id, states=states, downwards=True, limit=limit, offset=offset
        )

    def count(
        self, policy_id: int, *, occurrence_id: int | None = None, states: Collection[State] = ()
    ) -> int:
        """How many deliveries there are."""
        return self._store.count_deliveries(policy_id=policy_id, occurrence_id=occurrence_id, states=states)

    def delivery(self, occurrence_id: int, delivery_id: int) -> Delivery:
        """One delivery of an event.

        Raises:
            WebhookUnknownError: the event has no such delivery.
        """
        found = self._store.delivery(occurrence_id, delivery_id)
        if found is None:
            raise WebhookUnknownError(f"the execution has no task {delivery_id}")
        return found

    def last_triggers(self, policy_ids: Collection[int]) -> list[LastTrigger]:
        """When each of the policies was last told of something, kind by kind."""
        return self._store.last_triggers(policy_ids) if policy_ids else []

    def forget(self, older_than: timedelta, most: int) -> int:
        """Delete what is older, and beyond `most` events of a policy the oldest; returns how many.

        What still waits stays.
        """
        moment = self._clock() - older_than
        forgotten = 0
        while some := self._some_older(moment):
            forgotten += some
        for policy_id, last in self._store.crowded(most):
            while some := self._some_of(policy_id, last):
                forgotten += some
        return forgotten

    def _some_older(self, moment: datetime) -> int:
        with atomic(durable=False):
            return self._store.forget_older(moment, _AT_ONCE)

    def _some_of(self, policy_id: int, last: int) -> int:
        with atomic(durable=False):
            return self._store.forget_up_to(policy_id, last, _AT_ONCE)
