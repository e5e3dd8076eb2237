"""Ranges, conditions and bodies."""

import io
from pathlib import Path
from typing import Any

import falcon
import pytest
from falcon.testing import create_environ

from moorage.distribution.errors import SizeMismatchError
from moorage.web.transfer import (
    BodyTooLargeError,
    ContentRangeInvalidError,
    Slice,
    Span,
    UnsatisfiableError,
    chunk_start,
    is_unchanged,
    small_body,
    wanted_span,
)

ETAG = '"sha256:aa"'


def request(headers: dict[str, str] | None = None, body: bytes = b"", **environ: Any) -> falcon.Request:
    made = create_environ(method="PUT", headers=headers or {}, body=body)
    made.update(environ)
    return falcon.Request(made)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-99", Span(0, 100)),
        ("bytes=10-19", Span(10, 10)),
        ("bytes=10-", Span(10, 90)),
        ("bytes=90-1000", Span(90, 10)),
        ("bytes=-5", Span(95, 5)),
        ("bytes=-1000", Span(0, 100)),
        ("BYTES= 1-2 ", Span(1, 2)),
    ],
)
def test_a_range_is_cut_to_the_content(header: str, span: Span) -> None:
    assert wanted_span(request({"Range": header}), ETAG, 100) == span


@pytest.mark.parametrize(
    "header",
    [
        "bytes=-",
        "bytes=2-1",
        "bytes=a-b",
        "bytes",
        "lines=1-2",
        "bytes=1-2,4-5",
        "bytes=1",
        "bytes=--1",
        "bytes=0-0x1",
    ],
)
def test_what_is_no_single_range_means_everything(header: str) -> None:
    assert wanted_span(request({"Range": header}), ETAG, 100) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-1", 0)],
)
def test_a_range_beyond_the_content_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        wanted_span(request({"Range": header}), ETAG, size)


def test_a_range_counts_only_if_the_content_is_still_the_one_it_was_for() -> None:
    assert wanted_span(request({"Range": "bytes=1-2", "If-Range": ETAG}), ETAG, 9) == Span(1, 2)
    assert wanted_span(request({"Range": "bytes=1-2", "If-Range": '"sha256:bb"'}), ETAG, 9) is None
    assert (
        wanted_span(request({"Range": "bytes=1-2", "If-Range": "Mon, 01 Jan 2024 00:00:00 GMT"}), ETAG, 9)
        is None
    )
    assert wanted_span(request({"Range": "bytes=1-2", "If-Range": f"W/{ETAG}"}), ETAG, 9) is None


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [
        (ETAG, True),
        (f"W/{ETAG}", True),
        (f'"x", {ETAG}', True),
        ("*", True),
        ('"x"', False),
        ("sha256:aa", False),
        ("", False),
    ],
)
def test_a_client_that_has_it_is_told_so(header: str, unchanged: bool) -> None:
    assert is_unchanged(request({"If-None-Match": header}), ETAG) is unchanged


def test_without_a_condition_it_is_sent() -> None:
    assert not is_unchanged(request(), ETAG)


@pytest.mark.parametrize("header", ["5-9", "bytes 5-9/*", "bytes 5-9/100", "bytes=5-9", " 5-9 "])
def test_a_chunk_says_where_it_begins(header: str) -> None:
    assert chunk_start(request({"Content-Range": header}), 5) == 5


def test_a_chunk_need_not_say_where_it_begins() -> None:
    assert chunk_start(request(), 5) is None


@pytest.mark.parametrize(
    "header", ["", "5", "5-", "-9", "a-b", "bytes */5", "5-9-", "5-9,10-11", "\u0665-\u0669"]
)
def test_a_malformed_content_range_is_refused(header: str) -> None:
    req = request()
    req.env["HTTP_CONTENT_RANGE"] = header
    with pytest.raises(ContentRangeInvalidError):
        chunk_start(req, 5)


@pytest.mark.parametrize("header", ["5-8", "5-10", "9-5", "5-4"])
def test_a_content_range_of_another_length_than_the_body_is_refused(header: str) -> None:
    with pytest.raises(SizeMismatchError):
        chunk_start(request({"Content-Range": header}), 5)


def test_a_small_body_is_read_whole() -> None:
    assert small_body(request(body=b"12345"), 5) == b"12345"
    assert small_body(request(), 5) == b""


def test_a_body_declared_too_large_is_not_read_at_all() -> None:
    req = request(body=b"123456")
    with pytest.raises(BodyTooLargeError):
        small_body(req, 5)
    assert req.env["wsgi.input"].tell() == 0


def test_a_body_of_unknown_length_is_read_no_further_than_the_limit() -> None:
    stream = io.BytesIO(b"x" * 1000)
    req = request(**{"wsgi.input": stream, "wsgi.input_terminated": True})
    with pytest.raises(BodyTooLargeError):
        small_body(req, 5)
    assert stream.tell() == 6


def test_a_body_that_the_channel_dropped_is_too_large() -> None:
    with pytest.raises(BodyTooLargeError):
        small_body(request(**{"moorage.body.too_large": True}), 5)


class TestSlice:
    def test_it_reads_its_part_and_no_more(self) -> None:
        part = Slice(io.BytesIO(b"0123456789"), Span(2, 5))
        assert part.read(3) + part.read(100) + part.read(1) == b"23456"

    def test_it_reads_all_of_it_at_once(self) -> None:
        assert Slice(io.BytesIO(b"0123456789"), Span(2, 5)).read() == b"23456"

    def test_it_looks_like_a_whole_file(self) -> None:
        part = Slice(io.BytesIO(b"0123456789"), Span(2, 5))
        assert part.tell() == 0
        assert part.seek(0, io.SEEK_END) == 5
        assert part.seek(-2, io.SEEK_CUR) == 3
        assert part.read() == b"56"
        assert part.seekable()

    def test_closing_it_closes_the_file(self) -> None:
        file = io.BytesIO(b"0123456789")
        Slice(file, Span(2, 5)).close()
        assert file.closed

    def test_the_kernel_is_told_where_it_begins(self, tmp_path: Path) -> None:
        path = tmp_path / "blob"
        path.write_bytes(b"0123456789")
        with path.open("rb") as file:
            part = Slice(file, Span(2, 5))
            assert (part.fileno(), part.offset()) == (file.fileno(), 2)
            part.read(1)
            assert part.offset() == 3
