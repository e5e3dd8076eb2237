"""`/robots`: accounts for machines, those of one project."""

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.identity.model import Robot
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, code_of, message_of
from tests.support.people import People

AsRobot = Callable[[tuple[Robot, str]], Portal]
PULL = {"resource": "repository", "action": "pull"}
PUSH = {"resource": "repository", "action": "push"}


def permission(namespace: str, *accesses: dict[str, str], kind: str = "project") -> dict[str, object]:
    return {"kind": kind, "namespace": namespace, "access": list(accesses or (PULL,))}


def wanted(name: str = "ci", **more: object) -> dict[str, object]:
    body = {
        "name": name,
        "description": "builds",
        "level": "project",
        "duration": 30,
        "disable": False,
        "permissions": [permission("dock", PULL, PUSH)],
    }
    return {**body, **more}


def robots_of(portal: Portal, project: Project) -> list[dict[str, object]]:
    found: list[dict[str, object]] = portal.get("/robots", q=f"Level=project,ProjectID={project.id}").json
    return found


def test_a_robot_is_made_and_its_secret_shown_once(
    alice: Portal, client: TestClient, people: People, dock: Project
) -> None:
    made = alice.post("/robots", wanted())
    assert made.status_code == 201
    assert set(made.json) == {"id", "name", "secret", "creation_time", "expires_at"}
    assert made.json["name"] == "robot$dock+ci"
    robot = Portal(client, people.basic(made.json["name"], made.json["secret"]))
    assert robot.get("/projects/dock/repositories").status_code == 403
    assert robot.get("/users/current/permissions", scope=f"/project/{dock.id}", relative="true").json == [
        {"resource": "repository", "action": "pull"},
        {"resource": "repository", "action": "push"},
    ]
    found = alice.get(made.headers["location"]).json
    assert "secret" not in found
    assert (found["duration"], found["level"], found["disable"], found["editable"]) == (
        30,
        "project",
        False,
        True,
    )
    assert found["permissions"] == [permission("dock", PULL, PUSH)]
    assert all("secret" not in each for each in robots_of(alice, dock))


def test_a_robot_without_an_end_never_expires(alice: Portal, dock: Project) -> None:
    assert alice.post("/robots", wanted(duration=-1)).json["expires_at"] == -1


_IMPOSSIBLE = [
    ({}, 400, "permissions"),
    (wanted(name=None), 400, "name"),
    (wanted(name="Upper"), 400, "robot name"),
    (wanted(duration=0), 400, "1 to"),
    (wanted(duration="30"), 400, "duration"),
    (wanted(duration=10**9), 400, "1 to"),
    (wanted(disable="no"), 400, "disable"),
    (wanted(level="planet"), 400, "level"),
    (wanted(permissions=[]), 400, "permissions"),
    (wanted(permissions={}), 400, "permissions"),
    (wanted(permissions=[permission("dock", {"resource": "rocket", "action": "launch"})]), 403, ""),
    (wanted(permissions=[permission("dock", {**PULL, "effect": "deny"})]), 400, "effect"),
    (wanted(permissions=[{"kind": "project", "namespace": "dock", "access": []}]), 400, "permission"),
    (wanted(permissions=[{"kind": "project", "access": [PULL]}]), 400, "namespace"),
    (wanted(level="system"), 403, "level"),
    (wanted(permissions=[permission("/", kind="system")]), 403, "permissions"),
    (wanted(permissions=[permission("*")]), 403, "permissions"),
    (wanted(permissions=[permission("dock"), permission("pier")]), 403, "permissions"),
    (wanted(permissions=[permission("pier")]), 403, "pier"),
    (wanted(permissions=[permission("none")]), 403, "none"),
    (wanted(project_id=1), 400, "project_id"),
    (wanted(created_by="admin"), 400, "created_by"),
]


def test_a_robot_that_cannot_be_is_refused(
    alice: Portal, services: Services, dock: Project, pier: Project
) -> None:
    for body, status, named in _IMPOSSIBLE:
        refused = alice.post("/robots", body)
        assert refused.status_code == status, body
        assert named in message_of(refused)
    assert services.robots.count(dock.id) == services.robots.count(pier.id) == 0


def test_a_foreign_project_and_one_that_does_not_exist_are_refused_alike(
    alice: Portal, dock: Project, pier: Project
) -> None:
    foreign = alice.post("/robots", wanted(permissions=[permission("pier")]))
    missing = alice.post("/robots", wanted(permissions=[permission("none")]))
    assert message_of(foreign).replace("pier", "none") == message_of(missing)


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.DEVELOPER, Role.GUEST, Role.LIMITED_GUEST])
def test_only_project_administrators_make_robots(bob: Portal, people: People, role: Role) -> None:
    people.project("dock", alice=Role.PROJECT_ADMIN, bob=role)
    assert bob.post("/robots", wanted()).status_code == 403


def test_nobody_gives_a_robot_more_than_they_hold(
    as_robot: AsRobot, people: People, dock: Project, alice: Portal
) -> None:
    maker = as_robot(people.robot(dock, "maker", ("robot", "create"), ("repository", "pull")))
    assert maker.post("/robots", wanted("small", permissions=[permission("dock", PULL)])).status_code == 201
    refused = maker.post("/robots", wanted("big", permissions=[permission("dock", PULL, PUSH)]))
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")


