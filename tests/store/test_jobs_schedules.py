"""Rhythms: chosen or from the settings, due once, kept over restarts."""

from datetime import UTC, datetime

import pytest

from moorage.events import JobRequested, ScheduleChanged
from moorage.jobs.errors import CronInvalidError, ScheduleUnknownError
from moorage.jobs.model import State, Trigger
from tests.support.jobs import ALICE, Jobs
from tests.support.race import together

HOURLY = "0 0 * * * *"
DAILY = "0 30 2 * * *"


@pytest.fixture
def jobs(database, clock):
    """A registry whose settings say nothing; it is four minutes past three."""
    return Jobs(clock)


@pytest.fixture
def set_up(database, clock):
    """A registry whose settings collect each hour."""
    return Jobs(clock, {"gc": HOURLY, "fsck": ""})


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def plan(jobs: Jobs) -> int:
    return jobs.schedules.plan_due(jobs.executions)


def finish(jobs: Jobs) -> None:
    while jobs.runner(dict.fromkeys(("gc", "retention"), lambda run: {})).run_next() is not None:
        pass


def test_a_chosen_schedule_is_kept(jobs):
    made = jobs.schedules.put(
        ALICE, "retention", "Daily", DAILY, subject=4, project_id=7, parameters={"dry_run": False}
    )
    assert made.id > 0
    assert made == jobs.schedules.find("retention", 4)
    assert (made.pattern, made.cron, made.project_id) == ("Daily", DAILY, 7)
    assert made.parameters == {"dry_run": False}
    assert (made.next_at, made.last_at) == (at(2, 30, day=3), None)
    assert jobs.schedules.find("retention", 5) is None
    (told,) = jobs.happened(ScheduleChanged)
    assert (told.actor, told.kind, told.project_id, told.what) == (ALICE, "retention", 7, DAILY)


def test_what_is_no_schedule_is_refused(jobs):
    with pytest.raises(CronInvalidError):
        jobs.schedules.put(ALICE, "gc", "Custom", "every day")
    assert jobs.schedules.find("gc") is None
    assert jobs.happened(ScheduleChanged) == []


def test_a_run_is_asked_for_when_its_moment_comes_and_not_before(jobs):
    jobs.schedules.put(ALICE, "gc", "Hourly", HOURLY, project_id=7, parameters={"dry_run": True})
    jobs.clock.moment = at(3, 59)
    assert plan(jobs) == 0
    jobs.clock.moment = at(4)
    assert plan(jobs) == 1
    assert plan(jobs) == 0
    (made,) = jobs.executions.page("gc", limit=10)
    assert (made.trigger, made.state, made.requested_by) == (Trigger.SCHEDULE, State.PENDING, "system")
    assert (made.parameters, made.project_id) == ({"dry_run": True}, 7)
    assert jobs.happened(JobRequested)[0].trigger == "schedule"
    found = jobs.schedules.find("gc")
    assert (found.last_at, found.next_at) == (at(4), at(5))


def test_after_days_without_power_it_runs_once(jobs):
    jobs.schedules.put(ALICE, "gc", "Hourly", HOURLY)
    jobs.clock.forward(days=5)
    later = Jobs(jobs.clock)
    assert plan(later) == 1
    finish(later)
    assert plan(later) == 0
    assert later.schedules.find("gc").next_at == at(4, day=7)


def test_what_is_due_while_the_job_works_runs_once_afterwards(jobs):
    jobs.schedules.put(ALICE, "gc", "Hourly", HOURLY)
    jobs.request()
    for hour in (4, 5):
        jobs.clock.moment = at(hour)
        assert plan(jobs) == 0
    finish(jobs)
    assert plan(jobs) == 1
    finish(jobs)
    assert plan(jobs) == 0


def test_a_change_counts_from_now_on(jobs):
    jobs.schedules.put(ALICE, "gc", "Hourly", HOURLY)
    jobs.clock.moment = at(4, 30)
    changed = jobs.schedules.put(ALICE, "gc", "Daily", DAILY)
    assert changed.next_at == at(2, 30, day=3)
    assert plan(jobs) == 0
    assert jobs.schedules.count() == 1


def test_a_schedule_that_never_comes(jobs):
    for pattern, cron in (("None", HOURLY), ("Custom", "")):
        found = jobs.schedules.put(ALICE, "gc", pattern, cron)
        assert found.next_at is None
    jobs.clock.forward(days=400)
    assert plan(jobs) == 0
    assert jobs.happened(ScheduleChanged)[0].what == "none"


def test_one_that_could_never_come_is_refused_and_leaves_what_there_was(jobs):
    jobs.schedules.put(ALICE, "gc", "Daily", DAILY)
    with pytest.raises(CronInvalidError, match="a day that no month has"):
        jobs.schedules.put(ALICE, "gc", "Custom", "0 0 0 30 2 *")
    assert jobs.schedules.find("gc").cron == DAILY


def test_removed_stays_removed(jobs):
    jobs.schedules.put(ALICE, "retention", "Daily", DAILY, subject=4, project_id=7)
    jobs.schedules.remove(ALICE, "retention", 4)
    assert jobs.schedules.find("retention", 4) is None
    jobs.clock.forward(days=3)
    assert plan(Jobs(jobs.clock)) == 0
    assert (jobs.happened(ScheduleChanged)[-1].what, jobs.happened(ScheduleChanged)[-1].project_id) == (
        "none",
        7,
    )
    with pytest.raises(ScheduleUnknownError):
        jobs.schedules.remove(ALICE, "retention", 4)


