"""The last proof of each person, for times in which the directory is away."""

import hmac
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from enum import Enum

from moorage.clock import Clock
from moorage.identity.model import Principal

MOST = 10_000
_KEY_BYTES = 32


class Verdict(Enum):
    """What the memory says of a password."""

    UNKNOWN = "unknown"
    RIGHT = "right"
    WRONG = "wrong"


class Grace:
    """Remembers who logged in lately, in this process only; one proof for an account.

    As in `ProvedPasswords` no password is kept, only a keyed digest of it with the account's number, under
    a key that dies with the process; another generation voids it. It is asked while the directory is away,
    and at no other time. A use does not make a proof last longer.

    Args:
        lifetime: how long a proof lasts; none remembers nothing.
    """

    def __init__(self, clock: Clock, lifetime: timedelta) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._proofs: OrderedDict[str, tuple[int, bytes, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, principal: Principal, password: str) -> None:
        """The directory has just taken the password; an earlier one of the account is forgotten."""
        if not self._lifetime:
            return
        proof = (principal.generation, self._mark(principal, password), self._clock() + self._lifetime)
        with self._lock:
            self._proofs.pop(principal.key, None)
            self._proofs[principal.key] = proof
            while len(self._proofs) > MOST:
                self._proofs.popitem(last=False)

    def forget(self, principal: Principal, password: str) -> None:
        """The directory has just refused the password: should it be the remembered one, it is no more."""
        if self.judge(principal, password) is Verdict.RIGHT:
            with self._lock:
                self._proofs.pop(principal.key, None)

    def judge(self, principal: Principal, password: str) -> Verdict:
        """Whether the password is the one that the directory last took from this very account."""
        with self._lock:
            proof = self._proofs.get(principal.key)
        if proof is None:
            return Verdict.UNKNOWN
        generation, mark, end = proof
        if generation != principal.generation or self._clock() >= end:
            return Verdict.UNKNOWN
        right = hmac.compare_digest(mark, self._mark(principal, password))
        return Verdict.RIGHT if right else Verdict.WRONG

    def _mark(self, principal: Principal, password: str) -> bytes:
        text = f"{principal.key} {password}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
