"""A registry that is measured, and how one proves to it who one is."""

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from tests.bench.errors import BenchError
from tests.bench.programs import family, proportional_memory
from tests.bench.wire import Connection

PROJECT = "bench"
CATALOG_SCOPE = "registry:catalog:*"


def pull(repository: str) -> str:
    """The scope that reads a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """The scope that writes to a repository."""
    return f"repository:{repository}:pull,push"


class Credentials(Protocol):
    """Gives the Authorization header for what is about to be done."""

    def headers(self, scopes: Sequence[str]) -> dict[str, str]:
        """Headers that open `scopes`; empty where nobody asks."""
        ...


@dataclass(frozen=True, slots=True)
class FixedToken:
    """One bearer token for everything, or none at all."""

    token: str = ""

    def headers(self, scopes: Sequence[str]) -> dict[str, str]:
        """The same for every scope."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(slots=True)
class TokenService:
    """Tokens fetched as Docker's clients fetch them, for exactly the scopes asked for."""

    url: str
    name: str
    password: str = field(repr=False)
    service: str = "moorage"
    _known: dict[tuple[str, ...], tuple[float, str]] = field(default_factory=dict, repr=False)

    def headers(self, scopes: Sequence[str]) -> dict[str, str]:
        """A bearer token with at least ten minutes, or half of its life, to go."""
        key = tuple(scopes)
        until, token = self._known.get(key, (0.0, ""))
        if time.monotonic() >= until:
            until, token = self._fetch(key)
            self._known[key] = (until, token)
        return {"Authorization": f"Bearer {token}"}

    def _fetch(self, scopes: Sequence[str]) -> tuple[float, str]:
        query = urlencode([("service", self.service), *(("scope", scope) for scope in scopes)])
        with Connection(self.url, basic(self.name, self.password)) as connection:
            answer = connection.request("GET", f"/service/token?{query}").expect(200)
        said = json.loads(answer.body)
        token = said.get("token") or said.get("access_token")
        if not token:
            raise BenchError("the token service gave no token")
        life = float(said.get("expires_in", 60))
        return time.monotonic() + max(life / 2, life - 600), str(token)


def basic(name: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic authentication."""
    secret = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {secret}"}


@dataclass(slots=True)
class Target:
    """One of the two registries.

    Attributes:
        name: `ours` or `peer`.
        title: what it is, for the heading of the table.
        url: `http://host:port`.
        credentials: how to open its doors.
        roots: the processes whose families make up the server; empty when it is not known.
        stop: ends it.
    """

    name: str
    title: str
    url: str
    credentials: Credentials
    roots: Sequence[int] = ()
    stop: Callable[[], None] = lambda: None

    def connect(self, *scopes: str) -> Connection:
        """A connection of ours that may do what `scopes` say."""
        return Connection(self.url, self.credentials.headers(scopes))

    def memory(self) -> int:
        """Bytes of memory of all the server's processes.

        Raises:
            BenchError: the processes are not known.
        """
        if not self.roots:
            raise BenchError(f"the processes of {self.name} are not known (--ours-pid)")
        return proportional_memory([pid for root in self.roots for pid in family(root)])
