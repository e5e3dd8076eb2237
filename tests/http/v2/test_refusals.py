"""What rules of a project refuse behind the door is in the log, once, with who, where and why."""

from collections.abc import Callable

import pytest

from moorage.audit.model import Entry, Query
from moorage.audit.model import Result as Outcome
from moorage.events import SYSTEM
from moorage.projects.model import Project
from moorage.projects.selectors import Selector
from moorage.services import Services
from tests.http.v2.caller import Caller, digest_of
from tests.support.images import image


@pytest.fixture
def denied(services: Services) -> Callable[[], list[Entry]]:
    """What the log tells of refusals, the oldest first."""

    def entries() -> list[Entry]:
        services.audit.flush()
        return list(services.audit.page(Query(result=Outcome.DENIED), 100).entries)[::-1]

    return entries


def test_a_push_onto_an_immutable_tag(
    alice: Caller, services: Services, dock: Project, denied: Callable[[], list[Entry]]
) -> None:
    first, second = image(), image()
    alice.push("dock/app", first, "v1")
    alice.push("dock/app", second, "next")
    services.immutability.add(
        SYSTEM, dock.id, repositories=Selector("**", "repoMatches"), tags=Selector("v*")
    )
    refused = alice.put_manifest("dock/app", "v1", second.body, second.media_type)
    assert refused.status_code == 412
    (entry,) = denied()
    assert (entry.actor, entry.operation, entry.resource) == ("alice", "push_artifact", "dock/app:v1")
    assert (entry.project_id, entry.project, entry.tag) == (dock.id, "dock", "v1")
    assert entry.detail == refused.json["errors"][0]["message"]
    assert alice.request("DELETE", "/v2/dock/app/manifests/v1").status_code == 412
    assert [each.operation for each in denied()] == ["push_artifact", "delete_artifact"]


def test_a_push_over_the_limit(
    alice: Caller, services: Services, dock: Project, denied: Callable[[], list[Entry]]
) -> None:
    services.quotas.set_limit(SYSTEM, dock.id, 5)
    digest = digest_of(b"abcdef")
    refused = alice.request("POST", f"/v2/dock/app/blobs/uploads/?digest={digest}", b"abcdef")
    assert refused.status_code == 403
    (entry,) = denied()
    assert (entry.actor, entry.operation, entry.project_id) == ("alice", "start_upload", dock.id)
    assert (entry.repository, entry.detail) == ("dock/app", refused.json["errors"][0]["message"])


def test_what_is_no_refusal_of_a_rule_is_not_there(
    alice: Caller, dock: Project, denied: Callable[[], list[Entry]]
) -> None:
    assert alice.get("/v2/dock/app/manifests/none").status_code == 404
    assert alice.put_manifest("dock/app", "v1", b"{", "application/json").status_code == 400
    assert denied() == []
