"""Schema migrations with peewee's own runner: a copy first, all or nothing, never backwards by accident."""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playhouse.migrations import Runner

from moorage.db.connection import database, is_postgresql
from moorage.errors import Conflict, Unavailable

_FOLDER = Path(__file__).with_name("migrations")
_ADVISORY_KEY = 0x4D6F6F72  # any number, the same in every node


class SchemaNewerError(Conflict):
    """The database was last used by a newer release."""


class BackupFailedError(Unavailable):
    """No copy could be made, so nothing was migrated."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Names of migrations: applied, waiting, and applied ones this release does not know."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]


def status(folder: Path = _FOLDER) -> SchemaStatus:
    """What the bound database has and lacks of the migrations in `folder`."""
    rows = Runner(database.obj, str(folder)).status()
    return SchemaStatus(
        applied=tuple(row.name for row in rows if row.applied and row.path),
        pending=tuple(row.name for row in rows if not row.applied),
        unknown=tuple(row.name for row in rows if row.applied and not row.path),
    )


def upgrade(backups: Path, folder: Path = _FOLDER) -> list[str]:
    """Bring the bound database to this release's schema; returns the names applied.

    Several processes may call it at once; one works and the others wait. A database that holds
    something is copied into the folder `backups` before the first change.

    Raises:
        SchemaNewerError: the database knows migrations that this release does not.
        BackupFailedError: the copy could not be made.
    """
    with _alone(backups):
        found = status(folder)
        if found.unknown:
            raise SchemaNewerError(
                f"the database was used by a newer release (migration {found.unknown[-1]}); "
                "install that release, or restore the copy made before its upgrade"
            )
        if not found.pending:
            return []
        if found.applied:
            _copy(backups, found.applied[-1])
        applied: list[str] = Runner(database.obj, str(folder)).up()
        return applied


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    if is_postgresql():
        database.execute_sql("SELECT pg_advisory_lock(%s)", (_ADVISORY_KEY,))
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY_KEY,))
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "migrate.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy(folder: Path, schema: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = folder / f"{moment}-{schema}.{'dump' if is_postgresql() else 'sqlite'}"
    partial = target.with_suffix(".partial")
    try:
        if is_postgresql():
            _copy_postgresql(partial)
        else:
            _copy_sqlite(partial)
        _make_durable(partial)
    except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        partial.unlink(missing_ok=True)
        raise BackupFailedError(f"no copy of the database could be made in {folder}: {error}") from error
    partial.rename(target)
    return target


def _copy_sqlite(target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(database.obj.database)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def _copy_postgresql(target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise FileNotFoundError("pg_dump is not installed")
    # The address holds a password, so it goes through the environment and not the argument list.
    subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
        [program, "--format=custom", f"--file={target}"],
        env={**os.environ, **_libpq_environment()},
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def _libpq_environment() -> dict[str, str]:
    info = database.connection().info
    found = {
        "PGHOST": info.host,
        "PGPORT": str(info.port),
        "PGUSER": info.user,
        "PGPASSWORD": info.password,
        "PGDATABASE": info.dbname,
    }
    return {name: value for name, value in found.items() if value}


def _make_durable(path: Path) -> None:
    path.chmod(0o600)
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
