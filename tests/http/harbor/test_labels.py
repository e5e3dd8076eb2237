"""`/labels`, and the labels of artifacts."""

from collections.abc import Callable

import pytest

from moorage.audit.model import Query
from moorage.events import SYSTEM
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, message_of, repository_path
from tests.support.images import image
from tests.support.people import People

APP = repository_path("dock/deep/app") + "/artifacts"


def make(portal: Portal, name: str, project: Project | None = None, **more: object) -> int:
    """The number of a new label."""
    scope = {"scope": "g"} if project is None else {"scope": "p", "project_id": project.id}
    made = portal.post("/labels", {"name": name, **scope, **more})
    assert made.status_code == 201, made.text
    return int(made.headers["location"].rpartition("/")[2])


def test_a_label_of_a_project(alice: Portal, dock: Project) -> None:
    number = make(alice, "tested", dock, color="#1D5100", description="by hand")
    found = alice.get(f"/labels/{number}").json
    assert {name: found[name] for name in found if not name.endswith("_time")} == {
        "id": number,
        "name": "tested",
        "description": "by hand",
        "color": "#1D5100",
        "scope": "p",
        "project_id": dock.id,
    }
    assert alice.get("/labels", scope="p", project_id=dock.id).json == [found]
    assert alice.get("/labels").json == []
    assert alice.put(f"/labels/{number}", {**found, "name": "proven"}).status_code == 200
    assert alice.get(f"/labels/{number}").json["name"] == "proven"
    assert alice.delete(f"/labels/{number}").status_code == 200
    assert alice.get(f"/labels/{number}").status_code == 404


def test_everybodys_labels_are_for_all_to_read_and_for_administrators_to_change(
    admin: Portal, alice: Portal, nobody: Portal
) -> None:
    number = make(admin, "golden")
    assert alice.get(f"/labels/{number}").json["project_id"] == 0
    assert [each["name"] for each in alice.get("/labels", scope="g").json] == ["golden"]
    assert alice.post("/labels", {"name": "mine", "scope": "g"}).status_code == 403
    assert alice.put(f"/labels/{number}", {"name": "mine"}).status_code == 403
    assert alice.delete(f"/labels/{number}").status_code == 403
    assert nobody.get("/labels").status_code == nobody.get(f"/labels/{number}").status_code == 401
    assert admin.delete(f"/labels/{number}").status_code == 200


def test_labels_of_a_foreign_project_are_not_there(
    alice: Portal, bob: Portal, admin: Portal, pier: Project
) -> None:
    number = make(bob, "secret", pier)
    hidden, none = alice.get(f"/labels/{number}"), alice.get("/labels/999999")
    assert hidden.status_code == none.status_code == 404
    assert message_of(hidden).replace(str(number), "N") == message_of(none).replace("999999", "N")
    assert alice.put(f"/labels/{number}", {"name": "x"}).status_code == 404
    assert alice.delete(f"/labels/{number}").status_code == 404
    for project_id in (pier.id, 999999):
        assert alice.get("/labels", scope="p", project_id=project_id).status_code == 403
        refused = alice.post("/labels", {"name": "x", "scope": "p", "project_id": project_id})
        assert refused.status_code == 403
    assert admin.get("/labels", project_id=999999).status_code == 404
    assert bob.get(f"/labels/{number}").json["name"] == "secret"


@pytest.mark.parametrize(
    ("role", "reads", "makes"),
    [
        (Role.LIMITED_GUEST, False, False),
        (Role.GUEST, True, False),
        (Role.DEVELOPER, True, False),
        (Role.MAINTAINER, True, True),
        (Role.PROJECT_ADMIN, True, True),
    ],
)
def test_a_role_may_do_with_labels_what_the_table_says(
    alice: Portal,
    bob: Portal,
    services: Services,
    dock: Project,
    people: People,
    *,
    role: Role,
    reads: bool,
    makes: bool,
) -> None:
    number = make(alice, "tested", dock)
    services.members.add(SYSTEM, dock.id, people.bob.id, role)
    assert bob.get(f"/labels/{number}").status_code == (200 if reads else 404)
    assert bob.get("/labels", project_id=dock.id).status_code == (200 if reads else 403)
    body = {"name": "new", "scope": "p", "project_id": dock.id}
    assert bob.post("/labels", body).status_code == (201 if makes else 403)
    refused = 403 if reads else 404
    assert bob.put(f"/labels/{number}", {"name": "other"}).status_code == (200 if makes else refused)
    assert bob.delete(f"/labels/{number}").status_code == (200 if makes else refused)


def test_a_robot_needs_the_right(
    alice: Portal, as_robot: Callable[..., Portal], people: People, dock: Project, pier: Project
) -> None:
    number = make(alice, "tested", dock)
    maker = as_robot(people.robot(dock, "maker", ("label", "create"), ("label", "read")))
    assert maker.get(f"/labels/{number}").status_code == 200
    assert make(maker, "built", dock)
    assert maker.delete(f"/labels/{number}").status_code == 403
    assert maker.post("/labels", {"name": "x", "scope": "p", "project_id": pier.id}).status_code == 403
    assert maker.post("/labels", {"name": "x", "scope": "g"}).status_code == 403


