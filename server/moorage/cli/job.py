"""`moorage job`: what jobs did, what they do, and stopping them."""

import json
import time
from collections.abc import Iterator

import click

from moorage.cli.amounts import NUMBER
from moorage.cli.context import services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.progress import described
from moorage.events import SYSTEM
from moorage.jobs.model import ALL, Execution, LogLine, State
from moorage.services import Services

_COLUMNS = ("id", "kind", "subject", "trigger", "state", "requested_by", "started_at", "ended_at", "message")
_LINES = 1000
_POLL_SECONDS = 0.5


@click.group()
def job() -> None:
    """List, look at and stop runs of jobs: collections, checks, retention, purges."""


@job.command("list")
@click.option("--kind", default=None, help="Only of this job, for instance gc.")
@click.option("--state", type=click.Choice([each.value for each in State]), default=None)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
def list_(kind: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List runs, newest first."""
    with services() as found:
        wanted = None if state is None else State(state)
        rows = [_row(each) for each in found.executions.page(kind, state=wanted, limit=limit)]
    show_rows(rows, _COLUMNS, as_json=as_json)


@job.command("show")
@click.argument("number", type=NUMBER)
@json_option
def show_(number: int, as_json: bool) -> None:
    """Show one run: how far it is, or what came of it."""
    with services() as found:
        row = dict(_row(found.executions.get(number)))
        row["tasks"] = found.executions.count_tasks(number)
    if not as_json:
        row.update({name: described(row[name]) or None for name in ("parameters", "progress", "result")})
    show(row, as_json=as_json)


@job.command()
@click.argument("number", type=NUMBER)
@click.option("--follow", is_flag=True, help="Go on until the run is over.")
@click.option("--task", type=NUMBER, default=None, help="Only of this part.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def log(number: int, follow: bool, task: int | None, as_json: bool) -> None:
    """Print what a run said."""
    with services() as found:
        for line in _lines(found, number, ALL if task is None else task, follow=follow):
            click.echo(json.dumps(_told(line)) if as_json else _readable(line))


@job.command()
@click.argument("number", type=NUMBER)
def stop(number: int) -> None:
    """Stop a run: one that waits at once, one that works after the step under way."""
    with services() as found:
        found.executions.stop(SYSTEM, number)
        state = found.executions.get(number).state
    click.echo(f"run {number} stops" if state is State.RUNNING else f"run {number}: {state.value}")


def _lines(found: Services, number: int, task: int, *, follow: bool) -> Iterator[LogLine]:
    after = 0
    while True:
        # Asked before the lines, or the last ones could be missed.
        over = found.executions.get(number).state.ended or not follow
        lines = found.executions.log(number, task_id=task, after=after, limit=_LINES)
        yield from lines
        if lines:
            after = lines[-1].id
        elif over:
            return
        else:
            time.sleep(_POLL_SECONDS)


def _readable(line: LogLine) -> str:
    return f"{line.at:%Y-%m-%d %H:%M:%S} {line.level:<7} {line.text}"


def _told(line: LogLine) -> Row:
    return {"task": line.task_id, "at": line.at.isoformat(), "level": line.level, "text": line.text}


def _row(execution: Execution) -> Row:
    return {
        name: value.value if isinstance(value := getattr(execution, name), State) else value
        for name in execution.__slots__
    }
