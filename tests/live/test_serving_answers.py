"""Answers on their way out: what the wire shows, files, slow clients, broken applications."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.raw_http import NoAnswerError, RawClient
from tests.support.serving import Serving, wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    started = Serving(tmp_path_factory.mktemp("answers"), {"threads": 2}).wait_until_ready()
    yield started
    assert started.child.stop() == 0


@pytest.fixture
def client(serving: Serving) -> Iterator[RawClient]:
    with serving.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(24 * MIB + 7)


@pytest.fixture(scope="module")
def file(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "content"
    path.write_bytes(content)
    return path


# -- the connection


@pytest.mark.parametrize(
    "target",
    [
        "/status?line=204+No+Content",
        "/status?line=304+Not+Modified",
        "/status?line=304+Not+Modified&length=10",
        "/chunks?count=3",
        "/chunks?count=0",
        "/much?bytes=100000",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_connection_stays_open_after_every_kind_of_answer(
    client: RawClient, method: str, target: str
) -> None:
    for _ in range(3):
        answer = client.request(method, target)
        assert "connection" not in answer.headers
    assert client.request("GET", "/hello").text == "hello"


@pytest.mark.parametrize("line", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_may_not_have_a_body_says_nothing_about_one(client: RawClient, line: str) -> None:
    answer = client.request("GET", f"/status?line={line.replace(' ', '+')}&length=10")
    assert not {"content-length", "transfer-encoding"} & answer.headers.keys()


def test_head_has_the_length_and_no_body(client: RawClient, file: Path, content: bytes) -> None:
    for target in ("/much?bytes=5000", f"/file?path={file}", "/memory?bytes=5000"):
        get = client.request("GET", target)
        head = client.request("HEAD", target)
        assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))


def test_an_answer_without_a_length_comes_in_chunks(client: RawClient) -> None:
    answer = client.request("GET", "/chunks?count=3")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.text == "piece 0\npiece 1\npiece 2\n"


def test_a_client_that_wants_to_close_is_told_so(client: RawClient) -> None:
    answer = client.request("GET", "/hello", {"Connection": "close"})
    assert (answer.text, answer.headers["connection"]) == ("hello", "close")
    assert client.is_closed()


def test_an_old_client_gets_one_answer_and_the_end(client: RawClient) -> None:
    client.send(b"GET /chunks?count=2 HTTP/1.0\r\n\r\n")
    answer = client.answer()
    assert (answer.version, answer.text) == ("HTTP/1.0", "piece 0\npiece 1\n")
    assert client.is_closed()


def test_an_old_client_can_keep_its_connection(client: RawClient) -> None:
    for _ in range(2):
        client.send(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.answer().headers["connection"] == "Keep-Alive"


def test_many_requests_in_one_piece_are_answered_in_order(
    client: RawClient, file: Path, content: bytes
) -> None:
    targets = ["/hello", f"/file?path={file}", "/chunks?count=2", f"/file?path={file}", "/hello"]
    client.send(b"".join(f"GET {each} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for each in targets))
    bodies = [client.answer().body for _ in targets]
    assert bodies == [b"hello", content, b"piece 0\npiece 1\n", content, b"hello"]


def test_a_slow_client_gets_many_answers_in_order(serving: Serving, file: Path, content: bytes) -> None:
    targets = ["/much?bytes=9000000", f"/file?path={file}", "/much?bytes=9000000", "/hello"]
    with serving.connect(receive_buffer=4096) as client:
        client.send(b"".join(f"GET {each} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for each in targets))
        bodies = [client.answer().body for _ in targets]
    assert bodies == [b"m" * 9_000_000, content, b"m" * 9_000_000, b"hello"]


def test_nobody_is_told_what_serves(client: RawClient) -> None:
    answer = client.request("GET", "/hello")
    assert "server" not in answer.headers
    assert "date" in answer.headers


def test_addresses_that_a_client_invents_are_not_passed_on(client: RawClient) -> None:
    spoofed = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "Forwarded": "for=9.9.9.9"}
    environ = json.loads(client.request("GET", "/environ", spoofed).body)
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert not [name for name in environ if "FORWARDED" in name]


# -- an application that fails


def test_an_application_that_fails_tells_the_log_and_not_the_client(
    serving: Serving, client: RawClient
) -> None:
    answer = client.request("GET", "/raise")
    assert answer.status == 500
    assert json.loads(answer.body)["errors"][0]["code"] == "UNKNOWN"
    assert b"secret" not in answer.body
    assert client.is_closed()
    serving.child.wait_for("secret of the application")


def test_an_answer_that_breaks_off_is_seen_to_be_broken(client: RawClient) -> None:
    with pytest.raises((NoAnswerError, ValueError)):
        client.request("GET", "/raise-late")


def test_an_answer_shorter_than_promised_ends_the_connection(client: RawClient) -> None:
    with pytest.raises(NoAnswerError, match="5 of 10 bytes"):
        client.request("GET", "/short")


# -- files


@pytest.mark.parametrize("length", [0, 1, 65536, 65537, 5 * MIB, None])
@pytest.mark.parametrize("raw", ["", "&raw"])
def test_a_file_comes_whole(
    client: RawClient, file: Path, content: bytes, length: int | None, raw: str
) -> None:
    limit = "" if length is None else f"&length={length}"
    for _ in range(2):
        answer = client.request("GET", f"/file?path={file}{limit}{raw}")
        assert answer.body == content[:length]


@pytest.mark.parametrize(("start", "length"), [(0, 10), (1000, 70_000), (24 * MIB, 7), (5, 20 * MIB)])
def test_a_part_of_a_file_is_that_part(
    client: RawClient, file: Path, content: bytes, start: int, length: int
) -> None:
    answer = client.request("GET", f"/file?path={file}&from={start}&length={length}")
    assert answer.body == content[start : start + length]


@pytest.mark.parametrize("size", [10, 70_000, 9 * MIB])
def test_a_file_that_only_this_program_can_read_comes_whole(client: RawClient, size: int) -> None:
    assert client.request("GET", f"/memory?bytes={size}").body == b"m" * size


def test_a_file_that_shrinks_on_the_way_ends_the_connection(serving: Serving, tmp_path: Path) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(bytes(32 * MIB))
    with serving.connect(receive_buffer=4096) as client:
        client.send_request("GET", f"/file?path={path}")
        client.exactly(1000)
        os.truncate(path, 100)
        with pytest.raises((NoAnswerError, ConnectionResetError)):
            client.exactly(32 * MIB)


def test_a_client_that_leaves_in_the_middle_of_a_file_leaves_nothing_open(
    serving: Serving, file: Path
) -> None:
    with serving.connect(receive_buffer=4096) as client:
        client.send_request("GET", f"/file?path={file}")
        client.exactly(1000)
        assert _open_files(serving, file) == 1
    wait_until(lambda: _open_files(serving, file) == 0, "the file stays open")


def _open_files(serving: Serving, path: Path) -> int:
    links = Path(f"/proc/{serving.pids()[0]}/fd").iterdir()
    return sum(os.readlink(link) == str(path) for link in links if link.is_symlink())


@pytest.mark.parametrize("target", ["/file?path={file}", "/much?bytes=12000000", "/memory?bytes=12000000"])
def test_clients_that_do_not_read_keep_nobody_waiting(serving: Serving, file: Path, target: str) -> None:
    stuck = [serving.connect(receive_buffer=4096) for _ in range(20)]
    for client in stuck:
        client.send_request("GET", target.format(file=file))
        client.exactly(100)
    with serving.connect() as other:
        for _ in range(10):
            assert other.request("GET", "/hello").text == "hello"
        assert len(other.request("GET", f"/file?path={file}").body) == file.stat().st_size
    for client in stuck:
        client.socket.close()


def test_a_slow_client_gets_every_byte(serving: Serving, file: Path, content: bytes) -> None:
    with serving.connect(receive_buffer=4096) as client:
        for target, expected in ((f"/file?path={file}", content), ("/much?bytes=9000000", b"m" * 9_000_000)):
            assert client.request("GET", target).body == expected
