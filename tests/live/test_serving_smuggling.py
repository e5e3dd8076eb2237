"""Requests that are meant to be read in two ways: each is refused, and nothing behind it is heard."""

import json
from collections.abc import Iterator

import pytest

from tests.support.serving import Serving

UPLOAD = b"/v2/a/b/blobs/uploads/0"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    started = Serving(tmp_path_factory.mktemp("smuggling")).wait_until_ready()
    yield started
    assert started.child.stop() == 0


def put(*headers: bytes, body: bytes, target: bytes = b"/body", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join([b"PUT " + target + b" " + version, b"Host: x", *headers, b"", b""]) + body


EMPTY_CHUNKS = b"0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"

CORPUS = {
    "length and coding": put(b"Content-Length: 5", CHUNKED, body=EMPTY_CHUNKS + SMUGGLED),
    "coding and length": put(CHUNKED, b"Content-Length: 90", body=EMPTY_CHUNKS + SMUGGLED),
    "two lengths": put(b"Content-Length: 0", b"Content-Length: 40", body=SMUGGLED),
    "two equal lengths": put(b"Content-Length: 2", b"Content-Length: 2", body=b"ab" + SMUGGLED),
    "list of lengths": put(b"Content-Length: 2, 2", body=b"ab" + SMUGGLED),
    "signed length": put(b"Content-Length: +2", body=b"ab" + SMUGGLED),
    "padded length": put(b"Content-Length: 2\x0b", body=b"ab" + SMUGGLED),
    "coding twice": put(CHUNKED, CHUNKED, body=EMPTY_CHUNKS + SMUGGLED),
    "coding twice in a list": put(b"Transfer-Encoding: chunked, chunked", body=EMPTY_CHUNKS + SMUGGLED),
    "identity": put(b"Transfer-Encoding: identity", b"Content-Length: 5", body=EMPTY_CHUNKS + SMUGGLED),
    "unknown coding": put(b"Transfer-Encoding: xchunked", body=EMPTY_CHUNKS + SMUGGLED),
    "coding after a tab": put(b"Transfer-Encoding:\x0bchunked", body=EMPTY_CHUNKS + SMUGGLED),
    "space before the colon": put(b"Transfer-Encoding : chunked", body=EMPTY_CHUNKS + SMUGGLED),
    "folded coding": put(b"Transfer-Encoding:\r\n chunked", body=EMPTY_CHUNKS + SMUGGLED),
    "folded name": put(
        b"X: y\r\n Transfer-Encoding: chunked", b"Content-Length: 5", body=EMPTY_CHUNKS + SMUGGLED
    ),
    "old version": put(CHUNKED, body=EMPTY_CHUNKS + SMUGGLED, version=b"HTTP/1.0"),
    "bare LF in the headers": put(b"Content-Length: 2\nX: y", body=b"ab" + SMUGGLED),
    "bare LF at their end": b"GET /hello HTTP/1.1\r\nHost: x\r\n\n" + SMUGGLED,
    "bare LF everywhere": b"GET /hello HTTP/1.1\nHost: x\n\n" + SMUGGLED,
    "bare CR in a header": put(b"X: a\rContent-Length: 2", body=b"ab" + SMUGGLED),
    "no version": b"GET /hello\r\n\r\n" + SMUGGLED,
    "two hosts": b"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + SMUGGLED,
    "chunk with a bare LF": put(CHUNKED, body=b"2\nab\r\n0\r\n\r\n" + SMUGGLED),
    "chunk that is longer": put(CHUNKED, body=b"2\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size with a prefix": put(CHUNKED, body=b"0x2\r\nab\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size with a sign": put(CHUNKED, body=b"-2\r\nab\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size too long": put(CHUNKED, body=b"00000000000000002\r\nab\r\n0\r\n\r\n" + SMUGGLED),
    "chunk extension with a LF": put(CHUNKED, body=b"2;a\nb\r\nab\r\n0\r\n\r\n" + SMUGGLED),
    "chunk extension that is none": put(CHUNKED, body=b"2;\r\nab\r\n0\r\n\r\n" + SMUGGLED),
    "trailer with a LF": put(CHUNKED, body=b"0\r\nA: b\nC: d\r\n\r\n" + SMUGGLED),
    "upload with length and coding": put(
        b"Content-Length: 5", CHUNKED, body=EMPTY_CHUNKS + SMUGGLED, target=UPLOAD
    ),
    "upload with a bad chunk": put(CHUNKED, body=b"2\r\nabX0\r\n\r\n" + SMUGGLED, target=UPLOAD),
    "upload with a bad chunk, later": put(
        CHUNKED, body=b"20000\r\n" + bytes(0x20000) + b"X\r\n0\r\n\r\n" + SMUGGLED, target=UPLOAD
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_it_is_refused_and_nothing_behind_it_is_heard(serving: Serving, name: str) -> None:
    before = len(serving.noted("request"))
    with serving.connect() as client:
        client.send(CORPUS[name])
        answer = client.answer()
        assert answer.status in (400, 501)
        assert answer.headers["connection"] == "close"
        assert json.loads(answer.body)["errors"][0]["message"]
        assert client.is_closed()
    assert len(serving.noted("request")) == before
    assert serving.spooled() == []


def test_headers_beyond_all_measure_are_refused(serving: Serving) -> None:
    with serving.connect() as client:
        client.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n" + SMUGGLED)
        answer = client.answer()
        assert (answer.status, client.is_closed()) == (431, True)


def test_a_clean_request_with_the_same_marks_passes(serving: Serving) -> None:
    body = b"3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"
    with serving.connect() as client:
        client.send(put(CHUNKED, body=body) + b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert json.loads(client.answer().body)["length"] == 3
        assert client.answer().text == "hello"
