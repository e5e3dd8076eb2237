"""`moorage status`: is it well, and what is in it."""

import shutil

import click

from moorage import __version__
from moorage.cli.context import services
from moorage.cli.output import json_option, show
from moorage.db import migrate
from moorage.db.connection import is_postgresql


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show the database, the storage and the keys; exit with 1 when a part is ill."""
    with services() as found:
        parts = found.health()
        state = migrate.status()
        usage = shutil.disk_usage(found.settings.storage.data)
        row: dict[str, object] = {
            "version": __version__,
            "database": "postgresql" if is_postgresql() else "sqlite",
            "schema": state.applied[-1] if state.applied else None,
            "data": str(found.settings.storage.data),
            "free_bytes": usage.free,
            **{f"{name}_health": "ok" if fault is None else fault for name, fault in parts.items()},
        }
    show(row, as_json=as_json)
    if any(fault is not None for fault in parts.values()):
        raise SystemExit(1)
