"""A PostgreSQL server of our own: a temporary folder, a free port, gone with the test run."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.child import Child, ChildEndedError
from tests.support.free_port import free_port

_ACCOUNT = "moorage"
_PASSWORD = "Quay-side-7"
_TRIES = 5
# Nothing here outlives the run, so nothing has to survive a power cut.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "log_min_error_statement": "panic",
}


class PostgresqlMissingError(RuntimeError):
    """The server's programs are not on this machine."""


def _program(name: str) -> str:
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: float(path.parent.parent.name), default=None)
    found = str(newest) if newest else shutil.which(name)
    if found is None:
        raise PostgresqlMissingError(f"{name} is not installed; use --no-postgresql to test on SQLite alone")
    return found


def _owner() -> str | None:
    """The account that runs the server; it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    accounts = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in accounts else "nobody"


class PostgresqlServer:
    """Started on construction; `stop` ends it and removes its folder.

    The default collation is a language's, as on most sites, so that an order by bytes is never
    had by luck.
    """

    def __init__(self) -> None:
        # Beside pytest's own folder, not below it: that one is closed to the account of the server.
        root = os.environ.get("PYTEST_DEBUG_TEMPROOT")
        self._folder = Path(tempfile.mkdtemp(prefix="moorage-postgresql-", dir=root))
        self._owner = _owner()
        if self._owner is not None:
            shutil.chown(self._folder, self._owner)
        try:
            self._make()
            self._start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)

    def url(self, name: str) -> str:
        """The address of database `name`, as a site's administrator would write it."""
        return f"postgresql://{_ACCOUNT}:{_PASSWORD}@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, as a copy of `template`; returns its address."""
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server and remove everything of it."""
        self._admin.close()
        self._child.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        password = self._folder / "password"
        password.write_text(_PASSWORD)
        subprocess.run(
            [
                *self._as_owner(),
                _program("initdb"),
                f"--pgdata={self._folder}/data",
                f"--username={_ACCOUNT}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en-US",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd="/",
        )

    def _start(self) -> None:
        for left in reversed(range(_TRIES)):
            self.port = free_port()
            self._child = Child(self._command(), Path(os.devnull), cwd=Path("/"))
            try:
                self._child.wait_for("database system is ready to accept connections", 60)
            except ChildEndedError:
                self._child.kill()
                if not left:
                    raise
            else:
                return

    def _command(self) -> list[str]:
        settings = {
            **_SETTINGS,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "log_min_messages": "log",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*self._as_owner(), _program("postgres"), "-D", f"{self._folder}/data", *options]

    def _as_owner(self) -> list[str]:
        if self._owner is None:
            return []
        group = pwd.getpwnam(self._owner).pw_gid
        account = [f"--reuid={self._owner}", f"--regid={group}", "--clear-groups"]
        return ["setpriv", *account, "--pdeathsig=KILL", "--"]
