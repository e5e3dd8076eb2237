"""`moorage prepare`: make everything ready that a server needs, apart from the server."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from moorage import logs
from moorage.cli.alone import alone
from moorage.cli.context import settings, told
from moorage.cli.welcome import make_first_administrator
from moorage.config import Settings
from moorage.db import migrate
from moorage.db.connection import close_connection, open_database
from moorage.identity.made_up_password import FIRST_ADMINISTRATOR, PASSWORD_FILE
from moorage.services import Services

_CREDENTIAL = "admin-password"


@click.command()
def prepare() -> None:
    """Make everything ready for `moorage serve PART`: database, keys, folders, the first administrator.

    The first administrator's password is the credential admin-password of the systemd unit, or else
    MOORAGE_ADMIN_PASSWORD; without either one is made up and kept in a file.
    """
    found = settings()
    logs.configure(found.log)
    with alone(found.storage.data), told():
        password = make_ready(found)
    if password is not None:
        click.echo(f"the password of {FIRST_ADMINISTRATOR} is in {found.storage.data / PASSWORD_FILE}")


def _nothing(_: Services) -> None:
    pass


def make_ready(found: Settings, then: Callable[[Services], None] = _nothing) -> str | None:
    """Schema, keys, folders, first administrator; returns the password that was made up, if any.

    Args:
        then: called at the end with the services, while the database is open.
    """
    open_database(found.database_url)
    migrate.upgrade(found.storage.data / "backups")
    services = Services.build(found)
    services.webhooks.bind_secrets()
    password = make_first_administrator(services, _given_password())
    then(services)
    close_connection()
    return password


def _given_password() -> str | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder:
        try:
            return Path(folder, _CREDENTIAL).read_text().rstrip("\n") or None
        except FileNotFoundError:
            pass
    return os.environ.get("MOORAGE_ADMIN_PASSWORD")
