"""`moorage user`: local accounts."""

import sys

import click

from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.events import SYSTEM
from moorage.identity.model import User
from moorage.services import Services

_COLUMNS = ("id", "name", "email", "source", "admin", "auditor", "disabled", "seen_at", "created_at")

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking."
)


@click.group()
def user() -> None:
    """Local accounts: add, list, change password, disable, delete."""


@user.command("list")
@click.option("--match", default="", help="Only names that contain this text.")
@json_option
def list_users(match: str, as_json: bool) -> None:
    """List accounts; of people of the directory also when it last spoke of them (`seen_at`)."""
    with services() as found:
        total = found.users.count(q=match)
        rows = [_row(each) for each in found.users.list(q=match, limit=total, offset=0)]
    show_rows(rows, _COLUMNS, as_json=as_json)


@user.command()
@click.argument("name")
@click.option("--email", default="")
@click.option("--real-name", default="")
@click.option("--admin", is_flag=True, help="Make it a system administrator.")
@password_option
@json_option
def add(name: str, *, email: str, real_name: str, admin: bool, password_stdin: bool, as_json: bool) -> None:
    """Add an account."""
    secret = read_password(password_stdin)
    with services() as found:
        made = found.users.create(SYSTEM, name, secret, email=email, real_name=real_name, admin=admin)
    show(_row(made), as_json=as_json)


@user.command()
@click.argument("name")
@password_option
def password(name: str, password_stdin: bool) -> None:
    """Set a new password; tokens given out so far are void at once."""
    secret = read_password(password_stdin)
    with services() as found:
        changed = found.users.change_password(SYSTEM, the_user(found, name).id, secret, old=None)
        found.made_up_password.changed(changed.name)


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Shut an account out, at once."""
    with services() as found:
        found.users.set_disabled(SYSTEM, the_user(found, name).id, True)


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let a disabled account in again."""
    with services() as found:
        found.users.set_disabled(SYSTEM, the_user(found, name).id, False)


@user.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="Take the right away.")
def admin(name: str, off: bool) -> None:
    """Make an account a system administrator."""
    with services() as found:
        found.users.set_admin(SYSTEM, the_user(found, name).id, not off)


@user.command()
@click.argument("name")
@click.option("--on/--off", "flag", default=True, help="Give the mark (as it is without either), or take it.")
def auditor(name: str, *, flag: bool) -> None:
    """Let an account read who may do what, and the log, everywhere; by that it may change nothing."""
    with services() as found:
        found.users.set_auditor(SYSTEM, the_user(found, name).id, flag)


@user.command()
@click.argument("name")
@click.confirmation_option("--yes", prompt="Delete this account?")
def delete(name: str) -> None:
    """Delete an account; its entries in the log stay."""
    with services() as found:
        found.users.delete(SYSTEM, the_user(found, name).id)


def the_user(found: Services, name: str) -> User:
    """The account called `name`.

    Raises:
        CommandError: there is none.
    """
    account = found.users.find(name)
    if account is None:
        raise CommandError(f"no user is called {name!r}")
    return account


def read_password(from_stdin: bool) -> str:
    """A password from standard input (its first line) or from the terminal, asked twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _row(account: User) -> Row:
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "source": account.source.value,
        "admin": account.is_admin,
        "auditor": account.auditor,
        "disabled": account.disabled,
        "seen_at": account.seen_at,
        "created_at": account.created_at,
    }
