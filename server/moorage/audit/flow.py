"""`Flow`: what goes to the syslog server, over one connection after another."""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass

from moorage.audit.errors import LineBrokenError
from moorage.audit.follower import Follower
from moorage.audit.forward_store import ForwardStore
from moorage.audit.line import Line
from moorage.audit.message import DROPPED, Style, notice, render
from moorage.clock import Clock
from moorage.db.connection import atomic


@dataclass(frozen=True, slots=True)
class Pace:
    """How much and how often; seconds.

    Attributes:
        batch: entries read and sent at once.
        look: how often the log is looked at when nothing waits.
        hold: how often when an entry waits for a transaction.
        save: how often progress is written at most, while entries flow.
        beat: how often it is written although nothing changed.
        settle: how long entries may be sent and not known to be read, and how many.
        trust: a server that ends the connection by itself has worked on what it got so long before; what it
            got later may have been thrown away, for instance because it did not want this client at all.
        finish: how long the server may take to read what it has, and at the end of this process.
        pause: between two attempts to connect, at first and at most.
    """

    batch: int = 500
    look: float = 0.5
    hold: float = 0.02
    save: float = 1.0
    beat: float = 15.0
    settle: float = 60.0
    settle_entries: int = 10_000
    trust: float = 5.0
    connect: float = 10.0
    finish: float = 30.0
    finish_at_end: float = 1.0
    pause: float = 1.0
    pause_most: float = 60.0


class LostError(Exception):
    """Another one forwards by now."""


class Flow:
    """What goes to the server, over one connection after another.

    Args:
        place: what is settled already.
    """

    def __init__(
        self,
        store: ForwardStore,
        style: Style,
        clock: Clock,
        pace: Pace,
        owner: str,
        place: int,
    ) -> None:
        self._store = store
        self._follower = Follower(store)
        self._style = style
        self._clock = clock
        self._pace = pace
        self._owner = owner
        self._place = self._acknowledged = self.settled = place
        self._unsettled = 0
        self._sent = 0
        #: Dropped entries that the server was told of, and whether it is known to have read that.
        self._told, self._is_told = 0, False
        self._settled_at = self._saved_at = time.monotonic()
        self._looked_at = -math.inf
        self._saved = (place, place)
        #: What was acknowledged when, as far back as `Pace.trust`, and what was before that.
        self._lately: deque[tuple[float, int]] = deque()
        self._trusted = place

    def connected(self) -> None:
        """Begin anew behind what is settled, and write down that there is a connection."""
        self._place = self._acknowledged = self.settled
        self._unsettled = self._told = 0
        self._lately.clear()
        self._trusted = self.settled
        self._settled_at, self._looked_at = time.monotonic(), -math.inf
        self._save(connected=True, error="")

    def disconnected(self, cause: str) -> None:
        """Write down that there is none."""
        self._save(connected=False, error=cause)

    def beat(self) -> None:
        """Give a sign of life."""
        self._save()

    def run(self, line: Line, stop: threading.Event) -> None:
        """Send entries until a stop, or until it is time to ask whether all was read.

        Raises:
            LineBrokenError: the connection is gone; `settled` says from where to go on.
        """
        try:
            while not stop.is_set() and not self._is_due():
                self._tell_dropped(line)
                self._step(line)
            if self._unsettled:
                line.finish(self._pace.finish_at_end if stop.is_set() else self._pace.finish)
                self._settle(self._place)
        except LineBrokenError as error:
            self._told = 0
            self._note(line)
            if error.in_order:
                self._settle(self._trusted)
            raise
        self._save()

    def _step(self, line: Line) -> None:
        batch = self._follower.next(self._place, self._pace.batch)
        if batch:
            line.send([(entry.id, render(self._style, entry)) for entry in batch])
            self._place = batch[-1].id
            self._unsettled += len(batch)
            self._sent += len(batch)
        else:
            line.idle(self._pace.hold if self._follower.is_waiting else self._pace.look)
        self._note(line)
        changed = self._sent or self._is_told or self._saved != (self.settled, self._acknowledged)
        if time.monotonic() - self._saved_at >= (self._pace.save if changed else self._pace.beat):
            self._save()

    def _tell_dropped(self, line: Line) -> None:
        """One message for all entries that went unsent since the last such message."""
        now = time.monotonic()
        if self._told or now - self._looked_at < self._pace.look:
            return
        self._looked_at = now
        found = self._store.progress()
        if found is None or not found.untold:
            return
        count = found.untold
        text = f"{count} entries were dropped: they left the log before they could be sent"
        message = notice(self._style, self._clock(), DROPPED, text, dropped=str(count))
        line.send([(self._place, message)])
        self._told = count
        self._unsettled += 1

    def _is_due(self) -> bool:
        if not self._unsettled:
            self._settled_at = time.monotonic()
            return False
        since = time.monotonic() - self._settled_at
        return since >= self._pace.settle or (
            self._unsettled >= self._pace.settle_entries and since >= self._pace.look
        )

    def _note(self, line: Line) -> None:
        now = time.monotonic()
        self._acknowledged = max(self._acknowledged, line.acknowledged())
        self._lately.append((now, self._acknowledged))
        while self._lately and self._lately[0][0] <= now - self._pace.trust:
            self._trusted = self._lately.popleft()[1]
        if line.is_certain:
            self._settle(self._acknowledged)

    def _settle(self, number: int) -> None:
        self._acknowledged = max(self._acknowledged, number)
        self.settled = max(self.settled, number)
        if self.settled >= self._place:
            self._unsettled = 0
            self._settled_at = time.monotonic()
            self._is_told = self._told > 0

    def _save(self, **columns: object) -> None:
        now = self._clock()
        if self._sent:
            columns["sent_at"] = now
        with atomic(durable=False):
            kept = self._store.save(
                self._owner,
                sent=self._sent,
                told=self._told if self._is_told else 0,
                settled_id=self.settled,
                sent_id=self._acknowledged,
                beat_at=now,
                **columns,
            )
        if not kept:
            raise LostError
        if self._is_told:
            self._told, self._is_told = 0, False
        self._sent = 0
        self._saved, self._saved_at = (self.settled, self._acknowledged), time.monotonic()
