"""`moorage-appliance upgrade`, `rollback`, and what the boot calls."""

import logging
from pathlib import Path

import click

from moorage_appliance.commands import CommandFailedError, SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.upgrade.errors import UpgradeError
from moorage_appliance.upgrade.upgrading import Upgrading

#: The copy of a large database takes its time.
_SECONDS = 6 * 3600


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--database-is-backed-up", is_flag=True, help="A PostgreSQL elsewhere: its copy is the site's.")
@click.option(
    "--minutes", default=5.0, show_default=True, help="How long the new release may take to be well."
)
def upgrade(bundle: Path, database_is_backed_up: bool, minutes: float) -> None:
    """Put the release in BUNDLE into the place of the one that runs.

    Everything is verified and made while the registry serves; it is away while the releases change
    places. If the new one is not well, the earlier one is brought back by itself.
    """
    made = _upgrading(minutes).upgrade
    try:
        version = made(bundle, database_is_backed_up=database_is_backed_up)
    except (UpgradeError, CommandFailedError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Moorage {version} runs; `moorage-appliance rollback` goes back")


@click.command()
@click.confirmation_option(
    "--yes",
    prompt="Go back to the release before? If it cannot read the database as it is now, "
    "what was written since the upgrade is set aside.",
)
def rollback() -> None:
    """Put the release before the last upgrade into the place of the one that runs.

    The database stays as it is when the earlier release can go on with it. Else its copy from before
    the upgrade comes back, and the present one is set aside.
    """
    try:
        journal = _upgrading(5.0).rollback()
    except (UpgradeError, CommandFailedError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Moorage {journal.before} runs again")


@click.command(hidden=True)
def recover() -> None:
    """Take back an upgrade that was interrupted; at boot, before anything runs."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    if _upgrading(5.0).recover():
        logging.warning("an upgrade was interrupted and has been taken back")


def _upgrading(minutes: float) -> Upgrading:
    return Upgrading(Paths(), SystemCommands(_SECONDS), click.echo, minutes * 60)
