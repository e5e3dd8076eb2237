"""A copy of the SQLite database at one moment, made while others write."""

import contextlib
import os
import sqlite3
from pathlib import Path

from moorage.db.connection import database
from moorage.errors import Unavailable


class SnapshotFailedError(Unavailable):
    """No copy of the database could be made."""


def take_snapshot(target: Path) -> None:
    """Copy the bound SQLite database to `target`, one file that only its owner reads; durable on return.

    The copy is read in one transaction, which no writer waits for; in steps it would begin anew
    with every change of another process.

    Raises:
        SnapshotFailedError: it could not be made.
    """
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            contextlib.closing(sqlite3.connect(database.obj.database)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
        settle_snapshot(target)
    except (OSError, sqlite3.Error) as error:
        raise SnapshotFailedError(f"the database cannot be copied to {target}: {error}") from error


def settle_snapshot(path: Path) -> None:
    """Make a copy that was opened one file again, and see it onto the medium."""
    with contextlib.closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode = delete").fetchone()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
