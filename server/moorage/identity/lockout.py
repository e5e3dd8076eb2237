"""Lock-outs: who fails to log in too often must wait.

Two things are counted, both by address: failures to one account, and failures to any account. An
account alone is never counted, or anybody could lock anybody else out. Counts live in the
database, so all processes share them.
"""

import hashlib
import ipaddress
from datetime import datetime, timedelta
from math import ceil

from moorage.clock import Clock
from moorage.config import LoginSettings
from moorage.db.connection import atomic
from moorage.db.fields import to_microseconds
from moorage.identity.errors import TooManyAttemptsError
from moorage.identity.store import IdentityStore

#: One customer's share of the IPv6 address space; locking out single addresses of it is useless.
_IPV6_NETWORK = 64
_MAX_ADDRESS = 64


class Lockout:
    """Counts failed logins; a lock-out doubles with each further failure and ends by itself."""

    def __init__(self, store: IdentityStore, clock: Clock, settings: LoginSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._swept_at: datetime | None = None

    def check(self, name: str, address: str) -> None:
        """Whether a login may be tried now.

        Raises:
            TooManyAttemptsError: not yet; it says when, and not which of the two counts is full.
        """
        now = self._clock()
        until = self._store.locked_until(_address(address), _login(name, address))
        left = 0 if until is None else until - to_microseconds(now)
        if left > 0:
            seconds = ceil(left / 1_000_000)
            raise TooManyAttemptsError(f"too many failed logins, wait {seconds} seconds", retry_after=seconds)

    def failed(self, name: str, address: str) -> None:
        """Count a failed login."""
        now = self._clock()
        with atomic():
            # Always in this order, or two transactions could wait for each other.
            self._count(_address(address), self._settings.address_attempts, now)
            self._count(_login(name, address), self._settings.attempts, now)
        self._sweep_sometimes(now)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures to this account from this address.

        Those of the address stay: with an account of one's own one could wipe them at will.
        """
        subject = _login(name, address)
        if self._store.has_failures(subject):
            with atomic():
                self._store.forget_failures(subject)

    def sweep(self) -> int:
        """Delete counts that are over; returns how many."""
        with atomic():
            return self._store.forget_old_failures(self._clock() - self._window)

    @property
    def _window(self) -> timedelta:
        return timedelta(seconds=self._settings.window_seconds)

    def _count(self, subject: str, attempts: int, now: datetime) -> None:
        over_before = to_microseconds(now - self._window)
        failures = self._store.count_failure(subject, to_microseconds(now), over_before)
        if failures >= attempts:
            self._store.lock(subject, now + timedelta(seconds=self._lock_seconds(failures - attempts)))

    def _lock_seconds(self, doublings: int) -> int:
        longest = max(self._settings.lock_seconds, self._settings.max_lock_seconds)
        # Past the longest the exponent has no use, and it must not grow into a number of megabytes.
        return min(self._settings.lock_seconds << min(doublings, longest.bit_length()), longest)

    def _sweep_sometimes(self, now: datetime) -> None:
        if self._swept_at is None or now - self._swept_at >= self._window:
            self._swept_at = now
            self.sweep()


def _address(address: str) -> str:
    return f"address {_network(address)}"


def _login(name: str, address: str) -> str:
    # A digest, because people type passwords where the name belongs, and because it has one length.
    named = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"login {_network(address)} {named}"


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has no address
        return address[:_MAX_ADDRESS].encode("ascii", "replace").decode().replace("\0", "?")
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), _IPV6_NETWORK), strict=False))
