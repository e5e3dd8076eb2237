"""What commands print: text for people, or JSON for programs (`--json`)."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from moorage import sizes

Row = Mapping[str, object]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def show_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Print a list: a table, or a JSON array of objects."""
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], indent=2, default=_plain))
        return
    if not sys.stdout.isatty():  # one line a row, tabs between: for grep and cut
        for row in rows:
            click.echo("\t".join(_text(row.get(column)) for column in columns))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " ").upper(), overflow="fold")
    for row in rows:
        # Text of other people's making must not be read as markup.
        table.add_row(*(_text(row.get(column)) for column in columns), style=None)
    Console(markup=False, highlight=False).print(table)


def show(row: Row, *, as_json: bool) -> None:
    """Print one thing: a line a field, or a JSON object."""
    if as_json:
        click.echo(json.dumps(dict(row), indent=2, default=_plain))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {_text(value)}")


def readable(row: Row) -> Row:
    """The row with its numbers of bytes in words."""
    return {
        name: sizes.in_words(value) if name.endswith("_bytes") and isinstance(value, int) else value
        for name, value in row.items()
    }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dict):
        return ", ".join(f"{_text(name)} {_text(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value) or "-"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
