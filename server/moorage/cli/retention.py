"""`moorage retention`: what projects keep of their artifacts."""

import json
from datetime import datetime
from typing import BinaryIO

import click

from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, show, show_rows
from moorage.cli.project import the_project
from moorage.cli.run import dry_run_option
from moorage.cli.run import retention as run_retention
from moorage.events import SYSTEM
from moorage.jobs.model import Execution
from moorage.oci import strictjson
from moorage.oci.names import RepositoryName
from moorage.retention.document import document, draft_of
from moorage.retention.model import Policy
from moorage.retention.policies import KIND
from moorage.retention.templates import phrase
from moorage.retention.text import rows_of
from moorage.services import Services

_DEPTH = 8
_RULES = ("rule", "keeps", "tags", "repositories", "disabled")
_TAGS = ("repository", "tag", "decision", "reason", "push_time", "pull_time", "digest")
_RUNS = ("run", "state", "trigger", "dry_run", "message", "created_at", "ended_at")


@click.group()
def retention() -> None:
    """What a project keeps of its artifacts; whatever no rule keeps is deleted.

    Without a policy everything stays, and so does everything in repositories that no rule looks at.
    """


@retention.command("show")
@click.argument("project_name", metavar="PROJECT")
@json_option
def show_policy(project_name: str, as_json: bool) -> None:
    """Show the policy; --json prints it as `moorage retention set` reads it."""
    with services() as found:
        policy = _policy(found, project_name)
        cron, next_at = found.policies.cron(policy.id), found.policies.next_at(policy.id)
    if as_json:
        click.echo(json.dumps(document(policy, cron), indent=2))
        return
    show({"policy": policy.id, "runs": cron or "when asked to", "next run": next_at}, as_json=False)
    show_rows(_rules(policy), _RULES, as_json=False)


@retention.command("set")
@click.argument("project_name", metavar="PROJECT")
@click.argument("file", type=click.File("rb"))
def set_policy(project_name: str, file: BinaryIO) -> None:
    """Make the policy of a project, or replace it, from a JSON file ("-": standard input).

    The file holds what Harbor's API calls a retention policy. Try it with `moorage retention simulate`.
    """
    with services() as found:
        draft = draft_of(strictjson.parse(file.read(), _DEPTH))
        home = the_project(found, project_name)
        if draft.project_id not in (None, home.id):
            raise CommandError(f"scope.ref: {draft.project_id} is another project; {home.id} is {home.name}")
        known = found.policies.of_project(home.id)
        if known is None:
            found.policies.create(SYSTEM, home.id, draft)
        else:
            found.policies.change(SYSTEM, known.id, draft)


@retention.command("delete")
@click.argument("project_name", metavar="PROJECT")
@click.confirmation_option("--yes", prompt="Delete this policy and keep everything from now on?")
def delete_policy(project_name: str) -> None:
    """Delete the policy of a project; a run of it is stopped."""
    with services() as found:
        found.policies.delete(SYSTEM, _policy(found, project_name).id)


@retention.command()
@click.argument("project_name", metavar="PROJECT")
@dry_run_option
@json_option
@click.pass_context
def run(context: click.Context, project_name: str, dry_run: bool, as_json: bool) -> None:
    """Delete what the policy does not keep, now; as `moorage run retention --project`."""
    context.invoke(run_retention, project=project_name, dry_run=dry_run, as_json=as_json)


@retention.command()
@click.argument("project_name", metavar="PROJECT")
@click.argument("repository", required=False)
@click.option("--deleted", is_flag=True, help="Only what would go.")
@json_option
def simulate(project_name: str, repository: str | None, deleted: bool, as_json: bool) -> None:
    """Tell for each tag which rule decides, without changing anything.

    REPOSITORY is named without the project; all of them if it is left out.
    """
    with services() as found:
        policy = _policy(found, project_name)
        rows = [
            {"repository": name.path, **row}
            for name in _repositories(found, policy, project_name, repository)
            for row in rows_of(found.simulator.plan(policy, name))
            if not deleted or row["decision"] == "DEL"
        ]
    show_rows(rows, _TAGS, as_json=as_json)


@retention.command()
@click.argument("project_name", metavar="PROJECT")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
def history(project_name: str, limit: int, as_json: bool) -> None:
    """List the runs of the policy, newest first; `moorage job log` has their logs."""
    with services() as found:
        policy = _policy(found, project_name)
        rows = [_run(each) for each in found.executions.page(KIND, subject=policy.id, limit=limit)]
    show_rows(rows, _RUNS, as_json=as_json)


def _policy(found: Services, project_name: str) -> Policy:
    policy = found.policies.of_project(the_project(found, project_name).id)
    if policy is None:
        raise CommandError(f"project {project_name} has no retention policy")
    return policy


def _repositories(
    found: Services, policy: Policy, project_name: str, repository: str | None
) -> list[RepositoryName]:
    if repository is None:
        total = found.repositories.count(policy.project_id)
        return [each.name for each in found.repositories.list(policy.project_id, limit=total)]
    name = RepositoryName.parse(f"{project_name}/{repository}")
    if found.repositories.find(name) is None:
        raise CommandError(f"there is no repository {name}")
    return [name]


def _rules(policy: Policy) -> list[Row]:
    return [
        {
            "rule": rule.id,
            "keeps": phrase(rule),
            "tags": [f"{each.decoration} {each.pattern}" for each in rule.tags],
            "repositories": [f"{each.decoration} {each.pattern}" for each in rule.repositories],
            "disabled": rule.disabled,
        }
        for rule in policy.rules
    ]


def _run(execution: Execution) -> Row:
    ended: datetime | None = execution.ended_at
    return {
        "run": execution.id,
        "state": execution.state.value,
        "trigger": execution.trigger.value,
        "dry_run": bool(execution.parameters.get("dry_run", False)),
        "message": execution.message,
        "created_at": execution.created_at,
        "ended_at": ended,
    }
