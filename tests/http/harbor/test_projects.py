"""`/projects`: make, find, change and delete projects."""

from collections.abc import Callable

import pytest

from moorage.projects.model import Project, Role
from tests.http.harbor.portal import Portal, Pusher, code_of, links_of, message_of
from tests.support.images import image
from tests.support.people import People


def names(result: object) -> list[str]:
    return [each["name"] for each in result.json]  # type: ignore[attr-defined]


def test_a_new_project_is_private_and_its_maker_administers_it(alice: Portal) -> None:
    made = alice.post("/projects", {"project_name": "dock"})
    assert made.status_code == 201
    found = alice.get(made.headers["location"])
    assert found.status_code == 200
    assert found.json["name"] == "dock"
    assert found.json["metadata"] == {"public": "false"}
    assert found.json["owner_name"] == "alice"
    assert found.json["current_user_role_id"] == 1
    assert found.json["current_user_role_ids"] == [1]
    assert found.json["repo_count"] == 0


def test_the_location_of_a_new_project_bears_its_name_when_asked_to(alice: Portal) -> None:
    made = alice.post("/projects", {"project_name": "dock"}, headers={"X-Resource-Name-In-Location": "true"})
    assert made.headers["location"] == "/api/v2.0/projects/dock"


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"public": "true"}},
        {"public": True},
        {
            "metadata": {
                "public": "true",
                "auto_scan": "false",
                "prevent_vul": "false",
                "severity": "low",
                "enable_content_trust": "false",
                "reuse_sys_cve_allowlist": "true",
                "retention_id": None,
            },
            "storage_limit": -1,
            "registry_id": None,
            "cve_allowlist": {"items": []},
        },
    ],
    ids=["metadata", "older clients", "all that clients send"],
)
def test_a_project_can_be_made_public(alice: Portal, nobody: Portal, body: dict[str, object]) -> None:
    assert alice.post("/projects", {"project_name": "quay", **body}).status_code == 201
    assert nobody.get("/projects/quay").json["metadata"]["public"] == "true"


_IMPOSSIBLE = [
    ({}, "project_name"),
    ({"project_name": 7}, "project_name"),
    ({"project_name": None}, "project_name"),
    ({"project_name": "Upper"}, "Upper"),
    ({"project_name": "v2"}, "reserved"),
    ({"project_name": "a/b"}, "a/b"),
    ({"project_name": "x" * 101}, "100"),
    ({"project_name": "dock", "metadata": {"public": True}}, "metadata.public"),
    ({"project_name": "dock", "metadata": {"public": "yes"}}, "metadata.public"),
    ({"project_name": "dock", "metadata": {"auto_scan": "often"}}, "metadata.auto_scan"),
    ({"project_name": "dock", "metadata": {"prevent_vul": "on"}}, "metadata.prevent_vul"),
    ({"project_name": "dock", "metadata": {"severity": "bad"}}, "metadata.severity"),
    ({"project_name": "dock", "metadata": {"invented": "true"}}, "metadata.invented"),
    ({"project_name": "dock", "metadata": []}, "metadata"),
    ({"project_name": "dock", "public": "true"}, "public"),
    ({"project_name": "dock", "storage_limit": "5"}, "storage_limit"),
    ({"project_name": "dock", "registry_id": 5}, "registry_id"),
    ({"project_name": "dock", "cve_allowlist": {"items": [{"cve_id": 5}]}}, "cve_allowlist.items"),
    ({"project_name": "dock", "owner_id": 1}, "owner_id"),
    ({"project_name": "dock", "id": 9}, "id"),
]


def test_what_a_project_cannot_be_is_refused_by_name(alice: Portal) -> None:
    for body, named in _IMPOSSIBLE:
        refused = alice.post("/projects", body)
        assert refused.status_code == 400, body
        assert named in message_of(refused)
    assert alice.get("/projects").json == []


def test_a_name_is_given_once(alice: Portal, dock: Project) -> None:
    refused = alice.post("/projects", {"project_name": "dock"})
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")


