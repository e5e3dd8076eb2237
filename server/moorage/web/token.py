"""``/service/token``: Docker's token protocol, the GET and the OAuth2 form of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import parse_qs

import falcon

from moorage.audit.log import AuditLog
from moorage.errors import Invalid, RateLimited
from moorage.identity.authenticator import Authenticator
from moorage.identity.errors import BadCredentialsError
from moorage.identity.model import Principal
from moorage.projects.access import Access as Standings
from moorage.token.grants import decide
from moorage.token.model import Grant, parse_scopes
from moorage.token.tokens import Tokens
from moorage.web.access import Access, Caller
from moorage.web.authentication import actor_of, tried
from moorage.web.credentials import check_login
from moorage.web.transfer import small_body

MAX_FORM_BYTES = 64 * 1024
_MAX_FIELDS = 200


class TokenRequestInvalidError(Invalid):
    """The request for a token cannot be understood."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for.

    Attributes:
        scopes: as written, one or more in each.
        offline: a refresh token is wanted too.
    """

    service: str | None
    scopes: Sequence[str]
    offline: bool


class TokenResource:
    """Gives out registry tokens. A right that the account does not have is left out, not refused."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("anyone", None, "issue_token"),
        "POST": Access("anyone", None, "issue_token", while_read_only=True),
    }

    def __init__(
        self,
        tokens: Tokens,
        standings: Standings,
        authenticator: Authenticator,
        audit: AuditLog,
        service: str,
    ) -> None:
        self._tokens = tokens
        self._standings = standings
        self._authenticator = authenticator
        self._audit = audit
        self._service = service

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Docker's token specification: a Basic credential, or nobody's."""
        caller: Caller = req.context.caller
        if caller.claims is not None:
            raise TokenRequestInvalidError(
                "a registry token gets no further tokens; send a name and a password"
            )
        asked = Asked(
            req.get_param("service"),
            req.get_param_as_list("scope") or [],
            req.get_param("offline_token") == "true",
        )
        self._check(asked)
        self._answer(req, resp, caller.principal, asked, proved=not caller.principal.is_anonymous)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Docker's OAuth2 specification: a password or a refresh token, in a form."""
        form = _form(req)
        asked = Asked(
            _field(form, "service"), form.get("scope", []), _field(form, "access_type") == "offline"
        )
        self._check(asked)
        kind = _field(form, "grant_type")
        if kind == "password":
            principal = self._log_in(req, _field(form, "username") or "", _field(form, "password") or "")
            self._answer(req, resp, principal, asked, proved=True, echo=True)
        elif kind == "refresh_token":
            refresh = _field(form, "refresh_token") or ""
            principal = self._refreshed(refresh)
            self._answer(req, resp, principal, asked, proved=False, echo=True, refresh=refresh)
        else:
            raise TokenRequestInvalidError("grant_type is 'password' or 'refresh_token'")

    def _check(self, asked: Asked) -> None:
        if asked.service is not None and asked.service != self._service:
            raise TokenRequestInvalidError(f"this is the token service of {self._service!r} and of no other")

    def _log_in(self, req: falcon.Request, name: str, password: str) -> Principal:
        address = req.env.get("REMOTE_ADDR", "")
        check_login(name, password)
        try:
            return self._authenticator.authenticate(name, password, address)
        except (BadCredentialsError, RateLimited) as error:
            self._audit.note_login(False, tried(req, name), error.message)
            raise

    def _refreshed(self, refresh: str) -> Principal:
        """Whoever the refresh token was given to, if their account is still as it was then."""
        return self._authenticator.current(self._tokens.verify_refresh(refresh))

    def _answer(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        principal: Principal,
        asked: Asked,
        *,
        proved: bool,
        echo: bool = False,
        refresh: str | None = None,
    ) -> None:
        """Send a token for what the account has of the rights asked for.

        Args:
            proved: by a password or the like in this very request.
            echo: say what was granted, as OAuth2 wants it.
            refresh: the refresh token that the client has.
        """
        grants = decide(self._standings, principal, parse_scopes(asked.scopes))
        issued = self._tokens.issue(principal, grants)
        if proved and not asked.scopes:  # this is what "docker login" sends
            self._audit.note_login(True, actor_of(req, principal))
        answer: dict[str, object] = {
            "token": issued.token,
            "access_token": issued.token,
            "expires_in": issued.expires_in,
            "issued_at": issued.issued_at.astimezone(UTC)
            .isoformat(timespec="seconds")
            .replace("+00:00", "Z"),
        }
        if echo:
            answer["scope"] = " ".join(_scope_text(grant) for grant in grants)
        if proved and asked.offline:
            refresh = self._tokens.issue_refresh(principal)
        if refresh is not None:
            answer["refresh_token"] = refresh
        resp.status = HTTPStatus.OK
        resp.content_type = "application/json"
        resp.set_header("Cache-Control", "no-store")
        resp.data = json.dumps(answer).encode()


def _form(req: falcon.Request) -> Mapping[str, Sequence[str]]:
    if (req.content_type or "").partition(";")[0].strip().lower() != falcon.MEDIA_URLENCODED:
        raise TokenRequestInvalidError(f"the body is to be {falcon.MEDIA_URLENCODED}")
    body = small_body(req, MAX_FORM_BYTES)
    try:
        return parse_qs(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise TokenRequestInvalidError("the form cannot be read") from None


def _field(form: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = form.get(name, ())
    if len(values) > 1:
        raise TokenRequestInvalidError(f"{name} is given more than once")
    return values[0] if values else None


def _scope_text(grant: Grant) -> str:
    return f"{grant.kind}:{grant.name}:{','.join(sorted(grant.actions))}"
