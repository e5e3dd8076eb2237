"""`moorage worker`: housekeeping and jobs as a process of its own."""

import threading

import click

from moorage.cli.context import services
from moorage.cli.service_manager import tell_ready
from moorage.cli.signals import heard
from moorage.jobs.model import State
from moorage.services import Services


@click.command()
@click.option("--once", is_flag=True, help="Do everything once and end; exit with 1 when something failed.")
def worker(once: bool) -> None:
    """Do the housekeeping and the jobs: expire uploads, retire keys, collect, check, purge.

    `moorage serve` starts one of these by itself; run it alone where the server runs without it.
    """
    stop = threading.Event()
    with heard(lambda _: stop.set()), services() as found:
        if not once:
            ours = found.worker()
            tell_ready("working")
            ours.run(stop)
        elif failed := _work_once(found, stop):
            raise click.ClickException("failed: " + ", ".join(failed))


def _work_once(found: Services, stop: threading.Event) -> list[str]:
    """Every chore, then every job that waits; returns what failed."""
    failed = found.worker().run_once()
    while not stop.is_set() and (done := found.runner.run_next(stop=stop)) is not None:
        if done.state is State.ERROR:
            failed.append(f"{done.kind} {done.id}")
    while not stop.is_set() and found.dispatcher.deliver_next():
        continue
    return failed
