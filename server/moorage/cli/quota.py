"""`moorage quota`: how much projects may hold, and how much they do."""

import click

from moorage.cli.context import services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.project import the_project
from moorage.distribution.model import ProjectUsage
from moorage.events import SYSTEM
from moorage.projects.quotas import NO_LIMIT
from moorage.services import Services
from moorage.sizes import SizeInvalidError, in_words, parse

_NONE = "none"


def _limit(context: click.Context, parameter: click.Parameter, text: str) -> int:
    try:
        return NO_LIMIT if text == _NONE else parse(text)
    except SizeInvalidError as error:
        raise click.BadParameter(f"{error.message}, or {_NONE}") from error


@click.group()
def quota() -> None:
    """Storage limits of projects, and what they use.

    A project uses the bytes of the blobs that its repositories hold, each counted once, and of its
    manifests. They are given back when the garbage collector lets go of a blob, not when a tag goes.
    """


@quota.command("list")
@click.option("--near", is_flag=True, help="Only projects that are near their limit: 85 % and more.")
@json_option
def list_quotas(near: bool, as_json: bool) -> None:
    """List all projects, the largest first."""
    with services() as found:
        every = found.usage.projects(limit=found.usage.count_projects(), sort="-used")
    rows = [_row(each, as_json=as_json) for each in every if each.is_near_limit or not near]
    show_rows(rows, ("project", "used", "limit", "percent", "near_limit"), as_json=as_json)


@quota.command("show")
@click.argument("project_name", metavar="PROJECT")
@json_option
def show_quota(project_name: str, as_json: bool) -> None:
    """Show one project, and what unfinished uploads of it have received."""
    with services() as found:
        row = _shown(found, project_name, as_json=as_json)
    show(row, as_json=as_json)


@quota.command("set")
@click.argument("project_name", metavar="PROJECT")
@click.argument("limit", callback=_limit, metavar="SIZE|none")
@json_option
def set_quota(project_name: str, limit: int, as_json: bool) -> None:
    """Set a project's limit, for instance 10GiB, or lift it.

    One below what the project uses is fine: it refuses what is new and leaves what is there.
    """
    with services() as found:
        found.quotas.set_limit(SYSTEM, the_project(found, project_name).id, limit)
        row = _shown(found, project_name, as_json=as_json)
    show(row, as_json=as_json)


def _shown(found: Services, project_name: str, *, as_json: bool) -> Row:
    home = the_project(found, project_name)
    pending = found.usage.pending_bytes(home.id)
    row = _row(found.usage.project(home.id), as_json=as_json)
    return {**row, "pending": pending if as_json else in_words(pending)}


def _row(found: ProjectUsage, *, as_json: bool) -> Row:
    """Bytes for programs, words for people."""
    used, limit, percent = found.used_bytes, found.limit_bytes, found.used_percent
    return {
        "project": found.name,
        "used": used if as_json else in_words(used),
        "limit": limit if as_json else _NONE if limit == NO_LIMIT else in_words(limit),
        "percent": None if percent is None else round(percent, 1),
        "near_limit": found.is_near_limit,
    }
