"""A browser that remembers a password must not be a tool of foreign pages."""

import pytest
from falcon.testing import TestClient

from tests.support.people import People


def create(client: TestClient, headers: dict[str, str]) -> int:
    answer = client.simulate_post("/api/v2.0/projects", json={"project_name": "planted"}, headers=headers)
    return answer.status_code


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_foreign_page_changes_nothing_whoever_is_logged_in(
    client: TestClient, people: People, site: str
) -> None:
    headers = dict(people.basic(people.admin)) | {"Sec-Fetch-Site": site}
    assert create(client, headers) == 403
    assert (
        client.simulate_head(
            "/api/v2.0/projects?project_name=planted", headers=dict(people.basic(people.admin))
        ).status_code
        == 404
    )


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
def test_our_own_pages_and_other_clients_may(
    client: TestClient, people: People, headers: dict[str, str]
) -> None:
    assert create(client, dict(people.basic(people.admin)) | headers) == 201


def test_a_foreign_link_may_be_followed(client: TestClient) -> None:
    assert client.simulate_get("/api/v2.0/ping", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
