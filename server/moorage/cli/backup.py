"""`moorage backup`: what only the registry knows of, for whoever makes a backup of the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import click

from moorage import __version__, logs
from moorage.cli.context import CommandError, settings, told
from moorage.cli.output import Row, json_option, readable, show
from moorage.clock import utcnow
from moorage.db import migrate
from moorage.db.connection import close_connection, is_postgresql, open_database
from moorage.db.snapshot import settle_snapshot, take_snapshot
from moorage.distribution.inspection import Inspection
from moorage.distribution.shelves import PREFIXES
from moorage.distribution.storage import never
from moorage.oci.digest import ALGORITHMS
from moorage.services import Services

DATABASE = "database.sqlite"
BLOBS = "blobs.txt"


@click.group()
def backup() -> None:
    """Copies for a backup; `moorage-appliance backup` makes a whole one.

    Whoever copies the content has to lock the data folder's collecting.lock (flock, exclusive) before
    the copy of the database is made, and until all of its blobs are copied: nothing is removed then.
    """


@backup.command("database")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def copy_database(folder: Path, as_json: bool) -> None:
    """Copy the database to FOLDER while the registry serves, with a list of the blobs that it names.

    The list, blobs.txt, has a digest and a size in bytes a line, in order. A PostgreSQL server has a
    backup of its own; of it only the list is made.
    """
    at = utcnow()
    with _inspection() as inspection:
        kind = "postgresql" if is_postgresql() else "sqlite"
        schema = migrate.status().applied[-1]
        copy = folder / DATABASE
        if kind == "sqlite":
            take_snapshot(copy)
            close_connection()
            open_database(f"sqlite:///{copy.absolute()}")
            _refuse_faults(inspection, copy)
        count, total = _write_list(folder / BLOBS, inspection)
        close_connection()
        if kind == "sqlite":
            settle_snapshot(copy)
    row: Row = {
        "database": kind,
        "schema": schema,
        "version": __version__,
        "at": at,
        "blobs": count,
        "blob_bytes": total,
    }
    show(row if as_json else readable(row), as_json=as_json)


@backup.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """See whether this release can take over FILE, a copy of an SQLite database; changes nothing in it."""
    with _inspection() as inspection:
        close_connection()
        open_database(f"sqlite:///{file.absolute()}")
        unknown = migrate.status().unknown
        if unknown:
            raise CommandError(
                f"the copy was made by a newer release (migration {unknown[-1]}); install that release"
            )
        _refuse_faults(inspection, file)
        close_connection()
    settle_snapshot(file)
    click.echo("the copy is whole, and of this release or an older one")


@contextmanager
def _inspection() -> Iterator[Inspection]:
    found = settings()
    logs.configure(found.log)
    with told():
        open_database(found.database_url)
        yield Services.build(found).inspection


def _refuse_faults(inspection: Inspection, file: Path) -> None:
    faults = inspection.faults(never)
    if faults:
        raise CommandError(f"{file} is damaged: {faults[0]}")


def _write_list(path: Path, inspection: Inspection) -> tuple[int, int]:
    """How many blobs, and their bytes."""
    count = total = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        for algorithm, prefix in product(sorted(ALGORITHMS), PREFIXES):
            for digest, size in sorted(inspection.rows(algorithm, prefix).items()):
                file.write(f"{digest} {size}\n")
                count, total = count + 1, total + size
        file.flush()
        os.fsync(file.fileno())
    return count, total
