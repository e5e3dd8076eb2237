"""`moorage-appliance certificate`: what clients are shown, and its renewal."""

import json
from datetime import UTC, datetime

import click

from moorage_appliance import addresses, landing
from moorage_appliance.certificate.model import Described, Source
from moorage_appliance.certificate.service import served_now
from moorage_appliance.certificate.x509s import UnreadableError
from moorage_appliance.commands import SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.pem import PemInvalidError
from moorage_appliance.settings import read_settings
from moorage_appliance.status import StatusFile
from moorage_appliance.steps.certificate import STEP, settle

_WHOSE = {
    Source.OWN: "made by the appliance's own authority, renewed by itself",
    Source.SUPPLIED: "from the properties",
    Source.STAND_IN: "the appliance's own, for the landing page: the supplied one was refused",
}
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group()
def certificate() -> None:
    """The certificate that registry and portal are served with."""


@certificate.command()
@_json
def show(as_json: bool) -> None:
    """Show it, those that signed it, and for how long they last."""
    _show(Paths(), as_json=as_json)


@certificate.command()
@_json
@click.option("--anew", is_flag=True, help="Even if the one there is could go on.")
@click.option(
    "--authority", is_flag=True, help="The authority as well; every client has to trust the new one."
)
def renew(as_json: bool, anew: bool, authority: bool) -> None:
    """Renew the appliance's own certificate if it ends soon or names and addresses are others.

    A supplied certificate is looked at again. Exits with 1 when something about it has to be mended.
    """
    paths, commands = Paths(), SystemCommands()
    settings, _ = read_settings(_properties(paths))
    outcome = settle(
        settings, paths, addresses.present(commands), anew=anew or authority, authority=authority
    )
    StatusFile(paths).problems(STEP, outcome.problems)
    landing.write(paths)
    if outcome.changed:
        commands.run("systemctl", "try-reload-or-restart", "nginx.service", check=False)
    for each in outcome.problems:
        click.echo(f"{each.property or 'certificate'}: {each.message} {each.remedy}", err=True)
    _show(paths, as_json=as_json)
    if any(not each.warning for each in outcome.problems):
        raise SystemExit(1)


def _properties(paths: Paths) -> dict[str, str]:
    try:
        found = json.loads((paths.run / "properties.json").read_text())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"what this boot was configured with cannot be read: {error}") from error
    values = found.get("values", found)
    return {str(key): str(value) for key, value in values.items()}


def _show(paths: Paths, *, as_json: bool) -> None:
    try:
        source, chain, authority = served_now(paths.tls)
    except (OSError, ValueError, PemInvalidError, UnreadableError) as error:
        raise click.ClickException(f"there is no certificate yet: {error}") from error
    now = datetime.now(UTC)
    if as_json:
        row = {
            "source": source.value,
            "certificate": _row(chain[0], now),
            "signed_by": [_row(each, now) for each in chain[1:]],
            "authority": _row(authority, now) if authority else None,
        }
        click.echo(json.dumps(row, indent=2))
        return
    click.echo(f"whose        {_WHOSE[source]}")
    _print("certificate", chain[0], now)
    for each in chain[1:]:
        _print("signed by", each, now)
    if authority is not None:
        _print("authority", authority, now)


def _row(each: Described, now: datetime) -> dict[str, object]:
    return {
        "subject": each.subject,
        "issuer": each.issuer,
        "names": list(each.names),
        "not_before": each.not_before.isoformat(),
        "not_after": each.not_after.isoformat(),
        "days_left": each.days_left(now),
        "fingerprint_sha256": each.fingerprint,
        "algorithm": each.algorithm,
    }


def _print(heading: str, each: Described, now: datetime) -> None:
    click.echo(f"{heading:<12} {_plain(each.subject)}")
    if each.names:
        click.echo(f"  names      {_plain(', '.join(each.names))}")
    click.echo(f"  signed by  {_plain(each.issuer)}")
    click.echo(f"  key        {each.algorithm}")
    click.echo(f"  until      {each.not_after:%Y-%m-%d %H:%M} UTC, {each.days_left(now)} days left")
    click.echo(f"  SHA-256    {each.fingerprint}")


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
