"""`moorage robot`: accounts for machines."""

import click

from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.project import the_project
from moorage.events import SYSTEM
from moorage.identity.model import EVERY_PROJECT, PermissionKind, Robot, RobotPermission, RobotRight
from moorage.services import Services

_PULL = frozenset(
    {RobotRight("repository", "pull"), RobotRight("repository", "read"), RobotRight("tag", "list")}
)
_PUSH = _PULL | {RobotRight("repository", "push"), RobotRight("tag", "create")}
_DELETE = _PUSH | {RobotRight("artifact", "delete"), RobotRight("tag", "delete")}
_MAY = {"pull": _PULL, "push": _PUSH, "delete": _DELETE}


#: Stands in a project's place for the system, as in Harbor's namespaces.
_SYSTEM = "/"


@click.group()
def robot() -> None:
    """Robot accounts of a project, or of the system with `/` for PROJECT: add, list, refresh, delete."""


@robot.command("list")
@click.argument("project_name", metavar="PROJECT")
@json_option
def list_robots(project_name: str, as_json: bool) -> None:
    """List the robots of a project, or with `/` those of the system."""
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
@click.option("--project", "also", multiple=True, help="With `/`: a project it is for; may be repeated.")
@click.option("--all-projects", is_flag=True, help="With `/`: for all projects there are and will be.")
@click.option(
    "--right",
    "outside",
    multiple=True,
    metavar="RESOURCE:ACTION",
    help="With `/`: a right outside projects, for instance user:list; may be repeated.",
)
@json_option
def add(
    project_name: str,
    name: str,
    *,
    may: str,
    days: int,
    description: str,
    also: tuple[str, ...],
    all_projects: bool,
    outside: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a robot; its secret is shown this once."""
    if project_name != _SYSTEM and (also or all_projects or outside):
        raise CommandError("--project, --all-projects and --right are for robots of the system: add / NAME")
    with services() as found:
        project: tuple[int, str] | None = None
        if project_name == _SYSTEM:
            numbers = [EVERY_PROJECT] if all_projects else [the_project(found, each).id for each in also]
        else:
            home = the_project(found, project_name)
            project, numbers = (home.id, home.name), [home.id]
        permissions = [RobotPermission(PermissionKind.PROJECT, each, _MAY[may]) for each in numbers]
        if outside:
            rights = frozenset(_right(each) for each in outside)
            permissions.append(RobotPermission(PermissionKind.SYSTEM, EVERY_PROJECT, rights))
        made, secret = found.robots.create(
            SYSTEM, project, name, description=description, duration_days=days, permissions=permissions
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
    home = 0 if project_name == _SYSTEM else the_project(found, project_name).id
    return found.robots.list(home, limit=found.robots.count(home), offset=0)


def _the_robot(found: Services, project_name: str, name: str) -> Robot:
    for each in _robots(found, project_name):
        if name in (each.name, each.name.rpartition("$" if each.is_system else "+")[2]):
            return each
    owner = "the system" if project_name == _SYSTEM else f"project {project_name!r}"
    raise CommandError(f"{owner} has no robot {name!r}")


def _right(text: str) -> RobotRight:
    resource, _, action = text.rpartition(":")
    return RobotRight(resource, action)


def _row(made: Robot) -> Row:
    return {
        "id": made.id,
        "name": made.name,
        "disabled": made.disabled,
        "expires_at": made.expires_at,
        "created_by": made.created_by,
    }
