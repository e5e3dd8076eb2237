"""Bodies of deliveries."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from moorage.webhooks import signature
from moorage.webhooks.model import PING, EventType, Format, Occurrence, Target, TargetKind
from moorage.webhooks.payloads import (
    CLOUD_TYPES,
    artifact_facts,
    payload,
    ping_facts,
    quota_facts,
    retention_facts,
)

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
HTTP = Target(TargetKind.HTTP, "https://h.example/")
CLOUD = Target(TargetKind.HTTP, "https://h.example/", payload_format=Format.CLOUD_EVENTS)
SLACK = Target(TargetKind.SLACK, "https://h.example/")


def told(facts, event_type=EventType.PUSH_ARTIFACT, operator="alice"):
    return Occurrence(5, 3, event_type, operator, facts, AT)


def artifact(tag="v1", **more):
    return artifact_facts(
        host="registry.example.com",
        at=AT,
        repository="dock/deep/app",
        public=True,
        created_at=AT,
        references=[(tag, DIGEST)],
        **more,
    )


def body(occurrence, target):
    return json.loads(payload(occurrence, 1, target).body)


def test_harbors_form_has_harbors_fields_and_no_others():
    assert body(told(artifact(request_id="r1")), HTTP) == {
        "type": "PUSH_ARTIFACT",
        "occur_at": 1772600767,
        "operator": "alice",
        "event_data": {
            "resources": [
                {
                    "digest": DIGEST,
                    "tag": "v1",
                    "resource_url": "registry.example.com/dock/deep/app:v1",
                }
            ],
            "repository": {
                "date_created": 1772600767,
                "name": "deep/app",
                "namespace": "dock",
                "repo_full_name": "dock/deep/app",
                "repo_type": "public",
            },
        },
    }


def test_a_cloud_event_has_every_required_attribute():
    event = body(told(artifact(request_id="r1")), CLOUD)
    assert event.pop("data")["resources"][0]["digest"] == DIGEST
    assert event == {
        "specversion": "1.0",
        "id": "5",
        "source": "/projects/1/webhook/policies/3",
        "type": "harbor.artifact.pushed",
        "datacontenttype": "application/json",
        "time": "2026-03-04T05:06:07Z",
        "operator": "alice",
        "requestid": "r1",
    }
    assert all(name.isalnum() and name.islower() for name in event)


def test_every_event_has_a_type_of_its_own():
    assert set(CLOUD_TYPES) == {*EventType, PING}
    assert len(set(CLOUD_TYPES.values())) == len(CLOUD_TYPES)


def test_what_is_empty_is_left_out_of_a_cloud_event():
    event = body(told(artifact(), operator=""), CLOUD)
    assert {"operator", "requestid"} & set(event) == set()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (artifact(), "registry.example.com/dock/deep/app:v1"),
        (artifact(""), f"registry.example.com/dock/deep/app@{DIGEST}"),
        (
            quota_facts(at=AT, repository="dock/app", public=False, created_at=None, details="full"),
            "dock/app",
        ),
        (
            retention_facts(
                at=AT, host="h", project="dock", policy_id=1, total=9, retained=4, state="success"
            ),
            "project dock: 4 of 9 artifacts kept, success",
        ),
        (ping_facts(at=AT, project="dock"), "a test of a webhook of project dock"),
    ],
)
def test_slack_is_told_in_words(facts, said):
    message = body(told(facts), SLACK)
    assert message["text"].endswith(said)
    assert said in message["blocks"][0]["text"]["text"]


def test_names_cannot_call_people_in_slack():
    message = json.dumps(body(told(artifact(), operator="<!channel> & <http://x|y>"), SLACK))
    assert "<" not in message
    assert "&lt;!channel&gt; &amp;" in message


def test_the_signature_covers_time_and_body():
    found = signature.headers(secret="k" * 20, timestamp=7, body=b"{}", delivery_id=9, event_type="PING")
    expected = hmac.new(b"k" * 20, b"7.{}", hashlib.sha256).hexdigest()
    assert found == {
        "X-Moorage-Delivery": "9",
        "X-Moorage-Event": "PING",
        "X-Moorage-Timestamp": "7",
        "X-Moorage-Signature": f"sha256={expected}",
    }
    assert signature.signed("k" * 20, 8, b"{}") != found["X-Moorage-Signature"]
    assert signature.signed("k" * 21, 7, b"{}") != found["X-Moorage-Signature"]