def test_the_settings_rhythm_is_found_and_followed(set_up):
    found = set_up.schedules.find("gc")
    assert (found.id, found.pattern, found.cron, found.next_at) == (0, "Custom", HOURLY, at(4))
    assert set_up.schedules.find("gc", 1) is None
    assert set_up.schedules.find("fsck") is None
    assert plan(set_up) == 0
    set_up.clock.moment = at(4, 1)
    assert set_up.schedules.find("gc").next_at == at(4)
    assert plan(set_up) == 1
    assert set_up.executions.latest("gc").trigger is Trigger.SCHEDULE
    assert set_up.schedules.find("gc").last_at == at(4, 1)


def test_a_moment_of_the_settings_that_passed_while_the_machine_was_off_is_not_missed(set_up):
    plan(set_up)
    set_up.clock.forward(hours=30)
    assert plan(Jobs(set_up.clock, {"gc": HOURLY})) == 1


def test_other_settings_count_from_the_next_start_on(set_up):
    plan(set_up)
    set_up.clock.moment = at(3, 30)
    later = Jobs(set_up.clock, {"gc": DAILY})
    assert later.schedules.find("gc").next_at == at(2, 30, day=3)
    later.clock.moment = at(4)
    assert plan(later) == 0
    assert later.schedules.find("gc").next_at == at(2, 30, day=3)
    none = Jobs(set_up.clock)
    set_up.clock.forward(days=2)
    assert plan(none) == 0
    assert none.schedules.find("gc") is None


def test_a_chosen_schedule_wins_over_the_settings(set_up):
    plan(set_up)
    set_up.schedules.put(ALICE, "gc", "Daily", DAILY)
    set_up.clock.moment = at(4)
    assert plan(Jobs(set_up.clock, {"gc": HOURLY})) == 0
    assert set_up.schedules.find("gc").cron == DAILY


@pytest.mark.parametrize("planned", [False, True])
def test_a_removed_rhythm_of_the_settings_stays_removed_after_a_restart(set_up, planned):
    if planned:
        plan(set_up)
    set_up.schedules.remove(ALICE, "gc")
    set_up.clock.forward(days=1)
    later = Jobs(set_up.clock, {"gc": HOURLY})
    assert plan(later) == 0
    assert (later.schedules.find("gc").pattern, later.schedules.find("gc").next_at) == ("None", None)


def test_all_schedules_are_listed(set_up):
    set_up.schedules.put(ALICE, "retention", "Daily", DAILY, subject=4)
    set_up.schedules.put(ALICE, "retention", "Daily", DAILY, subject=5)

    def listed(limit: int, offset: int = 0) -> list[tuple[str, int]]:
        return [(each.kind, each.subject) for each in set_up.schedules.list(limit, offset)]

    everything = [("gc", 0), ("retention", 4), ("retention", 5)]
    assert listed(10) == everything
    assert [listed(1, offset) for offset in range(4)] == [[each] for each in everything] + [[]]
    assert listed(2, 1) == everything[1:]
    assert set_up.schedules.count() == 3
    set_up.schedules.put(ALICE, "gc", "None", "")
    assert listed(10) == [*everything[1:], ("gc", 0)]
    assert set_up.schedules.count() == 3


def test_of_many_planners_one_asks(set_up):
    plan(set_up)
    set_up.clock.forward(hours=2)
    others = [Jobs(set_up.clock, {"gc": HOURLY}) for _ in range(4)]
    results = together([lambda other=other: plan(other) for other in others])
    assert sorted(results) == [0, 0, 0, 1]
    assert set_up.executions.count() == 1


def test_a_planner_that_was_overtaken_does_not_ask_again(jobs, monkeypatch):
    jobs.schedules.put(ALICE, "gc", "Hourly", HOURLY)
    jobs.clock.moment = at(4)
    slow = Jobs(jobs.clock)
    due = slow.store.schedules.due

    def overtaken(now):
        found = due(now)
        assert plan(jobs) == 1
        finish(jobs)
        return found

    monkeypatch.setattr(slow.store.schedules, "due", overtaken)
    assert plan(slow) == 0
    assert jobs.executions.count() == 1


def test_a_schedule_is_moved_on_only_with_its_run(jobs):
    def refuse(_):
        raise OSError("the log is full")

    jobs.schedules.put(ALICE, "gc", "Hourly", HOURLY)
    jobs.clock.moment = at(4)
    jobs.events.subscribe(JobRequested, refuse)
    with pytest.raises(OSError, match="full"):
        plan(jobs)
    later = Jobs(jobs.clock)
    assert later.executions.count() == 0
    assert plan(later) == 1


def test_a_clock_that_once_ran_ahead_silences_no_job(set_up):
    set_up.schedules.put(ALICE, "retention", "Daily", DAILY, subject=4)
    set_up.schedules.put(ALICE, "fsck", "None", "")
    plan(set_up)
    right = set_up.clock.moment
    set_up.clock.forward(days=3650)
    assert plan(set_up) == 2
    set_up.clock.moment = right
    finish(set_up)
    assert plan(set_up) == 0
    assert set_up.schedules.find("gc").next_at == at(4)
    assert set_up.schedules.find("retention", 4).next_at == at(2, 30, day=3)
    set_up.clock.moment = at(4)
    assert plan(set_up) == 1
