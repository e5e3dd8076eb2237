"""A run of a job without its rows: what a handler says, counts and marks is kept for the test."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from moorage.jobs.model import Execution, State, Trigger

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeTask:
    """A part of a run: what it said and what it came to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said: list[str] = []
        self.result: dict[str, object] = {}
        self.failed: Exception | None = None

    def say(self, text: str, *, level: str = "info") -> None:
        self.said.append(text)

    def finish(self, **result: object) -> None:
        self.result = result


class FakeRun:
    """Has the members of `moorage.jobs.run.Run`.

    Args:
        parameters: as they were asked for.
        progress: what an earlier process kept.
        stop_when: asked each time the handler asks whether it is to stop.
    """

    def __init__(
        self,
        parameters: Mapping[str, object] | None = None,
        *,
        kind: str = "job",
        subject: int = 0,
        progress: Mapping[str, object] | None = None,
        stop_when: Callable[["FakeRun"], bool] = lambda run: False,
        execution_id: int = 1,
        attempts: int = 1,
    ) -> None:
        self.execution = Execution(
            id=execution_id,
            kind=kind,
            subject=subject,
            project_id=None,
            trigger=Trigger.MANUAL,
            state=State.RUNNING,
            parameters=parameters or {},
            progress=progress or {},
            result={},
            message="",
            requested_by="admin",
            attempts=attempts,
            stop_requested=False,
            created_at=AT,
            started_at=AT,
            updated_at=AT,
            ended_at=None,
        )
        self.parameters: Mapping[str, object] = self.execution.parameters
        self.progress: Mapping[str, object] = self.execution.progress
        self.said: list[tuple[str, str]] = []
        self.counts: dict[str, int] = {}
        self.marks: dict[str, Any] = {}
        self.tasks: list[FakeTask] = []
        self.pauses: list[float] = []
        self._stop_when = stop_when

    @property
    def stopping(self) -> bool:
        return self._stop_when(self)

    @property
    def texts(self) -> list[str]:
        """What was said, without how grave it is."""
        return [text for _, text in self.said]

    def say(self, text: str, *, level: str = "info") -> None:
        self.said.append((level, text))

    def count(self, **increments: int) -> None:
        for name, increment in increments.items():
            self.counts[name] = self.counts.get(name, 0) + increment

    def mark(self, **values: object) -> None:
        self.marks.update(values)

    @contextmanager
    def task(self, name: str, contain: bool = False) -> Iterator[FakeTask]:
        made = FakeTask(name)
        self.tasks.append(made)
        try:
            yield made
        except Exception as error:
            made.failed = error
            if not contain:
                raise

    def pause(self, seconds: float) -> None:
        """Takes no time."""
        self.pauses.append(seconds)
