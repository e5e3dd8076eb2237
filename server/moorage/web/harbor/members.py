"""`/projects/{}/members`: who has which role."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.identity.model import RobotRight
from moorage.projects.errors import MemberUnknownError
from moorage.projects.model import Role
from moorage.projects.rules import (
    CREATE_MEMBER,
    DELETE_MEMBER,
    LIST_MEMBERS,
    READ_MEMBER,
    TABLE,
    UPDATE_MEMBER,
    robot_rights_allowed,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, render
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.paths import number_in_path
from moorage.web.harbor.usergroups import GROUP_FIELDS, check_kind
from moorage.web.paging import numbered_page


class MembersResource:
    """All members of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_MEMBERS, "list_members"),
        "POST": Access("project", CREATE_MEMBER, "create_member"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A page of them, by name; `entityname` is a part of the name."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        part = req.get_param("entityname") or ""
        members = self._services.members
        found = members.list(caller.project_id, q=part, limit=page.limit, offset=page.offset)
        total = members.count(caller.project_id, part)
        send_page(req, resp, page, [render.member(each) for each in found], total)

    def on_post(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Give a user or a group a role."""
        caller: Caller = req.context.caller
        asked = body.read(req, known={"role_id", "member_user", "member_group"})
        role = _role(asked)
        _check_role(caller, role)
        members = self._services.members
        if "member_group" in asked:
            group_id = self._group_id(caller, asked)
            made = members.add_group(caller.actor, caller.project_id, group_id, role)
        else:
            made = members.add(caller.actor, caller.project_id, self._user_id(caller, asked), role)
        send_created(resp, "projects", caller.project_id, "members", made.id)

    def _user_id(self, caller: Caller, asked: Body) -> int:
        """The user that is meant; somebody of the directory who never logged in becomes known."""
        user = asked.part("member_user", known={"user_id", "username"})
        if user is None:
            raise BodyInvalidError("member_user is missing, and so is member_group; each is an object")
        if user.number("user_id", 0):
            return user.number("user_id")
        return self._services.people.meet(caller.actor, user.text("username")).id

    def _group_id(self, caller: Caller, asked: Body) -> int:
        """The group that is meant, by number or by name; one that only the directory has becomes known."""
        if "member_user" in asked:
            raise BodyInvalidError("member_user and member_group: one of them at a time")
        group = asked.part("member_group", known={"id", *GROUP_FIELDS})
        if group is None:
            raise BodyInvalidError("member_group is missing; it is an object")
        check_kind(group)
        if group.number("id", 0):
            return group.number("id")
        return self._services.groups.meet(caller.actor, group.text("group_name")).id


class MemberResource:
    """One member of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_MEMBER, "get_member"),
        "PUT": Access("project", UPDATE_MEMBER, "update_member"),
        "DELETE": Access("project", DELETE_MEMBER, "delete_member"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, mid: str
    ) -> None:
        """The member."""
        caller: Caller = req.context.caller
        send(resp, render.member(self._services.members.get(caller.project_id, _number(mid))))

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, mid: str
    ) -> None:
        """Give the member another role."""
        caller: Caller = req.context.caller
        role = _role(body.read(req, known={"role_id"}))
        _check_role(caller, role)
        self._services.members.change(caller.actor, caller.project_id, _number(mid), role)

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, mid: str
    ) -> None:
        """Take the member out."""
        caller: Caller = req.context.caller
        self._services.members.remove(caller.actor, caller.project_id, _number(mid))


def _number(mid: str) -> int:
    return number_in_path(mid, MemberUnknownError("the project has no such member"))


def _check_role(caller: Caller, role: Role) -> None:
    """Nobody gives away what they may not do themselves: a robot may hold no more than the right to do this.

    Raises:
        PermissionDeniedError: the role has more rights than the caller.
    """
    rights = [RobotRight(*permission) for permission, roles in TABLE.items() if role in roles]
    if not robot_rights_allowed(caller.standing, rights):
        raise PermissionDeniedError("role_id: nobody can give a role that has more rights than they have")


def _role(asked: Body) -> Role:
    number = asked.number("role_id")
    try:
        return Role(number)
    except ValueError as error:
        known = ", ".join(f"{role.value} {render.ROLE_NAMES[role]}" for role in sorted(Role))
        raise BodyInvalidError(f"role_id: there is no role {number}; these are: {known}") from error
