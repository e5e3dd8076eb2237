"""`moorage run`: a job now, in this process, for timers and for people."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from moorage.cli.amounts import Amount
from moorage.cli.carrying_out import Interruption, Order, carry_out, check
from moorage.cli.context import CommandError, services
from moorage.cli.output import Row, json_option, readable, show
from moorage.cli.project import the_project
from moorage.cli.signals import heard
from moorage.jobs.model import Execution, State
from moorage.services import Services

#: As shells say of what Ctrl-C ended.
EXIT_STOPPED = 130

dry_run_option = click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done.")


@click.group()
def run() -> None:
    """Carry out a job now and wait for it.

    Exit code 0 when it is done, also when another process works on it already; 1 when it failed;
    130 when it was stopped, by Ctrl-C or by `moorage job stop`.
    """


@run.command()
@dry_run_option
@click.option(
    "--untagged/--keep-untagged", default=None, help="Whether untagged manifests go; default: the settings."
)
@click.option("--budget", type=Amount(0, min_open=True), metavar="MINUTES", help="Time it may take.")
@json_option
def gc(dry_run: bool, untagged: bool | None, budget: float | None, as_json: bool) -> None:
    """Collect what nothing refers to any more."""
    parameters: dict[str, object] = {"dry_run": dry_run}
    if untagged is not None:
        parameters["delete_untagged"] = untagged
    if budget is not None:
        parameters["budget_minutes"] = budget
    _one(Order("gc", parameters), as_json=as_json)


@run.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.option("--no-hash", is_flag=True, help="Compare sizes only: quick, and blind to rotten bytes.")
@json_option
def fsck(repair: bool, no_hash: bool, as_json: bool) -> None:
    """Check everything stored against the database; exit code 1 also when findings remain."""
    check_everything(repair=repair, no_hash=no_hash, as_json=as_json)


@run.command()
@dry_run_option
@click.option(
    "--keep-hours",
    type=click.IntRange(0, 240_000),
    metavar="N",
    help="Keep the last N hours; 0 keeps everything.",
)
@json_option
def purge(dry_run: bool, keep_hours: int | None, as_json: bool) -> None:
    """Archive and remove old entries of the log of operations."""
    parameters: dict[str, object] = {"dry_run": dry_run}
    if keep_hours is not None:
        parameters["keep_hours"] = keep_hours
    _one(Order("purge", parameters), as_json=as_json)


@run.command()
@click.option("--project", metavar="NAME", help="Only this project's policy.")
@dry_run_option
@json_option
def retention(project: str | None, dry_run: bool, as_json: bool) -> None:
    """Delete what the projects' retention policies do not keep."""
    interruption = Interruption()
    with heard(interruption.hear), services() as found:
        check(found, "retention")
        done = []
        for order in _policies(found, project, dry_run=dry_run):
            done.append(carry_out(found, order, interruption))
            if interruption.asked:
                break
    _tell(done, as_json=as_json, many=project is None)


@run.command("identity-refresh")
@click.option("--force", is_flag=True, help="The directory is right, however many people lose access.")
@json_option
def identity_refresh(*, force: bool, as_json: bool) -> None:
    """Ask the directory about everybody whom it vouched for.

    Exit code 1 when it is away, or when too many people would lose access at once: then nobody does.
    """
    with services() as found:
        idle = found.refresh.is_idle
    if idle:
        click.echo("this registry is not connected to a directory", err=True)
        return
    _one(Order("identity-refresh", {"force": True} if force else {}), as_json=as_json)


def _policies(found: Services, project: str | None, *, dry_run: bool) -> list[Order]:
    if project is None:
        policies = found.policies.all()
        if not policies:
            click.echo("no project has a retention policy", err=True)
    else:
        policy = found.policies.of_project(the_project(found, project).id)
        if policy is None:
            raise CommandError(f"project {project} has no retention policy")
        policies = [policy]
    return [Order("retention", {"dry_run": dry_run}, each.id, each.project_id) for each in policies]


def check_everything(*, repair: bool, no_hash: bool, as_json: bool) -> None:
    """What `moorage run fsck` and `moorage fsck` do: every finding on a line, then the result."""
    interruption = Interruption()
    with heard(interruption.hear), services() as found:
        order = Order("fsck", {"repair": repair, "rehash": not no_hash})
        check(found, order.kind)
        done, ours = carry_out(found, order, interruption)
        after = 0
        while ours and not as_json and (lines := found.executions.log(done.id, after=after)):
            after = lines[-1].id
            for line in lines:
                click.echo(line.text)
    _tell([(done, ours)], as_json=as_json, many=False)


def collect_by_plan(plan: Path, *, as_json: bool) -> None:
    """What `moorage gc apply` does: a run of the collector over what a plan names."""
    _one(Order("gc", {"plan": str(plan)}), as_json=as_json)


def _one(order: Order, *, as_json: bool) -> None:
    interruption = Interruption()
    with heard(interruption.hear), services() as found:
        check(found, order.kind)
        done = carry_out(found, order, interruption)
    _tell([done], as_json=as_json, many=False)


def _tell(done: Sequence[tuple[Execution, bool]], *, as_json: bool, many: bool) -> None:
    """Print what came of the runs and end with the code of the worst."""
    for execution, ours in done:
        if not ours:
            state = "waits for a worker" if execution.state is State.PENDING else "has another process"
            known = f"run {execution.id} of {execution.kind} {state}"
            click.echo(f"{known}: moorage job show {execution.id}", err=True)
        elif execution.state is State.PENDING:
            click.echo(
                f"run {execution.id} of {execution.kind} was interrupted; a worker goes on with it", err=True
            )
    if as_json and many:
        click.echo(json.dumps([_row(execution) for execution, _ in done], indent=2, default=str))
    else:
        for execution, _ in done:
            show(_row(execution) if as_json else readable(_row(execution)), as_json=as_json)
    raise SystemExit(max((_code(execution) for execution, ours in done if ours), default=0))


def _row(execution: Execution) -> Row:
    return {
        "run": execution.id,
        "job": execution.kind,
        "state": execution.state.value,
        "message": execution.message,
        **{name: value for name, value in execution.result.items() if name != "message"},
    }


def _code(execution: Execution) -> int:
    if execution.state is State.SUCCESS:  # a check that finds something is not ok
        return 0 if execution.result.get("ok", True) else 1
    return EXIT_STOPPED if execution.state is State.STOPPED else 1
