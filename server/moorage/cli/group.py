"""`moorage group`: groups of the directory that may be given roles here."""

import click

from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.events import SYSTEM
from moorage.identity.model import Group
from moorage.identity.refresh import KIND
from moorage.jobs.model import State
from moorage.services import Services

_COLUMNS = ("id", "name", "people", "roles", "created_at")


@click.group()
def group() -> None:
    """Groups of the directory that are known here: add, list, show, delete."""


@group.command("list")
@click.option("--match", default="", help="Only names that contain this text.")
@json_option
def list_groups(match: str, as_json: bool) -> None:
    """List groups, with how many people are in each as far as is known, and their roles."""
    with services() as found:
        total = found.groups.count(match)
        rows = [_row(found, each) for each in found.groups.list(q=match, limit=total, offset=0)]
    show_rows(rows, _COLUMNS, as_json=as_json)


@group.command("show")
@click.argument("name")
@json_option
def show_group(name: str, as_json: bool) -> None:
    """Show a group, and when the directory was last asked about everybody."""
    with services() as found:
        done = found.executions.page(KIND, state=State.SUCCESS, limit=1)
        row = {**_row(found, _the_group(found, name)), "refreshed_at": done[0].ended_at if done else None}
    show(row, as_json=as_json)


@group.command()
@click.argument("name")
@json_option
def add(name: str, as_json: bool) -> None:
    """Make a group of the directory known; who is in it is known after the next refresh."""
    with services() as found:
        row = _row(found, found.groups.create(SYSTEM, name))
    show(row, as_json=as_json)


@group.command()
@click.argument("name")
@click.confirmation_option("--yes", prompt="Forget this group, and the roles that it gives?")
def delete(name: str) -> None:
    """Forget a group, and with it the roles that it gives; the directory keeps it."""
    with services() as found:
        found.groups.delete(SYSTEM, _the_group(found, name).id)


def _the_group(found: Services, name: str) -> Group:
    known = found.groups.find(name)
    if known is None:
        raise CommandError(f"no group is called {name!r}")
    return known


def _row(found: Services, known: Group) -> Row:
    roles = found.roles.of_group(known.id)
    return {
        "id": known.id,
        "name": known.name,
        "people": found.groups.count_people(known.id),
        "roles": {name: role.name.lower().replace("_", "-") for name, role in roles.items()},
        "created_at": known.created_at,
    }
