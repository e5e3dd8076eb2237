"""The log as a file over the wire: however long it is, and whoever goes away."""

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from tests.support.server import ADMIN
from tests.support.site import Site
from tests.support.variants import DIRECT_SQLITE, NGINX_SQLITE, on

pytestmark = on(DIRECT_SQLITE, NGINX_SQLITE)

_COUNT = 60_000
_SECONDS = 60
_ADD = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO audit_entry (at, request_id, actor_kind, actor, address, user_agent, operation, resource_type,
resource, project_id, project, repository, tag, digest, result, detail)
SELECT ? + n, 'export', 'user', 'alice', '192.0.2.7', 'docker', 'pull_artifact', 'artifact',
'dock/app:' || n, NULL, 'dock', 'dock/app', n, '', 'success', '' FROM number
"""


@pytest.fixture
def long_log(site: Site) -> None:
    """Many entries of one request."""
    file = site.server.data / "db" / "moorage.sqlite"
    with sqlite3.connect(file, timeout=_SECONDS) as database:
        if not database.execute("SELECT 1 FROM audit_entry WHERE request_id = 'export' LIMIT 1").fetchone():
            database.execute(_ADD, (_COUNT, int(datetime.now(UTC).timestamp() * 1e6)))
    database.close()


@pytest.fixture
def session(site: Site) -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False
        found.auth = (ADMIN.name, ADMIN.password)
        yield found


def export(site: Site, session: requests.Session) -> requests.Response:
    """A begun export; one that is put off is asked for again."""
    end = time.monotonic() + _SECONDS
    while True:
        answer = session.get(
            f"{site.server.url}/api/v2.0/auditlog-exts/export",
            params={"q": "request_id=export"},
            stream=True,
            timeout=_SECONDS,
        )
        if answer.status_code != 503:
            return answer
        assert time.monotonic() < end, "no place became free"
        time.sleep(float(answer.headers["Retry-After"]) / 50)


def test_a_long_log_comes_whole(site: Site, long_log: None, session: requests.Session) -> None:
    with export(site, session) as answer:
        assert answer.status_code == 200
        tags = [int(json.loads(line)["tag"]) for line in answer.iter_lines()]
    assert tags == list(range(_COUNT, 0, -1))


def test_clients_that_go_away_take_no_place_for_ever(
    site: Site, long_log: None, session: requests.Session
) -> None:
    for _ in range(8):
        answer = export(site, session)
        assert answer.status_code == 200
        next(answer.iter_content(1000))
        answer.close()
    with export(site, session) as whole:
        assert sum(1 for _ in whole.iter_lines()) == _COUNT