def test_strangers_must_sign_in_to_make_projects(nobody: Portal) -> None:
    assert nobody.post("/projects", {"project_name": "dock"}).status_code == 401


@pytest.mark.parametrize(
    ("caller", "status"), [("nobody", 401), ("bob", 403), ("alice", 200), ("admin", 200)]
)
def test_a_private_project_is_hidden_from_strangers(
    portal_of: Callable[[str], Portal], dock: Project, caller: str, status: int
) -> None:
    portal = portal_of(caller)
    assert portal.get("/projects/dock").status_code == status
    assert portal.get(f"/projects/{dock.id}").status_code == status


@pytest.mark.parametrize("caller", ["nobody", "bob"])
def test_a_hidden_project_and_one_that_does_not_exist_look_the_same(
    portal_of: Callable[[str], Portal], dock: Project, caller: str
) -> None:
    portal = portal_of(caller)
    for suffix in ("", "/summary", "/members", "/repositories", "/logs", "/metadatas/"):
        hidden, missing = portal.get(f"/projects/dock{suffix}"), portal.get(f"/projects/none{suffix}")
        assert hidden.status_code == missing.status_code
        assert hidden.json == missing.json
    assert portal.head("/projects", project_name="dock").status_code == 404
    assert portal.head("/projects", project_name="none").status_code == 404


def test_head_tells_members_that_a_name_is_taken(alice: Portal, dock: Project) -> None:
    assert alice.head("/projects", project_name="dock").status_code == 200
    assert alice.head("/projects").status_code == 400


def test_a_number_in_the_path_is_an_id_unless_the_client_says_that_it_is_a_name(
    alice: Portal, people: People, dock: Project
) -> None:
    numbered = people.project(str(dock.id), alice=Role.PROJECT_ADMIN)
    assert alice.get(f"/projects/{dock.id}").json["name"] == "dock"
    by_name = alice.get(f"/projects/{dock.id}", headers={"X-Is-Resource-Name": "true"})
    assert by_name.json["project_id"] == numbered.id
    assert alice.get(f"/projects/{dock.id}/repositories").status_code == 200
    assert alice.get(f"/projects/{numbered.id}/repositories").status_code == 403


@pytest.mark.usefixtures("dock", "quay", "pier")
def test_everybody_sees_public_projects_and_their_own(
    admin: Portal, alice: Portal, bob: Portal, nobody: Portal
) -> None:
    assert names(nobody.get("/projects")) == ["quay"]
    assert names(alice.get("/projects")) == ["dock", "quay"]
    assert names(bob.get("/projects")) == ["pier", "quay"]
    assert names(admin.get("/projects")) == ["dock", "pier", "quay"]
    assert [each["current_user_role_id"] for each in bob.get("/projects").json] == [1, 0]


_QUESTIONS = [
    ({"name": "oc"}, ["dock"]),
    ({"public": "true"}, ["quay"]),
    ({"public": "0"}, ["dock"]),
    ({"q": "name=~a"}, ["quay"]),
    ({"q": "name=dock"}, ["dock"]),
    ({"q": "name=doc"}, []),
    ({"q": "name=pier"}, []),
    ({"q": "public=true"}, ["quay"]),
    ({"q": "name=dock,public=true"}, []),
    ({"q": "name%3Ddock"}, ["dock"]),
    ({"q": "name=~%25"}, []),
    ({"q": "name=~_"}, []),
    ({"sort": "-name"}, ["quay", "dock"]),
    ({"sort": "-creation_time", "name": "k"}, ["dock"]),
    ({"page": 2, "page_size": 1}, ["quay"]),
    ({"page": 9}, []),
]


@pytest.mark.usefixtures("dock", "quay", "pier")
def test_the_list_is_filtered_sorted_and_paged(alice: Portal) -> None:
    for parameters, found in _QUESTIONS:
        assert names(alice.get("/projects", **parameters)) == found, parameters


