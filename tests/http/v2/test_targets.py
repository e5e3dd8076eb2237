"""Paths: malformed names, encoded tricks, unknown routes, methods that are not offered."""

import pytest

from tests.http.v2.caller import Caller, code_of, digest_of
from tests.support import images

DIGEST = digest_of(b"x")
ROUTES = (
    "manifests/1.0",
    f"blobs/{DIGEST}",
    "blobs/uploads/",
    f"blobs/uploads/{'0' * 32}",
    "tags/list",
    f"referrers/{DIGEST}",
)
METHODS = {
    "manifests/1.0": "DELETE, GET, HEAD, PUT",
    f"blobs/{DIGEST}": "DELETE, GET, HEAD",
    "blobs/uploads/": "POST",
    f"blobs/uploads/{'0' * 32}": "DELETE, GET, PATCH, PUT",
    "tags/list": "GET, HEAD",
    f"referrers/{DIGEST}": "GET, HEAD",
}


def test_malformed_names_are_refused_on_every_route(alice: Caller) -> None:
    for name in (
        "app",
        "Dock/app",
        "dock/App",
        "dock/app_",
        "dock/-app",
        "dock/app-",
        "dock/a..b",
        "dock/a___b",
        "dock/.",
        "dock/..",
        "../dock/app",
        "dock/app/.",
        "dock/a b",
        "dock/ä",
        "dock/a:b",
        "dock/a@b",
        "dock/a%2e%2e",
        "dock/" + "a" * 251,
    ):
        for route in ROUTES:
            method = METHODS[route].partition(",")[0]
            answer = alice.request(method, f"/v2/{name}/{route}")
            assert (answer.status_code, code_of(answer)) == (400, "NAME_INVALID"), (name, route)


def test_a_name_as_long_as_it_may_be_is_taken(alice: Caller) -> None:
    answer = alice.get("/v2/dock/" + "a" * 250 + "/tags/list")
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("raw", ["REQUEST_URI", "RAW_URI"])
def test_paths_that_can_be_read_in_two_ways_are_refused(alice: Caller, nobody: Caller, raw: str) -> None:
    alice.push("dock/app", images.image(), "1.0")
    path = "/v2/dock/app/manifests/1.0"
    for target in (
        "/v2/dock%2Fapp/manifests/1.0",
        "/v2/dock%2fapp/manifests/1.0",
        "/v2/dock%5Capp/manifests/1.0",
        "/v2/dock\\app/manifests/1.0",
        "/v2/dock/app%00/manifests/1.0",
        "/v2/dock//app/manifests/1.0",
        "//v2/dock/app/manifests/1.0",
        "/v2//dock/app/manifests/1.0",
        "/v2/dock/app/manifests/1.0//",
        "/v2/x/%2e%2e/dock/app/manifests/1.0",
        "/v2/x/%2E%2E/dock/app/manifests/1.0",
        "/v2/x/.%2e/dock/app/manifests/1.0",
        "/v2/x/%2e./dock/app/manifests/1.0",
        "http://registry.test/v2/dock%2fapp/manifests/1.0",
    ):
        for caller in (alice, nobody):
            answer = caller.request("GET", path, **{raw: target})
            assert (answer.status_code, code_of(answer)) == (400, "NAME_INVALID"), target
            assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_what_a_query_has_encoded_is_no_concern_of_the_path(alice: Caller) -> None:
    alice.push("dock/app", images.image(), "1.0")
    for target in (
        "/v2/dock/app/manifests/1.0?x=a%2Fb//%00",
        "http://registry.test/v2/dock/app/manifests/1.0",
        "/v2/dock/app/manifests/1%2e0",
    ):
        answer = alice.request("GET", "/v2/dock/app/manifests/1.0", REQUEST_URI=target)
        assert answer.status_code == 200, target


@pytest.mark.parametrize(
    "path",
    [
        "/v2/nothing",
        "/v2/dock/app",
        "/v2/dock/app/manifests",
        "/v2/dock/app/manifests/",
        "/v2/dock/app/blobs/",
        "/v2/dock/app/tags",
        "/v2/dock/app/tags/list/",
        "/v2/_catalog/",
        "/v2/_Catalog",
        "/v2/dock/app/referrers/",
        "/v2/dock/app/blobs/uploads/a/b",
    ],
)
def test_a_path_that_means_nothing_is_not_found(nobody: Caller, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = nobody.request(method, path)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
        assert answer.headers["Content-Type"] == "application/json"


def test_a_method_that_is_not_offered_is_refused(nobody: Caller) -> None:
    for route, offered in METHODS.items():
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            if method in offered:
                continue
            answer = nobody.request(method, f"/v2/dock/app/{route}")
            assert answer.status_code == 405, (method, route)
            assert answer.headers["Allow"] == offered
            assert method == "HEAD" or code_of(answer) == "UNSUPPORTED"
    for path in ("/v2/", "/v2/_catalog"):
        answer = nobody.request("POST", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_a_method_that_nobody_knows_is_refused_in_the_same_form(nobody: Caller) -> None:
    for method in ("BREW", "WEBSOCKET"):
        with pytest.warns(Warning, match="Unknown REQUEST_METHOD"):
            answer = nobody.request(method, "/v2/dock/app/tags/list")
        assert answer.status_code in (400, 405)
        assert code_of(answer)


def test_a_malformed_host_is_not_repeated(nobody: Caller) -> None:
    answer = nobody.request("GET", "/v2/", headers={"Host": 'x"y'})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert 'x"y' not in answer.text


def test_a_request_id_is_repeated_or_made(nobody: Caller) -> None:
    for sent in ("abc-1.2_X", "a" * 64):
        assert nobody.get("/v2/", X_Request_Id=sent).headers["X-Request-Id"] == sent
    made = set()
    for sent in ("", "a" * 65, "a b", "<script>", "é"):
        found = nobody.request("GET", "/v2/", HTTP_X_REQUEST_ID=sent).headers["X-Request-Id"]
        assert len(found) == 32
        made.add(found)
    assert len(made) == 5


def test_only_the_registrys_own_paths_are_the_registrys(nobody: Caller) -> None:
    for path in ("/v2x", "/v2x/dock/app/tags/list", "/service/token/", "/V2/", "/", "/_admission/"):
        answer = nobody.get(path)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND"), path
        assert "Docker-Distribution-Api-Version" not in answer.headers
