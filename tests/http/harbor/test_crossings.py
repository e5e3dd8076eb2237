"""Two calls about one thing at once: one of them is told so in the API's own words, and nothing breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

from moorage.db.connection import atomic
from moorage.events import SYSTEM
from moorage.oci.names import RepositoryName
from moorage.projects.model import Project
from moorage.projects.tables import ProjectRow
from moorage.services import Services
from moorage.webhooks.notices import Pulled
from tests.http.harbor.portal import Portal, Pusher, code_of
from tests.support.crossing import crossing
from tests.support.images import image
from tests.support.people import PASSWORD, People
from tests.support.race import together

AT_ONCE = 4
_ROBOT_RIGHTS = [{"resource": "repository", "action": "pull"}]
_SELECTORS = {
    "template": "immutable_template",
    "action": "immutable",
    "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
    "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
}
_RETENTION = {
    "algorithm": "or",
    "rules": [],
    "scope": {"level": "project"},
    "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
}
_HOOK = {
    "name": "ci",
    "event_types": ["PUSH_ARTIFACT", "PULL_ARTIFACT"],
    "targets": [{"type": "http", "address": "https://hooks.example.com/"}],
    "enabled": True,
}


def _bodies(dock: Project) -> dict[str, tuple[str, dict[str, Any]]]:
    robot = {
        "name": "ci",
        "level": "project",
        "duration": -1,
        "permissions": [{"kind": "project", "namespace": "dock", "access": _ROBOT_RIGHTS}],
    }
    return {
        "users": ("/users", {"username": "carol", "password": PASSWORD, "email": "c@example.com"}),
        "projects": ("/projects", {"project_name": "crowd"}),
        "labels": ("/labels", {"name": "good", "scope": "p", "project_id": dock.id}),
        "labels of all": ("/labels", {"name": "good", "scope": "g"}),
        "robots": ("/robots", robot),
        "webhooks": ("/projects/dock/webhook/policies", _HOOK),
        "immutable rules": ("/projects/dock/immutabletagrules", _SELECTORS),
        "retention": ("/retentions", {**_RETENTION, "scope": {"level": "project", "ref": dock.id}}),
        "metadata": ("/projects/dock/metadatas", {"auto_scan": "true"}),
        "members": ("/projects/dock/members", {"role_id": 3, "member_user": {"username": "bob"}}),
    }


@pytest.mark.parametrize(
    "what",
    [
        *("users", "projects", "labels", "labels of all", "robots", "webhooks"),
        *("immutable rules", "retention", "members"),
    ],
)
def test_of_several_that_make_the_same_one_does(
    admin: Portal, dock: Project, people: People, what: str
) -> None:
    assert people.bob
    path, body = _bodies(dock)[what]
    answers = together([lambda: admin.post(path, body) for _ in range(AT_ONCE)])
    statuses = sorted(answer.status_code for answer in answers)
    # Harbor answers 400 to a second retention policy.
    assert statuses[0] == 201, statuses
    assert set(statuses[1:]) <= {400, 409}, statuses
    assert len(statuses[1:]) == AT_ONCE - 1
    assert {code_of(answer) for answer in answers if answer.status_code != 201} <= {
        "CONFLICT",
        "BAD_REQUEST",
    }


def test_metadata_is_written_while_the_project_is_deleted(
    alice: Portal, dock: Project, services: Services
) -> None:
    def delete() -> None:
        services.projects.delete(SYSTEM, dock.id)

    with crossing(services.project_settings, "among", delete) as other:
        answer = alice.post("/projects/dock/metadatas", {"auto_scan": "true"})
    assert answer.status_code in {200, 404}, answer.text
    assert other == [None]
    assert services.projects.find("dock") is None


def test_a_project_is_changed_while_it_is_deleted(alice: Portal, dock: Project, services: Services) -> None:
    with crossing(services.project_settings, "among", lambda: services.projects.delete(SYSTEM, dock.id)):
        answer = alice.put("/projects/dock", {"metadata": {"severity": "high"}, "cve_allowlist": {}})
    assert answer.status_code in {200, 404}, answer.text
    assert services.projects.find("dock") is None


def test_a_quota_is_set_while_the_project_is_deleted(
    admin: Portal, dock: Project, services: Services
) -> None:
    with crossing(services.quotas, "limit", lambda: services.projects.delete(SYSTEM, dock.id)) as other:
        answer = admin.put(f"/quotas/{dock.id}", {"hard": {"storage": 7_000_000}})
    assert answer.status_code in {200, 404}, answer.text
    assert other == [None]


def test_a_retention_policy_is_made_while_the_project_is_deleted(
    alice: Portal, dock: Project, services: Services
) -> None:
    body = {**_RETENTION, "scope": {"level": "project", "ref": dock.id}}
    with crossing(services.policies, "_clock", lambda: services.projects.delete(SYSTEM, dock.id)) as other:
        answer = alice.post("/retentions", body)
    assert answer.status_code in {201, 404}, answer.text
    assert other == [None]


def test_a_webhook_is_made_while_the_project_is_deleted(
    alice: Portal, dock: Project, services: Services
) -> None:
    store = services.webhooks._store
    with crossing(store, "count", lambda: services.projects.delete(SYSTEM, dock.id)) as other:
        answer = alice.post("/projects/dock/webhook/policies", _HOOK)
    assert answer.status_code in {201, 404}, answer.text
    assert other == [None]


@pytest.fixture
def hook(alice: Portal, dock: Project) -> int:
    """The number of a policy of ``dock``."""
    number: int = alice.post("/projects/dock/webhook/policies", _HOOK).json["id"]
    return number


@pytest.fixture
def unhook(services: Services, dock: Project, hook: int) -> Callable[[], None]:
    """Deletes it."""
    return lambda: services.webhooks.delete(SYSTEM, dock.id, hook)


def test_a_webhook_is_tried_out_while_it_is_deleted(
    alice: Portal, hook: int, services: Services, unhook: Callable[[], None]
) -> None:
    with crossing(services.projects, "get", unhook):
        answer = alice.post(f"/projects/dock/webhook/policies/{hook}/test")
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


def test_a_push_arrives_while_the_webhook_that_wants_it_is_deleted(
    push: Pusher, hook: int, services: Services, unhook: Callable[[], None]
) -> None:
    with crossing(services.notices._store, "wishes", unhook) as other:
        push("dock/app", image(), "v1")
    assert other == [None]
    assert services.repositories.find(RepositoryName("dock/app")) is not None


def test_pulls_are_written_while_the_webhook_that_wants_them_is_deleted(
    push: Pusher, hook: int, services: Services, unhook: Callable[[], None]
) -> None:
    digest = push("dock/app", image(), "v1").digest
    pulled = Pulled(RepositoryName("dock/app"), "v1", digest, ("bob",), services.clock())
    with crossing(services.notices._store, "wishes_of", unhook) as other, atomic():
        services.notices.pulled([pulled])
    assert other == [None]


@pytest.mark.parametrize(
    ("column", "value", "status", "code"),
    [
        ("name", "taken", 409, "CONFLICT"),  # a key: another one had been faster
        ("created_at", None, 500, "UNKNOWN"),  # no other change can be the reason
    ],
)
def test_a_key_that_nobody_foresaw_is_a_conflict_and_a_rule_that_was_broken_is_a_fault(
    client: TestClient,
    people: People,
    dock: Project,
    monkeypatch: pytest.MonkeyPatch,
    services: Services,
    column: str,
    value: object,
    status: int,
    code: str,
) -> None:
    people.project("taken")

    def crossed(*_: object, **__: object) -> None:
        with atomic():
            ProjectRow.update({column: value}).where(ProjectRow.id == dock.id).execute()

    monkeypatch.setattr(services.labels, "create", crossed)
    answer = Portal(client, people.basic(people.admin)).post("/labels", {"name": "a", "scope": "g"})
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "project" not in answer.text.lower()
