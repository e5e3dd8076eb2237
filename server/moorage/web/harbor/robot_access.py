"""Who may see and change which robot.

The path does not name the project, the robot does; each call finds it and asks what the caller may do
there. Whoever may not even know of the robot is told that there is none.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from moorage.errors import NotFound
from moorage.identity.errors import RobotUnknownError
from moorage.identity.model import FOREVER, Principal, Robot, RobotRight
from moorage.projects.model import Permission, Standing, SystemPermission
from moorage.projects.rules import (
    DELETE_ROBOT,
    LIST_SYSTEM_ROBOTS,
    MANAGE_SYSTEM_ROBOTS,
    READ_ROBOT,
    READ_SYSTEM_ROBOT,
    UPDATE_ROBOT,
    permitted,
    robot_rights_allowed,
)
from moorage.services import Services
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor.paths import number_in_path
from moorage.web.standing import may

_OUTSIDE: dict[Permission, SystemPermission] = {
    READ_ROBOT: READ_SYSTEM_ROBOT,
    UPDATE_ROBOT: MANAGE_SYSTEM_ROBOTS,
    DELETE_ROBOT: MANAGE_SYSTEM_ROBOTS,
}


class RobotAccess:
    """Decides for one caller."""

    def __init__(self, services: Services, principal: Principal) -> None:
        self._services = services
        self._principal = principal

    def find(self, robot_id: str, permission: Permission) -> Robot:
        """The robot of the path, if the caller may do this to it.

        Changes of a robot take, besides, everything that it may do: whoever sets a secret is that robot.

        Raises:
            RobotUnknownError: there is none that the caller may know of.
            PermissionDeniedError: the caller may know of it, and no more.
        """
        number = number_in_path(robot_id, RobotUnknownError("there is no such robot"))
        robot = self._services.robots.get(number)
        # The very words of the line above, or a stranger could tell a hidden robot from none.
        unknown = RobotUnknownError(f"there is no robot {number}")
        if robot.is_system:
            self._check_outside(_OUTSIDE[permission], unknown)
            return robot
        standing = self.in_project(robot.project_id, permission, unknown)
        if permission == UPDATE_ROBOT:
            check_rights(standing, robot.rights)
        return robot

    def in_project(self, project_id: int, permission: Permission, unknown: NotFound) -> Standing:
        """The caller's standing in the project, if it allows `permission`.

        Raises:
            NotFound: `unknown`: to whoever may not even read what they ask for.
            PermissionDeniedError: to whoever may read it and no more.
        """
        standing = self.standing(project_id)
        if standing is not None and permitted(standing, permission):
            return standing
        if permitted(standing, READ_ROBOT):
            raise PermissionDeniedError("you may not do this to the robots of that project")
        raise unknown

    def standing(self, project_id: int) -> Standing | None:
        """What the caller is in the project, right now."""
        principal = self._principal
        return self._services.access.standing_by_id(
            principal.kind, principal.id, principal.generation, project_id
        )

    def check_listing_outside(self) -> None:
        """Raise `PermissionDeniedError` unless the caller may list the system's robots."""
        if not may(self._services, self._principal, LIST_SYSTEM_ROBOTS):
            raise PermissionDeniedError(
                "q: Level=project,ProjectID=<id> lists the robots of a project; those of the system are "
                "for system administrators and auditors"
            )

    def check_making_outside(self) -> None:
        """Raise `PermissionDeniedError` unless the caller may make robots of the system."""
        if not may(self._services, self._principal, MANAGE_SYSTEM_ROBOTS):
            raise PermissionDeniedError("level: only system administrators make robots of the system")

    def check_end(self, made: datetime, days: int | None) -> None:
        """A robot that makes or prolongs a robot must not outlive itself in it.

        Raises:
            PermissionDeniedError: what it asks for ends later than the caller.
        """
        last = self._principal.expires_at
        if last is None or days is None:
            return
        if days == FOREVER or (days > 0 and made + timedelta(days=min(days, 10**6)) > last):
            raise PermissionDeniedError("duration: a robot can make others that end no later than itself")

    def _check_outside(self, permission: SystemPermission, unknown: NotFound) -> None:
        if may(self._services, self._principal, permission):
            return
        if may(self._services, self._principal, READ_SYSTEM_ROBOT):
            raise PermissionDeniedError("only system administrators change robots of the system")
        raise unknown


def check_rights(standing: Standing | None, rights: Collection[RobotRight]) -> None:
    """Raise `PermissionDeniedError` unless the account holds all of these rights itself."""
    if not robot_rights_allowed(standing, rights):
        raise PermissionDeniedError("permissions: nobody can give a robot what they may not do themselves")
