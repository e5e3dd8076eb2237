"""`/quotas`, the limit of a new project, and what members see of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from moorage.config import Settings
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, message_of
from tests.support.images import image
from tests.support.people import People

GIB = 2**30


def limits(portal: Portal) -> dict[str, int]:
    """Every project's limit by its name."""
    return {
        each["ref"]["name"]: each["hard"]["storage"] for each in portal.get("/quotas", page_size=100).json
    }


def test_every_project_has_a_quota_under_its_own_number(admin: Portal, dock: Project, push: Pusher) -> None:
    pushed = push("dock/app", image(layers=2), "1")
    found = admin.get(f"/quotas/{dock.id}").json
    assert found["id"] == dock.id
    assert found["ref"] == {"id": dock.id, "name": "dock", "owner_name": dock.owner_name}
    assert found["hard"] == {"storage": -1}
    assert found["used"] == {"storage": sum(len(blob.data) for blob in pushed.blobs) + len(pushed.body)}
    assert found["near_limit"] is False
    assert found in admin.get("/quotas").json


def test_a_limit_is_set_and_lifted(admin: Portal, dock: Project) -> None:
    assert admin.put(f"/quotas/{dock.id}", {"hard": {"storage": 10 * GIB}}).status_code == 200
    assert admin.get(f"/quotas/{dock.id}").json["hard"] == {"storage": 10 * GIB}
    assert admin.get("/projects/dock/summary").json["quota"]["hard"] == {"storage": 10 * GIB}
    (entry,) = [
        each
        for each in admin.get("/audit-logs", q="resource_type=project").json
        if each["operation"] == "update"
    ]
    assert entry["resource"] == "dock"
    assert admin.put(f"/quotas/{dock.id}", {"hard": {"storage": -1}}).status_code == 200
    assert limits(admin)["dock"] == -1


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({}, "hard"),
        ({"hard": {}}, "hard.storage"),
        ({"hard": {"storage": "10GiB"}}, "hard.storage"),
        ({"hard": {"storage": 1.5}}, "hard.storage"),
        ({"hard": {"storage": 0}}, "storage limit"),
        ({"hard": {"storage": -2}}, "storage limit"),
        ({"hard": {"storage": 2**53}}, "storage"),
        ({"hard": {"storage": 2**80}}, "hard.storage"),
        ({"hard": {"storage": 5, "count": 5}}, "hard.count"),
        ({"hard": 5}, "hard"),
        ({"storage": 5}, "storage"),
    ],
)
def test_what_is_no_limit_is_refused_by_name(
    admin: Portal, dock: Project, content: dict[str, object], named: str
) -> None:
    refused = admin.put(f"/quotas/{dock.id}", content)
    assert refused.status_code == 400
    assert named in message_of(refused)
    assert limits(admin)["dock"] == -1


def test_a_quota_of_no_project_is_unknown(admin: Portal, dock: Project) -> None:
    for answer in (admin.get("/quotas/999999"), admin.put("/quotas/999999", {"hard": {"storage": 5}})):
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    for odd in ("x", "-1", "1.0", "9" * 30):
        assert admin.get(f"/quotas/{odd}").status_code == 400


def test_only_system_administrators_see_and_set_quotas(alice: Portal, nobody: Portal, dock: Project) -> None:
    for caller, status in ((alice, 403), (nobody, 401)):
        assert caller.get("/quotas").status_code == status
        assert caller.get(f"/quotas/{dock.id}").status_code == status
        assert caller.put(f"/quotas/{dock.id}", {"hard": {"storage": 5}}).status_code == status


def test_the_list_is_paged_sorted_and_asked_for_one_project(
    admin: Portal, dock: Project, quay: Project, pier: Project, push: Pusher
) -> None:
    push("quay/app", image(), "1")
    admin.put(f"/quotas/{pier.id}", {"hard": {"storage": 7}})

    def names(**parameters: object) -> list[str]:
        return [each["ref"]["name"] for each in admin.get("/quotas", **parameters).json]

    every = names(page_size=100)
    assert {"dock", "quay", "pier"} <= set(every)
    assert admin.get("/quotas", page_size=1).headers["x-total-count"] == str(len(every))
    assert names(page=2, page_size=1) == every[1:2]
    assert names(sort="-used.storage")[0] == "quay"
    assert names(sort="-hard.storage")[0] == "pier"
    assert names(sort="-update_time")[0] == "pier"
    assert names(sort="creation_time") == every
    assert names(reference="project", reference_id=str(quay.id)) == ["quay"]
    assert names(reference="project", reference_id="999999") == []
    assert names(reference="galaxy") == []
    assert admin.get("/quotas", reference_id="x").status_code == 400
    assert admin.get("/quotas", sort="name").status_code == 400


