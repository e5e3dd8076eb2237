"""The cookie of a session, and what a browser has to show besides when it changes something."""

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

import falcon

from moorage.errors import Denied
from moorage.identity.authenticator import Authenticator
from moorage.identity.errors import BadCredentialsError
from moorage.identity.sessions import Session, Sessions
from moorage.web.door import NO_PROOF, Proof
from moorage.web.origin import Origin

#: The header that shows a page is ours, under the name that Harbor's own pages use.
CSRF_HEADER = "X-Harbor-CSRF-Token"
#: The name of the cookie where there is no TLS.
COOKIE = "moorage_session"
#: Browsers take a cookie of such a name over TLS alone, and from this very host.
_SECURE_NAME = "__Host-moorage_session"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_COOKIES = 8 * 1024


class CsrfError(Denied):
    """A change with a session's cookie that does not show that one of our pages asks for it."""


class SessionCookies:
    """Reads, sets and clears the cookie."""

    def __init__(self, sessions: Sessions, authenticator: Authenticator, origin: Origin) -> None:
        self._sessions = sessions
        self._authenticator = authenticator
        self._origin = origin

    def prove(self, environ: Mapping[str, Any]) -> Proof:
        """Whose session the cookie is; one that is not good (any more) proves nothing.

        The account is read every time: whoever is disabled, deleted, or has another password since is
        out at once, on every process.

        Raises:
            CsrfError: something would change, and the CSRF token is missing or another session's.
        """
        found = self.find(environ)
        if found is None:
            return NO_PROOF
        try:
            principal = self._authenticator.current(found.principal)
        except BadCredentialsError:
            return NO_PROOF
        if environ["REQUEST_METHOD"] not in _READS:
            self._check_page(environ, found)
        return Proof(principal)

    def find(self, environ: Mapping[str, Any]) -> Session | None:
        """The session of the request's cookie."""
        secret = self.secret(environ)
        return None if secret is None else self._sessions.find(secret)

    def secret(self, environ: Mapping[str, Any]) -> str | None:
        """What the cookie holds."""
        header = environ.get("HTTP_COOKIE", "")
        if COOKIE not in header or len(header) > _MOST_COOKIES:
            return None
        try:
            cookies = SimpleCookie(header)
        except CookieError:
            return None
        morsel = cookies.get(self._name(environ))
        return None if morsel is None else morsel.value

    def set(self, req: falcon.Request, resp: falcon.Response, secret: str) -> None:
        """Give the browser the secret, out of reach of scripts, until it is closed."""
        resp.append_header("Set-Cookie", self._cookie(req.env, secret))

    def clear(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Let the browser forget the cookie."""
        resp.append_header("Set-Cookie", self._cookie(req.env, "") + "; Max-Age=0")

    def _check_page(self, environ: Mapping[str, Any], session: Session) -> None:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin != self._origin.of(environ):
            raise CsrfError("a page of another site may not change anything here")
        sent = environ.get("HTTP_X_HARBOR_CSRF_TOKEN", "")
        if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), session.csrf.encode()):
            raise CsrfError(f"the header {CSRF_HEADER} is missing or not this session's; load the page again")

    def _name(self, environ: Mapping[str, Any]) -> str:
        return _SECURE_NAME if self._is_secure(environ) else COOKIE

    def _is_secure(self, environ: Mapping[str, Any]) -> bool:
        return self._origin.of(environ).startswith("https://")

    def _cookie(self, environ: Mapping[str, Any], value: str) -> str:
        cookie = f"{self._name(environ)}={value}; Path=/; HttpOnly; SameSite=Lax"
        return f"{cookie}; Secure" if self._is_secure(environ) else cookie
