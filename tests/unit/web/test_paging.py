"""Pages of lists."""

import falcon
import pytest
from falcon.testing import create_environ

from moorage.web.paging import (
    KeyPage,
    NumberedPage,
    PageInvalidError,
    PageNumberInvalidError,
    cut,
    key_page,
    numbered_page,
    tell_total,
)


def request(query: str, path: str = "/v2/_catalog") -> falcon.Request:
    return falcon.Request(create_environ(path=path, query_string=query))


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", KeyPage(1000, "")),
        ("n=5", KeyPage(5, "")),
        ("n=0", KeyPage(0, "")),
        ("n=1001", KeyPage(1000, "")),
        ("n=2147483648", KeyPage(1000, "")),
        ("n=" + "9" * 400, KeyPage(1000, "")),
        ("n=5&last=a%2Fb", KeyPage(5, "a/b")),
        ("last=", KeyPage(1000, "")),
    ],
)
def test_n_and_last_are_read_and_n_is_capped(query: str, page: KeyPage) -> None:
    assert key_page(request(query), 1000) == page


@pytest.mark.parametrize(
    "query", ["n=-1", "n=abc", "n=", "n=1.5", "n=+1", "n=%D9%A1", "n=1&n=2", "n=0x10", "n=1e3"]
)
def test_an_n_that_is_no_number_is_refused(query: str) -> None:
    with pytest.raises(PageNumberInvalidError):
        key_page(request(query), 1000)


@pytest.mark.parametrize("query", ["last=a%00b", "last=a%0Ab", "last=a&last=b", "last=" + "a" * 1025])
def test_a_last_that_can_be_no_key_is_refused(query: str) -> None:
    with pytest.raises(PageInvalidError):
        key_page(request(query), 1000)


def test_a_full_page_links_to_the_one_after_its_last_entry() -> None:
    resp = falcon.Response()
    assert cut(request("n=2"), resp, KeyPage(2, ""), ["a", "b/c", "d"]) == ["a", "b/c"]
    assert resp.get_header("Link") == '</v2/_catalog?n=2&last=b%2Fc>; rel="next"'


@pytest.mark.parametrize("found", [[], ["a"], ["a", "b"]])
def test_the_last_page_has_no_link(found: list[str]) -> None:
    resp = falcon.Response()
    assert cut(request("n=2"), resp, KeyPage(2, ""), found) == found
    assert resp.get_header("Link") is None


def test_a_page_of_nothing_has_no_link() -> None:
    resp = falcon.Response()
    assert list(cut(request("n=0"), resp, KeyPage(0, ""), ["a"])) == []
    assert resp.get_header("Link") is None


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", NumberedPage(1, 10)),
        ("page=3&page_size=100", NumberedPage(3, 100)),
        ("page_size=1", NumberedPage(1, 1)),
    ],
)
def test_harbor_pages_are_read(query: str, page: NumberedPage) -> None:
    assert numbered_page(request(query)) == page


def test_a_harbor_page_knows_where_it_begins() -> None:
    assert (NumberedPage(3, 20).offset, NumberedPage(3, 20).limit) == (40, 20)


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page_size=0", "page_size=101", "page_size=x", "page=" + "9" * 19],
)
def test_harbor_pages_out_of_bounds_are_refused(query: str) -> None:
    with pytest.raises(PageInvalidError):
        numbered_page(request(query))


@pytest.mark.parametrize(
    ("page", "total", "link"),
    [
        (1, 10, None),
        (1, 11, '</api/v2.0/projects?q=a%2Cb&page=2&page_size=10>; rel="next"'),
        (
            2,
            21,
            '</api/v2.0/projects?q=a%2Cb&page=1&page_size=10>; rel="prev" , '
            '</api/v2.0/projects?q=a%2Cb&page=3&page_size=10>; rel="next"',
        ),
    ],
)
def test_harbor_links_keep_the_question(page: int, total: int, link: str | None) -> None:
    resp = falcon.Response()
    req = request(f"q=a%2Cb&page={page}", "/api/v2.0/projects")
    tell_total(req, resp, NumberedPage(page, 10), total)
    assert resp.get_header("X-Total-Count") == str(total)
    assert resp.get_header("Link") == link
