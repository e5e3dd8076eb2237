"""`/ping`, `/systeminfo` and `/systeminfo/volumes`."""

from moorage.projects.model import Project
from tests.http.harbor.portal import Portal, code_of


def test_ping_answers_anybody(nobody: Portal) -> None:
    answer = nobody.get("/ping")
    assert (answer.status_code, answer.text) == (200, "Pong")


def test_clients_learn_where_the_registry_is(nobody: Portal, alice: Portal) -> None:
    found = nobody.get("/systeminfo").json
    assert found["auth_mode"] == "db_auth"
    assert found["registry_url"] == "registry.test"
    assert found["external_url"] == "http://registry.test"
    assert found["self_registration"] is False
    assert found["project_creation_restriction"] == "everyone"
    assert "harbor_version" not in found
    assert alice.get("/systeminfo").json["harbor_version"].startswith("v2.")


def test_only_administrators_see_the_disk(admin: Portal, alice: Portal, nobody: Portal) -> None:
    (disk,) = admin.get("/systeminfo/volumes").json["storage"]
    assert 0 < disk["free"] <= disk["total"]
    assert alice.get("/systeminfo/volumes").status_code == 403
    assert nobody.get("/systeminfo/volumes").status_code == 401


def test_what_is_not_there_is_told_in_the_dialect(nobody: Portal, alice: Portal, dock: Project) -> None:
    missing = nobody.get("/none")
    assert (missing.status_code, code_of(missing)) == (404, "NOT_FOUND")
    refused = alice.patch("/projects/dock", {})
    assert (refused.status_code, code_of(refused)) == (405, "UNSUPPORTED")


def test_the_request_id_of_the_client_is_echoed(nobody: Portal) -> None:
    assert nobody.get("/ping", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"


def test_a_wrong_password_is_refused_even_where_nobody_need_sign_in(nobody: Portal) -> None:
    assert nobody.get("/projects", headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_an_answer_without_a_body_does_not_claim_to_be_json(alice: Portal, dock: Project) -> None:
    for answer in (
        alice.put("/projects/dock", {"metadata": {"public": "true"}}),
        alice.post("/projects", {"project_name": "wharf"}),
        alice.delete("/projects/dock"),
    ):
        assert answer.status_code in (200, 201)
        assert answer.text == ""
        assert "json" not in answer.headers.get("content-type", "")
