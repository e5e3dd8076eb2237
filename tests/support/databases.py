"""Fresh databases with the project's schema, made by copying one that was migrated once."""

import itertools
import os
import shutil
from pathlib import Path

from moorage.db import migrate
from moorage.db.connection import close_connection, open_database
from tests.support.postgresql import PostgresqlServer

_TEMPLATE = "moorage_template"
_numbers = itertools.count()


def _migrate(url: str, backups: Path) -> None:
    open_database(url)
    try:
        migrate.upgrade(backups)
    finally:
        close_connection()


class SqliteDatabases:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite"
        _migrate(f"sqlite:///{self._template}", folder / "backups")

    def fresh(self, folder: Path) -> str:
        """The address of a new migrated database in `folder`."""
        path = folder / "moorage.sqlite"
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def empty(self, folder: Path) -> str:
        """The address of a database without any table."""
        return f"sqlite:///{folder}/moorage.sqlite"


class PostgresqlDatabases:
    """Databases of one server; `drop` each when it is no longer needed."""

    def __init__(self, server: PostgresqlServer, folder: Path) -> None:
        self._server = server
        _migrate(self._server.create(_TEMPLATE), folder / "backups")

    def fresh(self) -> tuple[str, str]:
        """Name and address of a new migrated database."""
        return self._create(_TEMPLATE)

    def empty(self) -> tuple[str, str]:
        """Name and address of a database without any table."""
        return self._create("template0")

    def drop(self, name: str) -> None:
        self._server.drop(name)

    def _create(self, template: str) -> tuple[str, str]:
        name = f"moorage_{os.getpid()}_{next(_numbers)}"
        return name, self._server.create(name, template)
