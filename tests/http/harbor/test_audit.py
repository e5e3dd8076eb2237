"""`/audit-logs` and its relatives: the log of every operation."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from moorage.audit.log import COUNT_LIMIT
from moorage.audit.model import Cursor, Entry, Result
from moorage.audit.store import AuditStore
from moorage.db.connection import atomic
from moorage.events import SYSTEM
from moorage.identity.model import Robot
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import ADDRESS, Portal, Pusher, code_of, links_of, message_of, repository_path
from tests.support.images import image
from tests.support.people import People
from tests.support.statements import counted_statements

AsRobot = Callable[[tuple[Robot, str]], Portal]


def operations(portal: Portal, path: str = "/auditlog-exts", **parameters: object) -> list[str]:
    found = portal.get(path, **parameters)
    assert found.status_code == 200
    return [each["moorage"]["operation"] for each in found.json]


def test_a_change_is_in_the_log_with_who_did_it_and_from_where(alice: Portal, admin: Portal) -> None:
    made = alice.post("/projects", {"project_name": "dock"}, headers={"User-Agent": "terraform/1.9"})
    (entry,) = admin.get("/auditlog-exts", q="operation=create,resource_type=project").json
    assert (entry["username"], entry["resource"], entry["operation_result"]) == ("alice", "dock", True)
    assert (entry["operation"], entry["resource_type"]) == ("create", "project")
    assert entry["moorage"]["address"] == ADDRESS
    assert entry["moorage"]["user_agent"] == "terraform/1.9"
    assert entry["moorage"]["actor_kind"] == "user"
    assert entry["moorage"]["request_id"] == made.headers["x-request-id"]
    assert entry["moorage"]["project_id"] == int(made.headers["location"].rpartition("/")[2])


def test_the_older_form_of_the_log_has_harbors_fields_and_no_others(admin: Portal) -> None:
    admin.post("/projects", {"project_name": "dock"})
    (entry, *_) = admin.get("/audit-logs").json
    assert set(entry) == {"id", "username", "resource", "resource_type", "operation", "op_time"}


def test_refusals_and_failed_logins_are_in_the_log(
    admin: Portal, bob: Portal, people: People, services: Services, dock: Project
) -> None:
    bob.delete("/projects/dock")
    Portal(bob.client, people.basic("bob", "Wrong-1-word")).get("/projects")
    services.audit.flush()
    failed, denied = admin.get("/auditlog-exts", q="result=denied").json
    assert (denied["username"], denied["moorage"]["operation"]) == ("bob", "delete_project")
    assert denied["operation_result"] is False
    assert (failed["username"], failed["moorage"]["operation"]) == ("bob", "login_user")
    assert failed["moorage"]["address"] == ADDRESS


def test_no_secret_is_ever_in_the_log(admin: Portal, alice: Portal, people: People, dock: Project) -> None:
    secrets = [
        alice.post("/users/current/tokens", {"name": "laptop"}).json["secret"],
        alice.post(
            "/robots",
            {
                "name": "ci",
                "level": "project",
                "permissions": [
                    {
                        "kind": "project",
                        "namespace": "dock",
                        "access": [{"resource": "repository", "action": "pull"}],
                    }
                ],
            },
        ).json["secret"],
        "Another-1-word",
    ]
    admin.put(f"/users/{people.alice.id}/password", {"new_password": "Another-1-word"})
    written = admin.get("/auditlog-exts", page_size=100).text
    assert "laptop" in written
    assert not any(secret in written for secret in secrets)


def test_everybody_reads_the_log_of_the_projects_they_administer_and_no_more(
    portal_of: Callable[[str], Portal], people: People, as_robot: AsRobot
) -> None:
    dock = people.project("dock", alice=Role.PROJECT_ADMIN, bob=Role.MAINTAINER)
    people.project("pier", bob=Role.PROJECT_ADMIN)
    alice, bob, admin = portal_of("alice"), portal_of("bob"), portal_of("admin")
    assert {each["moorage"]["project"] for each in alice.get("/auditlog-exts").json} == {"dock"}
    assert {each["moorage"]["project"] for each in bob.get("/auditlog-exts").json} == {"pier"}
    everything = {each["moorage"]["project"] for each in admin.get("/auditlog-exts", page_size=100).json}
    assert everything == {"", "dock", "pier"}
    assert bob.get("/projects/dock/logs").status_code == 403
    assert portal_of("nobody").get("/audit-logs").status_code == 401
    reader = as_robot(people.robot(dock, "reader", ("log", "list")))
    assert {each["moorage"]["project"] for each in reader.get("/auditlog-exts").json} == {"dock"}
    puller = as_robot(people.robot(dock, "puller", ("repository", "pull")))
    assert puller.get("/auditlog-exts").json == []


def test_a_user_without_a_project_reads_nothing(bob: Portal, dock: Project) -> None:
    listed = bob.get("/audit-logs")
    assert (listed.json, listed.headers["x-total-count"]) == ([], "0")


def test_the_log_of_a_project_tells_of_that_project_alone(
    alice: Portal, dock: Project, pier: Project, push: Pusher
) -> None:
    push("dock/deep/app", image(), "1.0")
    push("pier/app", image(), "1.0")
    alice.delete(repository_path("dock/deep/app"))
    found = operations(alice, "/projects/dock/auditlog-exts", page_size=100)
    assert found[0] == "delete_repository"
    assert {"push_artifact", "push_blob", "create_tag", "create_repository", "create_project"} <= set(found)
    older = alice.get("/projects/dock/logs", page_size=100).json
    assert {each["resource"].partition("/")[0].partition(":")[0] for each in older} <= {"dock", "alice"}


@pytest.fixture
def filled(services: Services, dock: Project) -> datetime:
    """A log of its own kind: 30 pulls, a second apart, of which every tenth was denied."""
    start = datetime(2026, 3, 4, 12, tzinfo=UTC)
    with atomic():
        AuditStore().append([_pull(start, number, dock.id) for number in range(30)])
    return start


def _pull(start: datetime, number: int, project_id: int) -> Entry:
    return Entry(
        id=0,
        at=start + timedelta(seconds=number),
        request_id=f"req-{number}",
        actor_kind="robot",
        actor="robot$dock+ci" if number % 2 else "alice",
        address=f"192.0.2.{number}",
        user_agent="docker",
        operation="pull_artifact",
        resource_type="artifact",
        resource=f"dock/app:{number}",
        project_id=project_id,
        project="dock",
        repository="dock/app",
        tag=str(number),
        digest="sha256:00",
        result=Result.DENIED if number % 10 == 0 else Result.SUCCESS,
        detail="100%_sure" if number == 7 else "",
    )


_QUESTIONS = [
    ("operation=pull,tag=7", [7]),
    ("operation=pull_artifact,tag=7", [7]),
    ("operation={pull create},tag=7", [7]),
    ("operation=create,tag=7", []),
    ("resource=dock/app:12", [12]),
    ("resource=~APP:2", [29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 2]),
    ("username=alice,resource=~app:1", [18, 16, 14, 12, 10]),
    ("username=~CI,address=192.0.2.3", [3]),
    ("username=alic", []),
    ("op_time=[2026-03-04T12:00:28Z~2026-03-05]", [29, 28]),
    ("op_time=[2026-03-04 12:00:03~2026-03-04 12:00:04],actor_kind=robot", [4, 3]),
    ("op_time=[~2026-03-04T13:00:01+01:00]", [1, 0]),
    ("result=denied", [20, 10, 0]),
    ("request_id=req-9", [9]),
    ("repository=dock/app,tag=5", [5]),
    ("project=dock,digest=sha256:00,tag=5", [5]),
    ("text=~100%_", [7]),
    ("text=~192.0.2.11", [11]),
    ("text=~nothing", []),
]


def test_the_log_is_filtered(admin: Portal, filled: datetime) -> None:
    for q, tags in _QUESTIONS:
        found = admin.get("/auditlog-exts", q=q, page_size=100)
        assert [each["moorage"]["tag"] for each in found.json] == [str(tag) for tag in tags], q
        assert found.headers["x-total-count"] == str(len(tags))


_NO_QUESTIONS = [
    {"q": "password=x"},
    {"q": "username={a b}"},
    {"q": "op_time=2026-03-04"},
    {"q": "op_time=[yesterday~]"},
    {"q": "op_time=[a~b~c]"},
    {"q": "op_time=[0001-01-01T00:00:00+14:00~]"},
    {"q": "result=maybe"},
    {"q": "operation_result=false"},
    {"q": "nonsense"},
    {"sort": "op_time"},
    {"sort": "actor"},
    {"after": "x"},
    {"after": ""},
    {"after": str(Cursor(1, 1)) + "A"},
    {"page": 0},
]


def test_what_the_log_cannot_be_asked_is_refused(admin: Portal, filled: datetime) -> None:
    for parameters in _NO_QUESTIONS:
        assert admin.get("/audit-logs", **parameters).status_code == 400, parameters


def test_following_the_links_reads_the_whole_log_once(admin: Portal, filled: datetime) -> None:
    path: str | None = "/auditlog-exts?q=operation%3Dpull&page_size=7"
    seen: list[str] = []
    while path:
        page = admin.get(path)
        assert page.headers["x-total-count"] == "30"
        seen += [each["moorage"]["tag"] for each in page.json]
        path = links_of(page).get("next")
    assert seen == [str(number) for number in reversed(range(30))]


def test_pages_can_be_asked_for_by_number_too(admin: Portal, filled: datetime) -> None:
    second = admin.get("/auditlog-exts", q="operation=pull", page=2, page_size=10)
    assert [each["moorage"]["tag"] for each in second.json] == [str(n) for n in range(19, 9, -1)]
    assert "page=1" in links_of(second)["prev"]
    assert "after=" in links_of(second)["next"]


def test_a_page_too_deep_is_refused_and_the_way_out_named(admin: Portal) -> None:
    assert admin.get("/audit-logs", page=COUNT_LIMIT // 100, page_size=100).status_code == 200
    refused = admin.get("/audit-logs", page=COUNT_LIMIT // 100 + 1, page_size=100)
    assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST")
    assert "after" in message_of(refused)
    assert admin.get("/audit-logs", page=10**17).status_code == 400


def test_the_total_stays_at_the_limit_however_long_the_log_is(
    admin: Portal, services: Services, dock: Project
) -> None:
    start = datetime(2026, 3, 4, 12, tzinfo=UTC)
    with atomic():
        AuditStore().append([_pull(start, number, dock.id) for number in range(COUNT_LIMIT + 50)])
    page = admin.get("/audit-logs", page=COUNT_LIMIT // 10)
    assert page.headers["x-total-count"] == str(COUNT_LIMIT)
    beyond = admin.get(links_of(page)["next"])
    assert len(beyond.json) == 10


def test_every_page_of_the_log_costs_the_same(admin: Portal, filled: datetime) -> None:
    admin.get("/audit-logs")
    costs = set()
    for path in ("/audit-logs", f"/audit-logs?after={Cursor(2**62, 1)}", "/audit-logs?page=3"):
        with counted_statements() as statements:
            assert admin.get(path).status_code == 200
        costs.add(len(statements))
    assert len(costs) == 1


def test_the_operations_of_the_log_are_told_to_administrators(admin: Portal, alice: Portal) -> None:
    found = admin.get("/auditlog-exts/events").json
    assert {"event_type": "push_artifact"} in found
    assert alice.get("/auditlog-exts/events").status_code == 403


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7])
def test_every_page_tells_the_same_total_full_or_not(admin: Portal, services: Services, size: int) -> None:
    for number in range(6):
        services.projects.create(SYSTEM, None, f"p{number}", public=False)
    for number in range(1, 9):
        page = admin.get("/audit-logs", q="resource_type=project", page_size=size, page=number)
        assert page.headers["x-total-count"] == "6", number


def test_a_question_with_few_answers_is_looked_for_once(admin: Portal) -> None:
    admin.get("/audit-logs")
    with counted_statements() as statements:
        assert admin.get("/audit-logs", q="tag=none").json == []
    assert "COUNT" not in str(statements)


def test_the_total_is_counted_once_for_all_pages(admin: Portal, filled: datetime) -> None:
    following = links_of(admin.get("/auditlog-exts?q=operation%3Dpull&page_size=7"))["next"]
    with counted_statements() as statements:
        page = admin.get(following)
    assert page.headers["x-total-count"] == "30"
    assert "COUNT" not in str(statements)
    place = Cursor(2**62, 1)
    assert admin.get(f"/audit-logs?q=tag=7&after={place}").headers["x-total-count"] == "1"
    assert admin.get(f"/audit-logs?q=tag=7&after={place}.99999").headers["x-total-count"] == str(COUNT_LIMIT)
    for total in ("", "x", "-1", "+1", "1.5", "٣", "9" * 30):
        assert admin.get("/audit-logs", after=f"{place}.{total}").status_code == 400, total
