"""`moorage serve`: prepare what is missing and serve until told to end."""

import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from moorage import __version__, logs
from moorage.cli.alone import Part, alone
from moorage.cli.context import CommandError, settings, told
from moorage.cli.prepare import make_ready
from moorage.cli.service_manager import tell_ready
from moorage.cli.welcome import FIRST_PROJECT
from moorage.config import Settings
from moorage.db import migrate
from moorage.db.connection import close_connection, open_database
from moorage.events import SYSTEM
from moorage.identity.made_up_password import FIRST_ADMINISTRATOR, PASSWORD_FILE
from moorage.jobs.errors import ExecutionRunningError
from moorage.jobs.model import Trigger
from moorage.services import Services
from moorage.serving.listener import ListenError
from moorage.serving.serve import serve as run
from moorage.web.app import RootApp, root_app


@click.command()
@click.argument("part", required=False, type=click.Choice([each.value for each in Part]))
@click.option("--no-worker", is_flag=True, help="Leave the housekeeping to a `moorage worker` elsewhere.")
def serve(part: str | None, no_worker: bool) -> None:
    """Start the registry: bring the database up to date, make keys and the first administrator, serve.

    With PART, serve only this half, on sockets in a folder of that name, for a proxy that tells the halves
    apart. `moorage prepare` has made everything ready, and a `moorage worker` does the housekeeping.

    SIGTERM and Ctrl-C end it after the requests under way; SIGHUP replaces its processes one by one.
    """
    found = settings()
    logs.configure(found.log)
    chosen = None if part is None else Part(part)
    if chosen is not None:
        found = _of_part(found, chosen)
    with alone(found.storage.data, chosen), told():
        if chosen is None:
            password = make_ready(found, _begin)
        else:
            password = None
            _take_up(found, chosen)
        _serve(found, password, worker=chosen is None and not no_worker)


def _of_part(found: Settings, part: Part) -> Settings:
    """The settings with which one half serves."""
    server = found.server
    if not server.socket_folder:
        raise CommandError("server.socket_folder is not set: the halves of a server listen on Unix sockets")
    processes = server.processes if part is Part.REGISTRY else server.portal_processes
    folder = str(Path(server.socket_folder, part))
    return replace(found, server=replace(server, socket_folder=folder, processes=processes))


def _take_up(found: Settings, part: Part) -> None:
    """Go on with what `moorage prepare` has made ready.

    Raises:
        CommandError: it has not.
    """
    open_database(found.database_url)
    state = migrate.status()
    if state.pending or state.unknown:
        raise CommandError("the database is not of this release; run `moorage prepare`")
    if part is Part.REGISTRY:
        _begin(Services.build(found))
    close_connection()


def _begin(services: Services) -> None:
    """Clear up after the last run."""
    # Nobody is sending yet, so whatever lies there was never acknowledged.
    services.spool.empty()
    if services.settings.gc.on_restart:
        _ask_for_collection(services)


def _serve(found: Settings, password: str | None, *, worker: bool) -> None:
    child = _Child(found)
    try:
        code = run(
            lambda: child.app,
            found.server,
            found.storage.data / "spool",
            lambda: child.app.admission,
            child.work if worker else None,
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
    tell_ready(lines[0])
