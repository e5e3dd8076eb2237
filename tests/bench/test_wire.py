"""The measuring client against answers written by hand."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.errors import BenchError
from tests.bench.payload import DOCKER_CHUNK, PayloadFile
from tests.bench.proofs import prove_digest, prove_list
from tests.bench.wire import Connection


@contextmanager
def server(*conversations: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Accepts one connection a conversation, and answers each request there with the next text."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answers in conversations:
                connection, _ = listener.accept()
                with connection:
                    for answer in answers:
                        heard.append(connection.recv(1 << 20))
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join(10)


def answer(body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def test_a_connection_is_kept_and_opened_again_when_the_server_had_closed_it() -> None:
    with server([answer(b"one"), answer(b"two")], [answer(b"three")]) as (url, heard):
        with Connection(url, {"Authorization": "Bearer t"}) as connection:
            bodies = [connection.request("GET", "/v2/").body for _ in range(3)]
        assert bodies == [b"one", b"two", b"three"]
        assert all(b"Authorization: Bearer t\r\n" in request for request in heard)


def test_chunked_answers_are_put_together() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n"
    with server([text, answer(b"next")]) as (url, _), Connection(url) as connection:
        assert connection.request("GET", "/").body == b"abcdef"
        assert connection.request("GET", "/").body == b"next"


def test_an_answer_that_is_cut_off_is_an_error() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    with (
        server([cut]) as (url, _),
        Connection(url) as connection,
        pytest.raises(BenchError, match="7 bytes early"),
    ):
        connection.request("GET", "/")


def test_a_blob_with_other_bytes_than_were_pushed_is_noticed() -> None:
    digest = f"sha256:{hashlib.sha256(b'right').hexdigest()}"
    with server([answer(b"right"), answer(b"wrong")]) as (url, _), Connection(url) as connection:
        prove_digest(connection, "/", digest, 5)
        with pytest.raises(BenchError, match="not the 5"):
            prove_digest(connection, "/", digest, 5)


def test_a_list_is_followed_over_its_links_and_counted() -> None:
    link = 'Link: </v2/_catalog?n=2&last=b>; rel="next"\r\n'
    pages = [answer(b'{"repositories":["a","b"]}', link), answer(b'{"repositories":["c"]}')]
    with server(pages) as (url, heard), Connection(url) as connection:
        assert prove_list(connection, "/v2/_catalog?n=2", "repositories", at_least=3) == "2 pages"
    assert heard[1].startswith(b"GET /v2/_catalog?n=2&last=b HTTP/1.1\r\n")


def test_a_list_with_missing_or_repeated_names_is_refused() -> None:
    page = answer(b'{"tags":["a","a"]}')
    with server([page, page]) as (url, _), Connection(url) as connection:
        with pytest.raises(BenchError, match="2 names of 3"):
            prove_list(connection, "/", "tags", at_least=3)
        with pytest.raises(BenchError, match="twice"):
            prove_list(connection, "/", "tags", at_least=2)


def test_payloads_differ_and_their_chunks_carry_exactly_their_bytes(tmp_path: Path) -> None:
    file = PayloadFile(tmp_path / "payload", 3 * DOCKER_CHUNK)
    size = 2 * DOCKER_CHUNK + 17
    first, second = file.payload(size), file.payload(size)
    assert first.digest != second.digest
    plain = b"".join(piece for group in first.plain() for piece in group)
    assert (len(plain), f"sha256:{hashlib.sha256(plain).hexdigest()}") == (size, first.digest)
    wire, found = b"".join(piece for group in first.chunked() for piece in group), b""
    while wire:
        length, _, wire = wire.partition(b"\r\n")
        count = int(length, 16)
        assert wire[count : count + 2] == b"\r\n"
        found, wire = found + wire[:count], wire[count + 2 :]
    assert found == plain
