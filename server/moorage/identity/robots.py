"""Robots: accounts for machines, each inside one project."""

import re
from collections.abc import Collection, Set
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import (
    SYSTEM,
    Actor,
    Events,
    ProjectCreated,
    ProjectDeleted,
    RobotChanged,
    RobotCreated,
    RobotDeleted,
)
from moorage.identity.errors import (
    AccountInvalidError,
    BadCredentialsError,
    RobotExistsError,
    RobotUnknownError,
)
from moorage.identity.model import ANONYMOUS, FOREVER, Principal, Robot, RobotRight
from moorage.identity.secrets import digest_secret, matches, new_secret
from moorage.identity.store import IdentityStore
from moorage.identity.text import checked, is_storable

#: What every robot's login name begins with; no user's can, for want of the "$".
PREFIX = "robot$"
MAX_NAME_LENGTH = 255
MAX_DURATION_DAYS = 36_500
MIN_SECRET_LENGTH = 16
MAX_SECRET_LENGTH = 128
MAX_DESCRIPTION = 1024

_name = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*").fullmatch


class Robots:
    """Creates, finds, changes and deletes robots.

    When a project goes, its robots go with it in the same transaction; the constructor subscribes
    to that.
    """

    def __init__(
        self, store: IdentityStore, events: Events, clock: Clock, *, grantable: Set[RobotRight]
    ) -> None:
        """Args are the parts; `grantable` is every right there is (`projects.rules.ROBOT_RIGHTS`)."""
        self._store = store
        self._events = events
        self._clock = clock
        self._grantable = grantable
        events.subscribe(ProjectDeleted, self._project_deleted)
        events.subscribe(ProjectCreated, self._project_created)

    def create(
        self,
        actor: Actor,
        project_id: int,
        project_name: str,
        name: str,
        *,
        description: str = "",
        duration_days: int | None = None,
        rights: Collection[RobotRight],
    ) -> tuple[Robot, str]:
        """Make a robot; its secret is returned this once and never again.

        Whether the caller may give away these rights is for the caller of this method to check
        (`projects.rules.robot_rights_allowed`).

        Args:
            actor: whom the log names, and who is written down as its maker.
            project_id: its only project.
            project_name: for the login name, ``robot$<project>+<name>``.
            name: lower-case letters and digits, joined by single ``.``, ``_`` or ``-``.
            description: for people.
            duration_days: until it expires; -1 or None for never.
            rights: what it may do, at least one thing.

        Raises:
            AccountInvalidError: one of these breaks the rules.
            RobotExistsError: the project has a robot of that name.
        """
        login = _login_name(project_name, name)
        now = self._clock()
        values = {
            "project_id": project_id,
            "name": login,
            "description": checked(description, "description", MAX_DESCRIPTION),
            "disabled": False,
            "generation": 1,
            "expires_at": _end(now, duration_days),
            "created_at": now,
            "updated_at": now,
            "created_by": actor.name,
        }
        wanted = self._checked_rights(rights)
        secret = new_secret()
        with atomic():
            robot_id = self._insert({**values, "secret_digest": digest_secret(secret)}, wanted)
            self._events.publish(RobotCreated(actor, project_id, robot_id, login))
            return self.get(robot_id, project_id), secret

    def get(self, robot_id: int, project_id: int | None = None) -> Robot:
        """The robot of that number, in that project only (None: in any).

        Raises:
            RobotUnknownError: there is none, or it is another project's.
        """
        robot = self._store.robot(robot_id)
        if robot is None or project_id not in (None, robot.project_id):
            raise RobotUnknownError(f"there is no robot {robot_id}")
        return robot

    def list(self, project_id: int, *, limit: int, offset: int) -> list[Robot]:
        """A page of the project's robots, by name."""
        return self._store.robots(project_id, limit=limit, offset=offset)

    def count(self, project_id: int) -> int:
        """How many robots `list` has in all its pages."""
        return self._store.count_robots(project_id)

    def change(
        self,
        actor: Actor,
        robot_id: int,
        *,
        description: str | None = None,
        disabled: bool | None = None,
        duration_days: int | None = None,
        rights: Collection[RobotRight] | None = None,
    ) -> Robot:
        """Change what is not None; a call that changes nothing is not logged.

        Args:
            actor: whom the log names.
            robot_id: which robot.
            description: for people.
            disabled: whether it is shut out.
            duration_days: counted from when it was made, so that sending the same number again
                does not prolong it; -1 for never.
            rights: all that it may do from now on.

        Raises:
            RobotUnknownError: there is no such robot.
            AccountInvalidError: one of these breaks the rules.
        """
        wanted = None if rights is None else self._checked_rights(rights)
        with atomic():
            robot = self.get(robot_id)
            values: dict[str, object] = {}
            if description is not None:
                values["description"] = checked(description, "description", MAX_DESCRIPTION)
            if disabled is not None:
                values["disabled"] = disabled
            if duration_days is not None:
                values["expires_at"] = _end(robot.created_at, duration_days)
            if wanted is not None:
                values["rights"] = wanted
            changed = {key: value for key, value in values.items() if getattr(robot, key) != value}
            return self._change(actor, robot, changed) if changed else robot

    def refresh_secret(self, actor: Actor, robot_id: int, secret: str | None = None) -> str:
        """Give the robot a new secret; the old one and every token it got are void at once.

        Args:
            actor: whom the log names.
            robot_id: which robot.
            secret: the new secret; None to have one made, which is the better way.

        Returns:
            The new secret, this once and never again.

        Raises:
            RobotUnknownError: there is no such robot.
            AccountInvalidError: the given secret is too weak.
        """
        fresh = new_secret() if secret is None else _checked_secret(secret)
        with atomic():
            robot = self.get(robot_id)
            self._store.update_robot(robot_id, self._clock(), bump=True, secret_digest=digest_secret(fresh))
            self._events.publish(RobotChanged(actor, robot.project_id, robot_id, robot.name, "secret"))
        return fresh

    def delete(self, actor: Actor, robot_id: int) -> None:
        """Delete the robot.

        Raises:
            RobotUnknownError: there is no such robot.
        """
        with atomic():
            self._delete(actor, self.get(robot_id))

    def remove_of_project(self, project_id: int, actor: Actor = SYSTEM) -> None:
        """Delete all robots of a project."""
        with atomic():
            for robot in self._store.robots(project_id, limit=self.count(project_id), offset=0):
                self._delete(actor, robot)

    def prove(self, name: str, secret: str) -> Principal:
        """The robot of that login name, if the secret is its own and it may be used now.

        Raises:
            BadCredentialsError: in every other case; all of them take the same time.
        """
        found = self._store.robot_login(name) if is_storable(name) else None
        principal, disabled, digest = found or (ANONYMOUS, True, digest_secret(""))
        if not matches(digest, secret) or disabled or self._is_over(principal.expires_at):
            raise BadCredentialsError
        return principal

    def current(self, robot_id: int, generation: int) -> Principal:
        """The robot as it is now, if a token of that generation is still good.

        Raises:
            BadCredentialsError: it is gone, disabled, expired, or its secret was changed since.
        """
        robot = self._store.robot(robot_id)
        if robot is None or robot.generation != generation:
            raise BadCredentialsError
        if robot.disabled or self._is_over(robot.expires_at):
            raise BadCredentialsError
        return robot.principal()

    def _is_over(self, expires_at: datetime | None) -> bool:
        return expires_at is not None and expires_at <= self._clock()

    def _checked_rights(self, rights: Collection[RobotRight]) -> frozenset[RobotRight]:
        wanted = frozenset(rights)
        if not wanted:
            raise AccountInvalidError("a robot needs at least one permission")
        for right in sorted(wanted - self._grantable, key=lambda each: (each.resource, each.action)):
            named = f"{right.resource[:100]!r} {right.action[:100]!r}"
            raise AccountInvalidError(f"no robot can have the permission {named} in a project")
        return wanted

    def _insert(self, values: dict[str, object], rights: frozenset[RobotRight]) -> int:
        try:
            with atomic():
                return self._store.insert_robot(values, rights)
        except IntegrityError as error:
            raise RobotExistsError(f"there is a robot {values['name']} already") from error

    def _change(self, actor: Actor, robot: Robot, changed: dict[str, object]) -> Robot:
        what = ", ".join(sorted(changed))
        rights = changed.pop("rights", None)
        self._store.update_robot(robot.id, self._clock(), bump=what != "description", **changed)
        if isinstance(rights, frozenset):
            self._store.replace_rights(robot.id, rights)
        self._events.publish(RobotChanged(actor, robot.project_id, robot.id, robot.name, what))
        return self.get(robot.id)

    def _delete(self, actor: Actor, robot: Robot) -> None:
        self._store.delete_robot(robot.id)
        self._events.publish(RobotDeleted(actor, robot.project_id, robot.id, robot.name))

    def _project_deleted(self, event: ProjectDeleted) -> None:
        self.remove_of_project(event.project_id, event.actor)

    def _project_created(self, event: ProjectCreated) -> None:
        # A robot made while its project was being deleted stays behind, without rights anywhere;
        # it would keep its login name from the robots of a new project of the same name.
        prefix = f"{PREFIX}{event.name}+"
        for robot in self._store.robots_of_other_projects(prefix, event.project_id):
            self._delete(event.actor, robot)


