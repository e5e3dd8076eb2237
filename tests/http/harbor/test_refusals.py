"""What is refused behind the door is in the log, once, with who, where and why."""

from collections.abc import Callable

import pytest

from moorage.audit.model import Entry, Query
from moorage.audit.model import Result as Outcome
from moorage.events import SYSTEM
from moorage.projects.model import Project, Role
from moorage.projects.selectors import Selector
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, message_of, repository_path
from tests.support.images import image
from tests.support.people import People

ARTIFACTS = repository_path("dock/app") + "/artifacts"


@pytest.fixture
def denied(services: Services) -> Callable[[], list[Entry]]:
    """What the log tells of refusals, the oldest first."""

    def entries() -> list[Entry]:
        services.audit.flush()
        return list(services.audit.page(Query(result=Outcome.DENIED), 100).entries)[::-1]

    return entries


def test_the_deletion_of_an_immutable_tag(
    alice: Portal, services: Services, dock: Project, push: Pusher, denied: Callable[[], list[Entry]]
) -> None:
    push("dock/app", image(), "v1")
    services.immutability.add(
        SYSTEM, dock.id, repositories=Selector("**", "repoMatches"), tags=Selector("v*")
    )
    refused = alice.delete(f"{ARTIFACTS}/v1/tags/v1")
    assert refused.status_code == 412
    (entry,) = denied()
    assert (entry.actor, entry.operation, entry.project_id) == ("alice", "delete_tag", dock.id)
    assert (entry.resource, entry.detail) == (
        "/api/v2.0/projects/dock/repositories/app/artifacts/v1/tags/v1",
        message_of(refused),
    )


def test_a_policy_that_the_caller_may_read_and_no_more(
    alice: Portal,
    bob: Portal,
    people: People,
    services: Services,
    dock: Project,
    denied: Callable[[], list[Entry]],
) -> None:
    refused = bob.post("/retentions", {"rules": [], "scope": {"level": "project", "ref": dock.id}})
    assert refused.status_code == 403
    (entry,) = denied()
    assert (entry.actor, entry.operation, entry.detail) == ("bob", "create_retention", message_of(refused))
    services.members.add(SYSTEM, dock.id, people.bob.id, Role.DEVELOPER)
    assert (
        bob.post("/retentions", {"rules": [], "scope": {"level": "project", "ref": dock.id}}).status_code
        == 201
    )
    assert len(denied()) == 1


def test_what_the_door_refuses_is_there_once(
    bob: Portal, dock: Project, denied: Callable[[], list[Entry]]
) -> None:
    assert bob.get("/quotas").status_code == 403
    assert bob.get("/projects/dock/immutabletagrules").status_code == 403
    assert [(each.operation, each.project) for each in denied()] == [
        ("list_quotas", ""),
        ("list_immutable_rules", "dock"),
    ]


def test_runs_and_schedules_of_a_project_are_logged_in_it(
    alice: Portal, services: Services, dock: Project
) -> None:
    made = alice.post(
        "/retentions",
        {
            "rules": [],
            "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 3 * * *"}},
            "scope": {"level": "project", "ref": dock.id},
        },
    )
    path = made.headers["location"].removeprefix("/api/v2.0")
    alice.post(f"{path}/executions", {"dry_run": True})
    found = services.audit.page(Query(project="dock", actor="alice"), 100).entries
    assert [(each.operation, each.project_id) for each in found] == [
        ("start_retention", dock.id),
        ("update_project", dock.id),
        ("update_schedule", dock.id),
    ]
