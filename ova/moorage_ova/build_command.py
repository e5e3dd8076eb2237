"""`python -m moorage_ova build`."""

import signal
from pathlib import Path
from types import FrameType

import click

from moorage_ova.image import Places, build
from moorage_ova.preseed import answers

_PROJECT = Path(__file__).parents[2]
_MIB = 2**20
_STOPPED = 130


@click.command("build")
@click.option("--fresh", is_flag=True, help="Get Debian's packages anew, also if their list is the same.")
@click.option(
    "--into",
    default=_PROJECT / "build/ova",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for all products (build/ova of the source tree unless given).",
)
@click.pass_context
def build_command(ctx: click.Context, fresh: bool, into: Path) -> None:
    """Build the appliance's image; needs root, and a host with Debian's package sources."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        made = build(Places(_PROJECT, into.resolve()), click.echo, fresh=fresh)
    except KeyboardInterrupt:
        click.echo("stopped; nothing is left running, and the next build begins anew", err=True)
        ctx.exit(_STOPPED)
    click.echo(f"{made}: {made.stat().st_size / _MIB:.1f} MiB")


def _as_ctrl_c(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@click.command("preseed")
@click.option("--key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mirror", required=True, help="Address of a Debian mirror that the machine reaches, http.")
@click.option("--into", default="build/ova/http", show_default=True, type=click.Path(path_type=Path))
def preseed_command(key: Path, mirror: str, into: Path) -> None:
    """Write the answers to Debian's installer for a build on vSphere; KEY is the public half of its key."""
    text = answers(_PROJECT / "packer/http/preseed.cfg.in", mirror, key.read_text())
    into.mkdir(parents=True, exist_ok=True)
    (into / "preseed.cfg").write_text(text)
    click.echo(into / "preseed.cfg")
