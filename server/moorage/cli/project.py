"""`moorage project`: projects and their members."""

import click

from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.user import the_user
from moorage.events import SYSTEM
from moorage.identity.model import Principal, PrincipalKind
from moorage.projects.model import Member, Project, Role
from moorage.services import Services

_ROLES = {role.name.lower().replace("_", "-"): role for role in Role}
_EVERYTHING = Principal(PrincipalKind.USER, 0, "system", admin=True)


@click.group()
def project() -> None:
    """Projects: add, list, publish, delete, and who belongs to them."""


@project.command("list")
@click.option("--match", default="", help="Only names that contain this text.")
@json_option
def list_projects(match: str, as_json: bool) -> None:
    """List projects."""
    with services() as found:
        total = found.projects.count_visible(_EVERYTHING, name=match)
        rows = [_row(each) for each in found.projects.visible(_EVERYTHING, name=match, limit=total, offset=0)]
    show_rows(rows, ("id", "name", "public", "owner", "created_at"), as_json=as_json)


@project.command()
@click.argument("name")
@click.option("--public", is_flag=True, help="Anyone may pull, without logging in.")
@click.option("--owner", default=None, help="A user who becomes its first project administrator.")
@json_option
def add(name: str, public: bool, owner: str | None, as_json: bool) -> None:
    """Add a project."""
    with services() as found:
        principal = the_user(found, owner).principal() if owner else None
        made = found.projects.create(SYSTEM, principal, name, public=public)
    show(_row(made), as_json=as_json)


@project.command()
@click.argument("name")
@click.option("--private", is_flag=True, help="Only members may pull from now on.")
def publish(name: str, private: bool) -> None:
    """Let anyone pull from a project, or stop that."""
    with services() as found:
        found.projects.set_public(SYSTEM, the_project(found, name).id, not private)


@project.command()
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give a project another name; the old one goes on leading to it."""
    with services() as found:
        found.renaming.rename(SYSTEM, None, the_project(found, old).id, new)


@project.command("former-names")
@json_option
def former_names(as_json: bool) -> None:
    """List the names that projects had, and what they are called now."""
    with services() as found:
        rows: list[Row] = [
            {"name": each.name, "project": each.project_name, "renamed_at": each.renamed_at}
            for each in found.names.former(found.names.count_former(), 0)
        ]
    show_rows(rows, ("name", "project", "renamed_at"), as_json=as_json)


@project.command("release-name")
@click.argument("name")
@click.confirmation_option(
    "--yes", prompt="Clients that still use the name may then get what somebody else puts there. Release it?"
)
def release_name(name: str) -> None:
    """Let others have a name that a project had."""
    with services() as found:
        found.names.release(SYSTEM, name)


@project.command()
@click.argument("name")
@click.confirmation_option("--yes", prompt="Delete this project?")
def delete(name: str) -> None:
    """Delete an empty project."""
    with services() as found:
        found.projects.delete(SYSTEM, the_project(found, name).id)


@project.group()
def member() -> None:
    """Who belongs to a project, and as what."""


@member.command("list")
@click.argument("project_name", metavar="PROJECT")
@json_option
def list_members(project_name: str, as_json: bool) -> None:
    """List the members of a project."""
    with services() as found:
        home = the_project(found, project_name)
        total = found.members.count(home.id)
        rows: list[Row] = [
            {
                "id": each.id,
                "user": each.entity_name,
                "group": each.is_group,
                "role": each.role.name.lower().replace("_", "-"),
            }
            for each in found.members.list(home.id, limit=total, offset=0)
        ]
    show_rows(rows, ("id", "user", "group", "role"), as_json=as_json)


@member.command("add")
@click.argument("project_name", metavar="PROJECT")
@click.argument("user_name", metavar="USER")
@click.option("--role", type=click.Choice(sorted(_ROLES)), default="developer", show_default=True)
def add_member(project_name: str, user_name: str, role: str) -> None:
    """Add a member, or give a member another role."""
    with services() as found:
        home = the_project(found, project_name)
        account = the_user(found, user_name)
        known = [
            each for each in _members(found, home.id) if not each.is_group and each.entity_id == account.id
        ]
        if known:
            found.members.change(SYSTEM, home.id, known[0].id, _ROLES[role])
        else:
            found.members.add(SYSTEM, home.id, account.id, _ROLES[role])


@member.command("remove")
@click.argument("project_name", metavar="PROJECT")
@click.argument("user_name", metavar="USER")
def remove_member(project_name: str, user_name: str) -> None:
    """Take a member out of a project."""
    with services() as found:
        home = the_project(found, project_name)
        for each in _members(found, home.id):
            if each.entity_name == user_name and not each.is_group:
                found.members.remove(SYSTEM, home.id, each.id)
                return
    raise CommandError(f"{user_name!r} is not a member of {project_name!r}")


def the_project(found: Services, name: str) -> Project:
    """The project that is called `name`, or was before it was renamed.

    Raises:
        CommandError: there is none.
    """
    home = found.projects.resolve(name)
    if home is None:
        raise CommandError(f"no project is called {name!r}")
    return home


def _members(found: Services, project_id: int) -> list[Member]:
    return found.members.list(project_id, limit=found.members.count(project_id), offset=0)


def _row(home: Project) -> Row:
    return {
        "id": home.id,
        "name": home.name,
        "public": home.public,
        "owner": home.owner_name,
        "created_at": home.created_at,
    }
