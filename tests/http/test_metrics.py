"""`/metrics`: what the processes did, for those who may know."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from falcon.testing import Result, TestClient
from prometheus_client.parser import text_string_to_metric_families

from moorage.audit.model import Query
from moorage.config import Settings
from moorage.projects.model import Role
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.harbor.portal import Pusher
from tests.support.images import image
from tests.support.people import People

LABELS = ("surface", "operation", "code", "le")


def scraped(result: Result) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels."""
    assert result.status_code == 200
    return {
        (sample.name, tuple(sample.labels[name] for name in LABELS if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(result.text)
        for sample in family.samples
    }


def local(client: TestClient) -> dict[tuple[str, tuple[str, ...]], float]:
    return scraped(client.simulate_get("/metrics", remote_addr="127.0.0.1"))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_this_machine_may_read_them(client: TestClient, address: str) -> None:
    assert client.simulate_get("/metrics", remote_addr=address).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.1", "10.0.0.1", "not an address", None])
def test_nobody_else_may(client: TestClient, address: str | None) -> None:
    assert client.simulate_get("/metrics", remote_addr=address).status_code == 401


def test_administrators_may_from_anywhere(client: TestClient, people: People) -> None:
    for account, status in ((people.admin, 200), (people.alice, 403)):
        answer = client.simulate_get("/metrics", remote_addr="192.0.2.1", headers=people.basic(account))
        assert answer.status_code == status


def test_requests_are_counted_by_surface_operation_and_status(client: TestClient, people: People) -> None:
    people.project("dock", alice=Role.GUEST)
    for _ in range(3):
        client.simulate_get("/api/v2.0/projects/dock", headers=people.basic(people.alice))
    client.simulate_get("/api/v2.0/projects/dock")
    client.simulate_get("/v2/")
    client.simulate_get("/nowhere")
    seen = local(client)
    assert seen["moorage_http_requests_total", ("portal", "get_project", "200")] == 3
    assert seen["moorage_http_requests_total", ("portal", "get_project", "401")] == 1
    assert seen["moorage_http_requests_total", ("registry", "ping", "401")] == 1
    assert seen["moorage_http_requests_total", ("portal", "unrouted", "404")] == 1
    assert seen["moorage_http_seconds_count", ("portal", "get_project")] == 4
    assert seen["moorage_http_seconds_bucket", ("portal", "get_project", "+Inf")] == 4
    assert seen["moorage_http_seconds_sum", ("portal", "get_project")] > 0


def test_what_is_pushed_is_counted(client: TestClient, people: People, services: Services) -> None:
    people.project("dock")
    pushed = Pusher(services)("dock/app", image(layers=2), "1")
    seen = local(client)
    assert seen["moorage_uploads_total", ()] == 3
    assert seen["moorage_upload_bytes_total", ()] == sum(len(blob.data) for blob in pushed.blobs)
    assert seen["moorage_manifests_pushed_total", ()] == 1


def test_the_disk_and_the_release_are_told(client: TestClient, services: Services) -> None:
    seen = local(client)
    free, total = seen["moorage_storage_free_bytes", ()], seen["moorage_storage_total_bytes", ()]
    assert 0 < free < total
    assert seen["moorage_storage_used_ratio", ()] == pytest.approx(1 - free / total, abs=0.01)
    assert seen["moorage_storage_reserve_bytes", ()] == services.settings.storage.reserve_bytes
    assert [value for (name, _), value in seen.items() if name == "moorage_build_info"] == [1]


def test_what_waits_for_a_syslog_server_is_told_where_there_is_one(
    settings: Settings, services: Services, build_services: Callable[[Settings], Services], client: TestClient
) -> None:
    assert not [name for name, _ in local(client) if "syslog" in name]
    told = replace(settings, syslog=replace(settings.syslog, url="tcp://127.0.0.1:9"))
    forwarding = build_services(told)
    People(forwarding).project("dock")
    seen = local(TestClient(root_app(forwarding)))
    assert seen["moorage_syslog_connected", ()] == 0
    assert seen["moorage_syslog_waiting", ()] == forwarding.audit.count(Query()) > 0
    assert 0 <= seen["moorage_syslog_oldest_waiting_seconds", ()] < 60
    assert seen["moorage_syslog_sent_total", ()] == 0
    assert seen["moorage_syslog_dropped_total", ()] == 0


def test_the_queue_of_the_collector_is_told(client: TestClient, people: People, services: Services) -> None:
    people.project("dock")
    Pusher(services)("dock/app", image(layers=2), "1")
    seen = local(client)
    assert seen["moorage_gc_candidates", ()] == 3
    assert seen["moorage_gc_due", ()] == 0
    assert seen["moorage_gc_oldest_due_seconds", ()] == 0
    assert seen["moorage_gc_failing", ()] == 0
