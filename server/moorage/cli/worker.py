"""`moorage worker`: housekeeping as a process of its own."""

import signal
import threading

import click

from moorage.cli.context import services
from moorage.jobs.worker import Worker


@click.command()
@click.option("--once", is_flag=True, help="Do everything once and end; exit with 1 when something failed.")
def worker(once: bool) -> None:
    """Do the housekeeping: expire uploads, sweep the spool, retire keys.

    `moorage serve` starts one of these by itself; run it alone where the server runs without it.
    """
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    with services() as found:
        house = Worker(found.chores())
        if not once:
            house.run(stop)
        elif failed := house.run_once():
            raise click.ClickException("failed: " + ", ".join(failed))
