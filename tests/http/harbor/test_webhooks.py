"""`/projects/{}/webhook`: policies, what they are told, and how it was delivered."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from falcon.testing import TestClient

from moorage.cli.prepare import make_ready
from moorage.config import Settings
from moorage.projects.model import Project, Role
from moorage.services import Services
from moorage.web.harbor.render import NEVER
from moorage.webhooks.tables import WebhookPolicyRow
from tests.http.harbor.portal import Portal, Pusher, code_of, message_of
from tests.support.images import image
from tests.support.people import People
from tests.support.receiver import Receiver, Says

ADDRESS = "https://hooks.example.com/secret-path"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers of the tests are on loopback."""
    return replace(settings, outbound=replace(settings.outbound, allow="127.0.0.1"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def policy(*addresses: str, **more: Any) -> dict[str, Any]:
    targets = [
        {"type": "http", "address": each, "auth_header": "Bearer abc", "skip_cert_verify": True}
        for each in addresses or (ADDRESS,)
    ]
    return {
        "name": "ci",
        "description": "tells ci",
        "event_types": ["PUSH_ARTIFACT", "PULL_ARTIFACT"],
        "targets": targets,
        "enabled": True,
        **more,
    }


def made(portal: Portal, *addresses: str, project: str = "dock", **more: Any) -> str:
    answer = portal.post(f"/projects/{project}/webhook/policies", policy(*addresses, **more))
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    return location


def deliver(services: Services) -> None:
    while services.dispatcher.deliver_next():
        pass


def test_a_policy_is_made_read_changed_and_deleted(alice: Portal, dock: Project) -> None:
    answer = alice.post("/projects/dock/webhook/policies", policy())
    path = answer.headers["location"]
    number = int(path.rpartition("/")[2])
    assert path == f"/api/v2.0/projects/{dock.id}/webhook/policies/{number}"
    assert answer.json["id"] == number
    assert len(answer.json["moorage"]["secret"]) > 40
    found = alice.get(path).json
    assert found["targets"] == [
        {"type": "http", "address": ADDRESS, "skip_cert_verify": True, "payload_format": "Default"}
    ]
    assert found["creator"] == "alice"
    assert alice.get("/projects/dock/webhook/policies").json == [found]
    changed = {**found, "name": "other", "enabled": False}
    assert alice.put(path, changed).status_code == 200
    assert alice.get(path).json == {**changed, "update_time": alice.get(path).json["update_time"]}
    assert alice.delete(path).status_code == 200
    assert alice.get(path).status_code == 404


def test_no_answer_and_no_log_shows_a_secret(alice: Portal, dock: Project, services: Services) -> None:
    wanted = policy(moorage={"secret": "a-secret-of-our-own"})
    path = alice.post("/projects/dock/webhook/policies", wanted).headers["location"]
    alice.put(path, wanted)
    shown = [
        alice.get(each).text
        for each in (
            path,
            "/projects/dock/webhook/policies",
            "/projects/dock/webhook/lasttrigger",
            f"{path}/executions",
            "/projects/dock/auditlog-exts",
        )
    ]
    assert not [text for text in shown if "Bearer abc" in text or "a-secret-of-our-own" in text]
    assert "secret-path" not in shown[-1]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 7}, "name"),
        ({"description": "a\0b"}, "description"),
        ({"description": False}, "description"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["PUSH"]}, "event_types"),
        ({"event_types": [["PUSH_ARTIFACT"]]}, "event_types"),
        ({"targets": []}, "targets"),
        ({"targets": [{"type": "http", "address": ADDRESS}] * 2}, "targets"),
        ({"targets": [{"type": "smtp", "address": ADDRESS}]}, "targets[0].type"),
        ({"targets": [{"type": "http"}]}, "targets[0].address"),
        ({"targets": [{"type": "http", "address": ADDRESS, "x": 1}]}, "'x'"),
        ({"targets": [{"type": "http", "address": ADDRESS, "auth_header": "a\r\nX: y"}]}, "auth_header"),
        ({"targets": [{"type": "http", "address": ADDRESS, "skip_cert_verify": "no"}]}, "skip_cert_verify"),
        ({"targets": [{"type": "http", "address": ADDRESS, "payload_format": "XML"}]}, "payload_format"),
        ({"targets": [{"type": "http", "address": ADDRESS, "payload_format": 0}]}, "payload_format"),
        ({"targets": [{"type": "slack", "address": ADDRESS, "payload_format": "CloudEvents"}]}, "Default"),
        ({"targets": [{"type": "http", "address": "ftp://a/"}]}, "http"),
        ({"targets": [{"type": "http", "address": "http://u:p@a/"}]}, "user"),
        ({"targets": [{"type": "http", "address": "http://a/\r\nX"}]}, "address"),
        ({"enabled": "yes"}, "enabled"),
        ({"moorage": {"secret": "short"}}, "moorage.secret"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_policy_that_breaks_the_rules_is_refused_by_name(
    alice: Portal, dock: Project, change: dict[str, Any], word: str
) -> None:
    answer = alice.post("/projects/dock/webhook/policies", policy(**change))
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert word in message_of(answer)
    assert alice.get("/projects/dock/webhook/policies").json == []


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]/", "http://[fe80::1]/"]
)
def test_an_address_that_is_never_called_is_refused_at_once(
    alice: Portal, dock: Project, address: str
) -> None:
    answer = alice.post("/projects/dock/webhook/policies", policy(address))
    assert answer.status_code == 403
    assert "outbound.allow" in message_of(answer)


