"""Runs are asked for, listed, stopped and forgotten; one of a kind at a time."""

from datetime import timedelta

import pytest

from moorage.db.connection import atomic
from moorage.events import JobFinished, JobRequested, JobStopped
from moorage.jobs.errors import ExecutionRunningError, ExecutionUnknownError
from moorage.jobs.model import ALL, State, Trigger
from moorage.jobs.tables import ExecutionRow, LogRow, TaskRow
from tests.support.jobs import ALICE, Aside, Jobs, Waits
from tests.support.race import together
from tests.support.statements import counted_statements


@pytest.fixture
def jobs(database, clock):
    return Jobs(clock)


def test_a_run_is_kept_as_it_was_asked_for(jobs):
    made = jobs.request(project_id=7, subject=3, parameters={"dry_run": True, "names": ["é", "\0"]})
    found = jobs.executions.get(made.id)
    assert found == made
    assert (found.kind, found.subject, found.project_id) == ("gc", 3, 7)
    assert found.parameters == {"dry_run": True, "names": ["é", "\0"]}
    assert (found.state, found.trigger, found.requested_by) == (State.PENDING, Trigger.MANUAL, "alice")
    assert (found.attempts, found.started_at, found.ended_at) == (0, None, None)
    assert found.created_at == jobs.clock.moment
    (told,) = jobs.happened(JobRequested)
    assert (told.actor, told.kind, told.execution_id, told.project_id) == (ALICE, "gc", made.id, 7)
    assert told.trigger == "manual"


def test_only_one_of_a_kind_and_subject_waits(jobs):
    jobs.request()
    with pytest.raises(ExecutionRunningError):
        jobs.request()
    jobs.request(subject=1)
    jobs.request("fsck")
    assert jobs.executions.count() == 3
    assert len(jobs.happened(JobRequested)) == 3


def test_only_one_of_a_kind_works(jobs):
    waits = Waits()
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits).run_next())
    assert waits.began.wait(20)
    with pytest.raises(ExecutionRunningError):
        jobs.request()
    jobs.executions.stop(ALICE, made.id)
    worker.result()
    jobs.request()


def test_those_that_need_not_be_alone_wait_together(jobs):
    for _ in range(2):
        jobs.request(alone=False)
    with pytest.raises(ExecutionRunningError):
        jobs.request()


def test_of_many_requests_at_once_one_is_taken(jobs):
    results = together([jobs.request] * 6)
    refused = [each for each in results if isinstance(each, ExecutionRunningError)]
    assert len(refused) == 5
    assert jobs.executions.count() == 1


def test_a_request_belongs_to_the_transaction_around_it(jobs):
    def change_and_fail():
        with atomic():
            jobs.request()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert jobs.executions.count() == 0


def test_a_refused_request_leaves_the_transaction_around_it_alone(jobs):
    jobs.request()
    with atomic():
        with pytest.raises(ExecutionRunningError):
            jobs.request()
        jobs.request("fsck")
    assert jobs.executions.count("fsck") == 1


def test_when_nobody_may_be_told_nothing_is_done(jobs):
    def refuse(_):
        raise OSError("the log is full")

    jobs.events.subscribe(JobRequested, refuse)
    with pytest.raises(OSError, match="full"):
        jobs.request()
    assert jobs.executions.count() == 0


def test_runs_are_listed_newest_first(jobs):
    first = jobs.request()
    jobs.executions.stop(ALICE, first.id)
    second, third = jobs.request(), jobs.request("retention", subject=5)
    page = jobs.executions.page
    assert [each.id for each in page(limit=10)] == [third.id, second.id, first.id]
    assert [each.id for each in page(limit=1, offset=1)] == [second.id]
    assert [each.id for each in page("gc", limit=10)] == [second.id, first.id]
    assert [each.id for each in page("gc", state=State.STOPPED, limit=10)] == [first.id]
    assert [each.id for each in page("retention", subject=5, limit=10)] == [third.id]
    assert page("retention", subject=6, limit=10) == []
    assert jobs.executions.count("gc") == 2
    assert jobs.executions.count(state=State.PENDING) == 2
    assert jobs.executions.count("retention", subject=5) == 1
    assert jobs.executions.latest("gc").id == second.id
    assert jobs.executions.latest("retention", 6) is None


def test_a_run_is_known_by_its_number_and_kind(jobs):
    made = jobs.request()
    assert jobs.executions.get(made.id, "gc").id == made.id
    for number, kind in ((made.id, "fsck"), (made.id + 1, None)):
        with pytest.raises(ExecutionUnknownError):
            jobs.executions.get(number, kind)


