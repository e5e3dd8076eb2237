"""Where a command finds the settings and the services."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from moorage import logs
from moorage.config import ConfigurationError, Settings, load
from moorage.db import migrate
from moorage.db.connection import DatabaseIllError, close_connection, open_database
from moorage.errors import MoorageError
from moorage.services import Services

EXIT_CONFIGURATION = 2
EXIT_FAILED = 1


class CommandError(click.ClickException):
    """Told to a person on standard error; the exit code is 1."""

    exit_code = EXIT_FAILED


def settings() -> Settings:
    """The settings of this machine; every problem in them is told at once."""
    named = os.environ.get("MOORAGE_CONFIG")
    try:
        return load(Path(named) if named else None, os.environ)
    except ConfigurationError as error:
        raise _Misconfigured(str(error)) from error


class _Misconfigured(click.ClickException):
    exit_code = EXIT_CONFIGURATION


@contextmanager
def services() -> Iterator[Services]:
    """The services over a database that is at this release's schema."""
    found = settings()
    logs.configure(found.log)
    with told():
        open_database(found.database_url)
        state = migrate.status()
        if state.pending or state.unknown:
            raise CommandError("the database is not at this release's schema: run `moorage migrate`")
        built = Services.build(found)
        built.audit.start()
        try:
            yield built
        finally:
            built.audit.stop()
            close_connection()


@contextmanager
def told() -> Iterator[None]:
    """Turn the program's own errors into one line for a person."""
    try:
        yield
    except MoorageError as error:
        raise CommandError(error.message) from error
    except DatabaseIllError as error:
        raise CommandError(f"the database cannot be used: {error}") from error
    except OSError as error:
        if error.filename is None:  # a pipe that nobody reads any more, for instance
            raise
        raise CommandError(f"{error.filename}: {error.strerror}") from error
