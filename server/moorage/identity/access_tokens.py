"""Personal access tokens: passwords for the command line, with an end and a use of their own."""

import logging
from dataclasses import replace
from datetime import timedelta

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, IntegrityError, atomic
from moorage.events import AccessTokenCreated, AccessTokenRevoked, Actor, Events
from moorage.identity.errors import (
    AccessTokenExistsError,
    AccessTokenUnknownError,
    AccountInvalidError,
    BadCredentialsError,
    UserUnknownError,
)
from moorage.identity.model import AccessToken, Principal, Source, User
from moorage.identity.secrets import ACCESS_TOKEN_PREFIX, digest_secret, new_secret
from moorage.identity.store import IdentityStore
from moorage.identity.text import checked

MAX_LIFETIME = timedelta(days=3650)
_HINT = len(ACCESS_TOKEN_PREFIX) + 4
_USE_NOTED_EVERY = timedelta(minutes=1)
_log = logging.getLogger(__name__)


class AccessTokens:
    """Creates, lists and revokes personal access tokens; a token can do what its user can."""

    def __init__(self, store: IdentityStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def create(
        self, actor: Actor, user_id: int, name: str, lifetime: timedelta | None
    ) -> tuple[AccessToken, str]:
        """Make a token; its secret is returned this once and never again.

        Args:
            actor: whom the log names.
            user_id: whose token.
            name: for its owner, unique among that user's tokens.
            lifetime: None for no end.

        Raises:
            UserUnknownError: there is no such user.
            AccountInvalidError: the name or the lifetime breaks the rules.
            AccessTokenExistsError: the user has a token of that name.
        """
        if not checked(name, "name").strip():
            raise AccountInvalidError("an access token needs a name")
        if lifetime is not None and not timedelta(0) < lifetime <= MAX_LIFETIME:
            raise AccountInvalidError(f"an access token lives for up to {MAX_LIFETIME.days} days or for ever")
        secret = new_secret(ACCESS_TOKEN_PREFIX)
        now = self._clock()
        values: dict[str, object] = {
            "user": user_id,
            "name": name,
            "hint": secret[:_HINT],
            "secret_digest": digest_secret(secret),
            "created_at": now,
            "expires_at": None if lifetime is None else now + lifetime,
            "used_at": None,
        }
        with atomic():
            token = self._get(user_id, self._insert(user_id, values))
            self._events.publish(AccessTokenCreated(actor, user_id, name))
        return token, secret

    def list(self, user_id: int) -> list[AccessToken]:
        """The user's tokens, oldest first, without their secrets."""
        return self._store.access_tokens(user_id)

    def revoke(self, actor: Actor, user_id: int, token_id: int) -> None:
        """Make a token void at once, and with it everything that was issued to that user.

        Raises:
            AccessTokenUnknownError: the user has no such token.
        """
        with atomic():
            token = self._get(user_id, token_id)
            self._store.delete_access_token(token_id)
            self._store.update_user(user_id, self._clock(), bump=True)
            self._events.publish(AccessTokenRevoked(actor, user_id, token.name))

    def prove(self, name: str, secret: str, canonical: str | None = None) -> Principal:
        """The user of that name, if the secret is a token of theirs and both may be used now.

        Args:
            name: as the client wrote it.
            secret: as the client sent it.
            canonical: the name in the directory's own form, for people of the directory.

        Raises:
            BadCredentialsError: in every other case; all of them take the same time.
        """
        found = self._store.access_token_by_digest(digest_secret(secret))
        if found is None:
            raise BadCredentialsError
        token, user = found
        # Without the directory that vouched for them its people are nobody.
        named = user.name == (canonical if user.source is Source.DIRECTORY else name)
        if not named or user.disabled or self._is_over(token):
            raise BadCredentialsError
        self._note_use(token)
        return _principal(token, user)

    def _get(self, user_id: int, token_id: int) -> AccessToken:
        token = self._store.access_token(token_id)
        if token is None or token.user_id != user_id:
            raise AccessTokenUnknownError(f"the user has no access token {token_id}")
        return token

    def _insert(self, user_id: int, values: dict[str, object]) -> int:
        try:
            with atomic():
                return self._store.insert_access_token(values)
        except IntegrityError as error:
            if self._store.user(user_id) is None:
                raise UserUnknownError(f"there is no user {user_id}") from error
            raise AccessTokenExistsError(f"there is an access token {values['name']} already") from error

    def _is_over(self, token: AccessToken) -> bool:
        return token.expires_at is not None and token.expires_at <= self._clock()

    def _note_use(self, token: AccessToken) -> None:
        now = self._clock()
        if token.used_at is not None and now - token.used_at < _USE_NOTED_EVERY:
            return
        try:
            with atomic():
                self._store.touch_access_token(token.id, now, now - _USE_NOTED_EVERY)
        except DatabaseIllError:
            # A full disk must not keep people from pulling what is there.
            _log.warning("the use of an access token could not be noted", exc_info=True)


def _principal(token: AccessToken, user: User) -> Principal:
    return replace(user.principal(), expires_at=token.expires_at)