def test_a_name_is_taken_once(alice: Portal, dock: Project) -> None:
    made(alice)
    answer = alice.post("/projects/dock/webhook/policies", policy())
    assert (answer.status_code, code_of(answer)) == (409, "CONFLICT")


def test_the_list_is_paged_sorted_and_asked(alice: Portal, dock: Project) -> None:
    for name in ("b", "a", "c"):
        made(alice, name=name)
    path = "/projects/dock/webhook/policies"
    assert [each["name"] for each in alice.get(path, sort="-name").json] == ["c", "b", "a"]
    page = alice.get(path, page=2, page_size=2)
    assert [each["name"] for each in page.json] == ["c"]
    assert page.headers["x-total-count"] == "3"
    assert [each["name"] for each in alice.get(path, q="name=~B").json] == ["b"]
    assert [each["name"] for each in alice.get(path, q="name=a").json] == ["a"]
    assert alice.get(path, q="creator=a").status_code == 400


def test_a_push_is_told_and_its_history_can_be_read(
    alice: Portal, dock: Project, services: Services, push: Pusher, receiver: Receiver
) -> None:
    path = made(alice, receiver.url())
    pushed = push("dock/deep/app", image(), "v1")
    deliver(services)
    (got,) = receiver.got
    assert json.loads(got.body)["event_data"]["resources"][0]["digest"] == pushed.digest
    assert got.headers["authorization"] == "Bearer abc"
    (run,) = alice.get(f"{path}/executions").json
    assert (run["status"], run["vendor_type"], run["trigger"]) == ("Success", "WEBHOOK", "EVENT")
    assert run["metrics"] == {"task_count": 1, "success_task_count": 1}
    (task,) = alice.get(f"{path}/executions/{run['id']}/tasks").json
    assert (task["status"], task["run_count"], task["execution_id"]) == ("Success", 1, run["id"])
    log = alice.get(f"{path}/executions/{run['id']}/tasks/{task['id']}/log")
    assert log.headers["content-type"].startswith("text/plain")
    assert "attempt 1: POST" in log.text
    assert "answer 200" in log.text
    number = path.rpartition("/")[2]
    (job,) = alice.get("/projects/dock/webhook/jobs", policy_id=number).json
    assert json.loads(job["job_detail"])["type"] == "PUSH_ARTIFACT"
    assert alice.get("/projects/dock/webhook/jobs", policy_id=number, status="Error").json == []
    assert len(alice.get("/projects/dock/webhook/jobs", policy_id=number, status="success").json) == 1
    triggers = {each["event_type"]: each for each in alice.get("/projects/dock/webhook/lasttrigger").json}
    assert triggers["PUSH_ARTIFACT"]["last_trigger_time"] != NEVER
    assert triggers["PULL_ARTIFACT"]["last_trigger_time"] == NEVER


def test_a_pull_is_told_with_who_pulled(
    client: TestClient,
    people: People,
    alice: Portal,
    dock: Project,
    services: Services,
    push: Pusher,
    receiver: Receiver,
) -> None:
    push("dock/app", image(), "v1")
    made(alice, receiver.url(), event_types=["PULL_ARTIFACT"])
    headers = {**people.basic(people.alice), "Host": "registry.test"}
    for _ in range(3):
        answer = client.simulate_get("/v2/dock/app/manifests/v1", headers=headers)
        assert answer.status_code == 200, answer.text
    services.audit.flush()
    deliver(services)
    (got,) = receiver.got
    body = json.loads(got.body)
    assert (body["type"], body["operator"]) == ("PULL_ARTIFACT", "alice")
    assert body["event_data"]["resources"][0]["tag"] == "v1"


def test_a_push_without_room_is_told(
    client: TestClient,
    people: People,
    admin: Portal,
    alice: Portal,
    dock: Project,
    services: Services,
    push: Pusher,
    receiver: Receiver,
) -> None:
    pushed = push("dock/app", image(), "v1")
    path = made(alice, receiver.url(), event_types=["QUOTA_EXCEED"])
    assert admin.put(f"/quotas/{dock.id}", {"hard": {"storage": 10}}).status_code == 200
    headers = {**people.basic(people.alice), "Host": "registry.test", "Content-Type": pushed.media_type}
    body = json.dumps({**json.loads(pushed.body), "annotations": {"a": "b"}}).encode()
    for _ in range(2):
        answer = client.simulate_put("/v2/dock/app/manifests/v2", headers=headers, body=body)
        assert answer.status_code == 403, answer.text
    deliver(services)
    (got,) = receiver.got
    told = json.loads(got.body)
    assert (told["type"], told["operator"]) == ("QUOTA_EXCEED", "alice")
    assert "storage limit is 10 bytes" in told["event_data"]["custom_attributes"]["Details"]
    assert [each["status"] for each in alice.get(f"{path}/executions").json] == ["Success"]