def test_the_list_tells_its_length_and_links_to_its_pages(alice: Portal, people: People) -> None:
    for number in range(5):
        people.project(f"p{number}", alice=Role.GUEST)
    second = alice.get("/projects", page=2, page_size=2)
    assert second.headers["x-total-count"] == "5"
    links = links_of(second)
    assert names(alice.get(links["prev"])) == ["p0", "p1"]
    assert names(alice.get(links["next"])) == ["p4"]
    assert "next" not in links_of(alice.get(links["next"]))


_OUT_OF_BOUNDS = [{"page": 0}, {"page_size": 101}, {"page_size": 0}, {"page": "x"}, {"public": "maybe"}]


def test_pages_out_of_bounds_are_refused(alice: Portal) -> None:
    for parameters in _OUT_OF_BOUNDS:
        assert alice.get("/projects", **parameters).status_code == 400, parameters


def test_a_project_is_published_and_hidden_again(alice: Portal, nobody: Portal, dock: Project) -> None:
    assert alice.put("/projects/dock", {"metadata": {"public": "true"}}).status_code == 200
    assert nobody.get("/projects/dock").status_code == 200
    assert alice.put("/projects/dock", {"metadata": {"public": "false"}}).status_code == 200
    assert nobody.get("/projects/dock").status_code == 401


def test_a_change_that_names_nothing_changes_nothing(alice: Portal, quay: Project, nobody: Portal) -> None:
    assert alice.put("/projects/quay", {"metadata": {}}).status_code == 200
    assert nobody.get("/projects/quay").status_code == 200


def test_an_empty_project_can_be_deleted_and_a_full_one_cannot(
    alice: Portal, dock: Project, push: Pusher
) -> None:
    assert alice.get("/projects/dock/_deletable").json == {"deletable": True}
    push("dock/app", image(), "1")
    told = alice.get("/projects/dock/_deletable").json
    assert told["deletable"] is False
    assert told["message"]
    refused = alice.delete("/projects/dock")
    assert (refused.status_code, code_of(refused)) == (412, "PRECONDITION")
    assert alice.delete("/projects/dock/repositories/app").status_code == 200
    assert alice.delete("/projects/dock").status_code == 200
    assert alice.get("/projects/dock").status_code == 403


def test_the_summary_counts_repositories_members_and_bytes(
    alice: Portal, nobody: Portal, people: People, push: Pusher
) -> None:
    people.project("quay", public=True, alice=Role.PROJECT_ADMIN, bob=Role.GUEST)
    pushed = push("quay/app", image(layers=2), "1")
    push("quay/other", pushed, "1")
    found = alice.get("/projects/quay/summary").json
    assert found["repo_count"] == 2
    assert (found["project_admin_count"], found["guest_count"], found["developer_count"]) == (1, 1, 0)
    size = sum(len(blob.data) for blob in pushed.blobs) + 2 * len(pushed.body)
    assert found["quota"] == {"hard": {"storage": -1}, "used": {"storage": size}}
    assert nobody.get("/projects/quay/summary").json == {"repo_count": 2}


def test_the_list_is_cut_to_one_owner(alice: Portal, bob: Portal, admin: Portal) -> None:
    for portal, name in ((alice, "one"), (alice, "two"), (bob, "three")):
        portal.post("/projects", {"project_name": name})
    for parameters in ({"q": "owner=alice"}, {"owner": "alice"}, {"q": "owner=alice,name=~o"}):
        answer = admin.get("/projects", **parameters)
        assert [each["name"] for each in answer.json] == ["one", "two"]
        assert answer.headers["x-total-count"] == "2"
    assert bob.get("/projects", q="owner=alice").json == []
    assert admin.get("/projects", q="owner=alice,name=three").json == []
    assert admin.get("/projects", q="owner=nobody' OR 1=1").json == []


def test_a_list_without_details_counts_nothing(alice: Portal, dock: Project) -> None:
    (found,) = alice.get("/projects", with_detail="false").json
    assert found["name"] == "dock"
    assert not {"repo_count", "cve_allowlist", "current_user_role_id"} & found.keys()
    assert "repo_count" in alice.get("/projects").json[0]
