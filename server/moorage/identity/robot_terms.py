"""What a robot can be called, hold and last: the rules of `robots`, which look nothing up."""

import re
from collections.abc import Collection, Set
from datetime import datetime, timedelta

from moorage.identity.errors import AccountInvalidError
from moorage.identity.model import EVERY_PROJECT, FOREVER, PermissionKind, RobotPermission, RobotRight
from moorage.identity.text import checked

#: What every robot's login name begins with; no user's can, for want of the "$".
PREFIX = "robot$"
MAX_NAME_LENGTH = 255
MAX_DURATION_DAYS = 36_500
MIN_SECRET_LENGTH = 16
MAX_SECRET_LENGTH = 128
MAX_DESCRIPTION = 1024
MAX_PLACES = 500
_SHOWN = 500

_name = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*").fullmatch


def prefix_of(project_name: str) -> str:
    """What the login names of a project's robots begin with."""
    return f"{PREFIX}{project_name}+"


def login_name(prefix: str, name: str) -> str:
    """The login name of a robot.

    Raises:
        AccountInvalidError: no robot can be called that.
    """
    login = f"{prefix}{name}"
    if _name(name) is None or len(login) > MAX_NAME_LENGTH:
        raise AccountInvalidError(
            "a robot name takes a-z and 0-9, joined by single '.', '_' or '-', and has at most "
            f"{MAX_NAME_LENGTH} characters with {PREFIX} and <project>+ in front"
        )
    return login


def end(made: datetime, days: int | None) -> datetime | None:
    """When a robot made at `made` expires; None for never.

    Raises:
        AccountInvalidError: nothing lives that long.
    """
    if days is None or days == FOREVER:
        return None
    if not 1 <= days <= MAX_DURATION_DAYS:
        raise AccountInvalidError(f"a robot lives for 1 to {MAX_DURATION_DAYS} days, or ({FOREVER}) for ever")
    return made + timedelta(days=days)


def checked_secret(secret: str) -> str:
    """The same secret, if it is one; secrets are kept as plain digests, so nobody may guess them.

    Raises:
        AccountInvalidError: it is too weak.
    """
    checked(secret, "secret", MAX_SECRET_LENGTH)
    strong = all(any(test(letter) for letter in secret) for test in (str.islower, str.isupper, str.isdigit))
    if len(secret) < MIN_SECRET_LENGTH or not strong:
        raise AccountInvalidError(
            f"a secret has {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} characters, among them a lower-case "
            "and an upper-case letter and a digit"
        )
    return secret


def in_words(permissions: Collection[RobotPermission]) -> str:
    """What a robot may do, for the log; projects by their numbers, and cut where it gets long."""
    places = []
    for each in permissions:
        where = f"project {each.project_id}" if each.project_id else "every project"
        place = "outside projects" if each.kind is PermissionKind.SYSTEM else where
        held = sorted(f"{right.resource} {right.action}" for right in each.rights)
        places.append(f"{place}: {', '.join(held)}")
    text = "; ".join(places)
    return (
        text
        if len(text) <= _SHOWN
        else f"{text[:_SHOWN]}... ({sum(len(p.rights) for p in permissions)} in all)"
    )


class Grantable:
    """Every right that there is, and what a robot of each level can be given of it."""

    def __init__(self, inside: Set[RobotRight], outside: Set[RobotRight]) -> None:
        """Args are the rights inside projects and those outside of them."""
        self._known = {PermissionKind.PROJECT: inside, PermissionKind.SYSTEM: outside}

    def checked(
        self, project_id: int, permissions: Collection[RobotPermission]
    ) -> tuple[RobotPermission, ...]:
        """The same permissions, one for each place, in order.

        Args:
            project_id: the robot's only project; 0 for a robot of the system.
            permissions: at least one right; those for one place are put together.

        Raises:
            AccountInvalidError: there are none, too many, or some that no such robot can have.
        """
        places: dict[tuple[PermissionKind, int], frozenset[RobotRight]] = {}
        for each in permissions:
            self._check(project_id, each)
            place = (each.kind, each.project_id)
            places[place] = places.get(place, frozenset()) | each.rights
        if not any(places.values()):
            raise AccountInvalidError("a robot needs at least one permission")
        if len(places) > MAX_PLACES:
            raise AccountInvalidError(f"a robot has permissions in at most {MAX_PLACES} places")
        return tuple(RobotPermission(*place, places[place]) for place in sorted(places) if places[place])

    def _check(self, project_id: int, permission: RobotPermission) -> None:
        outside = permission.kind is PermissionKind.SYSTEM
        if project_id and (outside or permission.project_id != project_id):
            raise AccountInvalidError("a robot of a project has permissions in that project only")
        if outside and permission.project_id != EVERY_PROJECT:
            raise AccountInvalidError("a permission outside projects names no project")
        strangers = permission.rights - self._known[permission.kind]
        for right in sorted(strangers, key=lambda each: (each.resource, each.action)):
            named = f"{right.resource[:100]!r} {right.action[:100]!r}"
            where = "outside projects" if outside else "in a project"
            raise AccountInvalidError(f"no robot can have the permission {named} {where}")