def test_a_test_can_be_sent(alice: Portal, dock: Project, services: Services, receiver: Receiver) -> None:
    receiver.script = lambda got: Says(500)
    path = made(alice, receiver.url(), enabled=True)
    answer = alice.post(f"{path}/test")
    assert answer.status_code == 201
    deliver(services)
    (task,) = alice.get(answer.headers["location"]).json
    assert (task["status"], task["status_message"]) == ("Pending", "the address answered 500")
    assert receiver.got[0].headers["x-moorage-event"] == "PING"


def test_what_can_be_asked_for_is_told(alice: Portal, dock: Project) -> None:
    found = alice.get("/projects/dock/webhook/events").json
    assert "PUSH_ARTIFACT" in found["event_type"]
    assert found["notify_type"] == ["http", "slack"]
    assert found["payload_formats"] == [
        {"notify_type": "http", "formats": ["Default", "CloudEvents"]},
        {"notify_type": "slack", "formats": ["Default"]},
    ]


def test_nothing_of_another_project_is_found(
    alice: Portal, bob: Portal, dock: Project, pier: Project, services: Services, push: Pusher
) -> None:
    ours, theirs = made(alice), made(bob, project="pier")
    push("pier/app", image(), "v1")
    (run,) = bob.get(f"{theirs}/executions").json
    (task,) = bob.get(f"{theirs}/executions/{run['id']}/tasks").json
    number = theirs.rpartition("/")[2]
    foreign = f"/projects/dock/webhook/policies/{number}"
    for method, path in (
        ("GET", foreign),
        ("PUT", foreign),
        ("DELETE", foreign),
        ("POST", f"{foreign}/test"),
        ("GET", f"{foreign}/executions"),
        ("GET", f"{foreign}/executions/{run['id']}/tasks"),
        ("GET", f"{ours}/executions/{run['id']}/tasks"),
        ("GET", f"{ours}/executions/{run['id']}/tasks/{task['id']}/log"),
        ("GET", f"/projects/dock/webhook/jobs?policy_id={number}"),
    ):
        content = policy() if method == "PUT" else None
        answer = alice.request(method, path, content)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND"), path
    push("dock/app", image(), "v1")
    (own,) = alice.get(f"{ours}/executions").json
    assert alice.get(f"{ours}/executions/{own['id']}/tasks/{task['id']}/log").status_code == 404
    for nonsense in ("0", "x", "9" * 30, "-1"):
        assert alice.get(f"/projects/dock/webhook/policies/{nonsense}").status_code == 404
    assert bob.get(theirs).status_code == 200


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [(Role.GUEST, 403, 403), (Role.DEVELOPER, 403, 403), (Role.MAINTAINER, 200, 403)],
)
def test_roles(
    people: People,
    calling: Callable[[Any], Portal],
    alice: Portal,
    dock: Project,
    role: Role,
    reads: int,
    writes: int,
) -> None:
    path = made(alice)
    carol = people.user("carol")
    alice.post("/projects/dock/members", {"role_id": int(role), "member_user": {"username": "carol"}})
    portal = calling(carol)
    for each in (path, "/projects/dock/webhook/policies", "/projects/dock/webhook/events"):
        assert portal.get(each).status_code == reads
    assert portal.post("/projects/dock/webhook/policies", policy(name="x")).status_code == writes
    assert portal.put(path, policy()).status_code == writes
    assert portal.delete(path).status_code == writes
    assert portal.post(f"{path}/test").status_code == writes


def test_jobs_need_to_be_told_of_which_policy(alice: Portal, dock: Project) -> None:
    assert alice.get("/projects/dock/webhook/jobs").status_code == 400
    number = made(alice).rpartition("/")[2]
    assert alice.get("/projects/dock/webhook/jobs", policy_id=number, status="Odd").status_code == 400


def test_the_server_binds_secrets_of_an_older_release_when_it_starts(
    alice: Portal, dock: Project, services: Services, settings: Settings
) -> None:
    number = int(made(alice).rpartition("/")[2])
    old = services.keyring.seal('{"signing": "of-old", "auth": ["Bearer abc"]}', "webhook")
    WebhookPolicyRow.update(secrets=old).where(WebhookPolicyRow.id == number).execute()
    make_ready(settings)
    (row,) = WebhookPolicyRow.select()
    assert row.secrets != old
    assert services.webhooks.get(dock.id, number).secret == "of-old"
