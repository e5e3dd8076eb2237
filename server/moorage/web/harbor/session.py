"""`/session`, ours: log in to the portal, see who is logged in, log out."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.errors import RateLimited
from moorage.identity.errors import BadCredentialsError, SessionDeniedError
from moorage.identity.model import Principal, PrincipalKind
from moorage.identity.secrets import ACCESS_TOKEN_PREFIX
from moorage.identity.sessions import Session
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.authentication import actor_of, tried
from moorage.web.credentials import check_login
from moorage.web.harbor import body, render
from moorage.web.harbor.answer import send
from moorage.web.origin import Origin
from moorage.web.session import CSRF_HEADER, SessionCookies


class SessionResource:
    """The session of the browser that asks."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "get_session"),
        "POST": Access("anyone", None, "create_session", while_read_only=True),
        "DELETE": Access("anyone", None, "delete_session", while_read_only=True),
    }

    def __init__(self, services: Services, origin: Origin) -> None:
        self._services = services
        self._origin = origin

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Who is logged in, and the token that changes have to bring along."""
        caller: Caller = req.context.caller
        self._tell(resp, caller.principal, self._cookies().find(req.env))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Log in with a name and a password; whatever session the browser had ends."""
        asked = body.read(req, known={"username", "password"})
        principal = self._log_in(req, asked.text("username"), asked.text("password"))
        cookies = self._cookies()
        secret, session = self._services.sessions.open(principal, cookies.secret(req.env))
        self._services.audit.note_login(True, actor_of(req, principal))
        cookies.set(req, resp, secret)
        self._tell(resp, principal, session)

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Log out."""
        caller: Caller = req.context.caller
        cookies = self._cookies()
        secret = cookies.secret(req.env)
        if secret is not None and not caller.principal.is_anonymous:
            self._services.sessions.close(caller.actor, secret)
        cookies.clear(req, resp)

    def _log_in(self, req: falcon.Request, name: str, password: str) -> Principal:
        check_login(name, password)
        if password.startswith(ACCESS_TOKEN_PREFIX):
            raise SessionDeniedError("an access token does not log in to the portal; send the password")
        try:
            return self._services.authenticator.authenticate(name, password, req.env.get("REMOTE_ADDR", ""))
        except (BadCredentialsError, RateLimited) as error:
            self._services.audit.note_login(False, tried(req, name), error.message)
            raise

    def _cookies(self) -> SessionCookies:
        return SessionCookies(self._services.sessions, self._services.authenticator, self._origin)

    def _tell(self, resp: falcon.Response, principal: Principal, session: Session | None) -> None:
        answer: render.Json = {"username": principal.name}
        # A robot's number is no user's, though some user may have the same.
        if principal.kind is PrincipalKind.USER:
            answer["user_id"] = principal.id
        if session is not None:
            resp.set_header(CSRF_HEADER, session.csrf)
            answer |= {"csrf_token": session.csrf, "expires_at": render.moment(session.expires_at)}
        send(resp, answer)
