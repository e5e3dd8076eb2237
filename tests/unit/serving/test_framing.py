"""Where bodies end, whatever way the bytes come in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.serving.framing import Chunked, Counted, Framing, FramingError

REST = b"GET /next HTTP/1.1\r\n"
Pieces = st.lists(st.binary(min_size=1, max_size=70), max_size=8)


def fed(framing: Framing, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """The content and what follows it, when the data comes in pieces cut at these places."""
    content = b""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        if framing.completed:
            return content, data[start:]
        pieces, used = framing.feed(memoryview(data)[start:end])
        content += b"".join(pieces)
        if used < end - start:
            return content, data[start + used :]
    return content, b""


def in_chunks(pieces: list[bytes], extension: bytes = b"", trailer: bytes = b"") -> bytes:
    body = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return body + b"0\r\n" + trailer + b"\r\n"


def whole(data: bytes) -> tuple[bytes, bytes]:
    return fed(Chunked(), data, [])


@given(Pieces, st.lists(st.integers(0, 2000)))
def test_chunks_give_their_content_and_leave_the_rest_however_they_are_cut(
    pieces: list[bytes], cuts: list[int]
) -> None:
    framing = Chunked()
    assert fed(framing, in_chunks(pieces) + REST, cuts) == (b"".join(pieces), REST)
    assert framing.completed


@given(st.binary(max_size=200), st.lists(st.integers(0, 400)))
def test_a_counted_body_ends_at_its_length_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    framing = Counted(len(content))
    assert fed(framing, content + REST, cuts) == (content, REST)
    assert framing.completed
    assert framing.missing == 0


def test_a_body_that_goes_on_is_not_complete() -> None:
    counted, chunks = Counted(10), Chunked()
    fed(counted, b"nine byte", [])
    fed(chunks, b"9\r\nnine byte\r\n", [])
    assert (counted.completed, counted.missing) == (False, 1)
    assert (chunks.completed, chunks.missing) == (False, None)


@pytest.mark.parametrize("extension", [b";a", b";a=b", b';a="quoted \\" text"', b";a=1;b=2;c"])
def test_well_formed_extensions_are_read_over(extension: bytes) -> None:
    assert whole(in_chunks([b"content"], extension)) == (b"content", b"")


@pytest.mark.parametrize("trailer", [b"Digest: abc\r\n", b"A: 1\r\nB:\r\n"])
def test_trailers_are_read_over(trailer: bytes) -> None:
    assert whole(in_chunks([b"content"], trailer=trailer) + REST) == (b"content", REST)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\r\n5\r\nhello\r\n0\r\n\r\n", id="empty line before the size"),
        pytest.param(b"-5\r\nhello\r\n", id="sign"),
        pytest.param(b"+5\r\nhello\r\n", id="plus"),
        pytest.param(b"0x5\r\nhello\r\n", id="prefix"),
        pytest.param(b"5 \r\nhello\r\n", id="space after the size"),
        pytest.param(b" 5\r\nhello\r\n", id="space before the size"),
        pytest.param(b"5_0\r\nhello\r\n", id="underscore"),
        pytest.param(b"\xc2\xb2\r\nhello\r\n", id="digit outside ASCII"),
        pytest.param(b"5\nhello\r\n", id="bare LF after the size"),
        pytest.param(b"5\n\r\nhello\r\n", id="LF before CR LF"),
        pytest.param(b"5\rX\r\nhello\r\n", id="bare CR in the size line"),
        pytest.param(b"5;\r\nhello\r\n", id="extension without a name"),
        pytest.param(b"5;a\n\r\nhello\r\n", id="bare LF in an extension"),
        pytest.param(b"5;a=b c\r\nhello\r\n", id="space in an extension"),
        pytest.param(b'5;a="open\r\nhello\r\n', id="open quotes"),
        pytest.param(b"5;a\x00\r\nhello\r\n", id="zero byte in an extension"),
        pytest.param(b"11111111111111111\r\n", id="size of 17 digits"),
        pytest.param(b"5\r\nhelloX\r\n0\r\n\r\n", id="chunk longer than its size"),
        pytest.param(b"5\r\nhello\n0\r\n\r\n", id="bare LF after a chunk"),
        pytest.param(b"5\r\nhello0\r\n\r\n", id="no end of line after a chunk"),
        pytest.param(b"5\r\nhelloX", id="junk after a chunk, nothing more yet"),
        pytest.param(b"0\r\n: empty name\r\n\r\n", id="trailer without a name"),
        pytest.param(b"0\r\nA : b\r\n\r\n", id="space before a trailer's colon"),
        pytest.param(b"0\r\nA: b\n\r\n", id="bare LF in a trailer"),
        pytest.param(b"0\r\n folded: x\r\n\r\n", id="folded trailer"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * 3000 + b"\r\n", id="trailers without end"),
        pytest.param(b"5;" + b"a" * 2000, id="line without end"),
    ],
)
def test_chunks_that_could_be_read_in_two_ways_are_an_error(data: bytes) -> None:
    with pytest.raises(FramingError):
        whole(data)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_noise_is_an_error_or_waits_and_never_breaks(noise: bytes, cuts: list[int]) -> None:
    try:
        content, rest = fed(Chunked(), noise, cuts)
    except FramingError:
        return
    assert len(content) + len(rest) <= len(noise)
