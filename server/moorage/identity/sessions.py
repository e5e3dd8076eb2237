"""Sessions of the portal: a browser stays logged in without keeping a password."""

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, IntegrityError, atomic
from moorage.events import Actor, Events, SessionClosed
from moorage.identity.errors import BadCredentialsError, SessionDeniedError
from moorage.identity.model import Principal, PrincipalKind
from moorage.identity.secrets import digest_secret, new_secret
from moorage.identity.session_store import SessionStore, StoredSession

MOST_PER_USER = 50
_USE_NOTED_EVERY = timedelta(seconds=30)
_LONGEST = 128
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is good at this moment.

    Attributes:
        principal: as it was when the session began; whether the account is still good is to be asked.
        csrf: what a page of ours sends along with a change, and a foreign page does not know.
    """

    principal: Principal
    csrf: str = field(repr=False)
    expires_at: datetime


class Sessions:
    """Opens, finds and closes sessions.

    The browser has the secret, the database its digest. The CSRF token is made from the secret, so each
    session has its own, and what lies in the database is of no use to anybody.

    Args:
        idle: how long a session lasts without a request.
        longest: how long it lasts at most.
    """

    def __init__(
        self,
        store: SessionStore,
        events: Events,
        clock: Clock,
        *,
        idle: Callable[[], timedelta],
        longest: timedelta,
    ) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._idle = idle
        self._longest = longest

    def open(self, principal: Principal, former: str | None = None) -> tuple[str, Session]:
        """Begin a session for a user who has just proved a password; returns its secret too.

        Args:
            former: the secret of the browser's session before, which ends.

        Raises:
            SessionDeniedError: the account is no person's.
            BadCredentialsError: it has gone meanwhile.
        """
        if principal.kind is not PrincipalKind.USER:
            raise SessionDeniedError(
                "only people can log in to the portal; a robot sends its name and secret"
            )
        secret, now = new_secret(), self._clock()
        ends = now + self._longest
        expires_at = ends if principal.expires_at is None else min(ends, principal.expires_at)
        try:
            with atomic():
                if former is not None:
                    self._store.delete(digest_secret(former))
                self._store.insert(digest_secret(secret), principal.id, principal.generation, now, expires_at)
                self._store.delete_surplus(principal.id, MOST_PER_USER)
        except IntegrityError as error:
            raise BadCredentialsError from error
        return secret, Session(principal, csrf_of(secret), expires_at)

    def find(self, secret: str) -> Session | None:
        """The session of that secret, if it has not ended; its account may be void by now."""
        if not secret or len(secret) > _LONGEST:
            return None
        digest = digest_secret(secret)
        stored, now = self._store.find(digest), self._clock()
        if stored is None or stored.expires_at <= now or stored.seen_at + self._idle() <= now:
            return None
        self._note_use(digest, stored, now)
        # Without an end: what a person makes while logged in outlives the session, unlike what a token makes.
        principal = Principal(PrincipalKind.USER, stored.user_id, "", stored.generation)
        return Session(principal, csrf_of(secret), stored.expires_at)

    def close(self, actor: Actor, secret: str) -> None:
        """End a session, on every process at once."""
        with atomic():
            if self._store.delete(digest_secret(secret)):
                self._events.publish(SessionClosed(actor, actor.name))

    def forget(self) -> None:
        """Remove what has ended."""
        now = self._clock()
        with atomic(durable=False):
            self._store.delete_ended(now, now - self._idle())

    def _note_use(self, digest: str, stored: StoredSession, now: datetime) -> None:
        if now - stored.seen_at < _USE_NOTED_EVERY:
            return
        try:
            with atomic(durable=False):
                self._store.touch(digest, now, now - _USE_NOTED_EVERY)
        except DatabaseIllError:
            # A full disk must not keep people from looking.
            _log.warning("the use of a session could not be noted", exc_info=True)


def csrf_of(secret: str) -> str:
    """The token that belongs to a session; it tells nothing about the secret."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"moorage csrf", "sha256").hexdigest()
