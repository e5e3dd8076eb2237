"""Bodies on their way in, on our own server without nginx."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_http import Answer, NoAnswerError, RawClient, chunked
from tests.support.serving import Serving, wait_until

UPLOAD = "/v2/library/app/blobs/uploads/0123"
MIB = 1 << 20
SIZES = [1, 65535, 65536, 65537, MIB + 3, 9 * MIB + 5]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    started = Serving(tmp_path_factory.mktemp("uploads")).wait_until_ready()
    yield started
    assert started.child.stop() == 0
    assert started.spooled() == []


@pytest.fixture
def client(serving: Serving) -> Iterator[RawClient]:
    with serving.connect() as connection:
        yield connection


def told(answer: Answer) -> dict[str, Any]:
    assert answer.status == 201, answer
    found: dict[str, Any] = json.loads(answer.body)
    return found


def pieces_of(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


# -- what arrives


@pytest.mark.parametrize("size", SIZES)
def test_a_body_of_known_length_arrives_as_a_file_with_its_digest(client: RawClient, size: int) -> None:
    content = os.urandom(size)
    found = told(client.request("PATCH", UPLOAD, body=content))
    assert found["moorage.spooled.length"] == size
    assert found["moorage.spooled.sha256"] == found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["stream"] == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [1000, 32768, 4 * MIB])
def test_a_body_in_chunks_arrives_as_a_file_with_its_digest(client: RawClient, size: int, piece: int) -> None:
    content = os.urandom(size)
    client.send_request("PATCH", UPLOAD, {"Transfer-Encoding": "chunked"})
    client.send(chunked(pieces_of(content, piece)))
    found = told(client.answer())
    assert found["moorage.spooled.length"] == size
    assert found["moorage.spooled.sha256"] == found["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("headers", [{"Content-Length": "0"}, {"Transfer-Encoding": "chunked"}, {}])
def test_an_empty_body_is_no_file(client: RawClient, headers: dict[str, str]) -> None:
    client.send_request("PUT", UPLOAD, headers)
    if "Transfer-Encoding" in headers:
        client.send(chunked([]))
    found = told(client.answer())
    assert not [name for name in found if name.startswith("moorage.")]
    assert found["spool"] == []


def test_the_file_is_for_its_owner_alone(client: RawClient) -> None:
    assert told(client.request("PATCH", UPLOAD, body=b"secret"))["mode"] == oct(0o100600)


def test_the_file_goes_with_the_answer(client: RawClient, serving: Serving) -> None:
    assert len(told(client.request("PATCH", UPLOAD, body=os.urandom(MIB)))["spool"]) == 1
    wait_until(lambda: not serving.spooled(), "the file stays in the spool")


def test_a_file_that_was_taken_stays(client: RawClient, serving: Serving) -> None:
    content, target = os.urandom(MIB), serving.folder / "taken"
    told(client.request("PATCH", UPLOAD, {"X-Take": str(target)}, content))
    told(client.request("PATCH", UPLOAD, body=b"next"))
    assert target.read_bytes() == content


def test_requests_behind_an_upload_are_answered_in_their_order(client: RawClient) -> None:
    body = chunked(pieces_of(os.urandom(MIB), 10_000))
    head = f"PATCH {UPLOAD} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    get = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
    client.send(get + head + body + get + head + body + get)
    statuses = [client.answer().status for _ in range(5)]
    assert statuses == [200, 201, 200, 201, 200]


# -- what is not kept


@pytest.mark.parametrize("size", [1, 65536, 65537, 3 * MIB])
@pytest.mark.parametrize("verdict", ["no", "raise"])
def test_a_refused_body_never_touches_the_disk(client: RawClient, size: int, verdict: str) -> None:
    found = told(client.request("PATCH", UPLOAD, {"X-Verdict": verdict}, os.urandom(size)))
    assert found["moorage.spooled.failed"] == "refused"
    assert "moorage.spooled.path" not in found
    assert found["spool"] == []
    assert client.request("GET", "/hello").text == "hello"


def test_a_judge_that_fails_is_in_the_log(client: RawClient, serving: Serving) -> None:
    told(client.request("PATCH", UPLOAD, {"X-Verdict": "raise"}, b"x"))
    serving.child.wait_for("the judge is ill")


def test_the_judge_is_told_everything(client: RawClient, serving: Serving) -> None:
    told(client.request("PUT", UPLOAD + "?digest=a%3Ab", {"Authorization": "Bearer x"}, b"12345"))
    asked = json.loads(serving.noted("asked")[-1])
    assert (asked["method"], asked["target"]) == ("PUT", UPLOAD + "?digest=a%3Ab")
    assert asked["headers"]["authorization"] == "Bearer x"
    assert asked["headers"]["content-length"] == "5"
    assert asked["address"] == "127.0.0.1"


def test_an_enormous_refused_body_is_answered_before_it_has_come(client: RawClient) -> None:
    client.send_request("PATCH", UPLOAD, {"X-Verdict": "no", "Content-Length": str(1 << 40)})
    answer = client.answer()
    assert told(answer)["moorage.spooled.failed"] == "refused"
    assert answer.headers["connection"] == "close"


def test_an_enormous_refused_body_in_chunks_is_answered_before_its_end(client: RawClient) -> None:
    client.send_request("PATCH", UPLOAD, {"X-Verdict": "no", "Transfer-Encoding": "chunked"})
    piece = chunked([os.urandom(MIB)]).removesuffix(b"0\r\n\r\n")
    for _ in range(20):  # the answer comes in between, and none of this resets the connection
        client.send(piece)
    assert told(client.answer())["moorage.spooled.failed"] == "refused"


def test_a_client_that_waits_is_told_to_go_on(client: RawClient) -> None:
    client.send_request("PATCH", UPLOAD, {"Expect": "100-continue", "Content-Length": "5"})
    assert client.answer().status == 100
    client.send(b"hello")
    assert told(client.answer())["moorage.spooled.length"] == 5
    assert client.request("GET", "/hello").text == "hello"


def test_a_client_that_waits_for_a_refusal_sends_nothing(client: RawClient) -> None:
    client.send_request("PATCH", UPLOAD, {"Expect": "100-continue", "Content-Length": "5", "X-Verdict": "no"})
    answer = client.answer()
    assert told(answer)["moorage.spooled.failed"] == "refused"
    assert answer.headers["connection"] == "close"


def test_a_client_that_waits_with_any_other_body_is_told_to_go_on(client: RawClient) -> None:
    client.send_request("PUT", "/body", {"Expect": "100-continue", "Content-Length": "5"})
    assert client.answer().status == 100
    client.send(b"hello")
    assert json.loads(client.answer().body)["length"] == 5


@pytest.mark.parametrize("sent", [b"", b"a", os.urandom(3 * MIB)], ids=["nothing", "a byte", "3 MiB"])
@pytest.mark.parametrize("how", ["length", "chunks"])
def test_a_body_that_is_cut_off_leaves_nothing(serving: Serving, sent: bytes, how: str) -> None:
    before = len(serving.noted("request PATCH"))
    headers = {"Content-Length": str(4 * MIB)} if how == "length" else {"Transfer-Encoding": "chunked"}
    asked = len(serving.noted("asked"))
    with serving.connect() as client:
        client.send_request("PATCH", UPLOAD, headers)
        client.send(sent if how == "length" else b"%x\r\n%b" % (4 * MIB, sent))
        serving.wait_for_note("asked", asked + 1)
        if len(sent) > 1:
            wait_until(lambda: bool(serving.spooled()), "the body is not on its way")
    wait_until(lambda: not serving.spooled(), "the file stays in the spool")
    with serving.connect() as client:
        assert client.request("GET", "/hello").text == "hello"
    assert len(serving.noted("request PATCH")) == before


# -- other bodies


@pytest.mark.parametrize("size", [1, 600_000, 5 * MIB])
@pytest.mark.parametrize("how", ["length", "chunks"])
def test_any_other_body_is_read_by_the_application(client: RawClient, size: int, how: str) -> None:
    content = os.urandom(size)
    found = json.loads(_put(client, content, how).body)
    assert found == {
        "length": size,
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_length": str(size),
        "too_large": False,
    }


@pytest.mark.parametrize("how", ["length", "chunks"])
def test_any_other_body_that_is_too_large_is_dropped(client: RawClient, how: str) -> None:
    found = json.loads(_put(client, bytes(5 * MIB + 1), how).body)
    assert (found["too_large"], found["length"]) == (True, 0)
    assert client.request("GET", "/hello").text == "hello"


def _put(client: RawClient, content: bytes, how: str) -> Answer:
    if how == "length":
        return client.request("PUT", "/body", body=content)
    client.send_request("PUT", "/body", {"Transfer-Encoding": "chunked"})
    client.send(chunked(pieces_of(content, 100_000)))
    return client.answer()


# -- what it costs


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers of their own kind."""
    running: list[Serving] = []

    def start(**options: Any) -> Serving:
        running.append(Serving(tmp_path / str(len(running)), **options))
        return running[-1].wait_until_ready()

    yield start
    for each in running:
        each.child.kill()


