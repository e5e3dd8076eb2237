"""`moorage gc`: look at the garbage before it goes."""

from pathlib import Path

import click

from moorage.cli.context import CommandError, services, told
from moorage.cli.output import Row, json_option, readable, show, show_rows
from moorage.cli.run import collect_by_plan
from moorage.gc.model import Candidate
from moorage.gc.plan_file import read_plan, write_plan

_COLUMNS = ("name", "kind", "cause", "tries", "due_at", "fault")
_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def gc() -> None:
    """Look at what nothing refers to any more, before it goes.

    `moorage run gc` collects it; the worker does so by itself, hourly unless told otherwise.
    """


@gc.command()
@_file
@click.option(
    "--untagged/--keep-untagged", default=None, help="Whether untagged manifests go; default: the settings."
)
@json_option
def plan(file: Path, untagged: bool | None, as_json: bool) -> None:
    """Write to FILE what would go now, a JSON object a line; nothing is removed."""
    with services() as found:
        try:
            count = write_plan(file, found.collection.plan(untagged))
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        freed = sum(item.size_bytes for item in read_plan(file) if not item.repository)
    row: Row = {"file": str(file), "items": count, "freed_bytes": freed}
    show(row if as_json else readable(row), as_json=as_json)


@gc.command()
@_file
@json_option
def apply(file: Path, as_json: bool) -> None:
    """Collect what `moorage gc plan` wrote to FILE and nothing else; what is needed by now stays."""
    with told():  # before anything is asked for: a file that is no plan
        sum(1 for _ in read_plan(file))
    collect_by_plan(file.absolute(), as_json=as_json)


@gc.command()
@json_option
def forecast(as_json: bool) -> None:
    """Say how many bytes become free until when, without anybody doing anything."""
    with services() as found:
        outlook = found.collection.outlook()
        queue = found.candidates.overview()
    row: Row = {
        "waiting_bytes": outlook.waiting_bytes,
        "waiting_from": outlook.waiting_from,
        "waiting_until": outlook.waiting_until,
        "waiting_manifests": outlook.manifests,
        "trash_bytes": outlook.trash_bytes,
        "trash_until": outlook.trash_until,
        "candidates": queue.waiting,
        "due": queue.due,
        "oldest_due_at": queue.oldest_due_at,
        "failing": queue.failing,
    }
    show(row if as_json else readable(row), as_json=as_json)


@gc.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
def failing(limit: int, as_json: bool) -> None:
    """List what could not be collected, with the reason; it is tried again later and later."""
    with services() as found:
        rows = [_row(each) for each in found.candidates.failing(limit)]
    show_rows(rows, _COLUMNS, as_json=as_json)


def _row(candidate: Candidate) -> Row:
    return {
        "name": candidate.name,
        "kind": candidate.kind.value,
        "cause": candidate.cause,
        "tries": candidate.tries,
        "due_at": candidate.due_at,
        "fault": candidate.fault,
    }
