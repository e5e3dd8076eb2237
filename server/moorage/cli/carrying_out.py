"""Carrying out a job in this process, for a person or a timer that waits for it."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import click

from moorage.cli.context import CommandError
from moorage.cli.progress import Progress
from moorage.db.connection import DatabaseIllError, close_connection
from moorage.events import SYSTEM
from moorage.jobs.errors import ExecutionRunningError, ExecutionTakenError
from moorage.jobs.model import Execution, State, Trigger
from moorage.jobs.modesty import modest
from moorage.services import Services

#: How long workers leave the run for us.
_OURS = timedelta(seconds=10)
_TRIES = 3
_BUDGET = "budget_minutes"


@dataclass(frozen=True, slots=True)
class Order:
    """What to do; see `Executions.request`."""

    kind: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    subject: int = 0
    project_id: int | None = None


class Interruption:
    """Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process at once."""

    def __init__(self) -> None:
        self._found: Services | None = None
        self._execution_id: int | None = None
        self.asked = False

    def hear(self, number: signal.Signals) -> None:
        """A signal came."""
        if self.asked:
            os._exit(128 + number)
        self.asked = True
        click.echo("stopping after the step under way; once more ends at once", err=True)
        self._stop()

    def begin(self, found: Services, execution_id: int) -> None:
        """From now on it is this run that signals stop."""
        self._found, self._execution_id = found, execution_id
        if self.asked:
            self._stop()

    def _stop(self) -> None:
        if self._found is None or self._execution_id is None:
            return
        try:
            self._found.executions.stop(SYSTEM, self._execution_id)
        except DatabaseIllError as error:
            click.echo(f"the run cannot be stopped: {error}", err=True)
        finally:
            close_connection()


def check(found: Services, kind: str) -> None:
    """Whether this release knows the job.

    Raises:
        CommandError: it does not.
    """
    if kind not in found.runner.kinds:
        raise CommandError(f"there is no job {kind!r} in this release")


def carry_out(found: Services, order: Order, interruption: Interruption) -> tuple[Execution, bool]:
    """Ask for a run and carry it out here.

    One that waits already, or whose process died, comes first, unless this is a dry run.

    Returns:
        The run, and whether it was done here; if not, somebody else has it.
    """
    for _ in range(_TRIES):
        try:
            made = _request(found, order)
        except ExecutionRunningError:
            other = found.executions.live(order.kind, order.subject)
            if other is None:
                continue
            if order.parameters.get("dry_run"):
                return other, False
            try:
                done = _run(found, other, interruption)
            except ExecutionTakenError:
                return found.executions.get(other.id), False
            if interruption.asked or done.state is not State.SUCCESS or _is_enough(done, order):
                return done, True
        else:
            return _run(found, made, interruption), True
    raise CommandError(f"others keep asking for {order.kind}; try again")


def _request(found: Services, order: Order) -> Execution:
    return found.executions.request(
        SYSTEM,
        order.kind,
        trigger=Trigger.MANUAL,
        subject=order.subject,
        project_id=order.project_id,
        parameters=order.parameters,
        after=_OURS,
    )


def _run(found: Services, execution: Execution, interruption: Interruption) -> Execution:
    interruption.begin(found, execution.id)
    progress = Progress()
    with progress.shown(), modest():
        done = found.runner.run(execution.id, watch=progress.watch)
    sys.stderr.flush()
    return done


def _is_enough(done: Execution, order: Order) -> bool:
    """Whether the run that was taken up did what is asked for now."""

    def wanted(parameters: Mapping[str, object]) -> dict[str, object]:
        return {name: value for name, value in parameters.items() if name != _BUDGET}

    return not done.result.get("unfinished") and wanted(done.parameters) == wanted(order.parameters)
