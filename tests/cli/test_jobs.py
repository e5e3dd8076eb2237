"""`moorage run` and `moorage job` as people and timers use them."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main
from moorage.clock import utcnow
from moorage.db.connection import close_connection, open_database
from moorage.events import SYSTEM
from moorage.jobs.model import Execution, State, Trigger
from moorage.jobs.tables import ExecutionRow
from tests.support.child import Child
from tests.support.distribution import Distribution
from tests.support.jobs import Jobs
from tests.support.server import MOORAGE

SLOW = {"MOORAGE_FSCK_MIB_PER_SECOND": "0.02"}
BLOB = b"m" * 2**20  # takes fifty seconds to read so


class Machine:
    """A data folder and the commands over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = f"sqlite:///{self.data}/db/moorage.sqlite"
        self.variables = {
            "MOORAGE_DATA": str(self.data),
            "MOORAGE_DATABASE_URL": self.url,
            "MOORAGE_LOG_LEVEL": "error",
        }

    def run(self, *words: str) -> Result:
        """Run a command in this process."""
        return CliRunner().invoke(main, words, env=self.variables)

    def json(self, *words: str) -> object:
        """What a command that goes well says as JSON."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, **self.variables, **more}

    def jobs(self) -> Jobs:
        """The room itself, as another process has it."""
        open_database(self.url)
        return Jobs(utcnow)

    def latest(self, kind: str) -> Execution | None:
        open_database(self.url)
        return Jobs(utcnow).executions.latest(kind)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    assert made.run("migrate").exit_code == 0
    yield made
    close_connection()


@pytest.fixture
def with_a_blob(machine: Machine) -> Machine:
    """One whose check takes long when it is told to be slow."""
    open_database(machine.url)
    Distribution(machine.data, utcnow).push_blob(BLOB)
    return machine


@pytest.fixture
def start(machine: Machine, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts commands that take long."""
    started: list[Child] = []

    def begin(*words: str) -> Child:
        started.append(Child([MOORAGE, *words], tmp_path / "command.log", env=machine.environment(**SLOW)))
        return started[-1]

    yield begin
    for child in started:
        child.kill()


def wait_until_it_works(machine: Machine, kind: str) -> Execution:
    deadline = time.monotonic() + 20
    while (found := machine.latest(kind)) is None or found.state is not State.RUNNING:
        assert time.monotonic() < deadline, "it never began"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        (("gc",), {"dry_run": False}),
        (("gc", "--dry-run"), {"dry_run": True}),
        (("gc", "--untagged", "--budget", "0.5"), {"delete_untagged": True, "budget_minutes": 0.5}),
        (("gc", "--keep-untagged"), {"delete_untagged": False}),
        (("fsck",), {"repair": False, "rehash": True}),
        (("fsck", "--repair", "--no-hash"), {"repair": True, "rehash": False}),
        (("purge", "--dry-run", "--keep-hours", "48"), {"dry_run": True, "keep_hours": 48}),
    ],
)
def test_a_job_is_carried_out_and_kept_in_the_history(machine: Machine, words, parameters):
    row = machine.json("run", *words)
    assert (row["job"], row["state"]) == (words[0], "success")
    found = machine.latest(words[0])
    assert (found.id, found.state, found.trigger) == (row["run"], State.SUCCESS, Trigger.MANUAL)
    assert found.parameters.items() >= parameters.items()
    assert row["message"] == found.message


def test_the_result_is_told_to_people(machine: Machine):
    result = machine.run("run", "gc")
    assert result.exit_code == 0
    assert "freed bytes" in result.stdout
    assert "success" in result.stdout


@pytest.mark.parametrize("words", [("gc", "--budget", "0"), ("purge", "--keep-hours", "-1"), ("scan",)])
def test_nonsense_is_refused_before_anything_is_asked_for(machine: Machine, words):
    assert machine.run("run", *words).exit_code == 2
    assert machine.json("job", "list") == []


def test_a_job_that_this_release_does_not_know_is_a_clear_error(machine: Machine, monkeypatch):
    monkeypatch.setattr("moorage.jobs.runner.Runner.kinds", ("gc",))
    result = machine.run("run", "fsck")
    assert result.exit_code == 1
    assert "no job 'fsck'" in result.output
    assert machine.json("job", "list") == []


