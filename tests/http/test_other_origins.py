"""Pages of other origins: a browser is never told that they may read what is here."""

import pytest
from falcon.testing import TestClient

from tests.support.people import People


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/v2/", "/v2/_catalog", "/api/v2.0/projects", "/api/v2.0/users/current", "/service/token"]
)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://registry.test.evil.example"])
def test_no_answer_lets_another_origin_read_it(
    client: TestClient, people: People, method: str, path: str, origin: str
) -> None:
    answer = client.simulate_request(
        method,
        path,
        headers={
            **people.basic(people.alice),
            "Host": "registry.test",
            "Origin": origin,
            "Access-Control-Request-Method": "DELETE",
        },
    )
    assert [name for name in answer.headers if name.startswith("access-control-")] == []
