"""Requests as they come in: what is accepted, what is refused, and where bodies go."""

import sys

import pytest
from waitress.adjustments import Adjustments

from moorage.serving.body import Arrival, Held, Spooled
from moorage.serving.parser import SMALL_BODY, RequestParser

ADJUSTMENTS = Adjustments(max_request_body_size=sys.maxsize, max_request_header_size=65536)
UPLOAD = "/v2/library/app/blobs/uploads/0123"


def parsed(data: bytes) -> RequestParser:
    parser = RequestParser(ADJUSTMENTS, "/nowhere")
    while data and not parser.completed and (used := parser.received(data)):
        data = data[used:]
    return parser


def request(line: str, *headers: str, body: bytes = b"", host: str | None = "Host: here") -> RequestParser:
    lines = [f"{line} HTTP/1.1", *([host] if host else []), *headers]
    return parsed("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def sink(parser: RequestParser) -> object:
    assert isinstance(parser.body_rcv, Arrival)
    return parser.body_rcv.sink


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_the_body_of_an_upload_goes_to_the_spool(method: str) -> None:
    parser = request(f"{method} {UPLOAD}?digest=sha256:00", "Content-Length: 5")
    assert isinstance(sink(parser), Spooled)


@pytest.mark.parametrize(
    "line",
    [
        "PUT /v2/library/app/manifests/latest",
        "DELETE " + UPLOAD,
        "GET " + UPLOAD,
        "PUT /api/v2.0/projects",
        "PUT /v2/library/app/manifests/x?y=/blobs/uploads/",
        "PUT /v2/blobs/uploads/",
        "PUT /v2/library%2Fapp/blobs/uploads/0123",
        "PUT /v2/library//app/blobs/uploads/0123",
        "PUT /v2/library/app%5cx/blobs/uploads/0123",
        "PUT /v2/library/app%00/blobs/uploads/0123",
    ],
)
def test_any_other_body_is_held_for_the_application(line: str) -> None:
    assert isinstance(sink(request(line, "Content-Length: 5")), Held)


def test_an_upload_without_a_body_has_nothing_to_spool() -> None:
    for header in ([], ["Content-Length: 0"]):
        parser = request("POST " + UPLOAD, *header)
        assert (parser.completed, parser.body_rcv) == (True, None)


def test_nothing_is_written_before_somebody_admits_the_upload() -> None:
    parser = request("PATCH " + UPLOAD, "Content-Length: 5", body=b"hello")
    assert parser.completed
    spooled = sink(parser)
    assert isinstance(spooled, Spooled)
    assert (spooled.decided, spooled.environ()) == (False, {})


@pytest.mark.parametrize(
    ("headers", "bulky"),
    [
        (["Content-Length: 10"], False),
        ([f"Content-Length: {SMALL_BODY}"], False),
        ([f"Content-Length: {SMALL_BODY + 1}"], True),
        (["Transfer-Encoding: chunked"], True),
        (["Content-Length: 10", "Expect: 100-continue"], True),
    ],
)
def test_long_bodies_and_waiting_clients_are_work_for_a_carrier(headers: list[str], bulky: bool) -> None:
    assert request("PATCH " + UPLOAD, *headers).is_bulky is bulky


def test_the_application_sees_a_chunked_body_with_a_length() -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n"
    parser = request("PUT /v2/a/b/manifests/c", "Transfer-Encoding: Chunked", body=body)
    assert (parser.completed, parser.error) == (True, None)
    assert parser.headers["CONTENT_LENGTH"] == "5"
    assert parser.get_body_stream().read() == b"hello"


def test_headers_are_shown_by_their_names_in_lower_case() -> None:
    parser = request("PUT " + UPLOAD, "Content-Length: 5", "X-Some-Thing: x")
    assert parser.headers_by_name() == {"host": "here", "content-length": "5", "x-some-thing": "x"}


@pytest.mark.parametrize(
    ("target", "seen", "host"),
    [
        ("/v2/?x=1", "/v2/?x=1", "here"),
        ("http://there/v2/?x=1", "/v2/?x=1", "there"),
        ("HTTPS://there:8/v2/", "/v2/", "there:8"),
        ("http://there", "/", "there"),
    ],
)
def test_every_form_of_target_becomes_a_path(target: str, seen: str, host: str) -> None:
    parser = request(f"GET {target}")
    assert (parser.error, parser.request_uri, parser.headers["HOST"]) == (None, seen, host)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\n", id="bare LF ends the request line"),
        pytest.param(b"GET / HTTP/1.1\nHost: here\n\n", id="bare LF everywhere"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\nX: y\r\n\r\n", id="bare LF between headers"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\nX: a\rb\r\n\r\n", id="bare CR in a header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\nX: a\x00b\r\n\r\n", id="zero byte in a header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\nX : y\r\n\r\n", id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\nX: y\r\n z\r\n\r\n", id="folded header"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts"),
        pytest.param(b"GET /\r\n\r\n", id="no version"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: here\r\n\r\n", id="another version"),
        pytest.param(b"get / HTTP/1.1\r\nHost: here\r\n\r\n", id="method in lower case"),
        pytest.param(b"GET  / HTTP/1.1\r\nHost: here\r\n\r\n", id="two spaces"),
        pytest.param(b"GET x HTTP/1.1\r\nHost: here\r\n\r\n", id="target without a slash"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n", id="asterisk"),
        pytest.param(b"CONNECT a:1 HTTP/1.1\r\nHost: here\r\n\r\n", id="authority as target"),
        pytest.param(b"GET /a#b HTTP/1.1\r\nHost: here\r\n\r\n", id="fragment"),
        pytest.param(b"GET /\xc3\xa4 HTTP/1.1\r\nHost: here\r\n\r\n", id="bytes beyond ASCII in the target"),
        pytest.param(b"GET /\x7f HTTP/1.1\r\nHost: here\r\n\r\n", id="control character in the target"),
        pytest.param(b"GET http://[::1/ HTTP/1.1\r\nHost: here\r\n\r\n", id="broken address"),
    ],
)
def test_a_malformed_request_is_refused(data: bytes) -> None:
    parser = parsed(data)
    assert parser.completed
    assert parser.error is not None
    assert parser.error.code == 400


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["Content-Length: 5", "Transfer-Encoding: chunked"], id="length and coding"),
        pytest.param(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], id="coding twice"),
        pytest.param(["Transfer-Encoding: chunked, chunked"], id="coding twice in one header"),
        pytest.param(["Transfer-Encoding: chunked", "Transfer-encoding: identity"], id="two codings"),
        pytest.param(["Transfer-Encoding:"], id="empty coding"),
        pytest.param(["Transfer-Encoding: xchunked"], id="almost the coding"),
        pytest.param(["Transfer-Encoding: chunked;q=1"], id="coding with a parameter"),
        pytest.param(["Content-Length: 5", "Content-Length: 5"], id="length twice"),
        pytest.param(["Content-Length: 5, 5"], id="length twice in one header"),
        pytest.param(["Content-Length: +5"], id="signed length"),
        pytest.param(["Content-Length: -5"], id="negative length"),
        pytest.param(["Content-Length: 0x5"], id="length in another base"),
        pytest.param(["Content-Length: 5_0"], id="length with an underscore"),
        pytest.param(["Content-Length:"], id="empty length"),
        pytest.param(["Content-Length: " + "9" * 5000], id="length of 5000 digits"),
        pytest.param(["Content-Length: 9999999999999999999"], id="length beyond 64 bits"),
    ],
)
def test_a_body_whose_end_could_be_read_in_two_ways_is_refused(headers: list[str]) -> None:
    parser = request("PATCH " + UPLOAD, *headers, body=b"5\r\nhello\r\n0\r\n\r\n")
    assert parser.error is not None
    assert parser.error.code == 400


def test_another_transfer_coding_is_not_implemented() -> None:
    assert request("PUT /x", "Transfer-Encoding: gzip").error.code == 501


def test_a_coding_in_an_old_version_is_refused() -> None:
    data = b"PUT /x HTTP/1.0\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert parsed(data).error.code == 400


def test_headers_without_end_are_too_large() -> None:
    assert request("GET /", *(f"X-{number}: {'y' * 100}" for number in range(700))).error.code == 431


def test_a_long_run_of_spaces_costs_nothing() -> None:
    assert request("GET /", "Transfer-Encoding: a" + " " * 60_000 + "b").error.code in (400, 501)
