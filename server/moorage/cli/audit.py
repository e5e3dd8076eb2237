"""`moorage audit`: the log of every operation."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click

from moorage.audit.errors import LineBrokenError
from moorage.audit.lines import FORMS
from moorage.audit.log import PAGE_LIMIT
from moorage.audit.model import Entry, Query, Result
from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.services import Services

_COLUMNS = ("at", "actor", "address", "operation", "resource", "result", "request_id")
_PROGRESS = ("sent", "sent_at", "sent_id", "settled_id", "dropped", "dropped_at", "error")
_FILE_COLUMNS = ("name", "size_bytes", "written_at")


_Command = Callable[..., None]


def _conditions(command: _Command) -> _Command:
    """The options that say which entries are wanted."""
    for option in reversed(_CONDITIONS):
        command = option(command)
    return command


_CONDITIONS = (
    click.option("--actor", default=None, help="Only what this account did."),
    click.option("--actor-part", default=None, help="A part of the account's name, whatever its case."),
    click.option("--actor-kind", default=None, help="For instance user, robot or anonymous."),
    click.option(
        "--operation", "operations", multiple=True, help="For instance push_artifact; may be repeated."
    ),
    click.option("--verb", "verbs", multiple=True, help="For instance delete; may be repeated."),
    click.option("--resource", default=None, help="What it was done to, exactly."),
    click.option("--resource-part", default=None, help="A part of it, whatever its case."),
    click.option("--resource-type", default=None, help="For instance artifact, tag or user."),
    click.option("--project", default=None, help="Only in this project."),
    click.option("--repository", default=None, help="Its full name, project included."),
    click.option("--tag", default=None),
    click.option("--digest", default=None),
    click.option("--result", type=click.Choice([each.value for each in Result]), default=None),
    click.option("--address", default=None, help="Where it came from."),
    click.option("--request-id", default=None, help="As in the header X-Request-Id of the answer."),
    click.option("--since", type=click.DateTime(), default=None, help="In UTC."),
    click.option("--until", type=click.DateTime(), default=None, help="In UTC."),
    click.option("--text", default=None, help="Anywhere in account, resource, address or detail."),
)


@click.group(invoke_without_command=True)
@_conditions
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option(
    "--archive", default=None, metavar="FILE", help="Look in this file of `moorage audit archives`."
)
@json_option
@click.pass_context
def audit(
    context: click.Context, /, *, limit: int, archive: str | None, as_json: bool, **conditions: Any
) -> None:
    """List the log, newest first."""
    if context.invoked_subcommand is not None:
        if any(value not in (None, ()) for value in conditions.values()):
            raise click.UsageError(f"conditions come after the word {context.invoked_subcommand!r}")
        return
    query = _query(**conditions)
    with services() as found:
        entries = (
            _entries(found, query, limit) if archive is None else found.archive.search(archive, query, limit)
        )
        rows = [_row(entry) for entry in entries]
    show_rows(rows, _COLUMNS, as_json=as_json)


@audit.command()
@_conditions
@click.option("--format", "form", type=click.Choice(sorted(FORMS)), default="jsonl", show_default=True)
@click.option("--output", type=click.File("wb", lazy=False), default="-", help="A file; - is the terminal.")
def export(*, form: str, output: BinaryIO, **conditions: Any) -> None:
    """Write the log, newest first, as lines of JSON or as a table for spreadsheets."""
    query = _query(**conditions)
    with services() as found:
        output.write(FORMS[form].head)
        for entries in found.audit.walk(query):
            output.write(FORMS[form].lines(entries))


@audit.command()
@json_option
def archives(*, as_json: bool) -> None:
    """List the files of entries that were taken out of the log, newest first."""
    with services() as found:
        rows = [asdict(each) for each in found.archive.files()]
    show_rows(rows, _FILE_COLUMNS, as_json=as_json)


@audit.command()
@click.option("--test", is_flag=True, help="Send one message of its own, to try the connection out.")
@json_option
def forward(*, test: bool, as_json: bool) -> None:
    """Show how far the log was forwarded to the syslog server of the settings."""
    with services() as found:
        if test:
            try:
                click.echo(found.forwarding.test())
            except LineBrokenError as error:
                raise CommandError(f"{found.settings.syslog.url}: {error}") from error
            return
        status = found.forwarding.status()
    progress = {} if status.progress is None else asdict(status.progress)
    shown = {name: progress.get(name) for name in _PROGRESS}
    row: Row = {
        "url": status.target or None,
        "connected": status.connected,
        "waiting": status.waiting,
        "oldest_at": status.oldest_at,
        **shown,
    }
    show(row, as_json=as_json)


def _query(*, result: str | None, since: datetime | None, until: datetime | None, **others: Any) -> Query:
    return Query(
        result=None if result is None else Result(result),
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
        **others,
    )


def _entries(found: Services, query: Query, limit: int) -> list[Entry]:
    entries: list[Entry] = []
    after = None
    while len(entries) < limit:
        page = found.audit.page(query, min(limit - len(entries), PAGE_LIMIT), after)
        entries += page.entries
        after = page.next
        if after is None:
            break
    return entries


def _row(entry: Entry) -> Row:
    return {name: getattr(entry, name) for name in entry.__slots__}
