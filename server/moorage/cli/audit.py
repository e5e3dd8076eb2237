"""`moorage audit`: the log of every operation."""

from datetime import UTC, datetime
from typing import Any

import click

from moorage.audit.log import PAGE_LIMIT
from moorage.audit.model import Entry, Query, Result
from moorage.cli.context import services
from moorage.cli.output import Row, json_option, show_rows
from moorage.services import Services

_COLUMNS = ("at", "actor", "address", "operation", "resource", "result", "request_id")


@click.command()
@click.option("--actor", default=None, help="Only what this account did.")
@click.option("--operation", "operations", multiple=True, help="For instance push_artifact; may be repeated.")
@click.option("--project", default=None, help="Only in this project.")
@click.option("--repository", default=None, help="Its full name, project included.")
@click.option("--tag", default=None)
@click.option("--digest", default=None)
@click.option("--result", type=click.Choice([each.value for each in Result]), default=None)
@click.option("--address", default=None, help="Where it came from.")
@click.option("--since", type=click.DateTime(), default=None, help="In UTC.")
@click.option("--until", type=click.DateTime(), default=None, help="In UTC.")
@click.option("--text", default=None, help="Anywhere in account, resource, address or detail.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@json_option
def audit(
    *,
    operations: tuple[str, ...],
    result: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
    **exact: Any,
) -> None:
    """List the log, newest first."""
    query = Query(
        operations=operations,
        result=None if result is None else Result(result),
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
        **exact,
    )
    with services() as found:
        rows = [_row(entry) for entry in _entries(found, query, limit)]
    show_rows(rows, _COLUMNS, as_json=as_json)


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