def test_a_failed_run_ends_with_code_1(machine: Machine, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("moorage.audit.purge._read", fail)
    result = machine.run("run", "purge", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["state"] == "error"
    assert "OSError" in told["message"]


def test_retention_without_policies_does_nothing(machine: Machine):
    assert machine.json("run", "retention") == []
    unknown = machine.run("run", "retention", "--project", "nowhere")
    assert unknown.exit_code == 1
    assert "nowhere" in unknown.output
    assert machine.run("project", "add", "shop").exit_code == 0
    without = machine.run("run", "retention", "--project", "shop")
    assert without.exit_code == 1
    assert "no retention policy" in without.output


def test_without_a_directory_there_is_nobody_to_ask_about(machine: Machine):
    result = machine.run("run", "identity-refresh")
    assert result.exit_code == 0
    assert "not connected to a directory" in result.output
    assert machine.json("job", "list") == []


def test_that_the_directory_is_right_can_be_said(machine: Machine):
    told = machine.run("run", "identity-refresh", "--help").output
    assert "--force" in told
    assert machine.run("run", "identity-refresh", "--force").exit_code == 0


def test_a_job_that_works_elsewhere_is_left_alone(machine: Machine):
    made = machine.jobs().request("gc")
    later = utcnow() + timedelta(minutes=1)
    ExecutionRow.update(state="running", owner="another", lease_until=later).execute()
    result = machine.run("run", "gc")
    assert result.exit_code == 0
    assert f"run {made.id} of gc has another process" in result.stderr
    assert [each["id"] for each in machine.json("job", "list")] == [made.id]


def test_a_run_that_waits_is_taken_up_first(machine: Machine):
    waiting = machine.jobs().request("gc", parameters={"dry_run": False, "budget_minutes": 1})
    assert machine.json("run", "gc")["run"] == waiting.id  # it did all that was asked for
    waiting = machine.jobs().request("gc", parameters={"dry_run": True})
    assert machine.json("run", "gc")["run"] == waiting.id + 1
    assert machine.jobs().executions.get(waiting.id).state is State.SUCCESS


def test_a_run_whose_process_died_is_taken_up_first(machine: Machine):
    dead = machine.jobs().request("gc", parameters={"dry_run": False})
    ExecutionRow.update(state="running", owner="dead", lease_until=0).execute()
    assert machine.json("run", "gc")["run"] == dead.id


def test_a_dry_run_carries_out_nothing_that_waits(machine: Machine):
    waiting = machine.jobs().request("gc")
    result = machine.run("run", "gc", "--dry-run")
    assert result.exit_code == 0
    assert f"run {waiting.id} of gc waits for a worker" in result.stderr
    assert machine.jobs().executions.get(waiting.id).state is State.PENDING


def test_runs_are_listed_and_shown(machine: Machine):
    first = machine.json("run", "gc")["run"]
    second = machine.json("run", "fsck")["run"]
    assert [each["id"] for each in machine.json("job", "list")] == [second, first]
    assert [each["id"] for each in machine.json("job", "list", "--kind", "gc")] == [first]
    assert [each["id"] for each in machine.json("job", "list", "--limit", "1")] == [second]
    assert machine.json("job", "list", "--state", "error") == []
    row = machine.json("job", "show", str(first))
    assert (row["kind"], row["state"], row["trigger"], row["tasks"]) == ("gc", "success", "manual", 0)
    assert row["parameters"] == {"dry_run": False}
    assert row["result"]["freed_bytes"] == 0
    plain = machine.run("job", "show", str(first)).stdout
    assert "freed 0 bytes" in plain
    assert f"{first}\tgc" in machine.run("job", "list").stdout


@pytest.mark.parametrize("words", [("show",), ("log",), ("stop",)])
def test_a_run_that_does_not_exist_is_a_clear_error(machine: Machine, words):
    result = machine.run("job", *words, "77")
    assert result.exit_code == 1
    assert "no run 77" in result.output


def test_the_log_of_a_run_is_printed(machine: Machine):
    def handler(run):
        run.say("first")
        with run.task("shop/app") as task:
            task.say("a part", level="warning")
        run.say("last")
        return {}

    jobs = machine.jobs()
    made = jobs.request()
    jobs.runner(handler).run(made.id)
    (task,) = jobs.executions.tasks(made.id, limit=10)
    close_connection()
    lines = machine.run("job", "log", str(made.id)).stdout.splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["info    first", "warning a part", "info    last"]
    part = machine.run("job", "log", str(made.id), "--task", str(task.id), "--json").stdout
    assert json.loads(part)["text"] == "a part"


def test_a_waiting_run_is_stopped(machine: Machine):
    made = machine.jobs().request()
    assert "stopped" in machine.run("job", "stop", str(made.id)).stdout
    assert machine.json("job", "show", str(made.id))["state"] == "stopped"


def test_the_worker_does_what_waits_once(machine: Machine):
    made = machine.jobs().request()
    assert machine.run("worker", "--once").exit_code == 0
    assert machine.json("job", "show", str(made.id))["state"] == "success"


def test_the_worker_tells_which_run_failed(machine: Machine, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("moorage.audit.purge._read", fail)
    made = machine.jobs().request("purge")
    result = machine.run("worker", "--once")
    assert result.exit_code == 1
    assert f"purge {made.id}" in result.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_the_run_and_waits_for_it(with_a_blob: Machine, start, how):
    child = start("run", "fsck")
    working = wait_until_it_works(with_a_blob, "fsck")
    asked_at = time.monotonic()
    assert child.stop(how) == 130
    assert time.monotonic() - asked_at < 5
    found = with_a_blob.latest("fsck")
    assert (found.id, found.state) == (working.id, State.STOPPED)
    assert "once more ends at once" in child.output
    assert "Traceback" not in child.output


def test_somebody_else_stops_a_run_and_follows_its_log(with_a_blob: Machine, start):
    child = start("run", "fsck")
    working = wait_until_it_works(with_a_blob, "fsck")
    follower = start("job", "log", "--follow", str(working.id))
    assert with_a_blob.run("job", "stop", str(working.id)).exit_code == 0
    assert child.ended(20) == 130
    assert follower.ended(20) == 0


def test_progress_is_told_now_and_then_without_a_terminal(with_a_blob: Machine, start):
    child = start("run", "fsck")
    child.wait_for(r"^fsck \d+, \d+ s")
    child.stop()


def test_progress_is_shown_on_a_terminal(with_a_blob: Machine):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [MOORAGE, "run", "fsck"],
        env=with_a_blob.environment(**SLOW, TERM="xterm"),
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while b"fsck 1, " not in seen:
            seen += os.read(ours, 4096)  # ends with an error when the program does
    finally:
        process.terminate()
        process.wait(20)
        os.close(ours)


def test_a_stop_is_logged_as_done_by_the_system(machine: Machine):
    jobs = machine.jobs()
    made = jobs.executions.request(SYSTEM, "gc", trigger=Trigger.MANUAL)
    close_connection()
    machine.run("job", "stop", str(made.id))
    operations = [each["operation"] for each in machine.json("audit")]
    assert {"stop_gc", "finish_gc"} <= set(operations)


@pytest.mark.parametrize(
    "words",
    [
        ("job", "show", str(2**64)),
        ("job", "log", str(2**64)),
        ("job", "stop", str(2**64)),
        ("job", "log", "1", "--task", str(2**64)),
        ("immutable", "remove", "library", str(2**64)),
        ("run", "gc", "--budget", "nan"),
        ("run", "gc", "--budget", "inf"),
        ("fsck", "--empty-quarantine", "--older-than", "nan"),
    ],
    ids=" ".join,
)
def test_numbers_that_mean_nothing_are_told_as_such(machine: Machine, words: tuple[str, ...]):
    result = machine.run(*words)
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr


def test_a_data_folder_that_cannot_be_made_is_told_in_one_line():
    result = CliRunner().invoke(main, ["job", "list"], env={"MOORAGE_DATA": "/proc/nowhere"})
    assert (result.exit_code, result.stderr) == (1, "Error: /proc/nowhere: No such file or directory\n")
