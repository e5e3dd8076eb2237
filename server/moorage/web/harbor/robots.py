"""`/robots`: accounts for machines, inside one project.

The path does not name the project, the robot does; each call finds it and asks what the caller may do
there. Whoever may not even know of the robot is told that there is none.
"""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.errors import NotFound
from moorage.identity.errors import RobotUnknownError
from moorage.identity.model import FOREVER, Principal, Robot, RobotRight
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.model import Permission, Standing
from moorage.projects.rules import (
    CREATE_ROBOT,
    DELETE_ROBOT,
    LIST_ROBOTS,
    READ_ROBOT,
    UPDATE_ROBOT,
    permitted,
    robot_rights_allowed,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, query, render
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.paths import number_in_path
from moorage.web.paging import numbered_page

_PROJECT = "project"
_CONDITIONS: query.Allowed = {"Level": query.EXACT, "ProjectID": query.EXACT}
_FIELDS = frozenset({"name", "description", "level", "disable", "duration", "permissions"})
#: What clients of Harbor send along: parts of the robot as they got it, which no call can change.
_OVERLOOKED = frozenset({"id", "secret", "editable", "expires_at", "creation_time", "update_time"})
_MOST_RIGHTS = 200
_THIRTY_DAYS = 30


class RobotsResource:
    """The robots of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "list_robots"),
        "POST": Access("signed_in", None, "create_robot"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them; `q` names the project."""
        caller: Caller = req.context.caller
        asked = query.conditions(req, _CONDITIONS)
        page = numbered_page(req)
        if "ProjectID" not in asked:
            _check_admin(caller.principal)  # Harbor lists system robots here; there are none
            send_page(req, resp, page, [], 0)
            return
        if "Level" in asked and asked["Level"].value != _PROJECT:
            raise query.QueryInvalidError("q: robots with a ProjectID have the Level project")
        project_id = asked["ProjectID"].number()
        unknown = ProjectUnknownError("there is no such project")
        _standing(self._services, caller.principal, project_id, LIST_ROBOTS, unknown)
        robots = self._services.robots
        name = self._services.projects.get(project_id).name
        found = robots.list(project_id, limit=page.limit, offset=page.offset)
        send_page(req, resp, page, [render.robot(each, name) for each in found], robots.count(project_id))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a robot; the answer is the only one that shows its secret."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=_FIELDS, overlooked=_OVERLOOKED)
        if asked.text("level", _PROJECT) != _PROJECT:
            raise PermissionDeniedError("level: this server has robots of projects only")
        if asked.flag("disable", False):
            raise BodyInvalidError("disable: a robot cannot be made disabled")
        namespace, rights = _permissions(asked)
        project = self._services.projects.find(namespace)
        # A project that does not exist and one in which the caller may not make robots look alike.
        denied = PermissionDeniedError(f"you may not make robots in a project {namespace[:100]!r}")
        if project is None:
            raise denied
        standing = _asked_standing(self._services, caller.principal, project.id)
        if not permitted(standing, CREATE_ROBOT):
            raise denied
        _check_rights(standing, rights)
        made, secret = self._services.robots.create(
            caller.actor,
            project.id,
            project.name,
            asked.text("name"),
            description=asked.text("description", ""),
            duration_days=asked.number("duration", _THIRTY_DAYS),
            rights=rights,
        )
        send_created(resp, "robots", made.id, content=render.robot_created(made, secret))


class RobotResource:
    """One robot."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "get_robot"),
        "PUT": Access("signed_in", None, "update_robot"),
        "PATCH": Access("signed_in", None, "refresh_robot"),
        "DELETE": Access("signed_in", None, "delete_robot"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """The robot, without its secret."""
        robot, _ = self._allowed(req, robot_id, READ_ROBOT)
        send(resp, render.robot(robot, self._services.projects.get(robot.project_id).name))

    def on_put(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """Change the robot; what the body leaves out stays."""
        caller: Caller = req.context.caller
        robot, standing = self._allowed(req, robot_id, UPDATE_ROBOT)
        _check_rights(standing, robot.rights)
        asked = body.read(req, known=_FIELDS, overlooked=_OVERLOOKED)
        if asked.text("level", _PROJECT) != _PROJECT:
            raise PermissionDeniedError("level: a robot stays in its project")
        if asked.text("name", robot.name) not in (robot.name, robot.name.partition("+")[2]):
            raise BodyInvalidError("name: a robot cannot be renamed")
        rights = None
        if "permissions" in asked:
            namespace, rights = _permissions(asked)
            if namespace != self._services.projects.get(robot.project_id).name:
                raise PermissionDeniedError("permissions: a robot stays in its project")
            _check_rights(standing, rights)
        self._services.robots.change(
            caller.actor,
            robot.id,
            description=asked.text("description") if "description" in asked else None,
            disabled=asked.flag("disable") if "disable" in asked else None,
            duration_days=_duration(asked),
            rights=rights,
        )

    def on_patch(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """Give the robot a new secret: the one in the body, or one made here."""
        caller: Caller = req.context.caller
        robot, standing = self._allowed(req, robot_id, UPDATE_ROBOT)
        # Whoever knows a robot's secret is that robot, so a weaker one must not set it.
        _check_rights(standing, robot.rights)
        asked = body.read(req, known={"secret"})
        secret = self._services.robots.refresh_secret(
            caller.actor, robot.id, asked.text("secret", "") or None
        )
        send(resp, render.robot_secret(secret))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """Delete the robot."""
        caller: Caller = req.context.caller
        robot, _ = self._allowed(req, robot_id, DELETE_ROBOT)
        self._services.robots.delete(caller.actor, robot.id)

    def _allowed(self, req: falcon.Request, robot_id: str, permission: Permission) -> tuple[Robot, Standing]:
        caller: Caller = req.context.caller
        number = number_in_path(robot_id, RobotUnknownError("there is no such robot"))
        robot = self._services.robots.get(number)
        # The very words of the line above, or a stranger could tell a hidden robot from none.
        unknown = RobotUnknownError(f"there is no robot {number}")
        standing = _standing(self._services, caller.principal, robot.project_id, permission, unknown)
        return robot, standing


def _standing(
    services: Services, principal: Principal, project_id: int, permission: Permission, unknown: NotFound
) -> Standing:
    """The caller's standing in the project, if it allows `permission`.

    Raises:
        NotFound: `unknown`: to whoever may not even read what they ask for.
        PermissionDeniedError: to whoever may read it and no more.
    """
    standing = _asked_standing(services, principal, project_id)
    if standing is not None and permitted(standing, permission):
        return standing
    if permitted(standing, READ_ROBOT):
        raise PermissionDeniedError("you may not do this to the robots of that project")
    raise unknown


def _asked_standing(services: Services, principal: Principal, project_id: int) -> Standing | None:
    return services.access.standing_by_id(principal.kind, principal.id, principal.generation, project_id)


def _check_admin(principal: Principal) -> None:
    if not principal.admin:
        raise PermissionDeniedError("q: without a ProjectID only system administrators may list robots")


def _check_rights(standing: Standing | None, rights: frozenset[RobotRight]) -> None:
    if not robot_rights_allowed(standing, rights):
        raise PermissionDeniedError("permissions: nobody can give a robot what they may not do themselves")


def _permissions(asked: Body) -> tuple[str, frozenset[RobotRight]]:
    """The one project that the permissions name, and what they allow there."""
    found = asked.parts("permissions", known={"kind", "namespace", "access"}, most=_MOST_RIGHTS)
    if any(each.text("kind") != _PROJECT for each in found):
        raise PermissionDeniedError(
            "permissions: a robot of a project has permissions of the kind project only"
        )
    namespaces = {each.text("namespace") for each in found}
    if not namespaces:
        raise BodyInvalidError("permissions: a robot needs at least one")
    if len(namespaces) > 1 or "*" in namespaces:
        raise PermissionDeniedError("permissions: a robot has permissions in one project")
    rights = {_right(access) for each in found for access in _accesses(each)}
    return namespaces.pop(), frozenset(rights)


def _accesses(permission: Body) -> list[Body]:
    return permission.parts("access", known={"resource", "action", "effect"}, most=_MOST_RIGHTS)


def _right(access: Body) -> RobotRight:
    if access.text("effect", "allow") not in ("", "allow"):
        raise BodyInvalidError("effect: permissions allow; there is no other effect")
    return RobotRight(access.text("resource"), access.text("action"))


def _duration(asked: Body) -> int | None:
    if "duration" not in asked:
        return None
    days = asked.number("duration")
    return days if days else FOREVER
