"""Tokens: issued after a login, verified on every request."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from moorage.clock import Clock
from moorage.config import TokenSettings
from moorage.identity.model import Principal, PrincipalKind
from moorage.keyring import MAX_TOKEN_LENGTH, Keyring, KeyringError
from moorage.token.errors import ScopeInvalidError, TokenExpiredError, TokenInvalidError
from moorage.token.memory import Memory
from moorage.token.model import Claims, Grant, IssuedToken

#: How far the clocks of two machines may be apart.
LEEWAY = timedelta(seconds=60)
REMEMBERED = 10_000

_REGISTRY = "registry"
_REFRESH = "refresh"
_ID_BYTES = 16
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_subject = re.compile(r"(anonymous|user|robot):(0|[1-9][0-9]{0,17})").fullmatch


class Tokens:
    """Issues and verifies access tokens and refresh tokens.

    A token says who its bearer was and what it covers; whether the account is still good and may
    still do it is asked of `projects.access` on each request.
    """

    def __init__(self, keyring: Keyring, clock: Clock, settings: TokenSettings) -> None:
        self._keyring = keyring
        self._clock = clock
        self._settings = settings
        self._verified: Memory[tuple[int, bytes], Claims] = Memory(REMEMBERED)

    def issue(self, principal: Principal, grants: Iterable[Grant]) -> IssuedToken:
        """An access token for these grants.

        Raises:
            ScopeInvalidError: the grants do not fit into one token.
        """
        lifetime = timedelta(seconds=self._settings.lifetime_seconds)
        access = [_to_json(grant) for grant in grants]
        return self._issue(principal, lifetime, _REGISTRY, {"access": access})

    def issue_refresh(self, principal: Principal) -> str:
        """A refresh token, good for new access tokens only; whoever takes it reads the account again."""
        return self._issue(principal, timedelta(days=self._settings.refresh_days), _REFRESH, {}).token

    def verify(self, token: str) -> Claims:
        """What an access token says; a token seen before costs a digest and a look into a dictionary.

        Raises:
            TokenExpiredError: it was good once.
            TokenInvalidError: anything else is wrong with it.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenInvalidError("the token is malformed")
        # With the epoch in the mark, nothing that a retired key signed is found again.
        mark = (self._keyring.epoch(), hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())
        claims = self._verified.get(mark)
        if claims is None:
            claims = self._read(token, _REGISTRY)
            self._verified.put(mark, claims)
        elif claims.expires_at <= self._clock():
            raise TokenExpiredError("the token has expired")
        return claims

    def verify_refresh(self, token: str) -> Principal:
        """Whom a refresh token was issued to; nothing issued for it again may outlive it.

        Raises:
            TokenExpiredError: it was good once.
            TokenInvalidError: anything else is wrong with it.
        """
        claims = self._read(token, _REFRESH)
        return replace(claims.principal, expires_at=claims.expires_at)

    def _issue(
        self, principal: Principal, lifetime: timedelta, kind: str, more: dict[str, object]
    ) -> IssuedToken:
        now = self._clock().replace(microsecond=0)
        end = now + lifetime
        if principal.expires_at is not None:
            end = min(end, principal.expires_at)
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.service,
            "sub": principal.key,
            "name": principal.name,
            "gen": principal.generation,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(end.timestamp()),
            "jti": secrets.token_hex(_ID_BYTES),
            **more,
        }
        try:
            token = self._keyring.sign(claims, kind)
        except KeyringError as error:
            raise ScopeInvalidError("the scopes do not fit into one token; ask for fewer") from error
        return IssuedToken(token, int((end - now).total_seconds()), now)

    def _read(self, token: str, kind: str) -> Claims:
        try:
            claims = self._keyring.verify(token, kind)
        except KeyringError as error:
            raise TokenInvalidError(error.message) from error
        if claims.get("iss") != self._settings.issuer or claims.get("aud") != self._settings.service:
            raise TokenInvalidError("the token is for another service")
        issued_at, not_before, expires_at = (_moment(claims, name) for name in ("iat", "nbf", "exp"))
        now = self._clock()
        if max(issued_at, not_before) > now + LEEWAY or expires_at <= issued_at:
            raise TokenInvalidError("the token is not good yet")
        if expires_at <= now:
            raise TokenExpiredError("the token has expired")
        return Claims(
            principal=_principal(claims),
            grants=_grants(claims.get("access", [])),
            id=_text(claims, "jti"),
            issued_at=issued_at,
            expires_at=expires_at,
        )


def _to_json(grant: Grant) -> dict[str, object]:
    access: dict[str, object] = {"type": grant.kind, "name": grant.name, "actions": sorted(grant.actions)}
    if grant.project_id is not None:
        access["pid"] = grant.project_id
    return access


def _principal(claims: dict[str, object]) -> Principal:
    match = _subject(_text(claims, "sub"))
    if match is None:
        raise TokenInvalidError("the token names no account")
    return Principal(
        PrincipalKind(match[1]), int(match[2]), _text(claims, "name"), _number(claims.get("gen"), "gen")
    )


def _grants(access: object) -> tuple[Grant, ...]:
    if not isinstance(access, list):
        raise TokenInvalidError("the token's access is malformed")
    return tuple(_grant(each) for each in access)


def _grant(access: object) -> Grant:
    if not isinstance(access, dict):
        raise TokenInvalidError("the token's access is malformed")
    actions, project_id = access.get("actions"), access.get("pid")
    if not isinstance(actions, list) or not all(isinstance(action, str) for action in actions):
        raise TokenInvalidError("the token's access is malformed")
    return Grant(
        kind=_text(access, "type"),
        name=_text(access, "name"),
        project_id=None if project_id is None else _number(project_id, "pid"),
        actions=frozenset(actions),
    )


def _text(claims: dict[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise TokenInvalidError(f"the token's {name} is malformed")
    return value


def _number(value: object, name: str) -> int:
    if type(value) is not int or value < 0:  # True is an int for isinstance
        raise TokenInvalidError(f"the token's {name} is malformed")
    return value


def _moment(claims: dict[str, object], name: str) -> datetime:
    seconds = _number(claims.get(name), name)
    if seconds > _LAST_SECOND:
        raise TokenInvalidError(f"the token's {name} is malformed")
    return datetime.fromtimestamp(seconds, UTC)
