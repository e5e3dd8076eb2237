"""`python -m moorage_ova`: everything between a source tree and a running appliance."""

from pathlib import Path

import click

from moorage_ova.build_command import build_command, preseed_command
from moorage_ova.deploy.command import deploy_command
from moorage_ova.errors import OvaError
from moorage_ova.package import package
from moorage_ova.verify import verify

_MIB = 2**20


class _Group(click.Group):
    """Errors of this package are told in words."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OvaError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Build, pack, check and deploy the appliance."""


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command("package")
@click.argument("vmdk", type=_FILE)
@click.option("--version", required=True, help="Of the product.")
@click.option("--into", default="build/ova", show_default=True, type=click.Path(path_type=Path))
def package_command(vmdk: Path, version: str, into: Path) -> None:
    """Pack VMDK, a disk in the streaming form, with its descriptor and manifest."""
    made = package(vmdk, version, into)
    click.echo(f"{made}: {made.stat().st_size / _MIB:.1f} MiB")


@main.command("verify")
@click.argument("file", type=_FILE)
def verify_command(file: Path) -> None:
    """Read the package FILE back and check all of it."""
    found = verify(file)
    for name, size in found.files:
        click.echo(f"  {name}  {size} bytes")
    click.echo(
        f"{file.name} is as it should be: Moorage {found.version}, {found.size / _MIB:.1f} MiB, "
        f"a system of {found.capacity // _MIB} MiB, {len(found.properties)} properties."
    )


main.add_command(build_command)
main.add_command(preseed_command)
main.add_command(deploy_command)
