"""`/permissions`: everything that a robot can be given."""

from collections.abc import Collection, Mapping
from typing import ClassVar

import falcon

from moorage.identity.model import RobotRight
from moorage.projects.rules import READ_SYSTEM_ROBOT, ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor.answer import send
from moorage.web.standing import may


class PermissionsResource:
    """The rights that there are; those outside projects for whoever may look at system robots."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "list_robot_rights")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of them."""
        caller: Caller = req.context.caller
        sees_all = may(self._services, caller.principal, READ_SYSTEM_ROBOT)
        system: Collection[RobotRight] = SYSTEM_ROBOT_RIGHTS if sees_all else ()
        send(resp, {"system": _rendered(system), "project": _rendered(ROBOT_RIGHTS)})


def _rendered(rights: Collection[RobotRight]) -> list[dict[str, str]]:
    pairs = sorted((right.resource, right.action) for right in rights)
    return [{"resource": resource, "action": action} for resource, action in pairs]
