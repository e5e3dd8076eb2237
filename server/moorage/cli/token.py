"""`moorage token`: signing keys and personal access tokens."""

from datetime import timedelta

import click

from moorage.cli.context import services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.user import the_user
from moorage.events import SYSTEM


@click.group()
def token() -> None:
    """The key that signs tokens, and personal access tokens."""


@token.command("rotate-key")
@click.option("--void", is_flag=True, help="A key was stolen: tokens of older keys are void at once.")
@json_option
def rotate_key(void: bool, as_json: bool) -> None:
    """Sign with a new key from now on; tokens of the old one stay good until they expire."""
    with services() as found:
        name = found.keyring.rotate()
        removed = found.keyring.retire(timedelta(0)) if void else []
    show({"key": name, "removed": removed}, as_json=as_json)


@token.command("list")
@click.argument("user_name", metavar="USER")
@json_option
def list_tokens(user_name: str, as_json: bool) -> None:
    """List a user's personal access tokens."""
    with services() as found:
        rows: list[Row] = [
            {
                "id": each.id,
                "name": each.name,
                "hint": each.hint,
                "created_at": each.created_at,
                "expires_at": each.expires_at,
                "used_at": each.used_at,
            }
            for each in found.access_tokens.list(the_user(found, user_name).id)
        ]
    show_rows(rows, ("id", "name", "hint", "created_at", "expires_at", "used_at"), as_json=as_json)


@token.command()
@click.argument("user_name", metavar="USER")
@click.argument("name")
@click.option("--days", type=int, default=90, show_default=True, help="Until it expires; -1 for never.")
@json_option
def add(user_name: str, name: str, days: int, as_json: bool) -> None:
    """Make a personal access token for the command line; it is shown this once."""
    with services() as found:
        lifetime = None if days == -1 else timedelta(days=days)
        made, secret = found.access_tokens.create(SYSTEM, the_user(found, user_name).id, name, lifetime)
    show({"id": made.id, "name": made.name, "expires_at": made.expires_at, "token": secret}, as_json=as_json)


@token.command()
@click.argument("user_name", metavar="USER")
@click.argument("token_id", metavar="ID", type=int)
def revoke(user_name: str, token_id: int) -> None:
    """Revoke a personal access token, at once."""
    with services() as found:
        found.access_tokens.revoke(SYSTEM, the_user(found, user_name).id, token_id)
