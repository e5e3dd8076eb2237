"""`moorage robot`: accounts for machines."""

import click

from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.project import the_project
from moorage.events import SYSTEM
from moorage.identity.model import Robot, RobotRight
from moorage.services import Services

_PULL = frozenset(
    {RobotRight("repository", "pull"), RobotRight("repository", "read"), RobotRight("tag", "list")}
)
_PUSH = _PULL | {RobotRight("repository", "push"), RobotRight("tag", "create")}
_DELETE = _PUSH | {RobotRight("artifact", "delete"), RobotRight("tag", "delete")}
_MAY = {"pull": _PULL, "push": _PUSH, "delete": _DELETE}


@click.group()
def robot() -> None:
    """Robot accounts of a project: add, list, refresh secret, delete."""


@robot.command("list")
@click.argument("project_name", metavar="PROJECT")
@json_option
def list_robots(project_name: str, as_json: bool) -> None:
    """List the robots of a project."""
    with services() as found:
        rows = [_row(each) for each in _robots(found, project_name)]
    show_rows(rows, ("id", "name", "disabled", "expires_at", "created_by"), as_json=as_json)


@robot.command()
@click.argument("project_name", metavar="PROJECT")
@click.argument("name")
@click.option(
    "--may", type=click.Choice(list(_MAY)), default="pull", show_default=True, help="`push` includes pull."
)
@click.option("--days", type=int, default=30, show_default=True, help="Until it expires; -1 for never.")
@click.option("--description", default="")
@json_option
def add(project_name: str, name: str, *, may: str, days: int, description: str, as_json: bool) -> None:
    """Add a robot; its secret is shown this once."""
    with services() as found:
        home = the_project(found, project_name)
        made, secret = found.robots.create(
            SYSTEM,
            home.id,
            home.name,
            name,
            description=description,
            duration_days=days,
            rights=_MAY[may],
        )
    show({**_row(made), "secret": secret}, as_json=as_json)


@robot.command()
@click.argument("project_name", metavar="PROJECT")
@click.argument("name")
@json_option
def refresh(project_name: str, name: str, as_json: bool) -> None:
    """Give a robot a new secret; the old one is void at once."""
    with services() as found:
        made = _the_robot(found, project_name, name)
        secret = found.robots.refresh_secret(SYSTEM, made.id)
    show({"name": made.name, "secret": secret}, as_json=as_json)


@robot.command()
@click.argument("project_name", metavar="PROJECT")
@click.argument("name")
@click.confirmation_option("--yes", prompt="Delete this robot?")
def delete(project_name: str, name: str) -> None:
    """Delete a robot."""
    with services() as found:
        found.robots.delete(SYSTEM, _the_robot(found, project_name, name).id)


def _robots(found: Services, project_name: str) -> list[Robot]:
    home = the_project(found, project_name)
    return found.robots.list(home.id, limit=found.robots.count(home.id), offset=0)


def _the_robot(found: Services, project_name: str, name: str) -> Robot:
    for each in _robots(found, project_name):
        if name in (each.name, each.name.rpartition("+")[2]):
            return each
    raise CommandError(f"project {project_name!r} has no robot {name!r}")


def _row(made: Robot) -> Row:
    return {
        "id": made.id,
        "name": made.name,
        "disabled": made.disabled,
        "expires_at": made.expires_at,
        "created_by": made.created_by,
    }
