"""Auditors: who may read who may do what."""

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.events import SYSTEM
from moorage.identity.model import Robot, User
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, message_of
from tests.support.images import image
from tests.support.people import People

AsRobot = Callable[[tuple[Robot, str]], Portal]


@pytest.fixture
def iris(people: People) -> User:
    """An auditor."""
    user = people.user("iris")
    people.auditor(user)
    return user


@pytest.fixture
def auditor(calling: Callable[[User], Portal], iris: User) -> Portal:
    return calling(iris)


def test_an_administrator_appoints_an_auditor_and_takes_it_back(
    admin: Portal, bob: Portal, people: People
) -> None:
    number = people.bob.id
    assert bob.get("/users").status_code == 403
    assert admin.put(f"/users/{number}/auditor", {"auditor_flag": True}).status_code == 200
    assert admin.get(f"/users/{number}").json["moorage"] == {"auditor": True}
    assert bob.get("/users").status_code == 200
    assert bob.put(f"/users/{people.alice.id}/auditor", {"auditor_flag": True}).status_code == 403
    assert bob.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True}).status_code == 403
    assert admin.put(f"/users/{number}/auditor", {"auditor_flag": False}).status_code == 200
    assert bob.get("/users").status_code == 403
    told = admin.get("/audit-logs", q="operation=update_user").json
    assert [entry["resource"] for entry in told] == ["bob", "bob"]


def test_a_mark_that_cannot_be_set_is_refused(admin: Portal, people: People) -> None:
    assert admin.put("/users/999999/auditor", {"auditor_flag": True}).status_code == 404
    for body in ({}, {"auditor_flag": "yes"}, {"auditor_flag": True, "sysadmin_flag": True}):
        assert admin.put(f"/users/{people.bob.id}/auditor", body).status_code == 400


def test_a_token_given_out_before_is_void_when_the_mark_is_taken(
    client: TestClient, people: People, services: Services, iris: User, dock: Project
) -> None:
    headers = people.bearer(services.users.get(iris.id), "registry:catalog:*")
    assert client.simulate_get("/v2/_catalog", headers=headers).status_code == 200
    services.users.set_auditor(SYSTEM, iris.id, False)
    assert client.simulate_get("/v2/_catalog", headers=headers).status_code == 401


def test_an_auditor_reads_the_whole_log_and_every_list_of_people(
    auditor: Portal, people: People, dock: Project, pier: Project
) -> None:
    resources = {entry["resource"] for entry in auditor.get("/audit-logs", page_size=100).json}
    assert {"dock", "pier", "alice", "bob"} <= resources
    assert {each["name"] for each in auditor.get("/projects").json} == {"dock", "pier"}
    assert [each["entity_name"] for each in auditor.get("/projects/pier/members").json] == ["bob"]
    assert {each["username"] for each in auditor.get("/users").json} >= {"alice", "bob"}
    assert auditor.get(f"/users/{people.bob.id}").json["username"] == "bob"
    for path in (
        "/quotas",
        "/system/gc",
        "/system/purgeaudit",
        "/schedules",
        "/configurations",
        "/permissions",
    ):
        assert auditor.get(path).status_code == 200, path
    people.robot(dock, "ci")
    listed = auditor.get("/robots", q=f"Level=project,ProjectID={dock.id}").json
    assert [each["name"] for each in listed] == ["robot$dock+ci"]
    assert auditor.get("/robots").status_code == 200


def test_an_auditor_pulls_nothing_from_a_private_project(
    client: TestClient, auditor: Portal, people: People, iris: User, dock: Project, push: Pusher
) -> None:
    pushed = push("dock/app", image(), "1")
    headers = people.basic(iris)
    for path in (
        "/v2/dock/app/manifests/1",
        f"/v2/dock/app/blobs/{pushed.blobs[0].digest}",
        "/v2/dock/app/tags/list",
        f"/v2/dock/app/referrers/{pushed.digest}",
    ):
        assert client.simulate_get(path, headers=headers).status_code == 403, path
    assert auditor.get("/projects/dock/repositories/app/artifacts").status_code == 403
    assert auditor.get("/projects/dock/repositories").json[0]["name"] == "dock/app"
    token = client.simulate_get(
        "/service/token", params={"scope": "repository:dock/app:pull,push"}, headers=headers
    ).json["token"]
    answer = client.simulate_get("/v2/dock/app/manifests/1", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_an_auditor_has_the_role_that_they_were_given_besides(
    client: TestClient, people: People, iris: User, push: Pusher
) -> None:
    people.project("own", iris=Role.GUEST)
    push("own/app", image(), "1")
    assert client.simulate_get("/v2/own/app/manifests/1", headers=people.basic(iris)).status_code == 200


def test_what_an_auditor_may_do_outside_projects_is_told(auditor: Portal) -> None:
    held = auditor.get("/users/current/permissions").json
    assert {"resource": "/audit-log", "action": "list"} in held
    assert {each["action"] for each in held} == {"read", "list"}


def test_a_robot_reads_and_changes_users_as_far_as_it_may(
    as_robot: AsRobot, people: People, services: Services
) -> None:
    bob, chief = people.bob, people.admin
    reader = as_robot(people.system_robot("reader", {"/": [("user", "read")]}))
    assert reader.get(f"/users/{bob.id}").json["username"] == "bob"
    assert reader.put(f"/users/{bob.id}", {"comment": "x"}).status_code == 403
    assert reader.get("/users").status_code == 403
    keeper = as_robot(people.system_robot("keeper", {"/": [("user", "update"), ("user", "delete")]}))
    assert keeper.put(f"/users/{bob.id}", {"comment": "x"}).status_code == 200
    assert keeper.delete(f"/users/{chief.id}").status_code == 403
    assert keeper.delete(f"/users/{bob.id}").status_code == 200
    assert services.users.find("bob") is None


def test_a_robot_makes_projects_that_nobody_owns(
    as_robot: AsRobot, people: People, services: Services
) -> None:
    maker = as_robot(people.system_robot("maker", {"/": [("project", "create")]}))
    assert maker.post("/projects", {"project_name": "made"}).status_code == 201
    made = services.projects.find("made")
    assert made is not None
    assert made.owner_id == 0
    refused = maker.post("/projects", {"project_name": "big", "storage_limit": 10**9})
    assert (refused.status_code, "quota: update" in message_of(refused)) == (403, True)
    other = as_robot(people.system_robot("other", {"*": [("repository", "push")]}))
    assert other.post("/projects", {"project_name": "never"}).status_code == 403
