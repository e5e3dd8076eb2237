"""`moorage-appliance`: each phase of the boot is one command of it, and so is each task of day two."""

import click

from moorage_appliance.backup.command import backup, restore
from moorage_appliance.certificate.command import certificate
from moorage_appliance.cli_boot import after_start, configure, disks
from moorage_appliance.console import console, status
from moorage_appliance.network_command import network
from moorage_appliance.support.command import support_bundle
from moorage_appliance.upgrade.command import recover, rollback, upgrade


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The appliance that Moorage runs in: its boot, its state, its upkeep."""


main.add_command(after_start)
main.add_command(backup)
main.add_command(certificate)
main.add_command(configure)
main.add_command(console)
main.add_command(disks)
main.add_command(restore)
main.add_command(status)
main.add_command(support_bundle)
main.add_command(network)
main.add_command(recover)
main.add_command(rollback)
main.add_command(upgrade)

if __name__ == "__main__":
    main()