def _login_name(project_name: str, name: str) -> str:
    login = f"{PREFIX}{project_name}+{name}"
    if _name(name) is None or len(login) > MAX_NAME_LENGTH:
        raise AccountInvalidError(
            "a robot name takes a-z and 0-9, joined by single '.', '_' or '-', and has at most "
            f"{MAX_NAME_LENGTH} characters with {PREFIX}<project>+ in front"
        )
    return login


def _end(made: datetime, days: int | None) -> datetime | None:
    if days is None or days == FOREVER:
        return None
    if not 1 <= days <= MAX_DURATION_DAYS:
        raise AccountInvalidError(f"a robot lives for 1 to {MAX_DURATION_DAYS} days, or ({FOREVER}) for ever")
    return made + timedelta(days=days)


def _checked_secret(secret: str) -> str:
    """Secrets are kept as plain digests, which is safe only if nobody can guess them."""
    checked(secret, "secret", MAX_SECRET_LENGTH)
    strong = all(any(test(letter) for letter in secret) for test in (str.islower, str.isupper, str.isdigit))
    if len(secret) < MIN_SECRET_LENGTH or not strong:
        raise AccountInvalidError(
            f"a secret has {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} characters, among them a lower-case "
            "and an upper-case letter and a digit"
        )
    return secret
