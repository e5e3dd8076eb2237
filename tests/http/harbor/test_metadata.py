"""`/projects/{}/metadatas`: the settings of a project, one by one."""

from moorage.projects.model import Project
from tests.http.harbor.portal import Portal, message_of


def test_the_settings_of_a_project_can_be_read(alice: Portal, dock: Project) -> None:
    assert alice.get("/projects/dock/metadatas/").json == {"public": "false"}
    assert alice.get("/projects/dock/metadatas").json == {"public": "false"}
    assert alice.get("/projects/dock/metadatas/public").json == {"public": "false"}


def test_a_project_is_made_public_by_its_setting(alice: Portal, nobody: Portal, dock: Project) -> None:
    assert alice.put("/projects/dock/metadatas/public", {"public": "true"}).status_code == 200
    assert nobody.get("/projects/dock").status_code == 200


def test_a_project_that_no_longer_says_that_it_is_public_is_private(
    alice: Portal, nobody: Portal, quay: Project
) -> None:
    assert alice.delete("/projects/quay/metadatas/public").status_code == 200
    assert nobody.get("/projects/quay").status_code == 401


def test_a_setting_that_is_there_cannot_be_added(alice: Portal, dock: Project) -> None:
    assert alice.post("/projects/dock/metadatas/", {"public": "true"}).status_code == 409
    assert alice.get("/projects/dock/metadatas/public").json == {"public": "false"}


def test_a_setting_that_stands_for_off_is_taken_and_one_that_stands_for_on_is_not(
    alice: Portal, dock: Project
) -> None:
    assert alice.put("/projects/dock/metadatas/auto_scan", {"auto_scan": "false"}).status_code == 200
    refused = alice.put("/projects/dock/metadatas/auto_scan", {"auto_scan": "true"})
    assert refused.status_code == 400
    assert "auto_scan" in message_of(refused)


_NOT_THERE = [
    ("GET", "auto_scan", None, 404),
    ("GET", "invented", None, 404),
    ("PUT", "invented", {"invented": "x"}, 404),
    ("DELETE", "auto_scan", None, 404),
    ("PUT", "public", {"auto_scan": "false"}, 400),
    ("PUT", "public", {}, 400),
    ("PUT", "public", {"public": "maybe"}, 400),
]


def test_a_setting_that_is_not_there_is_not_found(alice: Portal, dock: Project) -> None:
    for method, name, body, status in _NOT_THERE:
        answer = alice.request(method, f"/projects/dock/metadatas/{name}", body)
        assert answer.status_code == status, (method, name)
