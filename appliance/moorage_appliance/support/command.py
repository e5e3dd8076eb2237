"""`moorage-appliance support-bundle`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from moorage_appliance.commands import SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.support.bundle import BundleError, make_bundle


@click.command("support-bundle")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How far back the journal goes."
)
def support_bundle(file: Path | None, days: int) -> None:
    """Write FILE (.tar.gz), for support: versions, state, configuration, journal, without secrets.

    Without FILE it is made in /var/tmp.
    """
    now = datetime.now(UTC)
    target = (file or Path(f"/var/tmp/moorage-support-{now:%Y%m%dT%H%M%SZ}.tar.gz")).absolute()  # noqa: S108
    try:
        made = make_bundle(Paths(), SystemCommands(), target, days=days, now=now)
    except BundleError as error:
        raise click.ClickException(str(error)) from error
    for name in made.missing:
        click.echo(f"not to be had: {name}", err=True)
    click.echo(f"{made.path}: {made.members} members, {made.size_bytes / 1024:.0f} KiB")
    click.echo("Passwords, keys and tokens are out of it; names of hosts, people and repositories are in it.")
