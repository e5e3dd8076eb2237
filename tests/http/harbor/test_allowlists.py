"""The vulnerabilities that the site and its projects put up with."""

from collections.abc import Callable

import pytest

from moorage.identity.model import Robot, User
from moorage.projects.model import Project, Role
from tests.http.harbor.portal import Portal, message_of
from tests.support.people import People

SITE = "/system/CVEAllowlist"


def test_an_administrator_sets_the_list_of_the_site_and_everybody_reads_it(
    admin: Portal, alice: Portal, nobody: Portal
) -> None:
    assert alice.get(SITE).json["items"] == []
    body = {"expires_at": 1_900_000_000, "items": [{"cve_id": "CVE-2024-1", "reason": "not reachable"}]}
    assert admin.put(SITE, body).status_code == 200
    found = alice.get(SITE).json
    assert found["expires_at"] == 1_900_000_000
    (item,) = found["items"]
    assert (item["cve_id"], item["reason"], item["author"]) == ("CVE-2024-1", "not reachable", "admin")
    assert alice.put(SITE, body).status_code == 403
    assert nobody.get(SITE).status_code == 401


def test_what_is_read_can_be_sent_back(admin: Portal) -> None:
    admin.put(SITE, {"items": [{"cve_id": "CVE-2024-1", "reason": "not reachable"}]})
    found = admin.get(SITE).json
    assert admin.put(SITE, found).status_code == 200
    assert admin.get(SITE).json == found
    assert len(admin.get("/auditlog-exts", q="resource_type=allowlist").json) == 1


def test_an_entry_that_stays_keeps_its_author_and_reason(admin: Portal, alice: Portal, dock: Project) -> None:
    path, key = "/projects/dock", "cve_allowlist"
    alice.put(path, {key: {"items": [{"cve_id": "CVE-1-1", "reason": "ours"}]}})
    admin.put(path, {key: {"items": [{"cve_id": "CVE-1-1"}, {"cve_id": "GHSA-aaaa-bbbb-cccc"}]}})
    items = alice.get(path).json[key]["items"]
    assert [(each["cve_id"], each["author"], each["reason"]) for each in items] == [
        ("CVE-1-1", "alice", "ours"),
        ("GHSA-aaaa-bbbb-cccc", "admin", ""),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"items": [{"cve_id": "CVE-1-1"}, {"cve_id": "cve-1-1"}]}, "twice"),
        ({"items": [{"cve_id": "nonsense"}]}, "nonsense"),
        ({"items": [{"cve_id": "CVE-1-1\n"}]}, "identifier"),
        ({"items": [{"cve_id": "CVE-" + "1" * 200}]}, "identifier"),
        ({"items": [{}]}, "cve_id"),
        ({"items": [{"cve_id": "CVE-1-1", "reason": "x" * 2000}]}, "reason"),
        ({"items": "CVE-1-1"}, "items"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 10**15}, "expires_at"),
        ({"expires_at": -5}, "expires_at"),
    ],
)
def test_what_cannot_be_a_list_is_refused(
    admin: Portal, dock: Project, body: dict[str, object], said: str
) -> None:
    for answer in (
        admin.put(SITE, body),
        admin.put("/projects/dock", {"metadata": {"public": "true"}, "cve_allowlist": body}),
        admin.post("/projects", {"project_name": "wharf", "cve_allowlist": body}),
    ):
        assert answer.status_code == 400
        assert said in message_of(answer)
    assert admin.get(SITE).json["items"] == []
    assert admin.get("/projects/dock").json["metadata"]["public"] == "false"
    assert admin.head("/projects", project_name="wharf").status_code == 404


def test_a_project_is_made_with_its_list_and_takes_it_along_when_it_goes(alice: Portal) -> None:
    body = {"project_name": "wharf", "cve_allowlist": {"items": [{"cve_id": "CVE-1-1"}]}}
    assert alice.post("/projects", body).status_code == 201
    found = alice.get("/projects/wharf").json
    assert [each["cve_id"] for each in found["cve_allowlist"]["items"]] == ["CVE-1-1"]
    assert found["cve_allowlist"]["project_id"] == found["project_id"]
    assert alice.delete("/projects/wharf").status_code == 200
    assert alice.post("/projects", {"project_name": "wharf"}).status_code == 201
    assert alice.get("/projects/wharf").json["cve_allowlist"]["items"] == []


def test_a_developer_changes_no_list(bob: Portal, alice: Portal, dock: Project) -> None:
    alice.post("/projects/dock/members", {"role_id": 2, "member_user": {"username": "bob"}})
    body = {"cve_allowlist": {"items": [{"cve_id": "CVE-1-1"}]}}
    assert bob.put("/projects/dock", body).status_code == 403
    assert alice.get("/projects/dock").json["cve_allowlist"]["items"] == []


def test_why_and_who_is_told_to_whoever_may_read_the_settings(
    admin: Portal,
    alice: Portal,
    bob: Portal,
    nobody: Portal,
    quay: Project,
    people: People,
    calling: Callable[[User], Portal],
    as_robot: Callable[[tuple[Robot, str]], Portal],
) -> None:
    items = [{"cve_id": "CVE-1-1", "reason": "the gate is locked"}]
    assert alice.put("/projects/quay", {"cve_allowlist": {"items": items}}).status_code == 200

    def told(portal: Portal) -> list[set[str]]:
        one = portal.get("/projects/quay").json
        (listed,) = portal.get("/projects", q="name=quay").json
        return [set(each["cve_allowlist"]["items"][0]) for each in (one, listed)]

    plain, whole = {"cve_id", "creation_time"}, {"cve_id", "creation_time", "reason", "author"}
    assert told(nobody) == told(bob) == [plain, plain]
    people.member(quay, people.bob, Role.DEVELOPER)
    assert told(bob) == [plain, plain]
    people.member(quay, people.user("carol"), Role.MAINTAINER)
    assert told(calling(people.user("carol"))) == told(alice) == told(admin) == [whole, whole]
    people.auditor(people.user("dora"))
    assert told(calling(people.user("dora")))[0] == whole
    assert told(as_robot(people.robot(quay, "ci")))[0] == plain
    assert told(as_robot(people.robot(quay, "reads", ("project", "read"), ("metadata", "read"))))[0] == whole
