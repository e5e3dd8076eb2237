"""`moorage directory`: the vCenter whose people may log in."""

import sys
from pathlib import Path

import click

from moorage.certificates import shown_thumbprint
from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show
from moorage.cli.user import read_password
from moorage.errors import Invalid
from moorage.events import SYSTEM
from moorage.identity.connection import ADMINISTRATOR_PRIVILEGES, Connection, Domain
from moorage.identity.predecessors import Known
from moorage.services import Services

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking."
)


@click.group()
def directory() -> None:
    """The vCenter whose people may log in: connect, test, show, disconnect."""


@directory.command()
@click.argument("address")
@click.option("--account", required=True, metavar="NAME@DOMAIN", help="The account that looks people up.")
@click.option("--ca", type=click.Path(path_type=Path), help="File with the certificates of issuers, PEM.")
@click.option("--thumbprint", default="", metavar="HEX", help="SHA-256 of vCenter's own certificate.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="NAME[=ALIAS]",
    help="A domain whose people may come; that of the account unless others are named.",
)
@click.option(
    "--admin-privilege",
    "privileges",
    multiple=True,
    metavar="PRIVILEGE",
    help=f"Who has all of these on the root folder is an administrator; {ADMINISTRATOR_PRIVILEGES[0]} unless "
    "others are named or a group is.",
)
@click.option("--admin-group", default="", metavar="NAME@DOMAIN", help="Whose members are administrators.")
@click.option("--no-admins", is_flag=True, help="Nobody is an administrator by being one in vCenter.")
@click.option(
    "--known-people",
    type=click.Choice(["keep", "forget"]),
    help="Whether people and groups known from an earlier connection are those of this vCenter (keep), or "
    "others with maybe the same names, so that they lose all that they were given (forget).",
)
@click.option("--untested", is_flag=True, help="Keep the connection without trying it out.")
@password_option
@json_option
def connect(
    address: str,
    *,
    account: str,
    ca: Path | None,
    thumbprint: str,
    domains: tuple[str, ...],
    privileges: tuple[str, ...],
    admin_group: str,
    no_admins: bool,
    known_people: str | None,
    untested: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Connect to a vCenter, or change the connection to this.

    Without --ca and --thumbprint the certificate that vCenter shows is shown to you, and kept if you agree.
    """
    if ca is not None and thumbprint:
        raise CommandError("give --ca or --thumbprint, not both")
    if no_admins and (privileges or admin_group):
        raise CommandError("--no-admins goes with neither --admin-privilege nor --admin-group")
    usual = () if no_admins or admin_group else ADMINISTRATOR_PRIVILEGES
    with services() as found:
        if ca is None and not thumbprint:
            thumbprint = _agreed(found, address, asks=not password_stdin)
        wanted = Connection(
            address=address,
            account=account,
            authorities="" if ca is None else _text(ca),
            thumbprint=thumbprint,
            domains=tuple(Domain.parse(each) for each in domains),
            admin_privileges=privileges or usual,
            admin_group=admin_group,
        )
        secret = _password(password_stdin)
        if not untested:
            found.connections.check(wanted, secret)
        known = None if known_people is None else Known(known_people)
        made = found.connections.put(SYSTEM, wanted, secret, known)
    show(_row(made), as_json=as_json)


@directory.command()
@click.option("--user", metavar="NAME", help="Log in as this person, too, and tell who it is.")
@password_option
@json_option
def test(user: str | None, password_stdin: bool, as_json: bool) -> None:
    """Try the connection out: exit code 0 if it works."""
    with services() as found:
        connection = found.connections.get()
        reached = found.connections.look(
            connection.address, authorities=connection.authorities, thumbprint=connection.thumbprint
        )
        found.connections.check_stored()
        row: dict[str, object] = {
            "address": connection.address,
            "vcenter": reached.name,
            "thumbprint": reached.certificate.shown,
            "expires_at": reached.certificate.not_after,
            "account": connection.account,
        }
        if user is not None:
            row |= _proved(found, user, _password(password_stdin))
    show(row, as_json=as_json)


@directory.command("show")
@json_option
def show_connection(as_json: bool) -> None:
    """Show the connection; its password is never shown."""
    with services() as found:
        show(_row(found.connections.get()), as_json=as_json)


@directory.command()
@click.confirmation_option("--yes", prompt="Disconnect? vCenter's people cannot log in any more.")
def disconnect() -> None:
    """Forget the connection and its password."""
    with services() as found:
        found.connections.disconnect(SYSTEM)


def _agreed(found: Services, address: str, *, asks: bool) -> str:
    """The thumbprint of the certificate shown there, once a person has said that it is the right one."""
    if not asks or not sys.stdin.isatty():
        raise CommandError("nobody can be asked about vCenter's certificate: give --ca or --thumbprint")
    certificate = found.connections.look(address).certificate
    click.echo(f"The certificate at {address}:")
    for name, value in (
        ("subject", certificate.subject),
        ("issuer", certificate.issuer),
        ("good until", certificate.not_after.isoformat(sep=" ", timespec="seconds")),
        ("SHA-256", certificate.shown),
    ):
        click.echo(f"  {name:<10}  {''.join(each if each.isprintable() else '?' for each in value)}")
    click.confirm("Is this the thumbprint that vCenter has?", abort=True)
    return certificate.thumbprint


def _proved(found: Services, name: str, password: str) -> Row:
    person = found.directory.prove(name, password)
    return {
        "user": person.name,
        "real_name": person.real_name,
        "administrator": person.administrator,
        "groups": sorted(person.groups),
    }


def _password(from_stdin: bool) -> str:
    return read_password(True) if from_stdin else str(click.prompt("Password", hide_input=True))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        raise Invalid(f"{path} is no PEM file") from None


def _row(connection: Connection) -> Row:
    return {
        "address": connection.address,
        "account": connection.account,
        "password": "kept" if connection.has_secret else "missing",
        "verified_by": "issuers" if connection.authorities else "thumbprint",
        "thumbprint": shown_thumbprint(connection.thumbprint) or None,
        "domains": [str(each) for each in connection.domains],
        "admin_privileges": list(connection.admin_privileges),
        "admin_group": connection.admin_group or None,
        "updated_at": connection.updated_at,
    }
