"""A server of ours over a long log, and the questions to it as clients ask them."""

import json
import secrets
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import quote

from moorage.audit.model import Cursor, Query
from tests.bench.errors import BenchError
from tests.bench.log_entries import START, STEP
from tests.bench.log_store import questions
from tests.bench.ours import new_password, our_environment
from tests.bench.programs import Program
from tests.bench.target import basic
from tests.bench.timing import Stopwatch
from tests.bench.wire import Connection, Response
from tests.bench.wrk import Load, run_wrk
from tests.support.free_port import free_port

_START_SECONDS = 60.0
_ADMINISTRATOR = "admin"
_READER = "reader"
_PROJECT_ADMIN = 1
_JSON = {"Content-Type": "application/json"}
_API = "/api/v2.0"
_LIST = f"{_API}/auditlog-exts"
_PAGE = 50
#: Of the log, which names projects by these numbers.
_PROJECTS = 200
_WORDS = {
    **{"actor": "username", "actor_part": "username", "resource_part": "resource", "text": "text"},
    **{name: name for name in ("actor_kind", "resource_type", "resource", "project", "repository", "tag")},
    **{name: name for name in ("digest", "result", "address", "request_id")},
}
_PARTS = ("actor_part", "resource_part", "text")


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds of answers, one after the other.

    Attributes:
        rate: answers a second of one client.
    """

    p50: float
    p99: float
    rate: float


class LogSite:
    """A running server over a log of `count` entries; its administrator asks."""

    def __init__(self, folder: Path, database: str, count: int, settings: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._count = count
        self._port = free_port()
        self._url = f"http://127.0.0.1:{self._port}"
        password = new_password()
        self._headers = basic(_ADMINISTRATOR, password)
        self._reader = basic(_READER, password)
        self._names: dict[int, str] = {}
        said = {"MOORAGE_PORT": str(self._port), "MOORAGE_DATABASE_URL": database, **settings}
        environment = our_environment(folder, password, said)
        command = [sys.executable, "-m", "moorage", "serve"]
        self._server = Program("moorage", command, environment, folder / "log")
        try:
            self._server.await_answer(self._url, "/healthz", _START_SECONDS)
            self._fill(password)
        except BenchError:
            self._server.stop()
            raise

    @property
    def pid(self) -> int:
        """The first process of the server."""
        return self._server.pid

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._url

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of its administrator."""
        return self._headers

    def stop(self) -> None:
        """End it."""
        self._server.stop()

    def ask(self, kinds: list[str], times: int, *, deep: bool = False) -> Asked:
        """Ask questions of these kinds by turns, one after the other, `times` of each.

        Raises:
            BenchError: an answer is not one.
        """
        taken = []
        for kind in kinds:
            chance, ask = Random(kind), questions(self._count)[kind]
            headers = self._reader if kind == "my_projects" else self._headers
            with Connection(self._url, headers) as connection:
                for turn in range(times + 1):
                    path = self._path(ask(chance), chance if deep else None)
                    watch = Stopwatch()
                    connection.request("GET", path).expect(200)
                    if turn:  # the first of a kind finds nothing in any memory
                        taken.append(watch.elapsed() * 1000)
        p99 = statistics.quantiles(taken, n=100)[-1] if len(taken) > 1 else taken[0]
        return Asked(statistics.median(taken), min(p99, max(taken)), 1000 * len(taken) / sum(taken))

    def load(self, seconds: float) -> Load:
        """The first page of all of it, asked for by many at once.

        Raises:
            BenchError: an answer is not one.
        """
        return run_wrk(f"{self._url}{_LIST}?page_size=10", self._headers, connections=16, seconds=seconds)

    def _fill(self, password: str) -> None:
        """The projects that entries name, and somebody who reads the log of five of them."""
        with Connection(self._url, self._headers) as connection:

            def post(path: str, body: object) -> Response:
                answer = connection.request("POST", f"{_API}{path}", _JSON, json.dumps(body).encode())
                return answer.expect(201)

            number = 0
            while number < _PROJECTS:
                name = f"filled-{secrets.token_hex(6)}"
                number = int(post("/projects", {"project_name": name}).headers["location"].rpartition("/")[2])
                self._names[number] = name
            person = {"username": _READER, "password": password, "email": "r@example.com", "realname": "R"}
            post("/users", person)
            for name in list(self._names.values())[:5]:
                member = {"role_id": _PROJECT_ADMIN, "member_user": {"username": _READER}}
                post(f"/projects/{name}/members", member)

    def _path(self, query: Query, deep: Random | None) -> str:
        conditions = [
            f"{word}={'~' if name in _PARTS else ''}{getattr(query, name)}"
            for name, word in _WORDS.items()
            if getattr(query, name) is not None
        ]
        names = (*query.operations, *(verb for verb in query.verbs if verb != "mount"))
        if names:
            conditions.append(
                f"operation={{{' '.join(names)}}}" if len(names) > 1 else f"operation={names[0]}"
            )
        if query.since is not None and query.until is not None:
            conditions.append(f"op_time=[{query.since:%Y-%m-%dT%H:%M:%SZ}~{query.until:%Y-%m-%dT%H:%M:%SZ}]")
        path = _LIST
        if query.project_id is not None:
            path = f"{_API}/projects/{self._names[max(query.project_id, min(self._names))]}/auditlog-exts"
        path += f"?page_size={_PAGE}&q={quote(','.join(conditions))}"
        if deep is None:
            return path
        after = Cursor(START + deep.randrange(self._count) * STEP, 1)
        return f"{path}&after={after}.0"  # as links have it, with a total that was counted for the first page