_BAD = [
    {},
    {"name": ""},
    {"name": "x" * 129},
    {"name": "x", "color": "red"},
    {"name": "x", "scope": "u"},
    {"name": "x", "scope": "p"},
    {"name": "x", "scope": "g", "project_id": 1},
    {"name": "x", "project_id": -1},
    {"name": "x", "project_id": "1"},
    {"name": 7},
    {"name": "x", "owner": "me"},
]


def test_bad_labels_are_refused(admin: Portal) -> None:
    for content in _BAD:
        assert admin.post("/labels", content).status_code == 400, content
    assert admin.request("POST", "/labels", headers={"Content-Type": "text/plain"}).status_code == 415
    make(admin, "there")
    taken = admin.post("/labels", {"name": "there"})
    assert (taken.status_code, code_of(taken)) == (409, "CONFLICT")


def test_a_label_stays_where_it_was_made(admin: Portal, dock: Project) -> None:
    number = make(admin, "golden")
    assert admin.put(f"/labels/{number}", {"scope": "p", "project_id": dock.id}).status_code == 400
    assert admin.put(f"/labels/{number}", {"scope": "g", "project_id": 0}).status_code == 200


_ASKED = [
    ({}, ["alpha", "beta"]),
    ({"name": "LPH"}, ["alpha"]),
    ({"name": "%"}, []),
    ({"q": "name=beta"}, ["beta"]),
    ({"q": "name=~BET"}, ["beta"]),
    ({"sort": "-name"}, ["beta", "alpha"]),
    ({"page_size": "1", "page": "2"}, ["beta"]),
]


def test_labels_are_listed_as_asked(admin: Portal) -> None:
    for name in ("beta", "alpha"):
        make(admin, name)
    for parameters, names in _ASKED:
        assert [each["name"] for each in admin.get("/labels", **parameters).json] == names, parameters
    for parameters in (
        {"scope": "x"},
        {"scope": "p"},
        {"project_id": "x"},
        {"q": "color=red"},
        {"q": "scope_id=0"},
        {"sort": "scope_id"},
        {"name": "a\0b"},
    ):
        assert admin.get("/labels", **parameters).status_code == 400, parameters


def test_an_artifact_shows_its_labels_to_whoever_asks(
    alice: Portal, admin: Portal, push: Pusher, dock: Project
) -> None:
    pushed = push("dock/deep/app", image(), "1")
    push("dock/deep/app", image(), "2")
    golden, tested = make(admin, "golden"), make(alice, "tested", dock)
    for number in (golden, tested):
        assert alice.post(f"{APP}/1/labels", {"id": number}).status_code == 200
    assert alice.get(f"{APP}/1").json["labels"] is None
    shown = alice.get(f"{APP}/{pushed.digest}", with_label="true").json["labels"]
    assert shown == [alice.get(f"/labels/{number}").json for number in (golden, tested)]
    for q, tags in (
        (f"labels=({golden} {tested})", ["1"]),
        (f"labels={{{golden} 999}}", ["1"]),
        (f"labels={golden}", ["1"]),
        (f"labels=({golden} 999)", []),
    ):
        listed = alice.get(APP, q=q, with_label="true").json
        assert [each["tags"][0]["name"] for each in listed] == tags, q
        assert all(each["labels"] == shown for each in listed)
    assert {len(each["labels"]) for each in alice.get(APP, with_label="true").json} == {0, 2}
    assert alice.get(APP, q="labels=tested").status_code == 400


def test_labels_go_on_once_and_off_once(
    alice: Portal, push: Pusher, dock: Project, services: Services
) -> None:
    push("dock/deep/app", image(), "1")
    number = make(alice, "tested", dock)
    assert alice.post(f"{APP}/1/labels", {"id": number, "name": "sent along"}).status_code == 200
    again = alice.post(f"{APP}/1/labels", {"id": number})
    assert (again.status_code, code_of(again)) == (409, "CONFLICT")
    assert alice.delete(f"{APP}/1/labels/{number}").status_code == 200
    assert alice.delete(f"{APP}/1/labels/{number}").status_code == 404
    assert alice.delete(f"{APP}/1/labels/x").status_code == 404
    assert alice.post(f"{APP}/none/labels", {"id": number}).status_code == 404
    for content in ({}, {"id": "1"}, {"id": 1.5}, {"name": "tested"}):
        assert alice.post(f"{APP}/1/labels", content).status_code == 400
    services.audit.flush()
    told = [(each.actor, each.operation) for each in services.audit.page(Query(), 100).entries]
    assert ("alice", "create_label") in told
    assert ("alice", "create_artifact_label") in told
    assert ("alice", "delete_artifact_label") in told


def test_a_label_of_another_project_goes_on_nothing(
    alice: Portal, admin: Portal, bob: Portal, push: Pusher, dock: Project, pier: Project
) -> None:
    push("dock/deep/app", image(), "1")
    foreign = make(bob, "secret", pier)
    refused, none = (admin.post(f"{APP}/1/labels", {"id": each}) for each in (foreign, 999999))
    assert refused.status_code == none.status_code == 404
    assert message_of(refused).replace(str(foreign), "N") == message_of(none).replace("999999", "N")
    assert alice.delete(f"{APP}/1/labels/{foreign}").status_code == 404
