"""Robots: accounts for machines, each inside one project or of the whole system."""

from collections.abc import Collection
from datetime import datetime

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import (
    SYSTEM,
    Actor,
    Events,
    ProjectCreated,
    ProjectDeleted,
    ProjectNameReleased,
    ProjectRenamed,
    RobotChanged,
    RobotCreated,
    RobotDeleted,
)
from moorage.identity.errors import (
    AccountInvalidError,
    BadCredentialsError,
    RobotChangedMeanwhileError,
    RobotExistsError,
    RobotUnknownError,
)
from moorage.identity.model import ANONYMOUS, Principal, Robot, RobotPermission
from moorage.identity.robot_store import SORTS, RobotStore
from moorage.identity.robot_terms import (
    MAX_DESCRIPTION,
    MAX_NAME_LENGTH,
    PREFIX,
    Grantable,
    checked_secret,
    end,
    in_words,
    login_name,
    prefix_of,
)
from moorage.identity.secrets import digest_secret, matches, new_secret
from moorage.identity.text import checked, is_storable


class Robots:
    """Creates, finds, changes and deletes robots.

    When a project goes, its robots and all rights in it go with it in the same transaction; when it is
    renamed, its robots are, too, and may go on using the login names that they had. The constructor
    subscribes to that.
    """

    def __init__(self, store: RobotStore, events: Events, clock: Clock, *, grantable: Grantable) -> None:
        """Args are the parts."""
        self._store = store
        self._events = events
        self._clock = clock
        self._grantable = grantable
        events.subscribe(ProjectDeleted, self._project_deleted)
        events.subscribe(ProjectCreated, self._project_created)
        events.subscribe(ProjectRenamed, self._project_renamed)
        events.subscribe(ProjectNameReleased, self._name_released)

    def create(
        self,
        actor: Actor,
        project: tuple[int, str] | None,
        name: str,
        *,
        description: str = "",
        duration_days: int | None = None,
        disabled: bool = False,
        permissions: Collection[RobotPermission],
    ) -> tuple[Robot, str]:
        """Make a robot; its secret is returned this once and never again.

        Whether the caller may give away these rights is for the caller of this method to check
        (`projects.rules.robot_rights_allowed`).

        Args:
            actor: whom the log names, and who is written down as its maker.
            project: number and name of its only project, for the login name ``robot$<project>+<name>``;
                None for a robot of the system, ``robot$<name>``.
            name: lower-case letters and digits, joined by single ``.``, ``_`` or ``-``.
            description: for people.
            duration_days: until it expires; -1 or None for never.
            disabled: it is shut out until somebody lets it in.
            permissions: what it may do, at least one thing.

        Raises:
            AccountInvalidError: one of these breaks the rules.
            RobotExistsError: the name is taken.
        """
        project_id, prefix = (0, PREFIX) if project is None else (project[0], prefix_of(project[1]))
        login = login_name(prefix, name)
        now = self._clock()
        values = {
            "project_id": project_id,
            "name": login,
            "description": checked(description, "description", MAX_DESCRIPTION),
            "disabled": disabled,
            "generation": 1,
            "expires_at": end(now, duration_days),
            "created_at": now,
            "updated_at": now,
            "created_by": actor.name,
        }
        wanted = self._grantable.checked(project_id, permissions)
        secret = new_secret()
        with atomic():
            robot_id = self._insert({**values, "secret_digest": digest_secret(secret)}, wanted)
            self._events.publish(RobotCreated(actor, project_id, robot_id, login, in_words(wanted)))
            return self.get(robot_id), secret

    def get(self, robot_id: int) -> Robot:
        """The robot of that number.

        Raises:
            RobotUnknownError: there is none.
        """
        robot = self._store.robot(robot_id)
        if robot is None:
            raise RobotUnknownError(f"there is no robot {robot_id}")
        return robot

    def list(
        self, project_id: int, *, name: str = "", part: str = "", sort: str = "name", limit: int, offset: int
    ) -> list[Robot]:
        """A page of the project's robots; with 0, of the system's.

        Args:
            project_id: whose robots.
            name: only the one with this login name.
            part: only those whose login names contain this.
            sort: a key of `robot_store.SORTS`, with ``-`` in front for downwards.
            limit: the most to return.
            offset: how many to leave out.

        Raises:
            AccountInvalidError: the list cannot be sorted by that.
        """
        if sort.removeprefix("-") not in SORTS:
            raise AccountInvalidError(f"robots cannot be sorted by {sort[:100]!r}")
        if not is_storable(name + part):
            return []
        return self._store.robots(project_id, name=name, part=part, sort=sort, limit=limit, offset=offset)

    def count(self, project_id: int, *, name: str = "", part: str = "") -> int:
        """How many robots `list` has in all its pages."""
        return self._store.count(project_id, name=name, part=part) if is_storable(name + part) else 0

    def change(
        self,
        actor: Actor,
        robot_id: int,
        *,
        description: str | None = None,
        disabled: bool | None = None,
        duration_days: int | None = None,
        permissions: Collection[RobotPermission] | None = None,
        generation: int | None = None,
    ) -> Robot:
        """Change what is not None; a call that changes nothing is not logged.

        Args:
            actor: whom the log names.
            robot_id: which robot.
            description: for people.
            disabled: whether it is shut out.
            duration_days: counted from when it was made, so that sending the same number again
                does not prolong it; -1 for never.
            permissions: all that it may do from now on.
            generation: that of the robot which the caller was found to be allowed to change.

        Raises:
            RobotUnknownError: there is no such robot.
            RobotChangedMeanwhileError: it is of another generation by now.
            AccountInvalidError: one of these breaks the rules.
        """
        with atomic():
            robot = self._locked(robot_id, generation)
            values: dict[str, object] = {}
            if description is not None:
                values["description"] = checked(description, "description", MAX_DESCRIPTION)
            if disabled is not None:
                values["disabled"] = disabled
            if duration_days is not None:
                values["expires_at"] = end(robot.created_at, duration_days)
            if permissions is not None:
                values["permissions"] = self._grantable.checked(robot.project_id, permissions)
            changed = {key: value for key, value in values.items() if getattr(robot, key) != value}
            return self._change(actor, robot, changed) if changed else robot

    def refresh_secret(
        self, actor: Actor, robot_id: int, secret: str | None = None, *, generation: int | None = None
    ) -> str:
        """Give the robot a new secret; the old one and every token it got are void at once.

        Args:
            actor: whom the log names.
            robot_id: which robot.
            secret: the new secret; None to have one made, which is the better way.
            generation: as in `change`.

        Returns:
            The new secret, this once and never again.

        Raises:
            RobotUnknownError: there is no such robot.
            RobotChangedMeanwhileError: it is of another generation by now.
            AccountInvalidError: the given secret is too weak.
        """
        fresh = new_secret() if secret is None else checked_secret(secret)
        with atomic():
            robot = self._locked(robot_id, generation)
            self._store.update(robot_id, self._clock(), bump=True, secret_digest=digest_secret(fresh))
            self._events.publish(RobotChanged(actor, robot.project_id, robot_id, robot.name, "secret"))
        return fresh

    def delete(self, actor: Actor, robot_id: int) -> None:
        """Delete the robot.

        Raises:
            RobotUnknownError: there is no such robot.
        """
        with atomic():
            self._delete(actor, self._locked(robot_id, None))

    def remove_of_project(self, project_id: int, actor: Actor = SYSTEM) -> None:
        """Delete all robots of a project, and what other robots may do there."""
        with atomic():
            for robot in self._store.of_project(project_id):
                self._delete(actor, robot)
            self._store.forget_project(project_id)

    def prove(self, name: str, secret: str) -> Principal:
        """The robot that has this login name or had it, if the secret is its own and it may be used now.

        Raises:
            BadCredentialsError: in every other case; all of them take the same time.
        """
        found = self._store.login(name) if is_storable(name) else None
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

    def _locked(self, robot_id: int, generation: int | None) -> Robot:
        self._store.lock(robot_id)
        robot = self.get(robot_id)
        if generation not in (None, robot.generation):
            raise RobotChangedMeanwhileError(f"robot {robot_id} was changed meanwhile; look at it again")
        return robot

    def _insert(self, values: dict[str, object], permissions: Collection[RobotPermission]) -> int:
        try:
            with atomic():
                return self._store.insert(values, permissions)
        except IntegrityError as error:
            raise RobotExistsError(f"there is a robot {values['name']} already") from error

    def _change(self, actor: Actor, robot: Robot, changed: dict[str, object]) -> Robot:
        what = ", ".join(sorted(changed))
        permissions = changed.pop("permissions", None)
        self._store.update(robot.id, self._clock(), bump=what != "description", **changed)
        if isinstance(permissions, tuple):
            self._store.replace_permissions(robot.id, permissions)
        fresh = self.get(robot.id)
        may = "" if permissions is None else in_words(fresh.permissions)
        self._events.publish(RobotChanged(actor, robot.project_id, robot.id, robot.name, what, may))
        return fresh

    def _delete(self, actor: Actor, robot: Robot) -> None:
        self._store.delete(robot.id)
        self._events.publish(RobotDeleted(actor, robot.project_id, robot.id, robot.name))

    def _project_deleted(self, event: ProjectDeleted) -> None:
        self.remove_of_project(event.project_id, event.actor)

    def _project_created(self, event: ProjectCreated) -> None:
        # A robot made while its project was being deleted stays behind, without rights anywhere;
        # it would keep its login name from the robots of a new project of the same name.
        self._clear(event.actor, prefix_of(event.name), event.project_id)

    def _clear(self, actor: Actor, prefix: str, project_id: int) -> None:
        for robot in self._store.of_other_projects(prefix, project_id):
            self._delete(actor, robot)

    def _project_renamed(self, event: ProjectRenamed) -> None:
        fresh = prefix_of(event.name)
        self._clear(event.actor, fresh, event.project_id)
        self._store.rename(event.project_id, prefix_of(event.previous), fresh)
        longest = self._store.longest(event.project_id)
        if len(longest) > MAX_NAME_LENGTH:
            raise AccountInvalidError(
                f"with this name of the project the robot {longest} would have more than {MAX_NAME_LENGTH} "
                "characters"
            )

    def _name_released(self, event: ProjectNameReleased) -> None:
        self._store.forget_logins(prefix_of(event.released))
