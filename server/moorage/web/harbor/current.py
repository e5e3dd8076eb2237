"""`/users/current`: the caller, what they may do, and their personal access tokens."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

import falcon

from moorage.errors import PreconditionFailed
from moorage.identity.errors import AccessTokenUnknownError
from moorage.identity.model import FOREVER, PrincipalKind
from moorage.identity.secrets import ACCESS_TOKEN_PREFIX
from moorage.projects.rules import SYSTEM, TABLE, permitted, system_permitted
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.credentials import Basic, parse_authorization
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, query, render
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.paths import number_in_path
from moorage.web.paging import numbered_page
from moorage.web.standing import account_of

_PROJECT_SCOPE = re.compile(r"/?project/([0-9]{1,18})/?").fullmatch
_THIRTY_DAYS = 30


class RobotNoUserError(PreconditionFailed):
    """What was asked for is there for people only."""


class CurrentUserResource:
    """The caller's own account."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "get_current_user")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The account; a robot is told that it has none, with Harbor's status."""
        caller: Caller = req.context.caller
        if caller.principal.kind is PrincipalKind.ROBOT:
            raise RobotNoUserError("a robot is no user; /users/current/permissions says what it may do")
        send(resp, render.user(self._services.users.get(_own_id(req))))


class CurrentPermissionsResource:
    """What the caller may do, in one project or in the system."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "list_permissions")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of it; `scope` is ``/project/<id>``, `relative` leaves it out of the resources' names."""
        caller: Caller = req.context.caller
        scope = req.get_param("scope") or ""
        relative = query.flag_parameter(req, "relative")
        if not scope:
            account = account_of(self._services, caller.principal)
            held = [each for each in sorted(SYSTEM) if system_permitted(account, each)]
            send(resp, [render.permission(each, "" if relative else "/") for each in held])
            return
        match = _PROJECT_SCOPE(scope)
        if match is None:
            raise query.QueryInvalidError("'scope' is /project/<id>")
        principal = caller.principal
        standing = self._services.access.standing_by_id(
            principal.kind, principal.id, principal.generation, int(match[1])
        )
        prefix = "" if relative else f"/project/{int(match[1])}/"
        send(resp, [render.permission(each, prefix) for each in sorted(TABLE) if permitted(standing, each)])


class AccessTokensResource:
    """The caller's personal access tokens. Harbor has none; its users take the one secret of a login."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "list_access_tokens"),
        "POST": Access("signed_in", None, "create_access_token"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them, without their secrets."""
        page = numbered_page(req)
        found = self._services.access_tokens.list(_own_id(req))
        shown = found[page.offset : page.offset + page.limit]
        send_page(req, resp, page, [render.access_token(each) for each in shown], len(found))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make one; the answer is the only one that shows its secret."""
        caller: Caller = req.context.caller
        user_id = _own_id(req)
        _check_password_was_sent(req)
        asked = body.read(req, known={"name", "duration"})
        days = asked.number("duration", _THIRTY_DAYS)
        lifetime = None if days == FOREVER else timedelta(days=_bounded(days))
        made, secret = self._services.access_tokens.create(
            caller.actor, user_id, asked.text("name"), lifetime
        )
        send_created(resp, "users", "current", "tokens", made.id, content=render.access_token(made, secret))


class AccessTokenResource:
    """One of the caller's personal access tokens."""

    access: ClassVar[Mapping[str, Access]] = {"DELETE": Access("signed_in", None, "delete_access_token")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_delete(self, req: falcon.Request, resp: falcon.Response, token_id: str) -> None:
        """Revoke it, at once."""
        caller: Caller = req.context.caller
        number = number_in_path(token_id, AccessTokenUnknownError("there is no such access token"))
        self._services.access_tokens.revoke(caller.actor, _own_id(req), number)


def _own_id(req: falcon.Request) -> int:
    caller: Caller = req.context.caller
    if caller.principal.kind is not PrincipalKind.USER:
        raise PermissionDeniedError("a robot is no user")
    return caller.principal.id


def _check_password_was_sent(req: falcon.Request) -> None:
    """A token that leaked must not make others that outlive it."""
    credential = parse_authorization(req.env.get("HTTP_AUTHORIZATION"))
    if isinstance(credential, Basic) and credential.password.startswith(ACCESS_TOKEN_PREFIX):
        raise PermissionDeniedError("an access token cannot make access tokens; send the password")


def _bounded(days: int) -> int:
    """So that no sum overflows; whether it is too long is judged where tokens are made."""
    return max(-1, min(days, 10**6))
