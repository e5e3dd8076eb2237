"""`/users`: people."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.errors import PreconditionFailed
from moorage.identity.directory import EntryKind
from moorage.identity.errors import UserUnknownError
from moorage.identity.model import PrincipalKind, User
from moorage.projects.model import SystemPermission
from moorage.projects.rules import APPOINT, CREATE_USER, DELETE_USER, LIST_USERS, READ_USER, UPDATE_USER
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, query, render
from moorage.web.harbor.answer import BASE, send, send_created, send_page
from moorage.web.harbor.outside import after, names_outside
from moorage.web.harbor.paths import number_in_path
from moorage.web.paging import numbered_page
from moorage.web.standing import may

_CONDITIONS: query.Allowed = {"username": query.PART}
#: What clients of Harbor send along in every body about a user. It has no effect there: an account
#: becomes an administrator by a call of its own.
_OVERLOOKED = frozenset({"sysadmin_flag", "admin_role_in_auth"})
_PROFILE = frozenset({"email", "realname", "comment"})


class CliSecretUnsupportedError(PreconditionFailed):
    """Nobody has Harbor's CLI secret."""


class UsersResource:
    """All users; for system administrators."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", LIST_USERS, "list_users"),
        "POST": Access("system", CREATE_USER, "create_user"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them, by name."""
        page = numbered_page(req)
        query.order(req, {}, "")
        asked = query.conditions(req, _CONDITIONS).get("username")
        users = self._services.users
        if asked is not None and asked.match is query.Match.EXACT:
            one = users.find(asked.value)
            found = [] if one is None else [one]
            shown, total = found[page.offset : page.offset + page.limit], len(found)
        else:
            part = "" if asked is None else asked.value
            shown, total = users.list(q=part, limit=page.limit, offset=page.offset), users.count(part)
        send_page(req, resp, page, [render.user(each) for each in shown], total)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make an account; it is never an administrator's."""
        caller: Caller = req.context.caller
        asked = body.read(req, known={"username", "password", *_PROFILE}, overlooked=_OVERLOOKED)
        made = self._services.users.create(
            caller.actor,
            asked.text("username"),
            asked.text("password"),
            email=asked.text("email", ""),
            real_name=asked.text("realname", ""),
            comment=asked.text("comment", ""),
        )
        send_created(resp, "users", made.id)


class UserSearchResource:
    """Names of users, for whoever wants to make somebody a member."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "search_users")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of those whose names have `username` in them: first the accounts, with their numbers, then
        people whom only the directory has.
        """
        caller: Caller = req.context.caller
        if caller.principal.kind is not PrincipalKind.USER:
            raise PermissionDeniedError("robots may not look for people")
        part = req.get_param("username")
        if not part:
            raise query.QueryInvalidError("'username' is missing")
        page = numbered_page(req)
        users = self._services.users
        outside = names_outside(self._services, resp, part, EntryKind.USER)
        known = users.named(outside)
        more = [name for name in outside if name not in known]
        total = users.count(part)
        found = [render.user_found(each) for each in users.list(q=part, limit=page.limit, offset=page.offset)]
        found += [{"username": name} for name in after(total, page.offset, page.limit, more)]
        send_page(req, resp, page, found, total + len(more))


class UserResource:
    """One user: the caller, or anybody for system administrators."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "get_user"),
        "PUT": Access("signed_in", None, "update_user"),
        "DELETE": Access("system", DELETE_USER, "delete_user"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """The account."""
        send(resp, render.user(own_or_any(self._services, req, user_id, READ_USER)))

    def on_put(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Change the profile; what the body leaves out stays."""
        caller: Caller = req.context.caller
        user = own_or_any(self._services, req, user_id, UPDATE_USER)
        # Harbor's clients send the whole account back; only the profile counts.
        asked = body.read(req, known=_PROFILE, overlooked=_OVERLOOKED | {"username", "password", "user_id"})
        self._services.users.change_profile(
            caller.actor,
            user.id,
            email=asked.text("email", user.email),
            real_name=asked.text("realname", user.real_name),
            comment=asked.text("comment", user.comment),
        )

    def on_delete(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Delete the account."""
        caller: Caller = req.context.caller
        number = user_number(user_id)
        if caller.principal.kind is PrincipalKind.USER and number == caller.principal.id:
            raise PermissionDeniedError("nobody can delete their own account")
        if not caller.principal.admin and self._services.users.get(number).principal().admin:
            raise PermissionDeniedError("only system administrators can delete one")
        self._services.users.delete(caller.actor, number)


class UserAdminResource:
    """Whether a user is a system administrator."""

    access: ClassVar[Mapping[str, Access]] = {"PUT": Access("system", APPOINT, "set_user_admin")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_put(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Make the user one, or a common user."""
        caller: Caller = req.context.caller
        asked = body.read(req, known={"sysadmin_flag"})
        self._services.users.set_admin(caller.actor, user_number(user_id), asked.flag("sysadmin_flag"))


class UserPasswordResource:
    """A user's password."""

    access: ClassVar[Mapping[str, Access]] = {"PUT": Access("signed_in", None, "set_user_password")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_put(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Set it; one's own takes the old one, whoever one is."""
        caller: Caller = req.context.caller
        user = own_or_any(self._services, req, user_id)
        asked = body.read(req, known={"old_password", "new_password"})
        new = asked.text("new_password")
        old = asked.text("old_password") if user.id == caller.principal.id else None
        self._services.users.change_password(caller.actor, user.id, new, old=old)
        self._services.made_up_password.changed(user.name)


class UserCliSecretResource:
    """Harbor's one secret for the command line, which people of an OpenID provider have there."""

    access: ClassVar[Mapping[str, Access]] = {"PUT": Access("signed_in", None, "set_user_cli_secret")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_put(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Refuse, as Harbor does for everybody who can log in with a password."""
        own_or_any(self._services, req, user_id)
        body.read(req, known={"secret"}).text("secret")
        raise CliSecretUnsupportedError(
            "nobody has a CLI secret here: passwords work on the command line, and so do personal access "
            f"tokens, which POST {BASE}/users/current/tokens makes"
        )


def user_number(user_id: str) -> int:
    """The number in the path.

    Raises:
        UserUnknownError: it is none.
    """
    return number_in_path(user_id, UserUnknownError("there is no such user"))


def own_or_any(
    services: Services, req: falcon.Request, user_id: str, permission: SystemPermission = APPOINT
) -> User:
    """The user that the path names, if that is the caller or the caller may do this to anybody.

    Raises:
        PermissionDeniedError: it is neither, whether there is such a user or not.
        UserUnknownError: who may do this to anybody asks for nobody.
    """
    caller: Caller = req.context.caller
    principal = caller.principal
    own = principal.kind is PrincipalKind.USER and user_id == str(principal.id)
    if not own and not may(services, principal, permission):
        raise PermissionDeniedError("you may do this to your own account only")
    return services.users.get(user_number(user_id))
