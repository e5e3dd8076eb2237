"""Jobs in the server's own worker: after a start, across a stop, across a power cut."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moorage.clock import utcnow
from moorage.db.connection import close_connection, open_database
from moorage.jobs.model import Execution, State
from tests.support.jobs import Jobs
from tests.support.registry import RegistryClient
from tests.support.server import ADMIN, MOORAGE, RunningServer

SLOW = {"MOORAGE_FSCK_MIB_PER_SECOND": "0.02"}
LAYER = b"m" * 2**20  # whose check takes fifty seconds then
COLLECTS = {"MOORAGE_GC_ON_RESTART": "true", "MOORAGE_GC_CRON": ""}


@pytest.fixture
def server(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    """A server that collects after each start, on either database."""
    if database_kind == "postgresql":
        databases = request.getfixturevalue("postgresql_server")
        url = databases.create(f"moorage_jobs_{tmp_path.name}")
    else:
        url = f"sqlite:///{tmp_path}/moorage.sqlite"
    made = RunningServer(tmp_path / "server", url, settings=COLLECTS)
    yield made
    made.kill()
    close_connection()


def jobs(server: RunningServer) -> Jobs:
    open_database(server.database_url)
    return Jobs(utcnow)


def until(wanted: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def history(server: RunningServer, kind: str) -> list[Execution]:
    """Every run of a job, newest first."""
    return jobs(server).executions.page(kind, limit=10)


def states(server: RunningServer, kind: str) -> list[State]:
    return [each.state for each in history(server, kind)]


def pushed(server: RunningServer) -> None:
    client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
    client.push_blob("library/app", LAYER)


def test_the_server_serves_and_collects_once_after_each_start(server: RunningServer):
    server.start()
    assert server.health().status_code == 200
    until(lambda: states(server, "gc") == [State.SUCCESS])
    (run,) = history(server, "gc")
    assert (run.trigger.value, run.requested_by) == ("restart", "system")
    assert run.parameters == {"budget_minutes": 10.0}
    server.restart()
    until(lambda: states(server, "gc") == [State.SUCCESS] * 2)


def test_without_a_worker_the_collection_waits_for_one_elsewhere_and_is_not_doubled(server: RunningServer):
    environment = server.environment()
    server.start(MOORAGE_GC_ON_RESTART="false")
    server.stop()
    for _ in range(2):
        serving = subprocess.Popen(
            [MOORAGE, "serve", "--no-worker"], env=environment, cwd=server.folder, stdout=subprocess.PIPE
        )
        try:
            assert serving.stdout is not None
            assert any(b"is ready at" in line for line in serving.stdout)
            assert server.health().status_code == 200
            assert states(server, "gc") == [State.PENDING]
        finally:
            serving.terminate()
            serving.wait(30)
            serving.stdout.close()
    subprocess.run([MOORAGE, "worker", "--once"], env=environment, check=True)
    assert states(server, "gc") == [State.SUCCESS]


def test_a_stop_in_the_middle_of_a_job_is_quick_and_the_next_start_goes_on(server: RunningServer):
    server.start(**SLOW)
    pushed(server)
    jobs(server).request("fsck")
    until(lambda: states(server, "fsck") == [State.RUNNING])
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 5
    (run,) = history(server, "fsck")
    assert (run.state, run.attempts) == (State.PENDING, 1)
    server.start()
    until(lambda: states(server, "fsck") == [State.SUCCESS])
    (run,) = history(server, "fsck")
    assert (run.attempts, run.result["checked_blobs"]) == (2, 1)


def test_a_job_outlives_the_death_of_every_process(server: RunningServer):
    server.start(**SLOW)
    pushed(server)
    jobs(server).request("fsck")
    until(lambda: states(server, "fsck") == [State.RUNNING])
    server.kill()
    assert states(server, "fsck") == [State.RUNNING]
    server.start()
    until(lambda: states(server, "fsck") == [State.SUCCESS], 60)  # after the dead one's lease
    assert history(server, "fsck")[0].attempts == 2


def test_a_job_in_the_worker_is_stopped_from_outside_within_two_seconds(server: RunningServer):
    server.start(**SLOW)
    pushed(server)
    made = jobs(server).request("fsck")
    until(lambda: states(server, "fsck") == [State.RUNNING])
    subprocess.run([MOORAGE, "job", "stop", str(made.id)], env=server.environment(), check=True)
    asked_at = time.monotonic()
    until(lambda: states(server, "fsck") == [State.STOPPED])
    assert time.monotonic() - asked_at < 2


def test_jobs_yield_to_whoever_is_served(server: RunningServer):
    server.start(**SLOW)
    pushed(server)
    jobs(server).request("fsck")
    until(lambda: states(server, "fsck") == [State.RUNNING])
    niceness = {}
    for pid in server.processes():
        for task in Path(f"/proc/{pid}/task").iterdir():
            niceness[f"{pid}/{task.name}"] = int((task / "stat").read_text().rpartition(")")[2].split()[16])
    assert sum(each > 0 for each in niceness.values()) >= 3  # a thread for each kind of job
    assert niceness[f"{server.child.pid}/{server.child.pid}"] == 0


def test_the_history_is_shown_on_the_command_line(server: RunningServer):
    server.start()
    until(lambda: states(server, "gc") == [State.SUCCESS])
    listed = subprocess.run(
        [MOORAGE, "job", "list", "--json"],
        env=server.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    (row,) = json.loads(listed.stdout)
    assert (row["kind"], row["trigger"], row["state"]) == ("gc", "restart", "success")
