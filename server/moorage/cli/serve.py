"""`moorage serve`: prepare what is missing and serve until told to end."""

import fcntl
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from moorage import __version__, logs
from moorage.cli.context import CommandError, settings, told
from moorage.cli.welcome import FIRST_ADMINISTRATOR, FIRST_PROJECT, PASSWORD_FILE, make_first_administrator
from moorage.config import Settings
from moorage.db import migrate
from moorage.db.connection import close_connection, open_database
from moorage.events import SYSTEM
from moorage.jobs.errors import ExecutionRunningError
from moorage.jobs.model import Trigger
from moorage.services import Services
from moorage.serving.listener import ListenError
from moorage.serving.serve import serve as run
from moorage.web.app import RootApp, root_app


@click.command()
@click.option("--no-worker", is_flag=True, help="Leave the housekeeping to a `moorage worker` elsewhere.")
def serve(no_worker: bool) -> None:
    """Start the registry: bring the database up to date, make keys and the first administrator, serve.

    SIGTERM and Ctrl-C end it after the requests under way; SIGHUP replaces its processes one by one.
    """
    found = settings()
    logs.configure(found.log)
    data = found.storage.data
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _Alone(data), told():
        password = _prepare(found)
        child = _Child(found)
        try:
            code = run(
                lambda: child.app,
                found.server,
                data / "spool",
                lambda: child.app.admission,
                None if no_worker else child.work,
                on_child_start=child.start,
                on_child_stop=child.stop,
                on_ready=lambda addresses: _welcome(found, addresses, password),
            )
        except ListenError as error:
            raise CommandError(str(error)) from error
    raise SystemExit(code)


class _Child:
    """What one forked process has: services of its own, and the application over them."""

    def __init__(self, found: Settings) -> None:
        self._settings = found
        self._services: Services | None = None
        self._app: RootApp | None = None

    def start(self, _: int) -> None:
        """Build everything anew: neither connections nor threads come through a fork."""
        self._services = Services.build(self._settings)
        self._services.audit.start()

    @property
    def services(self) -> Services:
        if self._services is None:
            raise RuntimeError("the process was not started")
        return self._services

    @property
    def app(self) -> RootApp:
        if self._app is None:
            self._app = root_app(self.services)
        return self._app

    def work(self, stop: threading.Event) -> None:
        """Do the housekeeping and the jobs."""
        self.services.worker().run(stop)

    def stop(self) -> None:
        """Write what waits to be written."""
        if self._services is not None:
            self._services.audit.stop()
        close_connection()


class _Alone:
    """One server a data folder: a second one would empty the spool under the first."""

    def __init__(self, data: Path) -> None:
        self._path = data / "serve.lock"
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another moorage serves from {self._path.parent}") from None

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _prepare(found: Settings) -> str | None:
    """Schema, keys, folders, first administrator; returns the password that was made up, if any."""
    open_database(found.database_url)
    migrate.upgrade(found.storage.data / "backups")
    services = Services.build(found)
    # Nobody is sending yet, so whatever lies there was never acknowledged.
    services.spool.empty()
    services.webhooks.bind_secrets()
    password = make_first_administrator(services, os.environ.get("MOORAGE_ADMIN_PASSWORD"))
    if found.gc.on_restart:
        _ask_for_collection(services)
    close_connection()
    return password


def _ask_for_collection(services: Services) -> None:
    """Have the worker collect while the server answers already."""
    budget = {"budget_minutes": services.settings.gc.restart_minutes}
    with suppress(ExecutionRunningError):  # one that the last process left behind is taken up anyway
        services.executions.request(SYSTEM, "gc", trigger=Trigger.RESTART, parameters=budget)


def _welcome(found: Settings, addresses: Sequence[str], password: str | None) -> None:
    address = found.server.external_url or addresses[0]
    lines = [f"Moorage {__version__} is ready at {address}", f"  data      {found.storage.data}"]
    if not found.server.socket_folder:
        host = address.partition("://")[2]
        lines += [
            f"  log in    docker login {host} -u {FIRST_ADMINISTRATOR}",
            f"  push      docker tag IMAGE {host}/{FIRST_PROJECT}/IMAGE",
            f"            docker push {host}/{FIRST_PROJECT}/IMAGE",
        ]
    if password is not None:
        kept = found.storage.data / PASSWORD_FILE
        lines.insert(2, f"  password  {password}   (shown this once; kept in {kept})")
    click.echo("\n".join(lines))
    sys.stdout.flush()
