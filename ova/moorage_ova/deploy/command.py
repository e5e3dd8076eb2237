"""`python -m moorage_ova deploy`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from moorage_appliance.properties import BY_KEY
from moorage_ova.deploy.deployment import Target, deploy
from moorage_ova.deploy.places import Wanted, refuse_to_ask
from moorage_ova.deploy.trust import Trust
from moorage_ova.deploy.values import gather
from moorage_ova.deploy.waiting import Answering, until_it_answers
from moorage_ova.hardware import SIZES

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HTTPS = 443
_MINUTES = 15
_STOPPED = 130


@click.command("deploy")
@click.argument("file", type=_FILE)
@click.option("--vcenter", "address", required=True, help="HOST or HOST:PORT.")
@click.option("--account", required=True)
@click.option("--password-file", type=_FILE, help="Else MOORAGE_VCENTER_PASSWORD, else it is asked for.")
@click.option("--ca", type=_FILE, help="Authorities of vCenter's certificate in PEM. Else the system's.")
@click.option("--thumbprint", default="", help="SHA-256 of vCenter's certificate, instead of an authority.")
@click.option("--name", default="moorage", show_default=True, help="Of the machine.")
@click.option("--size", type=click.Choice([each.name for each in SIZES]), default=SIZES[0].name)
@click.option("--datacenter", default="", help="Needed when there are several, as what follows.")
@click.option("--cluster", default="", help="Or a host that is in none.")
@click.option("--pool", default="", help="Resource pool of the cluster; else the cluster itself.")
@click.option("--folder", default="", help="Of machines; else that of the data center.")
@click.option("--datastore", default="")
@click.option("--network", default="")
@click.option("--properties", type=_FILE, help="TOML or JSON, a table for each class of properties.")
@click.option("--property", "given", multiple=True, help="CLASS.KEY=VALUE; no passwords.")
@click.option("--wait/--no-wait", default=True, help="Until the registry answers.")
@click.option("--minutes", default=_MINUTES, type=float, show_default=True, help="How long to wait.")
def deploy_command(
    file: Path,
    address: str,
    account: str,
    password_file: Path | None,
    ca: Path | None,
    thumbprint: str,
    name: str,
    size: str,
    properties: Path | None,
    given: tuple[str, ...],
    *,
    wait: bool,
    minutes: float,
    **wanted: str,
) -> None:
    """Import the package FILE into vSphere, start it, and wait until the registry answers.

    Where there are several places of a kind and none was named, it is asked for at a terminal.
    """
    values = gather(properties, given)
    host, _, port = address.partition(":")
    if port and not port.isdecimal():
        raise click.BadParameter(f"{address} is not HOST:PORT")
    trust, password = Trust(ca, thumbprint), _password(password_file)
    target = Target(host, int(port or _HTTPS), account, trust, name, size, Wanted(**wanted), values)
    answering: list[Answering] = []

    def then(machine: Any) -> None:
        click.echo(f"{name} is started")
        if wait:
            serving = int(values.get("registry.port") or BY_KEY["registry.port"].default)
            answering.append(until_it_answers(machine, serving, minutes * 60, click.echo))

    try:
        deploy(file, target, password, _Bar(), ask=_ask if sys.stdin.isatty() else refuse_to_ask, then=then)
    except KeyboardInterrupt:
        click.echo("stopped; a machine that was started goes on, one that was half sent is gone", err=True)
        sys.exit(_STOPPED)
    for each in answering:
        click.echo(f"the registry answers at https://{each.address}:{each.port}")
        click.echo(f"its certificate, to be compared with the console: SHA256 {each.fingerprint}")
        click.echo("its authority: /api/v2.0/systeminfo/getcert at the same address")


class _Bar:
    """Lines of progress: a bar at a terminal, every tenth of the way elsewhere."""

    _STEP = 10

    def __init__(self) -> None:
        self._shown = -1
        self._terminal = sys.stdout.isatty()

    def __call__(self, percent: int) -> None:
        step = percent if self._terminal else percent // self._STEP * self._STEP
        if step == self._shown:
            return
        self._shown = step
        if self._terminal:
            filled = "#" * (step // 4)
            click.echo(f"\rdisk [{filled:<25}] {step:3} %", nl=step == 100)  # noqa: PLR2004
        else:
            click.echo(f"disk {step} %")


def _ask(label: str, names: Sequence[str]) -> str:
    for number, each in enumerate(names, 1):
        click.echo(f"  {number}  {each}")
    number = click.prompt(f"Which {label}", type=click.IntRange(1, len(names)))
    return names[number - 1]


def _password(file: Path | None) -> str:
    if file is not None:
        return file.read_text().rstrip("\n")
    return os.environ.get("MOORAGE_VCENTER_PASSWORD") or str(click.prompt("Password", hide_input=True))
