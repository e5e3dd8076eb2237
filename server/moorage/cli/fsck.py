"""`moorage fsck`: the check of everything stored, and what it set aside."""

import os
from datetime import timedelta

import click

from moorage import sizes
from moorage.cli.amounts import Amount
from moorage.cli.context import CommandError, services
from moorage.cli.output import json_option, show, show_rows
from moorage.cli.run import check_everything
from moorage.events import SYSTEM

_COLUMNS = ("at", "why", "size", "name", "folder")


@click.command()
@click.option(
    "--repair",
    is_flag=True,
    help="Move damaged files and those that nothing needs to the quarantine, note what the collector "
    "missed, count usage anew.",
)
@click.option("--no-hash", is_flag=True, help="Compare sizes only: quick, and blind to rotten bytes.")
@click.option("--quarantine", is_flag=True, help="Do not check; list what was set aside.")
@click.option("--empty-quarantine", is_flag=True, help="Do not check; remove for good what was set aside.")
@click.option(
    "--older-than",
    type=Amount(0, 36_500),
    metavar="DAYS",
    help="What --empty-quarantine leaves: everything that was set aside later than so many days ago.",
)
@json_option
def fsck(
    repair: bool,
    no_hash: bool,
    quarantine: bool,
    empty_quarantine: bool,
    older_than: float | None,
    as_json: bool,
) -> None:
    """Check everything stored against the database, as `moorage run fsck` does.

    Exit code 0 when all is well, 1 when findings remain or something could not be read.
    """
    if quarantine or empty_quarantine:
        if repair or no_hash or (quarantine and empty_quarantine):
            raise click.UsageError("either check, or list the quarantine, or empty it")
        if quarantine:
            _list(as_json=as_json)
        else:
            _empty(older_than, as_json=as_json)
    else:
        check_everything(repair=repair, no_hash=no_hash, as_json=as_json)


def _list(*, as_json: bool) -> None:
    with services() as found:
        things = found.quarantine.list()
    rows = [
        {
            "at": thing.at,
            "why": thing.why,
            "size": sizes.in_words(thing.size_bytes),
            "size_bytes": thing.size_bytes,
            "name": thing.name,
            "folder": os.path.dirname(thing.path),
        }
        for thing in things
    ]
    show_rows(rows, _COLUMNS, as_json=as_json)


def _empty(older_than: float | None, *, as_json: bool) -> None:
    if older_than is None:
        raise click.UsageError("--empty-quarantine needs --older-than DAYS")
    with services() as found:
        try:
            count, size = found.quarantine.empty(SYSTEM, timedelta(days=older_than))
        except OSError as error:
            raise CommandError(f"the quarantine cannot be emptied: {error}") from error
    show({"removed": count, "freed_bytes": size}, as_json=as_json)
