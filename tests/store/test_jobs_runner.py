"""What becomes of a run: success, error, stop, budget, restart; what it says and keeps."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import peewee
import pytest

from moorage.db.connection import atomic
from moorage.errors import Conflict
from moorage.events import JobFinished
from moorage.jobs.endings import RETRIES
from moorage.jobs.errors import ExecutionTakenError, ExecutionUnknownError, JobUnknownError
from moorage.jobs.heart import Rhythm
from moorage.jobs.model import State
from moorage.jobs.tables import ExecutionRow
from tests.support.jobs import ALICE, QUICK, SECONDS, Aside, Jobs, Waits
from tests.support.race import together
from tests.support.statements import counted_statements

SLOW = Rhythm(lease=30, renew=30, look=0.02, write=30)
UNRENEWED = Rhythm(lease=30, renew=30, look=0.02, write=0.05)


@pytest.fixture
def jobs(database, clock):
    return Jobs(clock)


def until(wanted: Callable[[], object]) -> None:
    """Wait for what another thread writes into the database."""
    deadline = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_what_the_handler_returns_is_the_result(jobs):
    made = jobs.request(project_id=3, parameters={"dry_run": True})
    jobs.clock.forward(seconds=9)
    done = jobs.runner(lambda run: {"dry": run.parameters["dry_run"], "message": "all well"}).run(made.id)
    assert done == jobs.executions.get(made.id)
    assert (done.state, done.message) == (State.SUCCESS, "all well")
    assert done.result == {"dry": True, "message": "all well"}
    assert (done.attempts, done.started_at, done.ended_at) == (1, jobs.clock.moment, jobs.clock.moment)
    (told,) = jobs.happened(JobFinished)
    assert (told.kind, told.project_id, told.state, told.message) == ("gc", 3, "success", "all well")


def test_a_failed_run_tells_what_may_be_told(jobs, caplog):
    def fail(error):
        def handler(_):
            raise error

        return handler

    jobs.request()
    done = jobs.runner(fail(Conflict("the policy is gone"))).run_next()
    assert (done.state, done.message) == (State.ERROR, "the policy is gone")
    jobs.request()
    done = jobs.runner(fail(OSError("/secret/path"))).run_next()
    assert done.state is State.ERROR
    assert "secret" not in done.message
    assert "OSError" in done.message
    assert "/secret/path" in caplog.text
    assert [told.state for told in jobs.happened(JobFinished)] == ["error", "error"]


def test_a_run_without_a_handler_is_refused_clearly_and_stays(jobs):
    made = jobs.request("fsck")
    runner = jobs.runner(lambda run: {})
    with pytest.raises(JobUnknownError, match="'fsck'"):
        runner.run(made.id)
    assert runner.run_next() is None
    assert runner.run_next(["fsck"]) is None
    assert jobs.executions.get(made.id).state is State.PENDING
    with pytest.raises(ExecutionUnknownError):
        runner.run(made.id + 1)


def test_a_run_that_is_over_is_not_run_again(jobs):
    made = jobs.request()
    runner = jobs.runner(lambda run: {})
    runner.run(made.id)
    with pytest.raises(ExecutionTakenError):
        runner.run(made.id)


def test_the_oldest_comes_first_and_only_of_the_kinds_asked_for(jobs):
    seen = []
    first, other, second = jobs.request(), jobs.request("fsck"), jobs.request(subject=1)
    handlers = dict.fromkeys(("gc", "fsck"), lambda run: seen.append(run.execution.id) or {})
    runner = jobs.runner(handlers)
    runner.run_next(["gc"])
    runner.run_next(["gc"])
    assert runner.run_next(["gc"]) is None
    runner.run_next()
    assert seen == [first.id, second.id, other.id]


def test_workers_leave_a_run_for_whoever_asked_for_it(jobs):
    made = jobs.request(after=timedelta(seconds=10))
    runner = jobs.runner(lambda run: {})
    assert runner.run_next() is None
    assert runner.run(made.id).state is State.SUCCESS
    jobs.request(after=timedelta(seconds=10))
    jobs.clock.forward(seconds=11)
    assert runner.run_next().state is State.SUCCESS


def test_of_many_workers_one_takes_the_run(jobs):
    for subject in range(12):
        jobs.request(subject=subject)
    seen = []

    def work():
        runner = Jobs(jobs.clock).runner(lambda run: seen.append(run.execution.id) or {})
        while runner.run_next() is not None:
            pass

    assert together([work] * 4) == [None] * 4
    assert len(seen) == len(set(seen)) == 12
    assert jobs.executions.count(state=State.SUCCESS) == 12


def test_a_run_that_works_is_refused_to_others(jobs):
    waits = Waits()
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits).run(made.id))
    assert waits.began.wait(SECONDS)
    with pytest.raises(ExecutionTakenError):
        Jobs(jobs.clock).runner(waits).run(made.id)
    assert Jobs(jobs.clock).runner(waits).run_next() is None
    jobs.executions.stop(ALICE, made.id)
    assert worker.result().state is State.STOPPED


def test_a_stop_is_heard_within_two_seconds(jobs):
    waits = Waits()
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits, Rhythm()).run_next())
    assert waits.began.wait(SECONDS)
    begun = time.monotonic()
    jobs.executions.stop(ALICE, made.id)
    done = worker.result()
    assert time.monotonic() - begun < 2
    assert (done.state, done.message) == (State.STOPPED, "as far as it came")
    assert (done.stop_requested, done.ended_at) == (True, jobs.clock.moment)
    assert [told.state for told in jobs.happened(JobFinished)] == ["stopped"]


def test_a_stop_that_came_too_late_changes_nothing(jobs):
    def finish(run):
        jobs.executions.stop(ALICE, run.execution.id)
        return {"found": 1}

    jobs.request()
    done = jobs.runner(finish).run_next()
    assert (done.state, done.result) == (State.SUCCESS, {"found": 1})


def test_the_time_of_a_run_is_limited_by_its_budget(jobs):
    jobs.request(parameters={"budget_minutes": 0.2 / 60})
    begun = time.monotonic()
    done = jobs.runner(Waits()).run_next()
    assert 0.2 <= time.monotonic() - begun < 2
    assert done.state is State.SUCCESS
    assert done.result == {"message": "as far as it came", "unfinished": True}


def test_a_run_that_keeps_its_budget_is_not_unfinished(jobs):
    jobs.request(parameters={"budget_minutes": 1})
    assert jobs.runner(lambda run: {"stopping": run.stopping}).run_next().result == {"stopping": False}


def test_the_end_of_the_process_puts_a_run_back(jobs):
    stop = threading.Event()
    waits = Waits(lambda run: (run.count(done=2), run.mark(cursor="m"), run.say("half of it")))
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits).run_next(stop=stop))
    assert waits.began.wait(SECONDS)
    stop.set()
    done = worker.result()
    assert (done.state, done.ended_at, done.result) == (State.PENDING, None, {})
    assert done.progress == {"done": 2, "cursor": "m"}
    assert jobs.happened(JobFinished) == []

    def go_on(run):
        run.count(done=1)
        return dict(run.progress)

    again = Jobs(jobs.clock).runner(go_on).run_next()
    assert (again.id, again.state, again.attempts) == (made.id, State.SUCCESS, 2)
    assert again.result == {"done": 2, "cursor": "m"}
    assert again.progress == {"done": 3, "cursor": "m"}
    assert jobs.lines(made.id) == ["half of it", "taken up again, attempt 2"]


def test_being_put_back_again_and_again_is_no_failure(jobs):
    stop = threading.Event()
    stop.set()
    jobs.request()
    for _ in range(8):
        assert jobs.runner(Waits()).run_next(stop=stop).state is State.PENDING
    assert jobs.runner(lambda run: {}).run_next().state is State.SUCCESS


def test_progress_and_log_are_seen_while_the_run_works(jobs):
    waits = Waits(lambda run: (run.count(found=5), run.say("looking")))
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits).run_next())
    until(lambda: jobs.executions.get(made.id).progress == {"found": 5})
    assert jobs.lines(made.id) == ["looking"]
    jobs.executions.stop(ALICE, made.id)
    worker.result()


def test_notes_are_written_together(jobs):
    def busy(run):
        for number in range(500):
            run.count(found=1)
            run.mark(cursor=number)
            run.say(str(number))
        return {}

    made = jobs.request()
    with counted_statements() as statements:
        done = jobs.runner(busy, SLOW).run_next()
    assert done.progress == {"found": 500, "cursor": 499}
    assert jobs.lines(made.id) == [str(number) for number in range(500)]
    assert len(statements) < 30


def test_notes_outlive_a_transaction_of_the_handler_that_fails(jobs):
    def change_and_fail(run):
        with atomic():
            run.say("said inside")
            run.count(tried=1)
            raise RuntimeError

    def careless(run):
        with pytest.raises(RuntimeError):
            change_and_fail(run)
        return {}

    made = jobs.request()
    assert jobs.runner(careless).run_next().progress == {"tried": 1}
    assert jobs.lines(made.id) == ["said inside"]


def test_lines_are_made_fit_to_be_shown(jobs):
    made = jobs.request()
    jobs.runner(lambda run: run.say("a\nb\0\x1b[2J\ud800" + "x" * 5000) or {}).run_next()
    (line,) = jobs.lines(made.id)
    assert line.startswith("a\\nb\\x00\\x1b[2J\\ud800xxx")
    assert len(line) == 2000


def test_a_log_without_end_is_cut(jobs):
    stop = threading.Event()
    stop.set()

    def chatter(run):
        for number in range(7):
            run.say(str(number))
        return {"stopped": run.stopping}

    made = jobs.request()
    jobs.runner(chatter, log_lines=10).run_next(stop=stop)
    assert jobs.runner(chatter, log_lines=10).run_next().state is State.SUCCESS
    lines = jobs.lines(made.id)
    assert lines[:8] == ["0", "1", "2", "3", "4", "5", "6", "taken up again, attempt 2"]
    assert lines[8:] == ["0", "1", "more than 10 lines: the rest is left out"]


def test_a_part_that_fails_fails_the_run(jobs):
    def handler(run):
        with run.task("good"):
            pass
        with run.task("bad"):
            raise Conflict("no such repository")
        return {}

    made = jobs.request()
    done = jobs.runner(handler).run_next()
    assert (done.state, done.message) == (State.ERROR, "no such repository")
    good, bad = jobs.executions.tasks(made.id, limit=10)
    assert (good.state, bad.state, bad.message) == (State.SUCCESS, State.ERROR, "no such repository")
    assert bad.ended_at is not None
    assert [line.level for line in jobs.executions.log(made.id, task_id=bad.id)] == ["error"]


def test_a_failure_can_be_contained_in_its_part(jobs):
    def handler(run):
        for name in ("bad", "good"):
            with run.task(name, contain=True):
                if name == "bad":
                    raise ValueError(name)
        return {"message": "went on"}

    made = jobs.request()
    assert jobs.runner(handler).run_next().message == "went on"
    assert [task.state for task in jobs.executions.tasks(made.id, limit=10)] == [State.ERROR, State.SUCCESS]


def test_a_part_that_was_broken_off_begins_anew(jobs):
    stop = threading.Event()
    runs = []

    def handler(run):
        with run.task("library/app") as task:
            runs.append(task.id)
            if not stop.is_set():
                stop.set()
                while not run.stopping:
                    pass
                return {}
            task.finish(kept=1)
        return {}

    made = jobs.request()
    jobs.runner(handler).run_next(stop=stop)
    (task,) = jobs.executions.tasks(made.id, limit=10)
    assert (task.state, task.result) == (State.STOPPED, {})
    jobs.runner(handler).run_next()
    (task,) = jobs.executions.tasks(made.id, limit=10)
    assert (task.state, task.result) == (State.SUCCESS, {"kept": 1})
    assert runs == [task.id, task.id]


def ill(*_: object) -> dict[str, object]:
    raise peewee.OperationalError("the server closed the connection")


def test_an_ill_database_puts_a_run_back_for_a_while(jobs):
    made = jobs.request()
    done = jobs.runner(ill).run_next()
    assert done.state is State.PENDING
    assert jobs.runner(ill).run_next() is None
    jobs.clock.forward(seconds=20)
    assert jobs.runner(lambda run: {}).run_next().id == made.id


def test_a_database_that_stays_ill_fails_the_run(jobs):
    jobs.request()
    for _ in range(RETRIES):
        assert jobs.runner(ill).run_next().state is State.PENDING
        jobs.clock.forward(hours=1)
    done = jobs.runner(ill).run_next()
    assert done.state is State.ERROR
    assert "database" in done.message


def test_a_worker_that_lost_its_run_stops_and_writes_nothing(jobs):
    waits = Waits(lambda run: run.mark(mine=True))
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits, UNRENEWED).run_next())
    until(lambda: jobs.executions.get(made.id).progress)
    jobs.clock.forward(minutes=5)  # as after a machine was suspended: the lease is long over

    def second(run):
        first = worker.result()  # which stops by itself, long before we end
        run.say("mine now")
        return {"progress": dict(run.progress), "first saw": first.state.value}

    done = Jobs(jobs.clock).runner(second).run_next()
    assert (done.id, done.attempts, done.state) == (made.id, 2, State.SUCCESS)
    assert done.result == {"progress": {"mine": True}, "first saw": "running"}
    assert jobs.lines(made.id) == ["taken up again, attempt 2", "mine now"]
    assert jobs.happened(JobFinished) == []


def test_a_part_of_a_lost_run_writes_nothing(jobs):
    def rob(run):
        with run.task("library/app") as task:
            ExecutionRow.update(owner="somebody else").execute()
            task.finish(kept=1)
        raise AssertionError("a lost run went on")

    made = jobs.request()
    assert jobs.runner(rob, SLOW).run_next().state is State.RUNNING
    (task,) = jobs.executions.tasks(made.id, limit=10)
    assert (task.state, task.result) == (State.RUNNING, {})


def test_a_lease_that_cannot_be_renewed_is_given_up_before_others_may_take_it(jobs, monkeypatch):
    waits = Waits()
    runner = jobs.runner(waits, Rhythm(lease=2.0, renew=0.1, look=0.02))
    made = jobs.request()
    monkeypatch.setattr(jobs.store.runs, "pulse", ill)
    begun = time.monotonic()
    done = runner.run_next()
    assert 1.0 < time.monotonic() - begun < 2.0
    assert (done.id, done.state) == (made.id, State.PENDING)


def test_a_lease_is_renewed_while_the_handler_is_silent(jobs):
    released = threading.Event()
    began = threading.Event()

    def silent(_):
        began.set()
        released.wait(SECONDS)
        return {}

    made = jobs.request()
    worker = Aside(lambda: jobs.runner(silent).run_next())
    assert began.wait(SECONDS)
    before = ExecutionRow.get_by_id(made.id).lease_until
    jobs.clock.forward(seconds=20)
    until(lambda: ExecutionRow.get_by_id(made.id).lease_until > before)
    jobs.clock.forward(seconds=20)
    assert Jobs(jobs.clock).runner(silent).run_next() is None
    released.set()
    assert worker.result().state is State.SUCCESS


def test_an_end_that_nobody_may_be_told_of_is_no_end(jobs, monkeypatch):
    def refuse(_):
        raise peewee.OperationalError("the disk is full")

    jobs.events.subscribe(JobFinished, refuse)
    jobs.request()
    monkeypatch.setattr("moorage.jobs.settlement._REST_SECONDS", 0)
    assert jobs.runner(lambda run: {}).run_next().state is State.RUNNING


def test_work_goes_on_until_it_is_stopped_a_thread_a_kind(jobs):
    stop, seen = threading.Event(), []
    both = threading.Barrier(2)

    def handler(run):
        both.wait(SECONDS)  # neither kind waits for the other
        seen.append(threading.current_thread().name)
        return {}

    runner = jobs.runner({"gc": handler, "fsck": handler})
    work = Aside(lambda: runner.work(stop))
    for kind in ("gc", "fsck"):
        jobs.request(kind)
    until(lambda: jobs.executions.count(state=State.SUCCESS) == 2)
    assert sorted(seen) == ["job-fsck", "job-gc"]
    stop.set()
    work.result(2.0)


def test_the_end_of_work_waits_for_no_handler(jobs):
    stop, began, released = threading.Event(), threading.Event(), threading.Event()

    def deaf(run):
        run.mark(cursor="x")
        began.set()
        released.wait(SECONDS)
        return {}

    made = jobs.request()
    work = Aside(lambda: jobs.runner(deaf).work(stop))
    assert began.wait(SECONDS)
    begun = time.monotonic()
    stop.set()
    work.result(3.0)
    assert time.monotonic() - begun < 2.0
    found = jobs.executions.get(made.id)
    assert (found.state, found.progress) == (State.PENDING, {"cursor": "x"})
    released.set()
    again = Jobs(jobs.clock).runner(lambda run: {"cursor": run.progress["cursor"]}).run_next()
    assert again.result == {"cursor": "x"}


def test_a_watcher_sees_the_run_and_cannot_break_it(jobs):
    seen = []

    def watch(execution):
        seen.append(execution.progress.get("found"))
        raise RuntimeError("the terminal is gone")

    def handler(run):
        run.count(found=1)
        until(lambda: 1 in seen)
        return {}

    made = jobs.request()
    done = jobs.runner(handler, QUICK).run(made.id, watch=watch)
    assert done.state is State.SUCCESS
