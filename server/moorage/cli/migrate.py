"""`moorage migrate`: bring the database to this release's schema."""

import click

from moorage import logs
from moorage.cli.context import settings, told
from moorage.cli.output import json_option, show
from moorage.db import migrate as schema
from moorage.db.connection import close_connection, open_database


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when something is pending.")
@json_option
def migrate(check: bool, as_json: bool) -> None:
    """Bring the database to this release's schema; a copy of it is made first."""
    found = settings()
    logs.configure(found.log)
    with told():
        open_database(found.database_url)
        applied = [] if check else schema.upgrade(found.storage.data / "backups")
        state = schema.status()
        close_connection()
    show(
        {"applied_now": applied, "applied": len(state.applied), "pending": list(state.pending)},
        as_json=as_json,
    )
    if check and (state.pending or state.unknown):
        raise SystemExit(1)
