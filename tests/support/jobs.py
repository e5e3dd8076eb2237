"""The room of jobs on a real database, with handlers of a test's own."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from moorage import events as happened
from moorage.clock import Clock
from moorage.db.connection import close_connection
from moorage.events import Actor, Event, Events
from moorage.jobs.executions import Executions
from moorage.jobs.heart import Rhythm
from moorage.jobs.model import Execution, Trigger
from moorage.jobs.run import Run
from moorage.jobs.runner import Handler, Runner
from moorage.jobs.schedules import Schedules
from moorage.jobs.store import JobStore

E = TypeVar("E", bound=Event)

ALICE = Actor("user:1", "user", "alice", "192.0.2.1")
#: As usual, but a test need not wait for it.
QUICK = Rhythm(lease=30.0, renew=0.1, look=0.02, write=0.05)
#: For real clocks: an abandoned run is soon taken over.
LIVELY = Rhythm(lease=3.0, renew=0.2, look=0.05, write=0.05)
SECONDS = 20.0


class Jobs:
    """Everything of the room; a second one over the same database is another process."""

    def __init__(self, clock: Clock, defaults: Mapping[str, str] | None = None) -> None:
        self.clock = clock
        self.told: list[Event] = []
        self.events = Events()
        for kind in vars(happened).values():
            if isinstance(kind, type) and issubclass(kind, Event):
                self.events.subscribe(kind, self.told.append)
        self.store = JobStore()
        self.executions = Executions(self.store, self.events, clock)
        self.schedules = Schedules(self.store, self.events, clock, defaults)

    def runner(self, handlers: Mapping[str, Handler] | Handler, rhythm: Rhythm = QUICK, **how: Any) -> Runner:
        """Carries out runs; a single handler is for ``gc``."""
        found = {"gc": handlers} if callable(handlers) else handlers
        return Runner(self.store, self.events, self.clock, found, rhythm=rhythm, **how)

    def request(self, kind: str = "gc", **how: object) -> Execution:
        """Ask for a run."""
        return self.executions.request(ALICE, kind, **{"trigger": Trigger.MANUAL, **how})

    def happened(self, kind: type[E]) -> list[E]:
        """Every event of exactly that class, in order."""
        return [event for event in self.told if type(event) is kind]

    def lines(self, execution_id: int, **how: object) -> list[str]:
        """What a run said."""
        return [line.text for line in self.executions.log(execution_id, **how)]


class Waits:
    """A handler that works until it is told to stop, and whether it began."""

    def __init__(self, before: Callable[[Run], None] | None = None) -> None:
        self.began = threading.Event()
        self._before = before

    def __call__(self, run: Run) -> dict[str, object]:
        if self._before is not None:
            self._before(run)
        self.began.set()
        deadline = time.monotonic() + SECONDS
        while not run.stopping:
            assert time.monotonic() < deadline, "nobody told it to stop"
            run.pause(1.0)
        return {"message": "as far as it came"}


class Aside:
    """Something done in a thread of its own; `result` waits for it."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._found: object = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self._action()
        except Exception as error:
            self._found = error
        finally:
            close_connection()

    def result(self, seconds: float = SECONDS) -> object:
        """What it returned or raised."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "it did not end"
        return self._found