def test_a_weaker_robot_cannot_take_over_a_stronger_one(
    as_robot: AsRobot, people: People, dock: Project
) -> None:
    weak = as_robot(people.robot(dock, "weak", ("robot", "update"), ("robot", "read")))
    strong, secret = people.robot(dock, "strong", ("repository", "push"))
    assert weak.patch(f"/robots/{strong.id}", {}).status_code == 403
    assert weak.put(f"/robots/{strong.id}", {"disable": True}).status_code == 403
    assert as_robot((strong, secret)).get("/users/current/permissions").status_code == 200


def test_robots_of_a_project_are_listed_in_pages(alice: Portal, people: People, dock: Project) -> None:
    for number in range(3):
        people.robot(dock, f"r{number}")
    page = alice.get("/robots", q=f"Level=project,ProjectID={dock.id}", page=2, page_size=2)
    assert [each["name"] for each in page.json] == ["robot$dock+r2"]
    assert page.headers["x-total-count"] == "3"


@pytest.mark.parametrize("caller", ["bob", "nobody"])
def test_robots_of_a_foreign_project_are_hidden(
    portal_of: Callable[[str], Portal], people: People, dock: Project, caller: str
) -> None:
    portal = portal_of(caller)
    robot, _ = people.robot(dock, "ci")
    status = 401 if caller == "nobody" else 404
    assert portal.get("/robots", q=f"Level=project,ProjectID={dock.id}").status_code == status
    assert portal.get("/robots", q="Level=project,ProjectID=999999").status_code == status
    for method, body in (("GET", None), ("PUT", {}), ("PATCH", {}), ("DELETE", None)):
        hidden = portal.request(method, f"/robots/{robot.id}", body)
        missing = portal.request(method, "/robots/999999", body)
        assert hidden.status_code == missing.status_code == status
        assert message_of(hidden).replace(str(robot.id), "#") == message_of(missing).replace("999999", "#")


def test_a_robot_is_changed_and_keeps_what_the_body_leaves_out(
    alice: Portal, people: People, dock: Project
) -> None:
    robot, _ = people.robot(dock, "ci")
    assert alice.put(f"/robots/{robot.id}", {"description": "new"}).status_code == 200
    found = alice.get(f"/robots/{robot.id}").json
    assert found["description"] == "new"
    assert found["permissions"] == [permission("dock", PULL, PUSH)]
    assert alice.put(f"/robots/{robot.id}", {**found, "disable": True}).status_code == 200
    assert alice.get(f"/robots/{robot.id}").json["disable"] is True


def test_a_disabled_robot_is_shut_out_at_once(
    alice: Portal, as_robot: AsRobot, people: People, dock: Project
) -> None:
    made = people.robot(dock, "ci")
    assert as_robot(made).get("/users/current/permissions").status_code == 200
    alice.put(f"/robots/{made[0].id}", {"disable": True})
    assert as_robot(made).get("/users/current/permissions").status_code == 401


_IMPOSSIBLE_CHANGES = [
    ({"name": "other"}, 400),
    ({"level": "system"}, 403),
    ({"permissions": [permission("pier")]}, 403),
    ({"permissions": [permission("*")]}, 403),
    ({"duration": 0.5}, 400),
    ({"disable": "yes"}, 400),
    ({"generation": 1}, 400),
    ({"secret_digest": "x"}, 400),
]


def test_a_robot_does_not_leave_its_project(
    alice: Portal, people: People, dock: Project, pier: Project
) -> None:
    robot, _ = people.robot(dock, "ci")
    before = alice.get(f"/robots/{robot.id}").json
    for body, status in _IMPOSSIBLE_CHANGES:
        assert alice.put(f"/robots/{robot.id}", body).status_code == status, body
        assert alice.get(f"/robots/{robot.id}").json == before


@pytest.mark.parametrize("given", [None, "", "Chosen-secret-2026"])
def test_a_new_secret_voids_the_old_one(
    alice: Portal, as_robot: AsRobot, people: People, dock: Project, *, given: str | None
) -> None:
    robot, old = people.robot(dock, "ci")
    fresh = alice.patch(f"/robots/{robot.id}", {"secret": given})
    assert fresh.status_code == 200
    assert set(fresh.json) == {"secret"}
    assert fresh.json["secret"] == given or not given
    assert as_robot((robot, old)).get("/users/current/permissions").status_code == 401
    assert as_robot((robot, fresh.json["secret"])).get("/users/current/permissions").status_code == 200


def test_a_weak_secret_is_refused(alice: Portal, people: People, dock: Project) -> None:
    robot, _ = people.robot(dock, "ci")
    assert alice.patch(f"/robots/{robot.id}", {"secret": "short"}).status_code == 400


def test_a_deleted_robot_is_gone(alice: Portal, as_robot: AsRobot, people: People, dock: Project) -> None:
    made = people.robot(dock, "ci")
    assert alice.delete(f"/robots/{made[0].id}").status_code == 200
    assert alice.get(f"/robots/{made[0].id}").status_code == 404
    assert as_robot(made).get("/projects").status_code == 401


def test_a_robot_gives_nobody_a_role_that_can_do_more_than_itself(
    as_robot: AsRobot, people: People, dock: Project
) -> None:
    maker = as_robot(people.robot(dock, "maker", ("member", "create"), ("member", "update")))
    body = {"role_id": 1, "member_user": {"username": people.bob.name}}
    refused = maker.post("/projects/dock/members", body)
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
