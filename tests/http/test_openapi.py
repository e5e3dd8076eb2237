"""The description of the API is given out to programs and to people."""

import gzip
from html.parser import HTMLParser

import pytest
from falcon.testing import TestClient

from moorage.web.app import RootApp

DOCUMENT = "/api/v2.0/openapi.json"
PAGE = "/devcenter"
STYLE = "/devcenter/page.css"


class Read(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.names.append((tag, name))
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "action"):
                self.links.append(value or "")


def test_anybody_may_read_the_document(client: TestClient) -> None:
    answer = client.simulate_get(DOCUMENT)
    assert answer.status_code == 200
    assert answer.json["openapi"].startswith("3.1.")
    assert isinstance(client.app, RootApp)
    paths = answer.json["paths"]
    for endpoint in client.app.endpoints:
        item = paths.get(endpoint.template) or paths.get(endpoint.template + "/")
        item = item or paths[endpoint.template.rstrip("/")]
        assert endpoint.method.lower() in item


@pytest.mark.parametrize("path", [DOCUMENT, PAGE, STYLE])
def test_what_a_client_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.simulate_get(path)
    again = client.simulate_get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.simulate_get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("path", [DOCUMENT, PAGE, STYLE])
def test_it_is_packed_for_whoever_can_unpack_it(client: TestClient, path: str) -> None:
    plain = client.simulate_get(path)
    packed = client.simulate_get(path, headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) * 2 < len(plain.content)


def test_the_page_has_every_operation_and_every_link_leads_somewhere(client: TestClient) -> None:
    page = Read(client.simulate_get(PAGE).text)
    document = client.simulate_get(DOCUMENT).json
    names = {each["operationId"] for item in document["paths"].values() for each in item.values()}
    assert names <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert link in ("", "?", DOCUMENT, STYLE)


def test_the_page_needs_no_script_and_allows_none(client: TestClient) -> None:
    answer = client.simulate_get(PAGE)
    page = Read(answer.text)
    assert not page.tags & {"script", "style", "iframe", "object", "img"}
    assert not [(tag, name) for tag, name in page.names if name == "style" or name.startswith("on")]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_what_descriptions_quote_is_shown_as_code(client: TestClient) -> None:
    page = client.simulate_get(PAGE).text
    assert "`" not in page
    assert "<code>X-Is-Resource-Name: true</code>" in page


def test_a_search_shows_what_has_every_word(client: TestClient) -> None:
    answer = client.simulate_get(PAGE, params={"q": "Delete LABEL"})
    page = Read(answer.text)
    assert "delete_label" in page.ids
    assert "list_labels" not in page.ids
    assert "get_gc" not in page.ids


def test_a_search_finds_nothing(client: TestClient) -> None:
    answer = client.simulate_get(PAGE, params={"q": "zzz"})
    assert answer.status_code == 200
    assert "No operation has" in answer.text


def test_what_is_searched_for_is_text_and_nothing_else(client: TestClient) -> None:
    answer = client.simulate_get(PAGE, params={"q": '"><script>alert(1)</script>'})
    assert "<script" not in answer.text
    assert "script" not in Read(answer.text).tags


def test_a_search_for_too_much_is_refused(client: TestClient) -> None:
    assert client.simulate_get(PAGE, params={"q": "x" * 101}).status_code == 400
