"""`moorage-appliance network`."""

import json
from dataclasses import asdict

import click

from moorage_appliance import addresses
from moorage_appliance.commands import SystemCommands
from moorage_appliance.network_check import check
from moorage_appliance.network_state import compare
from moorage_appliance.overview import settings_of_boot
from moorage_appliance.paths import Paths


@click.command()
@click.option("--check", "checks", is_flag=True, help="Also try to reach everybody that was filled in.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def network(checks: bool, as_json: bool) -> None:
    """Show the network as it was set and as it is; exit with 1 when they differ or something is out of reach.

    It is set by the machine's properties: shut the guest down, edit them in vSphere, start it.
    """
    commands, settings = SystemCommands(), settings_of_boot(Paths())
    reached = [str(each) for each in addresses.present(commands)]
    states = compare(settings.network, reached, commands)
    tried = list(check(settings, reached, commands)) if checks else []
    if as_json:
        rows = [{**asdict(each), "agrees": each.agrees} for each in states]
        click.echo(json.dumps({"network": rows, "checks": [asdict(each) for each in tried]}, indent=2))
    else:
        for each in states:
            wanted = "" if each.agrees else f"  but set is {each.wanted}"
            click.echo(f"{each.name:<16}{each.present or 'none'}{wanted}")
        for one in tried:
            click.echo(f"{one.name:<16}{one.target}: {one.wrong or 'ok'}")
    if not all(each.agrees for each in states) or any(each.wrong for each in tried):
        raise SystemExit(1)
