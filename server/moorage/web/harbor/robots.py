"""`/robots`: accounts for machines, of one project or of the system."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import falcon

from moorage.identity.model import PermissionKind, Robot, RobotPermission
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.rules import (
    CREATE_ROBOT,
    DELETE_ROBOT,
    LIST_ROBOTS,
    READ_ROBOT,
    UPDATE_ROBOT,
    permitted,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, query, render, robot_bodies
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.robot_access import RobotAccess, check_rights
from moorage.web.paging import numbered_page

_CONDITIONS: query.Allowed = {"Level": query.EXACT, "ProjectID": query.EXACT, "name": query.PART}
_SORTS = {
    "id": "id",
    "name": "name",
    "disable": "disabled",
    "expires_at": "expires_at",
    "creation_time": "created_at",
    "update_time": "updated_at",
}


class RobotsResource:
    """The robots of a project, or of the system."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "list_robots"),
        "POST": Access("signed_in", None, "create_robot"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them; `q` names the project, without one they are the system's."""
        asked = query.conditions(req, _CONDITIONS)
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "name")
        project_id = self._listable(req, asked)
        named = asked.get("name")
        wanted = {"name": "", "part": ""}
        if named is not None:
            wanted["name" if named.match is query.Match.EXACT else "part"] = named.value
        robots = self._services.robots
        found = robots.list(project_id, **wanted, sort=sort, limit=page.limit, offset=page.offset)
        send_page(req, resp, page, rendered(self._services, found), robots.count(project_id, **wanted))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a robot; the answer is the only one that shows its secret."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=robot_bodies.FIELDS, overlooked=robot_bodies.OVERLOOKED)
        access = RobotAccess(self._services, caller.principal)
        if robot_bodies.level(asked, PermissionKind.PROJECT) is PermissionKind.SYSTEM:
            access.check_making_outside()
            project = None
            permissions: Sequence[RobotPermission] = robot_bodies.of_the_system(asked, self._project_id)
        else:
            project, permissions = self._in_project(access, asked)
        days = asked.number("duration", self._services.site.robot_days())
        access.check_end(self._services.clock(), days)
        made, secret = self._services.robots.create(
            caller.actor,
            project,
            asked.text("name"),
            description=asked.text("description", ""),
            duration_days=days,
            disabled=asked.flag("disable", False),
            permissions=permissions,
        )
        send_created(resp, "robots", made.id, content=render.robot_created(made, secret))

    def _listable(self, req: falcon.Request, asked: Mapping[str, query.Condition]) -> int:
        """The number of the project whose robots are asked for; 0 for the system's."""
        caller: Caller = req.context.caller
        access = RobotAccess(self._services, caller.principal)
        project_id = asked["ProjectID"].number() if "ProjectID" in asked else 0
        default = PermissionKind.PROJECT if project_id else PermissionKind.SYSTEM
        level = asked["Level"].value if "Level" in asked else default.value
        if level != default:
            raise query.QueryInvalidError(
                "q: the Level project takes a ProjectID, the Level system takes none"
            )
        if project_id:
            unknown = ProjectUnknownError("there is no such project")
            access.in_project(project_id, LIST_ROBOTS, unknown)
        else:
            access.check_listing_outside()
        return project_id

    def _in_project(
        self, access: RobotAccess, asked: Body
    ) -> tuple[tuple[int, str], Sequence[RobotPermission]]:
        namespace, rights = robot_bodies.in_one_project(asked)
        project = self._services.projects.resolve(namespace)
        # A project that does not exist and one in which the caller may not make robots look alike.
        denied = PermissionDeniedError(f"you may not make robots in a project {namespace[:100]!r}")
        if project is None:
            raise denied
        standing = access.standing(project.id)
        if not permitted(standing, CREATE_ROBOT):
            raise denied
        check_rights(standing, rights)
        permission = RobotPermission(PermissionKind.PROJECT, project.id, rights)
        return (project.id, project.name), [permission]

    def _project_id(self, name: str) -> int | None:
        project = self._services.projects.resolve(name)
        return None if project is None else project.id


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
        robot = self._of(req).find(robot_id, READ_ROBOT)
        send(resp, rendered(self._services, [robot])[0])

    def on_put(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """Change the robot; what the body leaves out stays."""
        caller: Caller = req.context.caller
        access = self._of(req)
        robot = access.find(robot_id, UPDATE_ROBOT)
        asked = body.read(req, known=robot_bodies.FIELDS, overlooked=robot_bodies.OVERLOOKED)
        own = PermissionKind.SYSTEM if robot.is_system else PermissionKind.PROJECT
        if robot_bodies.level(asked, own) is not own:
            raise PermissionDeniedError("level: a robot stays what it is")
        if asked.text("name", robot.name) not in (robot.name, _short(robot)):
            raise BodyInvalidError("name: a robot cannot be renamed")
        days = robot_bodies.duration(asked)
        if days != robot.duration_days:
            access.check_end(robot.created_at, days)
        self._services.robots.change(
            caller.actor,
            robot.id,
            description=asked.text("description") if "description" in asked else None,
            disabled=asked.flag("disable") if "disable" in asked else None,
            duration_days=days,
            permissions=self._permissions(access, robot, asked) if "permissions" in asked else None,
            generation=robot.generation,
        )

    def on_patch(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """Give the robot a new secret: the one in the body, or one made here."""
        caller: Caller = req.context.caller
        access = self._of(req)
        robot = access.find(robot_id, UPDATE_ROBOT)
        access.check_end(robot.created_at, robot.duration_days)
        asked = body.read(req, known={"secret"})
        secret = self._services.robots.refresh_secret(
            caller.actor, robot.id, asked.text("secret", "") or None, generation=robot.generation
        )
        send(resp, render.robot_secret(secret))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, robot_id: str) -> None:
        """Delete the robot."""
        caller: Caller = req.context.caller
        robot = self._of(req).find(robot_id, DELETE_ROBOT)
        self._services.robots.delete(caller.actor, robot.id)

    def _of(self, req: falcon.Request) -> RobotAccess:
        caller: Caller = req.context.caller
        return RobotAccess(self._services, caller.principal)

    def _permissions(self, access: RobotAccess, robot: Robot, asked: Body) -> Sequence[RobotPermission]:
        projects = self._services.projects
        if robot.is_system:
            return robot_bodies.of_the_system(
                asked, lambda name: None if (found := projects.find(name)) is None else found.id
            )
        namespace, rights = robot_bodies.in_one_project(asked)
        if namespace != projects.get(robot.project_id).name:
            raise PermissionDeniedError("permissions: a robot stays in its project")
        check_rights(access.standing(robot.project_id), rights)
        return [RobotPermission(PermissionKind.PROJECT, robot.project_id, rights)]


def rendered(services: Services, robots: Sequence[Robot]) -> list[render.Json]:
    """Robots with the names of the projects that they are for; projects that are gone are left out."""
    numbers = {each.project_id for robot in robots for each in robot.permissions if each.project_id}
    names = services.projects.names(numbers)
    return [render.robot(each, names) for each in robots]


def _short(robot: Robot) -> str:
    return robot.name.partition("$" if robot.is_system else "+")[2]
