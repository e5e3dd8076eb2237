"""`/projects/{}/metadatas`: the settings of a project, one by one."""

import pytest

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


_VALUES = {
    "enable_content_trust": "true",
    "enable_content_trust_cosign": "false",
    "prevent_vul": "true",
    "severity": "critical",
    "auto_scan": "true",
    "auto_sbom_generation": "true",
    "reuse_sys_cve_allowlist": "false",
    "proxy_speed_kb": "-1",
    "max_upstream_conn": "5",
    "proxy_cache_local_on_not_found": "true",
    "proxy_referrer_api": "true",
    "proxy_cache_filter_pattern": "library/**",
    "proxy_cache_filter_kind": "doublestar",
}


def test_every_setting_of_harbors_is_kept(alice: Portal, dock: Project) -> None:
    assert alice.post("/projects/dock/metadatas/", _VALUES).status_code == 200
    assert alice.get("/projects/dock/metadatas/").json == {"public": "false", **_VALUES}
    assert alice.get("/projects/dock").json["metadata"] == {"public": "false", **_VALUES}
    (listed,) = alice.get("/projects", q="name=dock", with_detail="false").json
    assert listed["metadata"] == {"public": "false", **_VALUES}
    for name in _VALUES:
        assert alice.delete(f"/projects/dock/metadatas/{name}").status_code == 200
    assert alice.get("/projects/dock/metadatas/").json == {"public": "false"}


def test_a_project_is_made_with_its_settings(alice: Portal) -> None:
    body = {"project_name": "wharf", "metadata": {"public": "true", "severity": "High", "auto_scan": ""}}
    assert alice.post("/projects", body).status_code == 201
    assert alice.get("/projects/wharf").json["metadata"] == {"public": "true", "severity": "high"}


def test_a_project_is_not_made_when_a_setting_is_bad(alice: Portal) -> None:
    for metadata in ({"severity": "awful"}, {"invented": "1"}, {"retention_id": "7"}, {"auto_scan": True}):
        body = {"project_name": "wharf", "metadata": metadata}
        assert alice.post("/projects", body).status_code == 400, metadata
    assert alice.head("/projects", project_name="wharf").status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto_scan", "maybe"),
        ("severity", "awful"),
        ("proxy_speed_kb", "-2"),
        ("proxy_speed_kb", "fast"),
        ("max_upstream_conn", "9" * 30),
        ("proxy_cache_filter_kind", "glob"),
        ("proxy_cache_filter_pattern", "x" * 2000),
        ("retention_id", "7"),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused(
    alice: Portal, dock: Project, name: str, value: str
) -> None:
    for answer in (
        alice.put(f"/projects/dock/metadatas/{name}", {name: value}),
        alice.post("/projects/dock/metadatas/", {name: value}),
        alice.put("/projects/dock", {"metadata": {"public": "true", name: value}}),
    ):
        assert answer.status_code == 400
        assert name in message_of(answer)
    assert alice.get("/projects/dock/metadatas/").json == {"public": "false"}


def test_a_setting_is_changed_and_the_others_stay(alice: Portal, dock: Project) -> None:
    alice.put("/projects/dock", {"metadata": {"auto_scan": "true", "severity": "low"}})
    assert alice.put("/projects/dock/metadatas/severity", {"severity": "high"}).status_code == 200
    again = alice.post("/projects/dock/metadatas/", {"severity": "low", "prevent_vul": "true"})
    assert again.status_code == 409
    found = alice.get("/projects/dock/metadatas/").json
    assert found == {"public": "false", "auto_scan": "true", "severity": "high"}


def test_what_is_read_can_be_sent_back(alice: Portal, dock: Project) -> None:
    alice.put(
        "/projects/dock",
        {"metadata": {"auto_scan": "true"}, "cve_allowlist": {"items": [{"cve_id": "CVE-1-1"}]}},
    )
    found = alice.get("/projects/dock").json
    body = {"metadata": found["metadata"], "cve_allowlist": found["cve_allowlist"]}
    assert alice.put("/projects/dock", body).status_code == 200
    assert alice.get("/projects/dock").json == found


def test_the_log_names_what_was_set(admin: Portal, alice: Portal, dock: Project) -> None:
    alice.put("/projects/dock", {"metadata": {"auto_scan": "true", "severity": "low"}})
    alice.put("/projects/dock", {"metadata": {"auto_scan": "true"}})
    (entry,) = admin.get("/auditlog-exts", q="operation=update,resource_type=project").json
    assert entry["moorage"]["detail"] == "auto_scan, severity"


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
