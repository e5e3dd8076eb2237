"""`/retentions`: what projects keep of their artifacts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import Result

from moorage.events import SYSTEM
from moorage.identity.model import Robot
from moorage.jobs.model import Trigger
from moorage.projects.model import Project, Role
from moorage.retention.policies import KIND
from moorage.services import Services
from moorage.web.harbor.render import NEVER
from tests.http.harbor.portal import Portal, Pusher, code_of, message_of
from tests.support.images import image
from tests.support.people import People

AsRobot = Callable[[tuple[Robot, str]], Portal]
NIGHTLY = "0 0 3 * * *"


def rule(template: str = "latestPushedK", number: int | None = 1, **more: Any) -> dict[str, Any]:
    tags = more.pop("tags", "**")
    fields = {
        "disabled": False,
        "action": "retain",
        "template": template,
        "params": {} if number is None else {template: number},
        "tag_selectors": [
            {
                "kind": "doublestar",
                "decoration": "matches",
                "pattern": tags,
                "extras": '{"untagged":true}',
            }
        ],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    }
    return {**fields, **more}


def policy(project: Project, *rules: dict[str, Any], cron: str = "") -> dict[str, Any]:
    return {
        "algorithm": "or",
        "rules": list(rules or (rule(),)),
        "trigger": {"kind": "Schedule", "settings": {"cron": cron}},
        "scope": {"level": "project", "ref": project.id},
    }


def made(portal: Portal, project: Project, *rules: dict[str, Any], cron: str = "") -> str:
    answer = portal.post("/retentions", policy(project, *rules, cron=cron))
    assert answer.status_code == 201
    location: str = answer.headers["location"]
    return location


def carried_out(services: Services) -> None:
    """The worker does what was asked for."""
    while services.runner.run_next([KIND]) is not None:
        pass


@pytest.fixture
def full(push: Pusher, dock: Project) -> Project:
    """``dock`` with two repositories of two tags each."""
    for name in ("dock/app", "dock/deep/app"):
        push(name, image(), "v1")
        push(name, image(), "v2")
    return dock


def names(portal: Portal, repository: str = "app") -> list[str]:
    found = portal.get(f"/projects/dock/repositories/{repository}/artifacts").json
    return sorted(tag["name"] for each in found for tag in each["tags"])


def test_a_policy_is_made_read_changed_and_deleted(alice: Portal, dock: Project) -> None:
    location = made(alice, dock, rule(), rule("always", None, tags="v*", priority=4), cron=NIGHTLY)
    found = alice.get(location).json
    assert location == f"/api/v2.0/retentions/{found['id']}"
    assert found["scope"] == {"level": "project", "ref": dock.id}
    settings = found["trigger"]["settings"]
    assert settings["cron"] == NIGHTLY
    assert settings["next_scheduled_time"].endswith("T03:00:00.000Z")
    assert [each["id"] for each in found["rules"]] == [1, 2]
    assert found["rules"][0] == {**rule(), "id": 1, "priority": 0}
    # What a client got it can send back.
    assert alice.put(location, found).status_code == 200
    assert alice.get(location).json == found
    assert alice.put(location, policy(dock, rule("nDaysSinceLastPull", 30))).status_code == 200
    changed = alice.get(location).json
    assert changed["trigger"]["settings"] == {"cron": "", "next_scheduled_time": NEVER}
    assert changed["rules"][0]["params"] == {"nDaysSinceLastPull": 30}
    assert alice.delete(location).status_code == 200
    assert alice.get(location).status_code == 404


def test_the_metadata_is_for_whoever_is_signed_in(alice: Portal, nobody: Portal) -> None:
    found = alice.get("/retentions/metadatas").json
    assert set(found) == {"templates", "scope_selectors", "tag_selectors"}
    assert nobody.get("/retentions/metadatas").status_code == 401


def test_a_project_shows_its_policy_and_takes_it_back(alice: Portal, dock: Project) -> None:
    number = made(alice, dock).rpartition("/")[2]
    expected = {"public": "false", "retention_id": number}
    project = alice.get("/projects/dock").json
    assert project["metadata"] == expected
    assert alice.get("/projects", name="dock").json[0]["metadata"] == expected
    assert alice.get("/projects/dock/metadatas").json == expected
    assert alice.get("/projects/dock/metadatas/retention_id").json == {"retention_id": number}
    assert alice.put("/projects/dock", {"metadata": project["metadata"]}).status_code == 200
    assert alice.put("/projects/dock/metadatas/retention_id", {"retention_id": number}).status_code == 200
    foreign = {"metadata": {"retention_id": str(int(number) + 1)}}
    assert alice.put("/projects/dock", foreign).status_code == 400
    alice.delete(f"/retentions/{number}")
    assert alice.get("/projects/dock/metadatas").json == {"public": "false"}


def test_a_project_has_one_policy(alice: Portal, dock: Project) -> None:
    made(alice, dock)
    second = alice.post("/retentions", policy(dock))
    assert second.status_code == 400
    assert "already" in message_of(second)


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"rules": [rule("always", None, priority=n) for n in range(16)]}, 400, "at most 15"),
        ({"rules": [rule(), rule()]}, 409, "rule 2"),
        ({"rules": [rule(number=None)]}, 400, "latestPushedK is missing"),
        ({"trigger": {"kind": "Schedule", "settings": {"cron": "0 0 * *"}}}, 400, ""),
        ({"scope": None}, 400, "scope"),
        ({"invented": 1}, 400, "invented"),
    ],
)
def test_what_is_no_policy_is_refused(
    alice: Portal, dock: Project, changes: dict[str, Any], status: int, named: str
) -> None:
    for answer in (
        alice.post("/retentions", {**policy(dock), **changes}),
        alice.put(made(alice, dock), {**policy(dock), **changes}),
    ):
        if "scope" in changes and answer.status_code == 200:
            continue  # a policy that is there knows its project
        assert answer.status_code == status
        assert named in message_of(answer)


def test_a_policy_stays_in_its_project(alice: Portal, dock: Project, quay: Project) -> None:
    location = made(alice, dock)
    assert alice.put(location, policy(quay, rule("nothing", None))).status_code == 400
    assert alice.get(location).json["rules"][0]["template"] == "latestPushedK"


def test_a_run_deletes_what_no_rule_keeps(alice: Portal, full: Project, services: Services) -> None:
    location = made(alice, full)
    started = alice.post(f"{location}/executions", {"dry_run": False})
    assert started.status_code == 201
    number = int(started.headers["location"].rpartition("/")[2])
    assert started.headers["location"] == f"{location}/executions/{number}"
    (waiting,) = alice.get(f"{location}/executions").json
    assert (waiting["status"], waiting["trigger"], waiting["dry_run"]) == ("Pending", "MANUAL", False)
    carried_out(services)
    listed = alice.get(f"{location}/executions")
    assert listed.headers["x-total-count"] == "1"
    assert listed.json[0]["status"] == "Success"
    assert listed.json[0]["moorage"]["message"] == "2 of 4 artifacts deleted, in 2 repositories"
    tasks = alice.get(f"{location}/executions/{number}/tasks")
    assert tasks.headers["x-total-count"] == "2"
    assert [(each["repository"], each["total"], each["retained"]) for each in tasks.json] == [
        ("app", 2, 1),
        ("deep/app", 2, 1),
    ]
    assert (tasks.json[0]["status"], tasks.json[0]["status_code"]) == ("Success", 3)
    log = alice.get(f"{location}/executions/{number}/tasks/{tasks.json[0]['id']}")
    assert log.headers["content-type"].startswith("text/plain")
    assert log.text.count("| DEL |") == 1
    assert log.text.count("| RETAIN |") == 1
    assert names(alice) == ["v2"]


def test_a_dry_run_deletes_nothing(alice: Portal, full: Project, services: Services) -> None:
    location = made(alice, full)
    alice.post(f"{location}/executions", {"dry_run": True})
    carried_out(services)
    (found,) = alice.get(f"{location}/executions").json
    assert (found["dry_run"], found["status"]) == (True, "Success")
    (first, _) = alice.get(f"{location}/executions/{found['id']}/tasks").json
    assert (first["total"], first["retained"]) == (2, 1)
    assert names(alice) == ["v1", "v2"]


def test_one_run_at_a_time_which_can_be_stopped(alice: Portal, full: Project) -> None:
    location = made(alice, full)
    run = alice.post(f"{location}/executions", {"dry_run": False}).headers["location"]
    assert alice.post(f"{location}/executions", {"dry_run": True}).status_code == 409
    assert alice.patch(run, {"action": "pause"}).status_code == 400
    assert alice.patch(run, {"action": "stop"}).status_code == 200
    assert alice.get(f"{location}/executions").json[0]["status"] == "Stopped"
    assert alice.patch(run, {"action": "stop"}).status_code == 200


def test_runs_come_in_pages_newest_first(alice: Portal, full: Project) -> None:
    location = made(alice, full)
    for _ in range(3):
        run = alice.post(f"{location}/executions", {}).headers["location"]
        alice.patch(run, {"action": "stop"})
    page = alice.get(f"{location}/executions", page=1, page_size=2)
    assert page.headers["x-total-count"] == "3"
    assert 'rel="next"' in page.headers["link"]
    numbers = [each["id"] for each in page.json]
    assert numbers == sorted(numbers, reverse=True)


def test_the_simulation_tells_for_each_tag_which_rule_decides(alice: Portal, full: Project) -> None:
    location = made(alice, full, rule(), rule("always", None, tags="v9"))
    found = alice.get(f"{location}/simulation", repository="deep/app")
    assert found.headers["x-total-count"] == "2"
    simulated = found.json
    assert (simulated["repository"], simulated["touched"], simulated["rules"]) == ("deep/app", True, [1, 2])
    assert (simulated["total"], simulated["retained"]) == (2, 1)
    assert [(each["tag"], each["decision"], each["rules"]) for each in simulated["tags"]] == [
        ("v2", "RETAIN", [1]),
        ("v1", "DEL", []),
    ]
    second = alice.get(f"{location}/simulation", repository="deep/app", page=2, page_size=1).json
    assert [each["tag"] for each in second["tags"]] == ["v1"]
    assert names(alice) == ["v1", "v2"]


@pytest.mark.parametrize(
    ("parameters", "status"),
    [({}, 400), ({"repository": "none"}, 404), ({"repository": "../pier/app"}, 400)],
)
def test_only_a_repository_of_the_project_can_be_simulated(
    alice: Portal, full: Project, parameters: dict[str, str], status: int
) -> None:
    assert alice.get(f"{made(alice, full)}/simulation", **parameters).status_code == status


def paths(location: str, run: str, task: int) -> list[tuple[str, str, object]]:
    """Every call about one policy that names it by its number."""
    return [
        ("GET", location, None),
        ("PUT", location, {}),
        ("GET", f"{location}/simulation?repository=app", None),
        ("GET", f"{location}/executions", None),
        ("POST", f"{location}/executions", {"dry_run": False}),
        ("PATCH", run, {"action": "stop"}),
        ("GET", f"{run}/tasks", None),
        ("GET", f"{run}/tasks/{task}", None),
        ("DELETE", location, None),
    ]


@pytest.fixture
def known(admin: Portal, full: Project, services: Services) -> list[tuple[str, str, object]]:
    """Every call about the policy of ``dock``, which has run."""
    location = made(admin, full)
    run = admin.post(f"{location}/executions", {"dry_run": True}).headers["location"]
    carried_out(services)
    return paths(location, run, admin.get(f"{run}/tasks").json[0]["id"])


def shown(answer: Result, path: str) -> tuple[int, str, str]:
    """What a caller can tell: numbers of the path left out."""
    number = path.split("/")[4].partition("?")[0]
    return answer.status_code, code_of(answer), message_of(answer).replace(number, "N")


def test_a_stranger_cannot_tell_a_policy_from_none(
    bob: Portal, nobody: Portal, alice: Portal, pier: Project, known: list[tuple[str, str, object]]
) -> None:
    for method, path, content in known:
        absent = path.replace(path.split("/")[4].partition("?")[0], "999999", 1)
        hidden, missing = (bob.request(method, each, content) for each in (path, absent))
        assert shown(hidden, path) == shown(missing, absent), path
        assert hidden.status_code == 404
        assert nobody.request(method, path, content).status_code == 401
    assert alice.get(known[0][1]).status_code == 200


def test_a_stranger_makes_no_policy(bob: Portal, dock: Project, services: Services) -> None:
    hidden = bob.post("/retentions", policy(dock))
    missing = bob.post("/retentions", {**policy(dock), "scope": {"level": "project", "ref": 999999}})
    assert hidden.status_code == missing.status_code == 403
    assert services.policies.of_project(dock.id) is None


def test_developers_may_and_guests_may_not(
    bob: Portal, people: People, dock: Project, services: Services, known: list[tuple[str, str, object]]
) -> None:
    member = services.members.add(SYSTEM, dock.id, people.bob.id, Role.GUEST)
    for method, path, content in known:
        assert bob.request(method, path, content).status_code == 404, path
    services.members.change(SYSTEM, dock.id, member.id, Role.DEVELOPER)
    for method, path, content in known:
        assert bob.request(method, path, content).status_code in (200, 201), path


def test_a_run_is_found_through_its_own_policy_alone(
    alice: Portal, full: Project, quay: Project, services: Services, known: list[tuple[str, str, object]]
) -> None:
    """Alice may do everything to both policies; their numbers must belong together all the same."""
    other = made(alice, quay)
    for method, path, content in known:
        if "/executions/" not in path:
            continue
        crossed = other + "/executions/" + path.partition("/executions/")[2]
        assert alice.request(method, crossed, content).status_code == 404, path
    _, log, _ = known[7]
    run, _, task = log.rpartition("/tasks/")
    assert alice.get(f"{run}/tasks/{int(task) + 999}").status_code == 404
    # A run of another job with the policy's number as its subject is none of its runs.
    number = int(known[0][1].rpartition("/")[2])
    foreign = services.executions.request(SYSTEM, "gc", trigger=Trigger.MANUAL, subject=number)
    assert alice.get(f"{known[0][1]}/executions/{foreign.id}/tasks").status_code == 404


def test_a_robot_may_do_what_it_was_given(
    as_robot: AsRobot, people: People, dock: Project, known: list[tuple[str, str, object]]
) -> None:
    reader = as_robot(people.robot(dock, "reader", ("tag-retention", "read")))
    (_, location, _), *_ = known
    assert reader.get(location).status_code == 200
    assert reader.delete(location).status_code == 403
    assert reader.post(f"{location}/executions", {"dry_run": False}).status_code == 403
    operator = as_robot(people.robot(dock, "runner", ("tag-retention", "operate")))
    assert operator.post(f"{location}/executions", {"dry_run": True}).status_code == 201
    assert operator.get(location).status_code == 404


def test_the_log_tells_who_set_the_policy_and_why_things_went(
    alice: Portal, admin: Portal, full: Project, services: Services
) -> None:
    location = made(alice, full)
    alice.post(f"{location}/executions", {"dry_run": False})
    carried_out(services)
    services.audit.flush()
    entries = admin.get("/auditlog-exts", page_size=100).json
    gone = [each for each in entries if each["operation"] == "delete" and each["resource_type"] == "artifact"]
    assert len(gone) == 2
    assert all("no rule keeps it" in json.dumps(each["moorage"]) for each in gone)
    assert any("retention policy" in each["operation_description"] for each in entries)


def test_an_administrator_is_told_that_there_is_no_such_project(admin: Portal) -> None:
    answer = admin.post("/retentions", {"rules": [rule()], "scope": {"level": "project", "ref": 999_999}})
    assert (answer.status_code, message_of(answer)) == (404, "there is no project 999999")


@pytest.mark.parametrize(
    "extras",
    [
        '{"untaged":true}',
        '{"untagged":true,"untagged":false}',
        '{"untagged":NaN}',
        '{"untagged":1}',
        "[" * 100_000,
        "true",
    ],
    ids=lambda text: text[:24],
)
def test_extras_that_could_mean_anything_are_refused(admin: Portal, dock: Project, extras: str) -> None:
    wrong = rule()
    wrong["tag_selectors"][0]["extras"] = extras
    answer = admin.post("/retentions", policy(dock, wrong))
    assert answer.status_code == 400
    assert message_of(answer).startswith("rules[0].tag_selectors[0].extras")


def test_a_schedule_that_never_comes_is_refused_and_changes_nothing(admin: Portal, dock: Project) -> None:
    answer = admin.post("/retentions", policy(dock, cron="0 0 0 31 2 *"))
    assert (answer.status_code, message_of(answer)) == (400, "this schedule names a day that no month has")
    assert admin.post("/retentions", policy(dock, cron="0 0 0 29 2 *")).status_code == 201


def test_a_pattern_that_takes_long_with_some_names_is_refused(admin: Portal, dock: Project) -> None:
    answer = admin.post("/retentions", policy(dock, rule(tags="{*a,*b}" * 140)))
    assert answer.status_code == 400
    assert "too many ways to match" in message_of(answer)


@pytest.mark.parametrize("cron", ["* * * * * *", "0 * * * * *", "*/30 0 * * * *", "0 0,30 * * * *"])
def test_a_policy_runs_once_an_hour_at_most(admin: Portal, dock: Project, cron: str) -> None:
    answer = admin.post("/retentions", policy(dock, cron=cron))
    assert answer.status_code == 400
    assert message_of(answer) == "trigger.settings.cron: a policy runs once an hour at most"
    assert admin.post("/retentions", policy(dock, cron="@hourly")).status_code == 201