def test_a_full_disk_is_told_and_other_requests_go_on(started: Callable[..., Serving]) -> None:
    serving = started(file_limit=2 * MIB)
    with serving.connect() as client, serving.connect() as other:
        client.send_request("PATCH", UPLOAD, {"Content-Length": str(4 * MIB)})
        client.send(bytes(3 * MIB))
        wait_until(lambda: "cannot spool" in serving.child.output, "the disk is not full")
        assert serving.spooled() == []
        assert other.request("GET", "/hello").text == "hello"
        client.send(bytes(MIB))
        found = told(client.answer())
        assert found["moorage.spooled.failed"] == "full"
        assert "moorage.spooled.path" not in found
        assert told(client.request("PATCH", UPLOAD, body=bytes(MIB)))["moorage.spooled.length"] == MIB


def test_a_full_disk_does_not_wait_for_an_enormous_body(started: Callable[..., Serving]) -> None:
    serving = started(file_limit=2 * MIB)
    with serving.connect() as client:
        client.send_request("PATCH", UPLOAD, {"Content-Length": str(1 << 40)})
        client.send(bytes(4 * MIB))
        assert told(client.answer())["moorage.spooled.failed"] == "full"


def test_a_disk_that_fails_is_told(started: Callable[..., Serving]) -> None:
    serving = started()
    serving.spool.rename(serving.folder / "elsewhere")
    serving.spool.touch()  # a file where the folder was
    with serving.connect() as client:
        client.send_request("PATCH", UPLOAD, {"Content-Length": str(MIB)})
        client.send(bytes(MIB))
        assert client.answer().status == 500  # the fixture lists the folder
    assert "cannot spool" in serving.child.output


