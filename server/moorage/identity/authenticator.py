"""From a name and a password to a principal."""

from dataclasses import replace

from moorage.clock import Clock
from moorage.identity.access_tokens import AccessTokens
from moorage.identity.errors import BadCredentialsError, GraceRefusedError
from moorage.identity.lockout import Lockout
from moorage.identity.model import Principal, PrincipalKind
from moorage.identity.people import DirectoryPeople
from moorage.identity.proved_passwords import ProvedPasswords
from moorage.identity.robot_terms import PREFIX
from moorage.identity.robots import Robots
from moorage.identity.secrets import ACCESS_TOKEN_PREFIX
from moorage.identity.users import Users


class Authenticator:
    """Tells who is calling. The account is read every time; only argon2's work, and that of the directory,
    is remembered for a minute.
    """

    def __init__(
        self,
        users: Users,
        robots: Robots,
        access_tokens: AccessTokens,
        lockout: Lockout,
        clock: Clock,
        people: DirectoryPeople,
    ) -> None:
        self._users = users
        self._robots = robots
        self._access_tokens = access_tokens
        self._lockout = lockout
        self._people = people
        self._proved = ProvedPasswords(clock)

    def authenticate(self, name: str, password: str, address: str) -> Principal:
        """Check a name and a password, a personal access token, or a robot's secret.

        Args:
            name: as the client sent it; it may be any text.
            password: as the client sent it; it may be any text.
            address: where the client is.

        Raises:
            BadCredentialsError: they do not fit; it never says why.
            TooManyAttemptsError: too many failures came from there; nothing was checked.
            DirectoryAwayError: the account may be one of the directory, which does not answer.
        """
        canonical = self._people.canonical(name)
        # One person has one count, however the name is written.
        counted = canonical or name
        self._lockout.check(counted, address)
        try:
            principal = self._prove(name, canonical, password, address)
        except (BadCredentialsError, GraceRefusedError):
            self._lockout.failed(counted, address)
            raise
        self._lockout.succeeded(counted, address)
        return principal

    def current(self, principal: Principal) -> Principal:
        """The account of a principal that a token speaks of, as it is now.

        Raises:
            BadCredentialsError: it is gone, disabled, expired, or its secrets were changed since.
        """
        if principal.is_anonymous:
            return principal
        accounts = self._robots if principal.kind is PrincipalKind.ROBOT else self._users
        found = accounts.current(principal.id, principal.generation)
        if principal.kind is PrincipalKind.USER and not self._is_vouched_for(found.name):
            raise BadCredentialsError
        ends = [end for end in (principal.expires_at, found.expires_at) if end is not None]
        return replace(found, expires_at=min(ends, default=None))

    def _is_vouched_for(self, name: str) -> bool:
        """Whether there still is a directory for an account that came from one."""
        return self._users.is_local(name) or self._people.canonical(name) == name

    def _prove(self, name: str, canonical: str | None, password: str, address: str) -> Principal:
        if name.startswith(PREFIX):
            return self._robots.prove(name, password)
        if password.startswith(ACCESS_TOKEN_PREFIX):
            return self._access_tokens.prove(name, password, canonical)
        if canonical is None or self._users.is_local(name):
            return self._users.prove(name, password, self._proved)
        return self._people.prove(canonical, password, address, self._proved)
