"""Processes that die, freeze, or come at the same moment: a run is done once, and to its end."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moorage.clock import utcnow
from moorage.jobs.endings import DEATHS
from moorage.jobs.model import State
from moorage.jobs.tables import ExecutionRow
from tests.support.child import Child
from tests.support.jobs import ALICE, LIVELY, SECONDS, Jobs

ROOT = Path(__file__).parents[2]
Start = Callable[[str], Child]


@pytest.fixture
def jobs(database) -> Jobs:
    return Jobs(utcnow)


@pytest.fixture
def start(database, tmp_path) -> Iterator[Start]:
    """Starts workers in processes of their own."""
    started: list[Child] = []

    def begin(how: str) -> Child:
        command = [sys.executable, "-m", "tests.support.job_program", database, how]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'server'}:{ROOT}"}
        started.append(Child(command, tmp_path / "worker.log", env=environment, cwd=ROOT))
        return started[-1]

    yield begin
    for child in started:
        child.kill()


def taken_over(jobs: Jobs, handler) -> object:
    """What becomes of the run when somebody who looks for work finds it."""
    runner = jobs.runner(handler, LIVELY)
    deadline = time.monotonic() + SECONDS
    while (done := runner.run_next()) is None:
        assert time.monotonic() < deadline, "nobody found the run"
        time.sleep(0.05)
    return done


def test_the_run_of_a_killed_worker_is_taken_up_again_with_its_progress(jobs, start):
    made = jobs.request()
    child = start("waits")
    child.wait_for("at 3")
    killed_at = time.monotonic()
    child.stop(signal.SIGKILL)
    assert jobs.executions.get(made.id).state is State.RUNNING
    done = taken_over(jobs, lambda run: {"step": run.progress["step"]})
    assert time.monotonic() - killed_at > 0.5  # its lease was respected
    assert (done.id, done.state, done.attempts) == (made.id, State.SUCCESS, 2)
    assert done.result == {"step": 3}
    assert jobs.lines(made.id) == ["step 1", "step 2", "step 3", "taken up again, attempt 2"]


def test_a_run_that_kills_every_worker_is_given_up(jobs):
    made = jobs.request()
    ExecutionRow.update(state="running", owner="dead", lease_until=0, deaths=DEATHS - 1).execute()
    done = taken_over(jobs, lambda run: {})
    assert (done.id, done.state) == (made.id, State.ERROR)
    assert "5 processes died" in done.message
    assert jobs.executions.live("gc") is None


def test_a_run_is_tried_until_then(jobs):
    jobs.request()
    ExecutionRow.update(state="running", owner="dead", lease_until=0, deaths=DEATHS - 2).execute()
    assert taken_over(jobs, lambda run: {}).state is State.SUCCESS


def test_a_run_that_was_to_stop_when_its_worker_died_is_stopped(jobs, start):
    made = jobs.request()
    child = start("waits")
    child.wait_for("at 3")
    os.kill(child.pid, signal.SIGSTOP)  # so that it does not hear of it
    jobs.executions.stop(ALICE, made.id)
    child.stop(signal.SIGKILL)

    def handler(_):
        raise AssertionError("a stopped run went on")

    assert taken_over(jobs, handler).state is State.STOPPED


def test_a_worker_that_froze_finds_that_its_run_is_gone(jobs, start):
    made = jobs.request()
    child = start("waits")
    child.wait_for("at 3")
    os.kill(child.pid, signal.SIGSTOP)
    done = taken_over(jobs, lambda run: {"by": "another"})
    os.kill(child.pid, signal.SIGCONT)
    child.wait_for("done success")  # what it finds when it looks again
    assert child.ended() == 0
    assert jobs.executions.get(made.id) == done
    assert jobs.lines(made.id)[-1] == "taken up again, attempt 2"


def test_a_stop_reaches_a_worker_in_another_process(jobs, start):
    made = jobs.request()
    child = start("waits")
    child.wait_for("at 3")
    asked_at = time.monotonic()
    jobs.executions.stop(ALICE, made.id)
    child.wait_for("done stopped")
    assert time.monotonic() - asked_at < 2


def test_of_many_processes_each_run_is_carried_out_by_one(jobs, start):
    for subject in range(3):
        jobs.request(subject=subject)
    children = [start("ends") for _ in range(4)]
    assert [child.ended() for child in children] == [0] * 4
    said = sorted(child.output.splitlines()[-1] for child in children)
    assert said == ["done success"] * 3 + ["nothing"]
    assert {each.attempts for each in jobs.executions.page(limit=10)} == {1}
