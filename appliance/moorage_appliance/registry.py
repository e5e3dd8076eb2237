"""The registry's own command, as the account that owns its data."""

import os
from pathlib import Path

from moorage_appliance.files import MOORAGE
from moorage_appliance.paths import Paths


def registry_command(paths: Paths, *words: str, database_url: str = "") -> tuple[str, ...]:
    """The arguments that run `moorage WORDS`, for `Commands.run`.

    Args:
        database_url: of a copy that is looked at in place of the registry's own; no secret.
    """
    settings = [f"MOORAGE_CONFIG={paths.configuration / 'moorage.toml'}"]
    settings += [f"MOORAGE_DATABASE_URL={database_url}"] if database_url else []
    return (*_as_owner(paths.registry), "env", *settings, str(paths.program / "bin/moorage"), *words)


def _as_owner(data: Path) -> tuple[str, ...]:
    """Whoever may change the data runs the program, never root over another's files."""
    try:
        found = data.stat()
        user, group = found.st_uid, found.st_gid
    except FileNotFoundError:
        user = group = MOORAGE
    if user == os.geteuid():
        return ()
    return ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--")
