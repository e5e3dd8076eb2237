"""`/robots` of the level system: several projects, all of them, and what lies outside."""

import json
from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.identity.model import Robot
from moorage.identity.tables import RobotRow
from moorage.projects.model import Project
from moorage.projects.rules import ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, message_of
from tests.support.images import image
from tests.support.people import People

AsRobot = Callable[[tuple[Robot, str]], Portal]
PULL = {"resource": "repository", "action": "pull"}
PUSH = {"resource": "repository", "action": "push"}
USERS = {"resource": "user", "action": "list"}


def permission(namespace: str, *accesses: dict[str, str], kind: str = "project") -> dict[str, object]:
    return {"kind": kind, "namespace": namespace, "access": list(accesses)}


def wanted(*permissions: dict[str, object], **more: object) -> dict[str, object]:
    body = {"name": "ci", "description": "", "level": "system", "duration": -1, "disable": False}
    return {**body, "permissions": list(permissions), **more}


def test_a_system_robot_is_made_read_changed_and_deleted(
    admin: Portal, client: TestClient, people: People, dock: Project, pier: Project
) -> None:
    asked = [permission("dock", PULL), permission("pier", PULL, PUSH), permission("/", USERS, kind="system")]
    made = admin.post("/robots", wanted(*asked))
    assert (made.status_code, made.json["name"]) == (201, "robot$ci")
    found = admin.get(made.headers["location"]).json
    assert (found["level"], found["permissions"]) == ("system", asked)
    listed = admin.get("/robots")
    assert (listed.json, listed.headers["x-total-count"]) == ([found], "1")
    robot = Portal(client, people.basic("robot$ci", made.json["secret"]))
    assert robot.get("/users").status_code == 200
    changed = [permission("*", PULL)]
    assert admin.put(f"/robots/{found['id']}", {**found, "permissions": changed}).status_code == 200
    assert admin.get(f"/robots/{found['id']}").json["permissions"] == changed
    assert robot.get("/users").status_code == 403
    assert admin.delete(f"/robots/{found['id']}").status_code == 200
    assert robot.get("/projects").status_code == 401


