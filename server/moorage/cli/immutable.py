"""`moorage immutable`: rules by which tags stay as they are."""

import click

from moorage.cli.amounts import NUMBER
from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.project import the_project
from moorage.events import SYSTEM
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.model import ImmutabilityRule
from moorage.projects.selectors import Selector

_COLUMNS = ("id", "repositories", "tags", "disabled", "priority")


@click.group()
def immutable() -> None:
    """Immutable tags: rules by which tags, once made, cannot be moved or deleted.

    Patterns: * stands for anything but a slash, ** for whole components of a name, ? for one character,
    {a,b} for either, [a-z] for one of these. A repository is named without its project.
    """


@immutable.command("list")
@click.argument("project_name", metavar="PROJECT")
@json_option
def list_rules(project_name: str, as_json: bool) -> None:
    """List a project's rules, in the order in which they decide."""
    with services() as found:
        rows = [_row(each) for each in found.immutability.rules(the_project(found, project_name).id)]
    show_rows(rows, _COLUMNS, as_json=as_json)


@immutable.command()
@click.argument("project_name", metavar="PROJECT")
@click.option("--tags", default="**", show_default=True, help="Which tags stay as they are.")
@click.option("--repositories", default="**", show_default=True, help="In which repositories.")
@click.option("--except-tags", is_flag=True, help="All tags but those.")
@click.option("--except-repositories", is_flag=True, help="All repositories but those.")
@click.option("--disabled", is_flag=True, help="Write it down only, for later.")
@json_option
def add(
    project_name: str,
    tags: str,
    repositories: str,
    except_tags: bool,
    except_repositories: bool,
    disabled: bool,
    as_json: bool,
) -> None:
    """Add a rule; it holds at once, for tags that are there already too."""
    with services() as found:
        made = found.immutability.add(
            SYSTEM,
            the_project(found, project_name).id,
            repositories=Selector(repositories, "repoExcludes" if except_repositories else "repoMatches"),
            tags=Selector(tags, "excludes" if except_tags else "matches"),
            disabled=disabled,
        )
    show(_row(made), as_json=as_json)


@immutable.command()
@click.argument("project_name", metavar="PROJECT")
@click.argument("rule_id", metavar="ID", type=NUMBER)
def remove(project_name: str, rule_id: int) -> None:
    """Remove a rule; what it alone kept is free at once."""
    with services() as found:
        found.immutability.remove(SYSTEM, the_project(found, project_name).id, rule_id)


@immutable.command()
@click.argument("project_name", metavar="PROJECT")
@click.argument("reference", metavar="REPOSITORY:TAG")
@json_option
def check(project_name: str, reference: str, as_json: bool) -> None:
    """Say whether a tag is immutable, and which rule decides; the tag need not be there."""
    path, colon, tag_name = reference.rpartition(":")
    if not colon:
        raise CommandError(f"{reference!r} is not REPOSITORY:TAG")
    with services() as found:
        home = the_project(found, project_name)
        repository, tag = RepositoryName.parse(f"{home.name}/{path}"), Tag.parse(tag_name)
        rule = found.immutability.protection(home.id, repository).rule_of(tag)
    answer: Row = {
        "repository": repository,
        "tag": tag,
        "immutable": rule is not None,
        "rule": None if rule is None else rule.id,
        "why": "no rule keeps it" if rule is None else f"the rule keeps {rule.in_words()}",
    }
    show(answer, as_json=as_json)


def _row(rule: ImmutabilityRule) -> Row:
    return {
        "id": rule.id,
        "repositories": _words(rule.repositories),
        "tags": _words(rule.tags),
        "disabled": rule.disabled,
        "priority": rule.priority,
    }


def _words(selector: Selector) -> str:
    return f"all but {selector.pattern}" if selector.excludes else selector.pattern
