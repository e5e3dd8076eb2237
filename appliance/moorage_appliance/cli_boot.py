"""`moorage-appliance disks|configure|after-start`: the phases of the boot. They always end with 0."""

import logging

import click

from moorage_appliance.commands import SystemCommands
from moorage_appliance.configure import Boot
from moorage_appliance.paths import Paths


@click.command()
def disks() -> None:
    """Make file systems on blank disks; before they are mounted."""
    _boot().prepare_disks()


@click.command()
def configure() -> None:
    """Apply the properties; before the network is up."""
    _boot().configure()


@click.command("after-start")
def after_start() -> None:
    """Tell the registry what it takes only while it runs; after its start."""
    _boot().after_start()


def _boot() -> Boot:
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    return Boot(Paths(), SystemCommands())
