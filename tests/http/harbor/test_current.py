"""`/users/current`: the caller, what they may do, and their personal access tokens."""

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.identity.model import Robot
from moorage.projects.model import Permission, Project, Role
from moorage.projects.rules import PUBLIC, TABLE
from moorage.services import Services
from tests.http.harbor.portal import Portal, code_of, message_of
from tests.support.people import People

AsRobot = Callable[[tuple[Robot, str]], Portal]


def test_the_caller_is_told_who_they_are(alice: Portal, nobody: Portal) -> None:
    assert alice.get("/users/current").json["username"] == "alice"
    assert nobody.get("/users/current").status_code == 401


def test_a_robot_is_no_user(as_robot: AsRobot, people: People, dock: Project) -> None:
    robot = as_robot(people.robot(dock, "ci"))
    for method, path in (
        ("GET", "/users/current/tokens"),
        ("POST", "/users/current/tokens"),
        ("DELETE", "/users/current/tokens/1"),
        ("GET", "/users/search?username=a"),
    ):
        assert robot.request(method, path, {"name": "x"} if method == "POST" else None).status_code == 403
    refused = robot.get("/users/current")
    assert (refused.status_code, code_of(refused)) == (412, "PRECONDITION")
    assert robot.get("/users/current/permissions").json == []


@pytest.mark.parametrize("role", list(Role))
def test_a_member_is_told_exactly_what_the_table_allows(alice: Portal, people: People, role: Role) -> None:
    project = people.project("dock", alice=role)
    found = alice.get("/users/current/permissions", scope=f"/project/{project.id}", relative="true").json
    held = {Permission(each["resource"], each["action"]) for each in found}
    assert held == {permission for permission, roles in TABLE.items() if role in roles}
    absolute = alice.get("/users/current/permissions", scope=f"/project/{project.id}").json
    assert {each["resource"].removeprefix(f"/project/{project.id}/") for each in absolute} == {
        each.resource for each in held
    }


def test_a_stranger_is_told_of_nothing_in_a_private_project_and_of_little_in_a_public_one(
    bob: Portal, dock: Project, quay: Project
) -> None:
    assert bob.get("/users/current/permissions", scope=f"/project/{dock.id}").json == []
    assert bob.get("/users/current/permissions", scope="/project/999999").json == []
    found = bob.get("/users/current/permissions", scope=f"/project/{quay.id}", relative="true").json
    assert {Permission(each["resource"], each["action"]) for each in found} == PUBLIC


def test_outside_projects_only_administrators_may_do_anything(admin: Portal, alice: Portal) -> None:
    assert alice.get("/users/current/permissions").json == []
    assert {"resource": "/user", "action": "create"} in admin.get("/users/current/permissions").json


_NO_SCOPES = ["project/x", "/projects/1", "/project/1/repository", "/project/-1", "' OR 1"]


def test_a_scope_that_is_none_is_refused(alice: Portal) -> None:
    for scope in _NO_SCOPES:
        assert alice.get("/users/current/permissions", scope=scope).status_code == 400, scope


def test_an_access_token_is_shown_once_works_and_is_revoked(
    alice: Portal, client: TestClient, people: People
) -> None:
    made = alice.post("/users/current/tokens", {"name": "laptop", "duration": 7})
    assert made.status_code == 201
    assert made.json["secret"].startswith("moor_pat_")
    by_token = Portal(client, people.basic("alice", made.json["secret"]))
    assert by_token.get("/users/current").json["username"] == "alice"
    (listed,) = alice.get("/users/current/tokens").json
    assert "secret" not in listed
    assert (listed["name"], listed["hint"]) == ("laptop", made.json["secret"][: len(listed["hint"])])
    assert listed["expires_at"] > 0
    assert listed["last_used_time"] != "0001-01-01T00:00:00.000Z"
    assert alice.delete(made.headers["location"]).status_code == 200
    assert by_token.get("/users/current").status_code == 401


_TOKENS = [
    ({}, 400),
    ({"name": " "}, 400),
    ({"name": 7}, 400),
    ({"name": "a", "duration": 0}, 400),
    ({"name": "a", "duration": -2}, 400),
    ({"name": "a", "duration": 10**15}, 400),
    ({"name": "a", "duration": 1.5}, 400),
    ({"name": "a", "user_id": 1}, 400),
    ({"name": "taken"}, 409),
    ({"name": "a", "duration": -1}, 201),
]


def test_a_token_that_cannot_be_is_refused(alice: Portal) -> None:
    alice.post("/users/current/tokens", {"name": "taken"})
    for body, status in _TOKENS:
        assert alice.post("/users/current/tokens", body).status_code == status, body


def test_a_token_that_leaked_cannot_make_others(alice: Portal, client: TestClient, people: People) -> None:
    secret = alice.post("/users/current/tokens", {"name": "first"}).json["secret"]
    refused = Portal(client, people.basic("alice", secret)).post("/users/current/tokens", {"name": "second"})
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert "password" in message_of(refused)


def test_the_token_of_another_is_not_found(alice: Portal, people: People, services: Services) -> None:
    people.access_token(people.bob)
    (foreign,) = services.access_tokens.list(people.bob.id)
    assert alice.delete(f"/users/current/tokens/{foreign.id}").status_code == 404
    assert services.access_tokens.list(people.bob.id) == [foreign]
