"""A short memory of passwords that were right, so that a storm of logins costs one comparison."""

import hmac
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.identity.model import Principal

LIFETIME = timedelta(seconds=60)
MOST = 10_000
_KEY_BYTES = 32


class ProvedPasswords:
    """Remembers who proved which password, for a minute, in this process only.

    No password is kept: only a keyed digest of it with the account's number and generation, under
    a key that dies with the process. Another password or another generation is another digest.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._ends: OrderedDict[bytes, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, principal: Principal, password: str) -> bool:
        """Whether this very account proved this very password within the last minute."""
        mark = self._mark(principal, password)
        with self._lock:
            end = self._ends.get(mark)
        return end is not None and self._clock() < end

    def remember(self, principal: Principal, password: str) -> None:
        """Note that the password was right; the oldest notes make room."""
        mark = self._mark(principal, password)
        end = self._clock() + LIFETIME
        with self._lock:
            self._ends.pop(mark, None)
            self._ends[mark] = end
            while len(self._ends) > MOST:
                self._ends.popitem(last=False)

    def _mark(self, principal: Principal, password: str) -> bytes:
        text = f"{principal.key} {principal.generation} {password}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