def test_memory_stays_flat_while_much_comes_in(started: Callable[..., Serving]) -> None:
    serving = started()
    block = os.urandom(MIB)
    with serving.connect() as first, serving.connect() as second:
        assert first.request("GET", "/hello").text == "hello"
        before = _peak(serving)
        first.send_request("PATCH", UPLOAD, {"Content-Length": str(256 * MIB)})
        second.send_request("PATCH", UPLOAD, {"Transfer-Encoding": "chunked"})
        for _ in range(256):
            first.send(block)
            second.send(b"%x\r\n%b\r\n" % (MIB, block))
        second.send(b"0\r\n\r\n")
        assert told_length(first) == told_length(second) == 256 * MIB
        assert _peak(serving) - before < 20 * MIB


def told_length(client: RawClient) -> int:
    answer = client.answer()
    length: int = json.loads(answer.body)["moorage.spooled.length"]
    return length


def _peak(serving: Serving) -> int:
    status = Path(f"/proc/{serving.pids()[0]}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def test_uploads_that_stand_still_keep_nobody_waiting(started: Callable[..., Serving]) -> None:
    serving = started(settings={"threads": 1})
    stuck = [serving.connect() for _ in range(40)]
    for client in stuck:
        client.send_request("PATCH", UPLOAD, {"Content-Length": str(MIB)})
        client.send(b"begun")
    serving.wait_for_note("asked", 40)
    with serving.connect() as other:
        assert other.request("GET", "/hello").text == "hello"
        assert told(other.request("PATCH", UPLOAD, body=bytes(MIB)))["moorage.spooled.length"] == MIB
    for client in stuck:
        client.socket.close()
    wait_until(lambda: not serving.spooled(), "files stay in the spool")


def test_a_client_that_only_sends_still_gets_its_refusal(serving: Serving) -> None:
    """A client that reads nothing until all is sent, as many libraries do."""
    content = bytes(40 * MIB)
    with serving.connect() as client:
        client.send_request("PATCH", UPLOAD, {"X-Verdict": "no"}, content)
        assert told(client.answer())["moorage.spooled.failed"] == "refused"
        with pytest.raises(NoAnswerError):
            client.request("GET", "/hello")
