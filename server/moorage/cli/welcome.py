"""The first start: keys, folders, the first administrator, the first project."""

import secrets

from moorage.events import SYSTEM
from moorage.identity.made_up_password import FIRST_ADMINISTRATOR
from moorage.services import Services

FIRST_PROJECT = "library"


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
        services.made_up_password.keep(password)
    account = services.users.create(SYSTEM, FIRST_ADMINISTRATOR, password, admin=True)
    services.projects.create(SYSTEM, account.principal(), FIRST_PROJECT, public=True)
    return None if given else password


def _random_password() -> str:
    # A capital, a digit and a small letter in front meet the rule for passwords whatever follows.
    return "Mo1-" + secrets.token_urlsafe(18)
