"""`/projects/{}/members`: who has which role."""

import pytest

from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, code_of, message_of
from tests.support.people import People


@pytest.mark.parametrize("by", ["user_id", "username"])
def test_a_user_is_given_a_role(
    alice: Portal, bob: Portal, people: People, dock: Project, *, by: str
) -> None:
    who = {"user_id": people.bob.id} if by == "user_id" else {"username": "bob"}
    made = alice.post("/projects/dock/members", {"role_id": 2, "member_user": who})
    assert made.status_code == 201
    found = alice.get(made.headers["location"]).json
    assert found["entity_name"] == "bob"
    assert found["entity_id"] == people.bob.id
    assert found["entity_type"] == "u"
    assert (found["role_id"], found["role_name"]) == (2, "developer")
    assert bob.get("/projects/dock").json["current_user_role_id"] == 2


_IMPOSSIBLE = [
    ({"role_id": 2}, 400, "member_user"),
    ({"member_user": {"username": "bob"}}, 400, "role_id"),
    ({"role_id": 9, "member_user": {"username": "bob"}}, 400, "role_id"),
    ({"role_id": "2", "member_user": {"username": "bob"}}, 400, "role_id"),
    ({"role_id": True, "member_user": {"username": "bob"}}, 400, "role_id"),
    ({"role_id": 2, "member_user": {}}, 400, "username"),
    ({"role_id": 2, "member_user": {"username": 7}}, 400, "username"),
    ({"role_id": 2, "member_user": "bob"}, 400, "member_user"),
    ({"role_id": 2, "member_group": {"id": 1}}, 404, "group"),
    ({"role_id": 2, "member_group": {"group_name": "devs"}}, 404, "group"),
    ({"role_id": 2, "member_user": {"username": "bob"}, "admin": True}, 400, "admin"),
    ({"role_id": 2, "member_user": {"username": "ghost"}}, 404, "user"),
    ({"role_id": 2, "member_user": {"user_id": 999999}}, 404, "user"),
    ({"role_id": 2, "member_user": {"username": "alice"}}, 409, "alice"),
]


def test_a_member_that_cannot_be_is_refused(alice: Portal, bob: Portal, dock: Project) -> None:
    for body, status, named in _IMPOSSIBLE:
        refused = alice.post("/projects/dock/members", body)
        assert refused.status_code == status, body
        assert named in message_of(refused)
    assert len(alice.get("/projects/dock/members").json) == 1


def test_members_are_listed_by_name_and_found_by_a_part_of_it(alice: Portal, people: People) -> None:
    people.project("dock", alice=Role.PROJECT_ADMIN, bob=Role.GUEST, carol=Role.DEVELOPER)
    listed = alice.get("/projects/dock/members")
    assert [each["entity_name"] for each in listed.json] == ["alice", "bob", "carol"]
    assert listed.headers["x-total-count"] == "3"
    assert [each["entity_name"] for each in alice.get("/projects/dock/members", entityname="o").json] == [
        "bob",
        "carol",
    ]
    assert alice.get("/projects/dock/members", entityname="%").json == []
    assert [
        each["entity_name"] for each in alice.get("/projects/dock/members", page=2, page_size=2).json
    ] == ["carol"]


def test_a_role_is_changed_and_taken_away(alice: Portal, bob: Portal, people: People) -> None:
    people.project("dock", alice=Role.PROJECT_ADMIN, bob=Role.GUEST)
    (mid,) = [each["id"] for each in alice.get("/projects/dock/members", entityname="bob").json]
    assert alice.put(f"/projects/dock/members/{mid}", {"role_id": 4}).status_code == 200
    assert bob.get("/projects/dock").json["current_user_role_id"] == 4
    assert alice.delete(f"/projects/dock/members/{mid}").status_code == 200
    assert bob.get("/projects/dock").status_code == 403


_NO_ROLES = [{}, {"role_id": 0}, {"role_id": 2, "user_id": 1}, {"role_id": 2.5}]


def test_a_change_to_no_role_is_refused(alice: Portal, people: People) -> None:
    people.project("dock", alice=Role.PROJECT_ADMIN)
    (mid,) = [each["id"] for each in alice.get("/projects/dock/members").json]
    for body in _NO_ROLES:
        assert alice.put(f"/projects/dock/members/{mid}", body).status_code == 400, body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_member_of_another_project_is_not_found(
    alice: Portal, services: Services, dock: Project, pier: Project, *, method: str
) -> None:
    (foreign,) = services.members.list(pier.id, limit=10, offset=0)
    body = {"role_id": 3} if method == "PUT" else None
    answer = alice.request(method, f"/projects/dock/members/{foreign.id}", body)
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    assert services.members.list(pier.id, limit=10, offset=0) == [foreign]


_NO_NUMBERS = ["0", "-1", "x", "1e3", "9" * 30, "%00", "1%2F2"]


def test_what_is_no_number_is_nobodys(alice: Portal, dock: Project) -> None:
    for mid in _NO_NUMBERS:
        assert alice.get(f"/projects/dock/members/{mid}").status_code == 404, mid