def test_a_robot_of_all_projects_pulls_from_those_that_come_later(
    admin: Portal, client: TestClient, people: People, push: Pusher
) -> None:
    made = admin.post("/robots", wanted(permission("*", PULL))).json
    people.project("later")
    push("later/app", image(), "1")
    headers = dict(people.basic(made["name"], made["secret"]))
    token = client.simulate_get(
        "/service/token", params={"scope": "repository:later/app:pull,push"}, headers=headers
    ).json["token"]
    answer = client.simulate_get("/v2/later/app/manifests/1", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    refused = client.simulate_post("/v2/later/app/blobs/uploads/", headers=headers)
    assert refused.status_code == 403


def test_one_token_is_good_for_several_projects(
    client: TestClient, people: People, dock: Project, pier: Project, push: Pusher
) -> None:
    people.project("quay")
    for name in ("dock", "pier", "quay"):
        push(f"{name}/app", image(), "1")
    robot, secret = people.system_robot(
        "ci", {dock: [("repository", "pull")], pier: [("repository", "pull")]}
    )
    scopes = [f"repository:{name}/app:pull" for name in ("dock", "pier", "quay")]
    token = client.simulate_get(
        "/service/token", params={"scope": scopes}, headers=people.basic(robot.name, secret)
    ).json["token"]
    statuses = [
        client.simulate_get(
            f"/v2/{name}/app/manifests/1", headers={"Authorization": f"Bearer {token}"}
        ).status_code
        for name in ("dock", "pier", "quay")
    ]
    assert statuses == [200, 200, 401]


_IMPOSSIBLE = [
    (wanted(), "at least one"),
    (wanted(permission("none", PULL)), "no project"),
    (wanted(permission("dock", USERS)), "in a project"),
    (wanted(permission("/", PULL, kind="system")), "outside projects"),
    (wanted(permission("dock", USERS, kind="system")), "namespace"),
    (wanted(permission("/", {"resource": "administrator", "action": "update"}, kind="system")), "outside"),
    (wanted(permission("dock", PULL, kind="planet")), "kind"),
    (wanted(permission("dock", PULL), name="dock+ci"), "robot name"),
]


def test_a_system_robot_that_cannot_be_is_refused(admin: Portal, services: Services, dock: Project) -> None:
    for body, named in _IMPOSSIBLE:
        refused = admin.post("/robots", body)
        assert refused.status_code == 400, body
        assert named in message_of(refused)
    assert services.robots.count(0) == 0


def test_only_administrators_have_to_do_with_system_robots(
    alice: Portal, as_robot: AsRobot, people: People, dock: Project
) -> None:
    strong = people.system_robot("strong", {"*": [("repository", "pull")]})
    everything = [(right.resource, right.action) for right in ROBOT_RIGHTS]
    outside = [(right.resource, right.action) for right in SYSTEM_ROBOT_RIGHTS]
    mighty = as_robot(people.system_robot("mighty", {"*": everything, "/": outside}))
    small = as_robot(people.robot(dock, "small", ("robot", "create"), ("repository", "pull")))
    for caller, status in ((alice, 404), (small, 404), (mighty, 403)):
        assert caller.post("/robots", wanted(permission("dock", PULL))).status_code == 403
        for method, body in (("PUT", {"description": "x"}), ("PATCH", {}), ("DELETE", None)):
            assert caller.request(method, f"/robots/{strong[0].id}", body).status_code == status
    assert as_robot(strong).get("/projects").status_code == 200
    assert mighty.get(f"/robots/{strong[0].id}").status_code == 200
    assert [each["name"] for each in mighty.get("/robots").json] == ["robot$mighty", "robot$strong"]
    assert alice.get("/robots").status_code == 403


def test_no_list_of_rights_makes_an_administrator(as_robot: AsRobot, people: People) -> None:
    outside = [(right.resource, right.action) for right in SYSTEM_ROBOT_RIGHTS]
    mighty = as_robot(people.system_robot("mighty", {"/": outside}))
    bob = people.bob
    assert mighty.put(f"/users/{bob.id}/sysadmin", {"sysadmin_flag": True}).status_code == 403
    new = {"new_password": "Changed-it-99"}
    assert mighty.put(f"/users/{people.admin.id}/password", new).status_code == 403


def test_a_robot_of_a_project_stays_in_it(
    alice: Portal, people: People, dock: Project, pier: Project
) -> None:
    robot, _ = people.robot(dock, "ci")
    before = alice.get(f"/robots/{robot.id}").json
    for body in (
        {"level": "system"},
        {"permissions": [permission("*", PULL)]},
        {"permissions": [permission("/", USERS, kind="system")]},
        {"permissions": [permission("dock", PULL), permission("pier", PULL)]},
    ):
        assert alice.put(f"/robots/{robot.id}", body).status_code == 403, body
    assert alice.get(f"/robots/{robot.id}").json == before


def test_a_robot_makes_none_that_outlives_it(
    alice: Portal, client: TestClient, people: People, dock: Project
) -> None:
    asked = [
        permission("dock", PULL, *({"resource": "robot", "action": each} for each in ("create", "update")))
    ]
    made = alice.post("/robots", wanted(*asked, level="project", duration=10)).json
    maker = Portal(client, people.basic(made["name"], made["secret"]))
    child = {"level": "project", "permissions": [permission("dock", PULL)]}
    assert maker.post("/robots", wanted(**{**child, "name": "long", "duration": 11})).status_code == 403
    assert maker.post("/robots", wanted(**{**child, "name": "endless", "duration": -1})).status_code == 403
    short = maker.post("/robots", wanted(**{**child, "name": "short", "duration": 9}))
    assert short.status_code == 201
    assert maker.put(f"/robots/{short.json['id']}", {"duration": 100}).status_code == 403
    endless, _ = people.robot(dock, "old", ("repository", "pull"))
    assert maker.patch(f"/robots/{endless.id}", {}).status_code == 403


def test_robots_are_found_by_name_and_sorted(admin: Portal, people: People, dock: Project) -> None:
    for name in ("build", "deploy"):
        people.system_robot(name, {"*": [("repository", "pull")]})
    assert [each["name"] for each in admin.get("/robots", q="name=~dep").json] == ["robot$deploy"]
    assert [each["name"] for each in admin.get("/robots", q="name=robot$build").json] == ["robot$build"]
    listed = admin.get("/robots", q="Level=system", sort="-name").json
    assert [each["name"] for each in listed] == ["robot$deploy", "robot$build"]
    for parameters in (
        {"q": "Level=project"},
        {"q": f"Level=system,ProjectID={dock.id}"},
        {"sort": "secret"},
    ):
        assert admin.get("/robots", **parameters).status_code == 400


def test_what_can_be_given_is_told(admin: Portal, alice: Portal, nobody: Portal) -> None:
    pairs = admin.get("/permissions").json
    assert {(each["resource"], each["action"]) for each in pairs["project"]} == {
        (right.resource, right.action) for right in ROBOT_RIGHTS
    }
    assert USERS in pairs["system"]
    assert {"resource": "administrator", "action": "update"} not in pairs["system"]
    assert len(pairs["system"]) > 60
    assert alice.get("/permissions").json == {"system": [], "project": pairs["project"]}
    assert nobody.get("/permissions").status_code == 401


def test_every_permission_there_is_can_be_given_in_one_body(admin: Portal) -> None:
    pairs = admin.get("/permissions").json
    asked = [permission("*", *pairs["project"]), permission("/", *pairs["system"], kind="system")]
    made = admin.post("/robots", wanted(*asked))
    assert made.status_code == 201
    assert admin.get(made.headers["location"]).json["permissions"] == asked


def test_the_log_tells_of_system_robots_and_names_no_project(admin: Portal, dock: Project) -> None:
    admin.post("/robots", wanted(permission("dock", PULL)))
    (entry,) = admin.get("/audit-logs", q="operation=create_robot").json
    assert entry["resource"] == "robot$ci"
    assert admin.get("/projects/dock/logs", q="operation=create_robot").json == []


def test_the_log_says_what_a_robot_was_given(admin: Portal, dock: Project) -> None:
    made = admin.post("/robots", wanted(permission("dock", PULL), permission("/", USERS, kind="system")))
    pairs = admin.get("/permissions").json["project"]
    admin.put(made.headers["location"], {"permissions": [permission("*", *pairs)]})
    changed, created = admin.get("/auditlog-exts", q="resource_type=robot").json
    given = f"project {dock.id}: repository pull; outside projects: user list"
    assert given in json.dumps(created)
    assert "permissions: every project: accessory list" in json.dumps(changed)
    assert f"({len(pairs)} in all)" in json.dumps(changed)


@pytest.mark.parametrize("right", [("log", "list"), ("repository", "pull")])
def test_a_robot_reads_the_log_of_the_projects_it_may(
    as_robot: AsRobot, people: People, dock: Project, pier: Project, right: tuple[str, str]
) -> None:
    robot = as_robot(people.system_robot("reader", {dock: [right]}))
    assert robot.get("/projects/pier/logs").status_code == 403
    resources = {entry["resource"] for entry in robot.get("/audit-logs").json}
    assert ("dock" in resources) is (right == ("log", "list"))
    assert "pier" not in resources
    whole = as_robot(people.system_robot("all", {"/": [("audit-log", "list")]}))
    assert {"dock", "pier"} <= {entry["resource"] for entry in whole.get("/audit-logs", page_size=100).json}


def test_the_catalog_and_search_show_a_robot_what_it_has_to_do_with(
    client: TestClient, as_robot: AsRobot, people: People, dock: Project, pier: Project, push: Pusher
) -> None:
    for name in ("dock", "pier"):
        push(f"{name}/app", image(), "1")
    seen = {}
    for name, places in {
        "one": {dock: [("repository", "pull")]},
        "all": {"*": [("repository", "pull")]},
        "labels": {dock: [("label", "list")]},
        "catalog": {"/": [("catalog", "read")]},
    }.items():
        made = people.system_robot(name, places)
        answer = client.simulate_get("/v2/_catalog", headers=people.basic(made[0].name, made[1]))
        found = as_robot(made).get("/search", q="app").json["repository"]
        seen[name] = (answer.json["repositories"], [each["repository_name"] for each in found])
    assert seen == {
        "one": (["dock/app"], ["dock/app"]),
        "all": (["dock/app", "pier/app"], ["dock/app", "pier/app"]),
        "labels": ([], []),
        "catalog": (["dock/app", "pier/app"], []),
    }


@pytest.mark.parametrize(
    "way", ["disabled", "permissions", "secret", "expired", "deleted", "project deleted"]
)
def test_what_is_taken_from_a_system_robot_is_gone_at_once_also_for_tokens(
    admin: Portal,
    client: TestClient,
    people: People,
    services: Services,
    pier: Project,
    push: Pusher,
    way: str,
) -> None:
    dock = people.project("dock")
    for name in ("dock", "pier"):
        push(f"{name}/app", image(), "1")
    robot, secret = people.system_robot("ci", {dock: [("repository", "pull")], pier: [("label", "list")]})
    bearer = people.bearer(robot, "repository:dock/app:pull")
    basic = people.basic(robot.name, secret)

    def pulled() -> list[int]:
        return [
            client.simulate_get("/v2/dock/app/manifests/1", headers=headers).status_code
            for headers in (bearer, basic)
        ]

    assert pulled() == [200, 200]
    path = f"/robots/{robot.id}"
    if way == "disabled":
        assert admin.put(path, {"disable": True}).status_code == 200
    elif way == "permissions":
        assert admin.put(path, {"permissions": [permission("pier", PULL)]}).status_code == 200
    elif way == "secret":
        assert admin.patch(path, {}).status_code == 200
    elif way == "expired":
        expire(robot)
    elif way == "deleted":
        assert admin.delete(path).status_code == 200
    else:
        assert admin.delete("/projects/dock/repositories/app").status_code == 200
        assert admin.delete("/projects/dock").status_code == 200
        people.project("dock")
        push("dock/app", image(), "1")
    assert pulled() == [401, 403 if way in ("permissions", "project deleted") else 401]


def expire(robot: Robot) -> None:
    RobotRow.update(expires_at=robot.created_at).where(RobotRow.id == robot.id).execute()
