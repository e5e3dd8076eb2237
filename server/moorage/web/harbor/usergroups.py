"""`/usergroups`: groups of the directory that have, or may be given, roles here."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.identity.directory import EntryKind
from moorage.identity.errors import GroupUnknownError
from moorage.identity.model import PrincipalKind
from moorage.projects.rules import CREATE_GROUP, DELETE_GROUP, LIST_GROUPS, READ_GROUP, UPDATE_GROUP
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, query, render
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.outside import after, names_outside
from moorage.web.harbor.paths import number_in_path
from moorage.web.paging import numbered_page

GROUP_FIELDS = frozenset({"group_name", "group_type", "ldap_group_dn"})


class UserGroupsResource:
    """The groups that are known here."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", LIST_GROUPS, "list_user_groups"),
        "POST": Access("system", CREATE_GROUP, "create_user_group"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them, by name; `group_name` is a part of it. None has a distinguished name."""
        page = numbered_page(req)
        part = req.get_param("group_name") or ""
        if req.get_param("ldap_group_dn"):
            send_page(req, resp, page, [], 0)
            return
        groups = self._services.groups
        found = groups.list(q=part, limit=page.limit, offset=page.offset)
        send_page(req, resp, page, [render.group(each) for each in found], groups.count(part))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a group of the directory known."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=GROUP_FIELDS, overlooked={"id"})
        check_kind(asked)
        made = self._services.groups.create(caller.actor, asked.text("group_name"))
        send_created(resp, "usergroups", made.id)


class UserGroupSearchResource:
    """Names of groups, for whoever wants to make one a member."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "search_user_groups")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of those whose names have `groupname` in them: first those known here, with their
        numbers, then those that only the directory has.
        """
        caller: Caller = req.context.caller
        if caller.principal.kind is not PrincipalKind.USER:
            raise PermissionDeniedError("robots may not look for groups")
        part = req.get_param("groupname")
        if not part:
            raise query.QueryInvalidError("'groupname' is missing")
        page = numbered_page(req)
        groups = self._services.groups
        outside = names_outside(self._services, resp, part, EntryKind.GROUP)
        known = groups.named(outside)
        more = [name for name in outside if name not in known]
        total = groups.count(part)
        found = [
            render.group_found(each.name, each.id)
            for each in groups.list(q=part, limit=page.limit, offset=page.offset)
        ]
        found += [render.group_found(name, None) for name in after(total, page.offset, page.limit, more)]
        send_page(req, resp, page, found, total + len(more))


class UserGroupResource:
    """One group."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_GROUP, "get_user_group"),
        "PUT": Access("system", UPDATE_GROUP, "update_user_group"),
        "DELETE": Access("system", DELETE_GROUP, "delete_user_group"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        """The group."""
        send(resp, render.group(self._services.groups.get(_number(group_id))))

    def on_put(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        """Follow the group to the name that it has in the directory now."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=GROUP_FIELDS, overlooked={"id"})
        check_kind(asked)
        self._services.groups.rename(caller.actor, _number(group_id), asked.text("group_name"))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        """Forget the group and the roles that it gives."""
        caller: Caller = req.context.caller
        self._services.groups.delete(caller.actor, _number(group_id))


def check_kind(asked: Body) -> None:
    """Whether the body speaks of a group as there are here: with a name and nothing else.

    Raises:
        BodyInvalidError: it does not.
    """
    if asked.text("ldap_group_dn", ""):
        raise BodyInvalidError("ldap_group_dn: groups are known by their names here; send group_name")
    if asked.number("group_type", render.GROUP_TYPE) not in (0, render.GROUP_TYPE):
        raise BodyInvalidError(f"group_type: every group here is of type {render.GROUP_TYPE}")


def _number(group_id: str) -> int:
    return number_in_path(group_id, GroupUnknownError("there is no such group"))
