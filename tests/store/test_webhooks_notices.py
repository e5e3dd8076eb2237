"""What becomes an event of a policy, in the transaction of what happened."""

from datetime import timedelta

import pytest

from moorage.db.connection import atomic
from moorage.events import JobFinished
from moorage.jobs.model import State, Trigger
from moorage.oci.names import RepositoryName
from moorage.webhooks import notices
from moorage.webhooks.model import EventType
from moorage.webhooks.notices import Pulled
from tests.support.distribution import ALICE, APP, BOB
from tests.support.hooks import HOST, Hooks, draft

ADDRESS = "https://hooks.example.com/a"


@pytest.fixture
def site(database, tmp_path, clock):
    return Hooks(tmp_path, clock)


def resources(occurrence):
    return occurrence.facts["event_data"]["resources"]


def test_a_push_is_told_with_tag_digest_and_repository(site):
    policy = site.policy(ADDRESS, "https://hooks.example.com/b")
    digest = site.push_image("v1", b"one")
    (told,) = site.occurrences(policy)
    assert (told.event_type, told.operator, told.state) == ("PUSH_ARTIFACT", "alice", State.PENDING)
    assert resources(told) == [{"digest": str(digest), "tag": "v1", "resource_url": f"{HOST}/library/app:v1"}]
    found = site.repositories.find(APP)
    assert told.facts["event_data"]["repository"] == {
        "name": "app",
        "namespace": "library",
        "repo_full_name": "library/app",
        "repo_type": "private",
        "date_created": int(found.created_at.timestamp()),
    }
    assert [each.address for each in site.sent(policy)] == [ADDRESS, "https://hooks.example.com/b"]


def test_a_push_by_digest_is_told_once(site):
    policy = site.policy(ADDRESS)
    digest = site.push_image(None, b"one")
    site.push_image(None, b"one")
    (told,) = site.occurrences(policy)
    assert resources(told) == [
        {"digest": str(digest), "tag": str(digest), "resource_url": f"{HOST}/library/app@{digest}"}
    ]


def test_a_push_that_is_undone_is_told_to_nobody(site):
    policy = site.policy(ADDRESS)

    def half_way():
        with atomic():
            site.push_image("v1", b"one")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert site.occurrences(policy) == []


@pytest.mark.parametrize("how", ["disabled", "other events", "other project", "switched off"])
def test_nobody_else_is_told(site, how):
    more = {"enabled": how != "disabled"}
    events = (EventType.PULL_ARTIFACT,) if how == "other events" else (EventType.PUSH_ARTIFACT,)
    project = site.project("elsewhere") if how == "other project" else site.project_id
    site.switched_on = how != "switched off"
    policy = site.webhooks.create(ALICE, project, draft(ADDRESS, events=events, **more))
    site.push_image("v1", b"one")
    assert site.occurrences(policy) == []


def test_a_deleted_artifact_is_told_with_its_tags(site):
    policy = site.policy(ADDRESS, events=(EventType.DELETE_ARTIFACT,))
    digest = site.push_image("v1", b"one")
    site.push_image("v2", b"one")
    site.manifests.delete(BOB, site.project_id, APP, digest)
    (told,) = site.occurrences(policy)
    assert told.operator == "bob"
    assert sorted(each["tag"] for each in resources(told)) == ["v1", "v2"]
    assert {each["digest"] for each in resources(told)} == {str(digest)}


def test_a_deleted_repository_is_told_with_everything_in_it(site):
    policy = site.policy(ADDRESS, events=(EventType.DELETE_ARTIFACT,))
    site.push_image("v1", b"one")
    untagged = site.push_image(None, b"two")
    site.repositories.delete(ALICE, APP)
    (told,) = site.occurrences(policy)
    assert sorted(each["tag"] for each in resources(told)) == sorted(["v1", str(untagged)])


def test_pulls_are_told_for_each_account(site, clock):
    policy = site.policy(ADDRESS, events=(EventType.PULL_ARTIFACT,))
    other = site.project("other")
    quiet = site.webhooks.create(ALICE, other, draft(ADDRESS, events=(EventType.PULL_ARTIFACT,)))
    digest = str(site.push_image("v1", b"one"))
    with atomic():
        site.notices.pulled(
            [
                Pulled(APP, "v1", digest, ("alice", "robot$ci"), clock()),
                Pulled(RepositoryName("gone/app"), "v1", digest, ("alice",), clock()),
            ]
        )
    assert [(each.event_type, each.operator) for each in site.occurrences(policy)] == [
        ("PULL_ARTIFACT", "alice"),
        ("PULL_ARTIFACT", "robot$ci"),
    ]
    assert resources(site.occurrences(policy)[0])[0]["tag"] == "v1"
    assert site.occurrences(quiet) == []


