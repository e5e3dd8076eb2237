"""The first start: keys, folders, the first administrator, the first project."""

import os
import secrets
from pathlib import Path

from moorage.events import SYSTEM
from moorage.services import Services

FIRST_ADMINISTRATOR = "admin"
FIRST_PROJECT = "library"
PASSWORD_FILE = "admin-password"  # noqa: S105 - the name of a file, not a password


def make_first_administrator(services: Services, given: str | None) -> str | None:
    """Make the account `admin` and the public project `library`, when there is no account yet.

    Args:
        given: the password to use; without one a random one is made and kept in a file that
            only its owner can read.

    Returns:
        The random password if one was made, to be shown this once; else None.
    """
    if services.users.count() > 0:
        return None
    password = given or _random_password()
    if given is None:  # kept before the account is: a password nobody knows would lock everyone out
        _keep(services.settings.storage.data / PASSWORD_FILE, password)
    account = services.users.create(SYSTEM, FIRST_ADMINISTRATOR, password, admin=True)
    services.projects.create(SYSTEM, account.principal(), FIRST_PROJECT, public=True)
    return None if given else password


def _random_password() -> str:
    # A capital, a digit and a small letter in front meet the rule for passwords whatever follows.
    return "Mo1-" + secrets.token_urlsafe(18)


def _keep(path: Path, password: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
        file.flush()
        os.fsync(file.fileno())