def test_near_its_limit_a_project_is_marked(admin: Portal, dock: Project, push: Pusher) -> None:
    push("dock/app", image(), "1")
    used = admin.get(f"/quotas/{dock.id}").json["used"]["storage"]
    for limit, near in ((used, True), (used * 100 // 86, True), (used * 100 // 84, False), (1, True)):
        admin.put(f"/quotas/{dock.id}", {"hard": {"storage": limit}})
        assert admin.get(f"/quotas/{dock.id}").json["near_limit"] is near


def test_members_see_the_quota_of_their_project_and_strangers_do_not(
    alice: Portal, bob: Portal, nobody: Portal, people: People
) -> None:
    people.project("quay", public=True, alice=Role.LIMITED_GUEST)
    assert alice.get("/projects/quay/summary").json["quota"] == {
        "hard": {"storage": -1},
        "used": {"storage": 0},
    }
    for caller in (bob, nobody):
        assert "quota" not in caller.get("/projects/quay/summary").json


def test_an_administrator_gives_a_new_project_a_limit(admin: Portal) -> None:
    assert admin.post("/projects", {"project_name": "dock", "storage_limit": 5 * GIB}).status_code == 201
    assert limits(admin)["dock"] == 5 * GIB
    for odd in (-2, 2**53):
        assert admin.post("/projects", {"project_name": "odd", "storage_limit": odd}).status_code == 400
    assert "odd" not in limits(admin)


def test_only_administrators_give_a_new_project_another_limit_than_the_usual(
    alice: Portal, admin: Portal
) -> None:
    refused = alice.post("/projects", {"project_name": "dock", "storage_limit": 5 * GIB})
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    for name, usual in (("one", -1), ("two", 0), ("three", None)):
        assert alice.post("/projects", {"project_name": name, "storage_limit": usual}).status_code == 201
    assert {limits(admin)[name] for name in ("one", "two", "three")} == {-1}
    assert "dock" not in limits(admin)


class TestUsualLimit:
    """The settings give every new project a limit."""

    @pytest.fixture
    def services(self, settings: Settings, build_services: Callable[[Settings], Services]) -> Services:
        usual = replace(settings.projects, storage_limit_bytes=3 * GIB)
        return build_services(replace(settings, projects=usual))

    def test_a_new_project_gets_it(self, alice: Portal, admin: Portal) -> None:
        assert alice.post("/projects", {"project_name": "dock"}).status_code == 201
        assert alice.post("/projects", {"project_name": "quay", "storage_limit": 3 * GIB}).status_code == 201
        assert limits(admin)["dock"] == limits(admin)["quay"] == 3 * GIB

    def test_only_an_administrator_can_ask_for_none(self, alice: Portal, admin: Portal) -> None:
        body = {"project_name": "dock", "storage_limit": -1}
        assert alice.post("/projects", body).status_code == 403
        assert admin.post("/projects", body).status_code == 201
        assert limits(admin)["dock"] == -1

    def test_changing_a_project_leaves_its_limit(self, alice: Portal, admin: Portal) -> None:
        alice.post("/projects", {"project_name": "dock"})
        change = {"metadata": {"public": "true"}, "storage_limit": -1}
        assert alice.put("/projects/dock", change).status_code == 200
        assert limits(admin)["dock"] == 3 * GIB


def test_a_copy_over_the_limit_is_refused_whole(
    admin: Portal, alice: Portal, dock: Project, quay: Project, push: Pusher
) -> None:
    push("quay/app", image(layers=2), "1")
    admin.put(f"/quotas/{dock.id}", {"hard": {"storage": 100}})
    refused = alice.post("/projects/dock/repositories/app/artifacts", None, **{"from": "quay/app:1"})
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert "storage limit is 100 bytes" in message_of(refused)
    assert alice.get("/projects/dock/repositories").json == []
    assert admin.get(f"/quotas/{dock.id}").json["used"] == {"storage": 0}
