"""`moorage status`: is it well, and what is in it."""

import click

from moorage import __version__
from moorage.cli.context import services
from moorage.cli.output import json_option, show
from moorage.db import migrate
from moorage.db.connection import is_postgresql
from moorage.gc.reconciler import JOB
from moorage.health import Finding, State
from moorage.jobs.model import Execution


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show the database, the storage and the keys; exit with 1 when a part is ill."""
    with services() as found:
        parts = found.health()
        state = migrate.status()
        space = found.storage.space()
        row: dict[str, object] = {
            "version": __version__,
            "database": "postgresql" if is_postgresql() else "sqlite",
            "schema": state.applied[-1] if state.applied else None,
            "data": str(found.settings.storage.data),
            "total_bytes": space.total_bytes,
            "free_bytes": space.free_bytes,
            "used_percent": round(space.used_percent, 1),
            "last_fsck": _told(found.executions.latest(JOB)),
            **{f"{name}_health": _in_words(part) for name, part in parts.items()},
        }
    show(row, as_json=as_json)
    if any(part.is_fault for part in parts.values()):
        raise SystemExit(1)


def _told(check: Execution | None) -> str:
    if check is None:
        return "never"
    if check.ended_at is None:
        return f"{check.state.value} since {check.created_at:%Y-%m-%d %H:%M} UTC"
    return f"{check.ended_at:%Y-%m-%d %H:%M} UTC: {check.message or check.state.value}"


def _in_words(part: Finding) -> str:
    return f"warning: {part.text}" if part.state is State.WARNING else part.text or "ok"
