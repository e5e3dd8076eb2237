"""`Dispatcher`: delivers what waits, in a few threads that never wait for each other."""

import logging
import threading
import time
from datetime import timedelta
from uuid import uuid4

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, atomic, close_connection
from moorage.jobs.model import State
from moorage.jobs.modesty import modest
from moorage.webhooks.delivery_store import Claim, DeliveryStore
from moorage.webhooks.sending import Outcome, Sending
from moorage.webhooks.store import WebhookStore

#: What one address or one project may take of them is less, so that none can have them all.
THREADS = 6
_OF_PROJECT = 3
#: Before each further attempt.
PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=3))
#: Until the server is less busy with the names of other addresses.
BUSY_PAUSE = timedelta(seconds=2)
#: So many processes may die over a delivery.
DEATHS = 5
#: Longer than an attempt with the writes around it.
LEASE = timedelta(seconds=20)
_POLL_SECONDS = 0.3
_ILL_SECONDS = 5.0
_END_SECONDS = 1.0
_LOG_LENGTH = 16_000

_log = logging.getLogger(__name__)


class Dispatcher:
    """Delivers. Whoever is killed over a delivery leaves it to the next when its lease ends."""

    def __init__(
        self, store: WebhookStore, deliveries: DeliveryStore, sending: Sending, clock: Clock
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._sending = sending
        self._clock = clock

    def work(self, stop: threading.Event) -> None:
        """Deliver whatever comes until `stop` is set; what is under way then is left to its lease."""
        threads = [
            threading.Thread(target=self._serve, args=(stop,), name=f"webhook-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        deadline = time.monotonic() + _END_SECONDS
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def deliver_next(self) -> bool:
        """Make one attempt at the delivery that waits longest; False when none can be taken up."""
        now = self._clock()
        if not self._deliveries.is_claimable(now):
            return False
        with atomic(durable=False):
            claim = self._deliveries.claim(uuid4().hex, now, now + LEASE, _OF_PROJECT)
        if claim is None:
            return False
        self._deliver(claim)
        return True

    def _serve(self, stop: threading.Event) -> None:
        with modest():
            while not stop.is_set():
                pause = _POLL_SECONDS
                try:
                    if self.deliver_next():
                        continue
                except DatabaseIllError as error:
                    _log.warning("webhooks wait: the database does not answer", extra={"cause": str(error)})
                    pause = _ILL_SECONDS
                    close_connection()
                except Exception:
                    _log.exception("a webhook could not be delivered")
                    pause = _ILL_SECONDS
                stop.wait(pause)
        close_connection()

    def _deliver(self, claim: Claim) -> None:
        delivery = claim.delivery
        policy = self._store.get(delivery.policy_id)
        occurrence = self._deliveries.facts(delivery.occurrence_id)
        if policy is None or occurrence is None:  # deleted this very moment, and the delivery with it
            return
        target = policy.target(delivery.key)
        if not policy.enabled:
            self._end(claim, State.STOPPED, "the policy is switched off")
        elif target is None:
            self._end(claim, State.STOPPED, "the policy has this target no more")
        elif not policy.secret:
            self._end(claim, State.ERROR, "the secrets of the policy cannot be read any more; set them anew")
        elif delivery.deaths >= DEATHS:
            message = f"given up: {delivery.deaths} processes died while they delivered it"
            self._end(claim, State.ERROR, message)
        else:
            self._settle(claim, self._sending.attempt(policy, target, occurrence, delivery))

    def _settle(self, claim: Claim, outcome: Outcome) -> None:
        delivery = claim.delivery
        if outcome.cause:
            extra = {"delivery": delivery.id, "policy": delivery.policy_id, "cause": outcome.cause}
            _log.info("a webhook was not delivered", extra=extra)
        if outcome.ok:
            self._end(claim, State.SUCCESS, "", outcome)
        elif not outcome.made:
            self._write(
                claim,
                # It may say so many times in a row; once is enough.
                "" if delivery.message == outcome.message else outcome.line,
                state=State.PENDING,
                due_at=self._clock() + BUSY_PAUSE,
                message=outcome.message,
            )
        elif not outcome.again or delivery.failures >= len(PAUSES):
            self._end(claim, State.ERROR, outcome.message, outcome)
        else:
            now, pause = self._clock(), PAUSES[delivery.failures]
            self._write(
                claim,
                f"{outcome.line}; next attempt in {pause.total_seconds():.0f} s",
                state=State.PENDING,
                failures=delivery.failures + 1,
                due_at=now + pause,
                message=outcome.message,
                status_code=outcome.status_code,
            )

    def _end(self, claim: Claim, state: State, message: str, outcome: Outcome | None = None) -> None:
        failed = outcome is not None and not outcome.ok
        self._write(
            claim,
            message if outcome is None else outcome.line,
            state=state,
            failures=claim.delivery.failures + failed,
            message=message,
            status_code=None if outcome is None else outcome.status_code,
            ended_at=self._clock(),
        )

    def _write(self, claim: Claim, line: str, **columns: object) -> None:
        now = self._clock()
        log = claim.delivery.log
        if line:
            log = f"{log}{now.isoformat(timespec='milliseconds')} {line}\n"[-_LOG_LENGTH:]
        with atomic(durable=False):
            mine = self._deliveries.settle(claim.delivery.id, claim.owner, now, log=log, **columns)
        if not mine:
            _log.warning("a delivery was taken over or deleted", extra={"delivery": claim.delivery.id})