def test_a_waiting_run_is_stopped_at_once(jobs):
    made = jobs.request(project_id=4)
    jobs.clock.forward(seconds=5)
    jobs.executions.stop(ALICE, made.id)
    found = jobs.executions.get(made.id)
    assert (found.state, found.ended_at) == (State.STOPPED, jobs.clock.moment)
    assert jobs.runner(Waits()).run_next() is None
    (stopped,), (finished,) = jobs.happened(JobStopped), jobs.happened(JobFinished)
    assert (stopped.actor, stopped.execution_id, stopped.project_id) == (ALICE, made.id, 4)
    assert (finished.state, finished.execution_id) == ("stopped", made.id)


def test_stopping_what_is_over_changes_nothing(jobs):
    made = jobs.request()
    ended = jobs.runner(lambda run: {}).run_next()
    jobs.executions.stop(ALICE, made.id)
    assert jobs.executions.get(made.id) == ended
    assert jobs.happened(JobStopped) == []
    with pytest.raises(ExecutionUnknownError):
        jobs.executions.stop(ALICE, made.id + 1)


def test_stopping_twice_is_told_once(jobs):
    waits = Waits()
    made = jobs.request()
    worker = Aside(lambda: jobs.runner(waits).run_next())
    assert waits.began.wait(20)
    together([lambda: jobs.executions.stop(ALICE, made.id)] * 3)
    worker.result()
    assert len(jobs.happened(JobStopped)) == 1
    assert len(jobs.happened(JobFinished)) == 1


def talkative(run):
    run.say("begin")
    for name in ("one", "two"):
        with run.task(name) as task:
            for number in range(3):
                task.say(f"{name} {number}", level="warning")
            task.finish(kept=2)
    run.say("end")
    return {}


def test_the_log_is_read_page_by_page(jobs):
    made = jobs.request()
    jobs.runner(talkative).run_next()
    log = jobs.executions.log
    whole = log(made.id)
    assert [line.text for line in whole] == [
        *("begin", "one 0", "one 1", "one 2", "two 0", "two 1", "two 2", "end")
    ]
    seen, after = [], 0
    while page := log(made.id, after=after, limit=3):
        assert len(page) <= 3
        seen += page
        after = page[-1].id
    assert seen == whole
    assert {line.level for line in whole} == {"info", "warning"}


def test_the_log_of_one_part_is_read_alone(jobs):
    made = jobs.request()
    jobs.runner(talkative).run_next()
    _, two = jobs.executions.tasks(made.id, limit=10)
    assert jobs.lines(made.id, task_id=two.id) == ["two 0", "two 1", "two 2"]
    assert jobs.lines(made.id, task_id=None) == ["begin", "end"]
    assert len(jobs.lines(made.id, task_id=ALL)) == 8
    assert jobs.lines(made.id + 1) == []


def test_parts_are_listed_in_their_order(jobs):
    made = jobs.request()
    jobs.runner(talkative).run_next()
    one, two = jobs.executions.tasks(made.id, limit=10)
    assert (one.name, one.state, one.result) == ("one", State.SUCCESS, {"kept": 2})
    assert jobs.executions.tasks(made.id, limit=1, offset=1) == [two]
    assert jobs.executions.count_tasks(made.id) == 2
    assert jobs.executions.task(made.id, two.id) == two
    other = jobs.request("fsck")
    with pytest.raises(ExecutionUnknownError):
        jobs.executions.task(other.id, two.id)


def test_old_history_is_forgotten_with_its_logs(jobs):
    old = jobs.request()
    jobs.runner(talkative).run_next()
    waiting = jobs.request("fsck")
    jobs.clock.forward(days=8)
    young = jobs.request()
    jobs.runner(talkative).run_next()
    assert jobs.executions.forget(timedelta(days=7)) == 1
    assert [each.id for each in jobs.executions.page(limit=10)] == [young.id, waiting.id]
    assert TaskRow.select().count() == 2
    assert LogRow.select().count() == 8
    assert jobs.executions.forget(timedelta(days=7)) == 0
    with pytest.raises(ExecutionUnknownError):
        jobs.executions.get(old.id)


def test_long_logs_are_forgotten_in_many_small_transactions(jobs):
    made = jobs.request()
    jobs.runner(lambda run: {}).run_next()
    row = {"execution": made.id, "at": 0, "level": "info", "text": "x"}
    with atomic():
        for _ in range(12):
            LogRow.insert_many([row] * 1000).execute()
    jobs.clock.forward(days=8)
    with counted_statements() as statements:
        jobs.executions.forget(timedelta(days=7))
    assert LogRow.select().count() == 0
    assert 5 <= len(statements) <= 40


def test_history_is_read_by_an_index(jobs):
    with atomic():
        for number in range(300):
            made = jobs.request(subject=number)
            ExecutionRow.update(state="success", sole=None, ended_at=0).where(
                ExecutionRow.id == made.id
            ).execute()
    with counted_statements() as statements:
        jobs.runner(lambda run: {}).run_next()
        jobs.executions.live("gc", 5)
        jobs.executions.latest("gc", 5)
    for number in range(len(statements)):
        assert "SCAN execution" not in statements.plan(number)
        assert "SCAN t1" not in statements.plan(number)