def test_a_project_near_its_limit_is_told_of_once_an_hour(site):
    policy = site.policy(ADDRESS, events=(EventType.QUOTA_WARNING,))
    site.quotas.set_limit(ALICE, site.project_id, 10_000)
    site.push_image("v1", b"small")
    assert site.occurrences(policy) == []
    site.quotas.set_limit(ALICE, site.project_id, site.usage.of(site.project_id) + 10)
    site.push_image("v1", b"small")
    site.push_image("v2", b"small")
    (told,) = site.occurrences(policy)
    assert "are used" in told.facts["event_data"]["custom_attributes"]["Details"]
    site.moving.forward(minutes=61)
    site.push_image("v3", b"small")
    assert len(site.occurrences(policy)) == 2


def test_a_full_project_is_told_of_once_an_hour(site):
    policy = site.policy(ADDRESS, events=(EventType.QUOTA_EXCEED,))
    for _ in range(3):
        site.notices.refused_for_quota(ALICE, site.project_id, "library/app", "no room")
    (told,) = site.occurrences(policy)
    data = told.facts["event_data"]
    assert data["custom_attributes"] == {"Details": "no room"}
    assert data["repository"]["repo_full_name"] == "library/app"
    site.moving.forward(hours=1)
    site.notices.refused_for_quota(ALICE, site.project_id, "library/app", "no room")
    assert len(site.occurrences(policy)) == 2


@pytest.mark.parametrize("dry", [False, True])
def test_a_run_of_retention_is_told_unless_it_was_only_a_try(site, dry):
    policy = site.policy(ADDRESS, events=(EventType.TAG_RETENTION,))
    run = site.executions.request(
        ALICE,
        "retention",
        trigger=Trigger.MANUAL,
        subject=7,
        project_id=site.project_id,
        parameters={"dry_run": dry},
    )
    jobs = site.executions._store.runs
    with atomic():
        jobs.claim("me", site.clock(), site.clock() + timedelta(minutes=1), execution_id=run.id)
        jobs.end(run.id, "me", State.SUCCESS, site.clock(), result={"deleted": 3, "retained": 4}, message="")
        site.events.publish(JobFinished(ALICE, "retention", run.id, site.project_id, "success", ""))
    if dry:
        assert site.occurrences(policy) == []
        return
    (told,) = site.occurrences(policy)
    assert told.facts["event_data"]["retention"] == {
        "total": 7,
        "retained": 4,
        "harbor_hostname": HOST,
        "project_name": "library",
        "retention_policy_id": 7,
        "result": "SUCCESS",
    }


def test_a_receiver_that_is_gone_does_not_fill_the_disk(site, monkeypatch, caplog):
    monkeypatch.setattr(notices, "MOST_WAITING", 2)
    policy = site.policy(ADDRESS)
    for number in range(6):
        site.push_image(f"v{number}", f"image {number}".encode())
    assert len(site.sent(policy)) == 3
    assert "too many deliveries" in caplog.text


def test_history_is_forgotten_by_age_and_by_number_but_not_what_waits(site):
    policy = site.policy(ADDRESS)
    site.push_image("v1", b"one")
    (first,) = site.occurrences(policy)
    site.moving.forward(days=40)
    site.push_image("v2", b"two")
    assert site.deliveries.forget(timedelta(days=30), 10) == 0
    site.queue.stop_waiting(policy.id, site.clock(), "")
    assert site.deliveries.forget(timedelta(days=30), 10) == 1
    assert first.id not in [each.id for each in site.occurrences(policy)]
    site.push_image("v3", b"three")
    site.push_image("v4", b"four")
    site.queue.stop_waiting(policy.id, site.clock(), "")
    assert site.deliveries.forget(timedelta(days=30), 2) == 1
    assert [resources(each)[0]["tag"] for each in site.occurrences(policy)] == ["v3", "v4"]
