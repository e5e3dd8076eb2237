"""`/configurations`, and what its settings do: who may create projects, how large they get, read-only."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from falcon.testing import TestClient

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.jobs.tables import ScheduleRow
from moorage.projects.model import Project
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.harbor.portal import Portal, Pusher, code_of, message_of
from tests.support.images import image
from tests.support.people import People


def test_every_setting_has_a_value_and_says_whether_it_can_be_changed(admin: Portal) -> None:
    found = admin.get("/configurations").json
    assert found["auth_mode"] == {"value": "db_auth", "editable": False}
    assert found["read_only"] == {"value": False, "editable": True}
    assert all(set(each) == {"value", "editable"} for each in found.values())
    assert not [name for name in found if "secret" in name or "password" in name]
    assert admin.get("/internalconfig").json == found


@pytest.mark.parametrize("path", ["/configurations", "/internalconfig"])
def test_only_administrators_see_them(alice: Portal, nobody: Portal, path: str) -> None:
    assert alice.get(path).status_code == 403
    assert nobody.get(path).status_code == 401


def test_only_administrators_change_them(admin: Portal, alice: Portal, nobody: Portal) -> None:
    assert alice.put("/configurations", {"read_only": True}).status_code == 403
    assert nobody.put("/configurations", {"read_only": True}).status_code == 401
    assert admin.get("/configurations").json["read_only"]["value"] is False


def test_a_whole_form_can_be_sent_back_with_one_change(admin: Portal) -> None:
    form = {name: each["value"] for name, each in admin.get("/configurations").json.items()}
    assert admin.put("/configurations", {**form, "banner_message": "Closed on Monday"}).status_code == 200
    assert admin.get("/configurations").json["banner_message"]["value"] == "Closed on Monday"
    assert admin.get("/systeminfo").json["banner_message"] == "Closed on Monday"


_REFUSED = [
    ({"self_registration": True}, 403, "self_registration"),
    ({"auth_mode": "ldap_auth"}, 403, "auth_mode"),
    ({"robot_name_prefix": "r-"}, 403, "robot_name_prefix"),
    ({"ldap_search_password": "x"}, 403, "ldap_search_password"),
    ({"read_only": "true"}, 400, "read_only"),
    ({"session_timeout": 0}, 400, "session_timeout"),
    ({"invented": 1}, 400, "invented"),
]


@pytest.mark.parametrize(("body", "status", "name"), _REFUSED)
def test_a_change_that_cannot_be_is_refused(
    admin: Portal, body: dict[str, object], status: int, name: str
) -> None:
    refused = admin.put("/configurations", {"banner_message": "half", **body})
    assert refused.status_code == status
    assert name in message_of(refused)
    assert admin.get("/configurations").json["banner_message"]["value"] == ""


def test_who_may_create_projects_is_changed_at_once(admin: Portal, alice: Portal) -> None:
    assert alice.post("/projects", {"project_name": "one"}).status_code == 201
    admin.put("/configurations", {"project_creation_restriction": "adminonly"})
    assert alice.post("/projects", {"project_name": "two"}).status_code == 403
    assert alice.get("/systeminfo").json["project_creation_restriction"] == "adminonly"


def test_new_projects_get_the_storage_limit_that_was_set(admin: Portal) -> None:
    admin.put("/configurations", {"storage_per_project": 1234})
    admin.post("/projects", {"project_name": "small"})
    assert admin.get("/projects/small/summary").json["quota"]["hard"]["storage"] == 1234


def test_the_log_tells_who_changed_what_and_not_to_what(admin: Portal) -> None:
    admin.put("/configurations", {"banner_message": "s3cret"})
    (entry,) = admin.get("/auditlog-exts", q="operation=update,resource_type=configuration").json
    assert entry["moorage"]["detail"] == "banner_message"
    assert "s3cret" not in str(entry)


class TestReadOnly:
    """Nothing changes but the switch."""

    @pytest.fixture(autouse=True)
    def _read_only(self, admin: Portal, dock: Project, push: Pusher) -> None:
        push("dock/app", image(), "1")
        assert admin.put("/configurations", {"read_only": True}).status_code == 200

    def test_everything_can_be_read(self, admin: Portal) -> None:
        assert admin.get("/projects/dock").status_code == 200
        assert admin.get("/systeminfo").json["read_only"] is True

    def test_the_api_changes_nothing_for_anybody(self, admin: Portal, alice: Portal) -> None:
        for portal in (admin, alice):
            for method, path, body in (
                ("POST", "/projects", {"project_name": "new"}),
                ("PUT", "/projects/dock", {"metadata": {"public": "true"}}),
                ("DELETE", "/projects/dock/repositories/app", None),
                ("DELETE", "/projects/dock/repositories/app/artifacts/1", None),
            ):
                refused = portal.request(method, path, body)
                assert (refused.status_code, code_of(refused)) == (403, "DENIED"), (method, path)
                assert "read-only" in message_of(refused)
        assert admin.get("/projects/dock/repositories/app/artifacts/1").status_code == 200

    def test_a_stranger_learns_no_more_than_ever(self, nobody: Portal, bob: Portal) -> None:
        assert nobody.delete("/projects/dock").status_code == 401
        assert "read-only" not in message_of(bob.delete("/projects/dock"))

    def test_the_registry_takes_nothing_and_gives_everything(
        self, client: TestClient, people: People
    ) -> None:
        headers = dict(people.basic(people.admin))
        for method, path in (
            ("POST", "/v2/dock/app/blobs/uploads/"),
            ("PUT", "/v2/dock/app/manifests/2"),
            ("DELETE", "/v2/dock/app/manifests/1"),
        ):
            refused = client.simulate_request(method, path, headers=headers)
            assert (refused.status_code, refused.json["errors"][0]["code"]) == (403, "DENIED")
        assert client.simulate_get("/v2/dock/app/manifests/1", headers=headers).status_code == 200

    def test_no_body_is_let_in(self, services: Services, people: People) -> None:
        admission = root_app(services).admission
        headers = {key.lower(): value for key, value in people.basic(people.admin).items()}
        target = "/v2/dock/app/blobs/uploads/"
        assert admission("POST", target, headers, "192.0.2.1") is False
        services.site.change(SYSTEM, {"read_only": False})
        assert admission("POST", target, headers, "192.0.2.1") is True

    def test_people_still_log_in(self, client: TestClient, people: People) -> None:
        form = f"grant_type=password&service=moorage&username={people.admin.name}&password=x"
        answer = client.simulate_post(
            "/service/token", body=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 401  # the password is looked at
        assert client.simulate_get("/service/token", headers=people.basic(people.admin)).status_code == 200

    def test_scheduled_jobs_wait_for_its_end(self, services: Services, admin: Portal) -> None:
        (plan,) = [chore for chore in services.chores() if chore.name == "plan jobs"]
        plan.run()
        admin.put("/configurations", {"read_only": False})
        admin.put("/system/gc/schedule", {"schedule": {"type": "Hourly"}})
        ScheduleRow.update(next_at=datetime(2026, 1, 1, tzinfo=UTC)).where(ScheduleRow.kind == "gc").execute()
        admin.put("/configurations", {"read_only": True})
        plan.run()
        assert admin.get("/system/gc").json == []
        admin.put("/configurations", {"read_only": False})
        plan.run()
        assert len(admin.get("/system/gc").json) == 1

    def test_it_ends_when_an_administrator_says_so(self, admin: Portal, alice: Portal) -> None:
        assert admin.put("/configurations", {"read_only": False}).status_code == 200
        assert alice.post("/projects", {"project_name": "new"}).status_code == 201

    def test_the_refusal_is_in_the_log(self, admin: Portal, alice: Portal, services: Services) -> None:
        alice.delete("/projects/dock")
        services.audit.flush()
        (entry,) = admin.get("/auditlog-exts", q="result=denied").json
        assert (entry["username"], entry["operation"]) == ("alice", "delete")


def test_clients_fetch_the_certificate_and_nothing_else_of_its_file(
    settings: Settings, build_services: Callable[[Settings], Services], tmp_path: Path
) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"
    file = tmp_path / "ca.pem"
    named = replace(settings, server=replace(settings.server, ca_file=str(file)))
    portal = Portal(TestClient(root_app(build_services(named))), {})
    assert portal.get("/systeminfo/getcert").status_code == 404
    assert portal.get("/systeminfo").json["has_ca_root"] is False
    for content in (key, ""):
        file.write_text(content)
        assert portal.get("/systeminfo/getcert").status_code == 404
    file.write_text(f"{certificate}\n{key}\n{certificate}\n")
    answer = portal.get("/systeminfo/getcert")
    assert answer.text == f"{certificate}\n{certificate}\n"
    assert "ca.crt" in answer.headers["content-disposition"]
    assert portal.get("/systeminfo").json["has_ca_root"] is True


def test_without_a_certificate_there_is_none(nobody: Portal) -> None:
    refused = nobody.get("/systeminfo/getcert")
    assert (refused.status_code, code_of(refused)) == (404, "NOT_FOUND")
