"""Policies and their schedules."""

import pytest

from moorage.events import SYSTEM, ProjectChanged, ScheduleChanged
from moorage.jobs.errors import CronInvalidError
from moorage.jobs.model import State, Trigger
from moorage.projects.errors import ProjectUnknownError
from moorage.retention.document import Draft
from moorage.retention.errors import RetentionExistsError, RetentionUnknownError
from moorage.retention.model import Template
from moorage.retention.policies import KIND
from tests.support.distribution import ALICE
from tests.support.race import together
from tests.support.retention import Keeping, rule

NIGHTLY = "0 0 3 * * *"
RULES = (rule(Template.LATEST_PUSHED, 10), rule(Template.ALWAYS, tags="v*", untagged=True, rule_id=2))


@pytest.fixture
def site(database, tmp_path, clock):
    return Keeping(tmp_path, clock)


def test_a_policy_is_kept_as_it_was_given(site):
    made = site.policies.create(ALICE, site.project_id, Draft(RULES, NIGHTLY))
    assert made.rules == RULES
    assert site.policies.get(made.id) == made == site.policies.of_project(site.project_id)
    assert site.policies.cron(made.id) == NIGHTLY
    assert site.policies.ids_among([site.project_id, 999]) == {site.project_id: made.id}
    told = [(event.name, event.what) for event in site.happened(ProjectChanged)]
    assert told == [("library", f"retention policy {made.id} made: 2 rules")]
    assert [event.what for event in site.happened(ScheduleChanged)] == [NIGHTLY]


def test_a_project_has_one_policy_whoever_is_first(site):
    results = together([lambda: site.policies.create(ALICE, site.project_id, Draft(RULES)) for _ in range(4)])
    assert sorted(type(each).__name__ for each in results) == ["Policy"] + ["RetentionExistsError"] * 3
    with pytest.raises(RetentionExistsError):
        site.policies.create(ALICE, site.project_id, Draft(()))


def test_without_a_project_there_is_no_policy(site):
    with pytest.raises(ProjectUnknownError):
        site.policies.create(ALICE, 999, Draft(RULES))


def test_a_change_replaces_rules_and_rhythm(site):
    made = site.policies.create(ALICE, site.project_id, Draft(RULES, NIGHTLY))
    site.moving.forward(hours=1)
    changed = site.policies.change(ALICE, made.id, Draft(RULES[:1], ""))
    assert changed.rules == RULES[:1]
    assert changed.updated_at > made.updated_at
    assert site.policies.cron(made.id) == ""
    assert site.schedules.find(KIND, made.id) is None


def test_a_change_that_changes_nothing_is_not_logged_and_keeps_the_next_run(site):
    made = site.policies.create(ALICE, site.project_id, Draft(RULES, NIGHTLY))
    next_at = site.schedules.find(KIND, made.id).next_at
    site.told.clear()
    site.policies.change(ALICE, made.id, Draft(RULES, NIGHTLY))
    assert site.told == []
    assert site.schedules.find(KIND, made.id).next_at == next_at


def test_a_rhythm_that_is_none_changes_nothing_at_all(site):
    with pytest.raises(CronInvalidError):
        site.policies.create(ALICE, site.project_id, Draft(RULES, "every day"))
    assert site.policies.of_project(site.project_id) is None


def test_a_deleted_policy_leaves_no_schedule_and_stops_its_run(site):
    made = site.policies.create(ALICE, site.project_id, Draft(RULES, NIGHTLY))
    execution = site.request(made)
    site.policies.delete(ALICE, made.id)
    assert site.schedules.find(KIND, made.id) is None
    assert site.executions.get(execution.id).state is State.STOPPED
    with pytest.raises(RetentionUnknownError):
        site.policies.delete(ALICE, made.id)


def test_a_deleted_project_takes_its_policy_and_schedule_along_and_no_other(site):
    empty, other = site.project("empty"), site.project("other")
    made = site.policies.create(ALICE, empty, Draft(RULES, NIGHTLY))
    kept = site.policies.create(ALICE, other, Draft(RULES, NIGHTLY))
    waiting, others = (
        site.executions.request(ALICE, KIND, trigger=Trigger.MANUAL, subject=number, project_id=project)
        for number, project in ((made.id, empty), (kept.id, other))
    )
    site.projects.delete(SYSTEM, empty)
    with pytest.raises(RetentionUnknownError):
        site.policies.get(made.id)
    assert site.executions.get(waiting.id).state is State.STOPPED
    assert site.executions.get(others.id).state is State.PENDING
    assert site.schedules.find(KIND, made.id) is None
    assert site.policies.cron(kept.id) == NIGHTLY


def test_a_scheduled_policy_runs_when_its_moment_comes(site):
    site.fill("v1", "v2")
    made = site.policies.create(ALICE, site.project_id, Draft((rule(Template.LATEST_PUSHED, 1),), NIGHTLY))
    assert site.schedules.plan_due(site.executions) == 0
    site.moving.forward(days=1)
    assert site.schedules.plan_due(site.executions) == 1
    ended = site.runner.run_next([KIND])
    assert (ended.subject, ended.project_id, ended.state) == (made.id, site.project_id, State.SUCCESS)
    assert site.names() == ["v2"]
