"""The proxy role's nginx in front of our own server: its very template, filled for a test."""

import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.load import Load
from tests.support.proxy import ROLE, Proxy, render, role_defaults
from tests.support.raw_http import Answer, RawClient, chunked
from tests.support.serving import Serving, wait_until

MIB = 1 << 20
UPLOAD = "/v2/library/app/blobs/uploads/0123"
YES = {"Authorization": "yes"}


class Front:
    """The fixture application behind nginx."""

    def __init__(self, folder: Path, **role: object) -> None:
        sockets = folder / "sockets"
        settings = {"processes": 2, "socket_folder": str(sockets), "behind_nginx": True}
        self.serving = Serving(folder, settings).wait_until_ready()
        self.blobs = folder / "blobs"
        self.blobs.mkdir()
        self.proxy = Proxy(folder / "nginx", sockets, folder, **role)
        self.proxy.start()

    def connect(self, **how: Any) -> RawClient:
        return RawClient(self.proxy.url, **how)

    def stop(self) -> None:
        self.proxy.stop()
        self.serving.child.kill()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    started = Front(tmp_path_factory.mktemp("front"))
    yield started
    wait_until(lambda: not started.serving.spooled(), "something stays in the spool")
    started.stop()


@pytest.fixture
def client(front: Front) -> Iterator[RawClient]:
    with front.connect() as connection:
        yield connection


@pytest.fixture
def new_front(tmp_path: Path) -> Iterator[Callable[..., Front]]:
    running: list[Front] = []

    def start(**role: object) -> Front:
        running.append(Front(tmp_path / str(len(running)), **role))
        return running[-1]

    yield start
    for each in running:
        each.stop()


def told(answer: Answer) -> dict[str, Any]:
    assert answer.status == 201, answer
    found: dict[str, Any] = json.loads(answer.body)
    return found


def code(answer: Answer) -> str:
    assert answer.headers["content-type"] == "application/json"
    found: str = json.loads(answer.body)["errors"][0]["code"]
    return found


# -- uploads


@pytest.mark.parametrize("how", ["length", "chunks"])
@pytest.mark.parametrize("size", [1, 70_000, 9 * MIB + 5])
def test_an_upload_arrives_as_a_file_in_the_spool(
    client: RawClient, front: Front, size: int, how: str
) -> None:
    content = os.urandom(size)
    if how == "length":
        found = told(client.request("PATCH", UPLOAD, YES, content))
    else:
        client.send_request("PATCH", UPLOAD, YES | {"Transfer-Encoding": "chunked"})
        client.send(chunked([content[:1000], content[1000:]]))
        found = told(client.answer())
    assert Path(found["body_file"]).parent == front.serving.spool
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["mode"] == oct(0o100600)
    assert found["stream"] == 0


def test_the_file_goes_with_the_answer_unless_it_was_taken(client: RawClient, front: Front) -> None:
    content, target = os.urandom(MIB), front.serving.folder / "taken"
    told(client.request("PATCH", UPLOAD, YES | {"X-Take": str(target)}, content))
    told(client.request("PATCH", UPLOAD, YES, content))
    wait_until(lambda: not front.serving.spooled(), "the file stays in the spool")
    assert target.read_bytes() == content


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
def test_a_request_without_a_body_is_not_asked_about(client: RawClient, front: Front, method: str) -> None:
    before = len(front.serving.noted("asked"))
    headers = {"Content-Length": "0"} if method in ("POST", "PUT") else {}
    found = told(client.request(method, UPLOAD + "?digest=a%3Ab", headers))
    assert found["body_file"] is None
    assert len(front.serving.noted("asked")) == before


def test_the_application_is_asked_about_exactly_this_upload(client: RawClient, front: Front) -> None:
    spoofed = {"X-Original-Uri": "/v2/mine/x/blobs/uploads/0", "X-Original-Method": "GET"}
    told(client.request("PUT", UPLOAD + "?digest=a%3Ab", YES | spoofed, b"12345"))
    asked = json.loads(front.serving.noted("asked")[-1])
    assert asked == {"METHOD": "PUT", "URI": UPLOAD + "?digest=a%3Ab", "LENGTH": "5"}


def test_a_stranger_is_told_who_to_ask_before_a_byte_is_kept(front: Front) -> None:
    before = len(front.serving.noted("request PATCH"))
    with front.connect() as client:
        client.send_request("PATCH", UPLOAD, {"Content-Length": str(200 * MIB)})
        answer = client.answer()
        assert (answer.status, code(answer)) == (401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"] == 'Bearer realm="here"'
        client.send(bytes(8 * MIB))
        assert front.serving.spooled() == []
    assert len(front.serving.noted("request PATCH")) == before


def test_a_known_caller_without_the_right_is_refused(front: Front) -> None:
    with front.connect() as client:
        client.send_request("PATCH", UPLOAD, {"Authorization": "no", "Content-Length": str(200 * MIB)})
        answer = client.answer()
    assert (answer.status, code(answer)) == (403, "DENIED")
    assert front.serving.spooled() == []


def test_a_body_that_is_cut_off_leaves_nothing(front: Front) -> None:
    before = len(front.serving.noted("request PATCH"))
    with front.connect() as client:
        client.send_request("PATCH", UPLOAD, YES | {"Content-Length": str(4 * MIB)})
        client.send(bytes(2 * MIB))
        wait_until(lambda: bool(front.serving.spooled()), "the body is not on its way")
    wait_until(lambda: not front.serving.spooled(), "the file stays in the spool")
    assert len(front.serving.noted("request PATCH")) == before


@pytest.mark.parametrize("name", ["X-Body-File", "x-body-file", "X_Body_File"])
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/environ", None),
        ("GET", "/v2/library/app/manifests/latest", None),
        ("PUT", "/v2/library/app/manifests/latest", b"{}"),
        ("POST", UPLOAD, b""),
        ("DELETE", UPLOAD, None),
        ("PATCH", UPLOAD, b"content"),
    ],
)
def test_a_file_that_a_client_names_never_reaches_the_application(
    client: RawClient, front: Front, name: str, method: str, target: str, body: bytes | None
) -> None:
    answer = client.request(method, target, YES | {name: "/etc/passwd"}, body)
    assert b"passwd" not in answer.body
    if target == UPLOAD and body == b"content":
        assert Path(told(answer)["body_file"]).parent == front.serving.spool


def test_much_comes_in_beside_a_quick_answer(client: RawClient, front: Front) -> None:
    block = os.urandom(MIB)
    client.send_request("PATCH", UPLOAD, YES | {"Content-Length": str(256 * MIB)})
    for _ in range(255):
        client.send(block)
    with front.connect() as other:
        assert other.request("GET", "/hello").text == "hello"
    client.send(block)
    assert told(client.answer())["sha256"] == hashlib.sha256(block * 256).hexdigest()


# -- blobs


@pytest.fixture
def blob(front: Front) -> tuple[str, bytes]:
    """A blob on the disk: the target that sends it, and its content."""
    content = os.urandom(3 * MIB + 1)
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    path = front.blobs / "sha256" / digest[7:9] / digest[7:]
    path.parent.mkdir(parents=True, exist_ok=True)  # two blobs may share a folder
    path.write_bytes(content)
    return f"/file?accel=/_blobs/sha256/{digest[7:9]}/{digest[7:]}&digest={digest}", content


def is_described(answer: Answer, target: str) -> bool:
    digest = target.rpartition("=")[2]
    expected = {
        "docker-content-digest": digest,
        "etag": f'"{digest}"',
        "docker-distribution-api-version": "registry/2.0",
        "x-content-type-options": "nosniff",
        "content-type": "application/octet-stream",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert not [name for name in answer.headers if name.startswith("x-accel") or name == "x-secret"]
    assert "last-modified" not in answer.headers
    return True


def test_a_blob_comes_from_the_disk_with_its_digest(client: RawClient, blob: tuple[str, bytes]) -> None:
    target, content = blob
    answer = client.request("GET", target)
    assert (answer.status, answer.body) == (200, content)
    assert is_described(answer, target)
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_of_a_blob_has_everything_but_the_body(client: RawClient, blob: tuple[str, bytes]) -> None:
    target, content = blob
    answer = client.request("HEAD", target)
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(content)))
    assert is_described(answer, target)
    assert client.request("GET", "/hello").text == "hello"


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=5-99999999", 5, None)],
)
def test_a_range_of_a_blob_is_that_range(
    client: RawClient, blob: tuple[str, bytes], header: str, start: int, end: int | None
) -> None:
    target, content = blob
    answer = client.request("GET", target, {"Range": header})
    assert (answer.status, answer.body) == (206, content[start:end])
    first = content.index(answer.body)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(content)}"
    assert is_described(answer, target)


def test_several_ranges_at_once_get_the_whole(client: RawClient, blob: tuple[str, bytes]) -> None:
    target, content = blob
    answer = client.request("GET", target, {"Range": "bytes=0-1,5-6"})
    assert (answer.status, answer.body) == (200, content)


def test_a_range_beyond_the_end_is_told_with_the_size(client: RawClient, blob: tuple[str, bytes]) -> None:
    target, content = blob
    answer = client.request("GET", target, {"Range": "bytes=99999999-"})
    assert (answer.status, code(answer)) == (416, "RANGE_INVALID")
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


def test_a_blob_missing_from_the_disk_is_unknown(client: RawClient) -> None:
    answer = client.request("GET", "/file?accel=/_blobs/sha256/00/0000&digest=sha256:0000")
    assert (answer.status, code(answer)) == (404, "BLOB_UNKNOWN")


@pytest.mark.parametrize(
    "target",
    ["/_blobs/sha256/00/00", "/_blobs/../spool/x", "/_admission", "/_upload_without_body", "/_BLOBS/x"],
)
def test_nobody_comes_in_by_the_back_door(client: RawClient, front: Front, target: str) -> None:
    before = len(front.serving.noted("asked"))
    answer = client.request("GET", target, YES)
    assert answer.status == 404
    assert len(front.serving.noted("asked")) == before


# -- everything else


@pytest.mark.parametrize(
    "target",
    [
        "/v2/a%2Fb/manifests/x",
        "/v2/a%2fb/blobs/uploads/0",
        "/v2/a%5Cb/manifests/x",
        "/v2/a\\b/manifests/x",
        "/v2/a%00b/manifests/x",
        "/v2//a/manifests/x",
        "//v2/a/manifests/x",
        "/v2/a/b//blobs/uploads/0",
        "/v2/a/./b/manifests/x",
        "/v2/a/../b/manifests/x",
        "/v2/a/%2e%2E/b/blobs/uploads/0",
        "/v2/a/manifests/..",
        "/%76%32/a%2Fb/manifests/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_path_that_could_be_two_is_refused(
    client: RawClient, front: Front, method: str, target: str
) -> None:
    before = len(front.serving.noted("request"))
    answer = client.request(method, target, YES, b"x" if method == "PUT" else None)
    assert answer.status in (400, 404)
    assert code(answer)
    assert len(front.serving.noted("request")) == before


def test_a_query_may_have_what_a_path_may_not(client: RawClient) -> None:
    answer = client.request("GET", "/v2/library/app/tags/list?last=a%2Fb//c/../d")
    assert answer.text == "nothing here"


@pytest.mark.parametrize(
    ("target", "limit"), [("/v2/library/app/manifests/x", 5 * MIB), ("/api/v2.0/projects", 2 * MIB)]
)
def test_bodies_have_limits_and_the_refusal_is_in_the_protocols_form(
    client: RawClient, front: Front, target: str, limit: int
) -> None:
    assert client.request("PUT", target, body=bytes(limit)).status == 404
    with front.connect() as other:
        other.send_request("PUT", target, {"Content-Length": str(limit + 1)})
        answer = other.answer()
    assert (answer.status, code(answer)) == (413, "SIZE_INVALID")


def test_a_malformed_request_is_refused_in_the_protocols_form(front: Front) -> None:
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n"):
        with front.connect() as client:
            client.send(data)
            answer = client.answer()
            assert (answer.status, code(answer)) == (400, "BAD_REQUEST")


def test_a_header_too_long_is_refused_in_the_protocols_form(client: RawClient) -> None:
    answer = client.request("GET", "/hello", {"X-Long": "x" * 40_000})
    assert (answer.status, code(answer)) == (431, "BAD_REQUEST")


def test_a_long_token_passes(client: RawClient) -> None:
    assert client.request("GET", "/hello", {"Authorization": "Bearer " + "x" * 16_000}).text == "hello"


def test_the_application_learns_the_true_address_host_and_scheme(client: RawClient) -> None:
    spoofed = {
        "X-Forwarded-For": "9.9.9.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil",
        "Forwarded": "for=9.9.9.9",
        "X-Request-Id": "chosen-by-the-client",
    }
    environ = json.loads(client.request("GET", "/environ", spoofed).body)
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert environ["HTTP_HOST"] == "moorage.test"
    assert re.fullmatch("[0-9a-f]{32}", environ["HTTP_X_REQUEST_ID"])
    assert "HTTP_FORWARDED" not in environ


@pytest.mark.parametrize("line", ["204 No Content", "304 Not Modified", "202 Accepted"])
def test_connections_to_the_application_are_kept(front: Front, client: RawClient, line: str) -> None:
    for _ in range(20):
        assert client.request("GET", f"/status?line={line.replace(' ', '+')}&length=0").status == int(
            line[:3]
        )
    used = {json.loads(client.request("GET", "/environ").body)["REMOTE_PORT"] for _ in range(5)}
    assert used == {"None"}  # a Unix socket
    assert _connections(front) <= 2 * 2 * (os.cpu_count() or 1)


def _connections(front: Front) -> int:
    """Connections from nginx to the application, as the kernel lists them."""
    table = Path("/proc/net/unix").read_text().splitlines()
    connected = "03"
    return sum(
        line.endswith(".sock") and str(front.serving.folder) in line and line.split()[5] == connected
        for line in table
    )


# -- when the application is gone


def test_an_application_that_is_gone_is_unavailable_for_a_moment(new_front: Callable[..., Front]) -> None:
    front = new_front()
    front.serving.child.kill()
    for method, body in (("GET", None), ("PATCH", b"content")):
        with front.connect() as client:
            answer = client.request(method, UPLOAD, YES, body)
        assert (answer.status, code(answer)) == (503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0


def test_killing_a_process_under_load_is_not_noticed_by_readers(new_front: Callable[..., Front]) -> None:
    front = new_front()
    load = Load(front.proxy.url, lambda client: client.request("GET", "/hello"))
    load.wait_for_answers(200)
    for pid in front.serving.pids():
        os.kill(pid, signal.SIGKILL)
        load.wait_for_answers(200)
    load.stop()
    assert (load.failures, set(load.answers)) == ([], {"200 hello"})


def test_replacing_the_processes_under_load_is_not_noticed_by_anybody(
    new_front: Callable[..., Front],
) -> None:
    def ask(client: RawClient) -> Answer:
        answer = client.request("PATCH", UPLOAD, YES, bytes(100_000))
        return Answer(answer.version, answer.status, answer.headers, b"")

    front = new_front()
    before = set(front.serving.pids())
    load = Load(front.proxy.url, ask)
    load.wait_for_answers(50)
    front.serving.child.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not before & set(front.serving.pids()), "an old process is left")
    load.wait_for_answers(50)
    load.stop()
    assert (load.failures, set(load.answers)) == ([], {"201 "})


# -- TLS


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    pair = tmp_path / "server.crt", tmp_path / "server.key"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ["-subj", "/CN=moorage.test", "-addext", "subjectAltName=DNS:moorage.test"]
    subprocess.run([*make, *names, "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
    return pair


def test_everything_works_over_tls(new_front: Callable[..., Front], certificate: tuple[Path, Path]) -> None:
    front = new_front(
        proxy_tls=True,
        proxy_tls_certificate=str(certificate[0]),
        proxy_tls_key=str(certificate[1]),
        proxy_http_listen=[],
        proxy_hsts_seconds=600,
    )
    context = ssl.create_default_context(cafile=certificate[0])
    with RawClient(front.proxy.url.replace("https", "http")) as client:
        client.socket = context.wrap_socket(client.socket, server_hostname="moorage.test")
        environ = client.request("GET", "/environ")
        assert json.loads(environ.body)["wsgi.url_scheme"] == "https"
        assert environ.headers["strict-transport-security"] == "max-age=600"
        content = os.urandom(MIB)
        assert (
            told(client.request("PATCH", UPLOAD, YES, content))["sha256"]
            == hashlib.sha256(content).hexdigest()
        )


# -- the role


def test_every_setting_of_the_role_is_described_with_its_default() -> None:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == role_defaults()
    assert all(name.startswith("proxy_") and option["description"] for name, option in options.items())


def test_plain_requests_are_led_to_tls() -> None:
    plain = render({"proxy_tls": True, "proxy_http2": True, "proxy_ktls": True})
    assert "return 308 https://$host$request_uri;" in plain
    assert "listen 443 ssl http2;" in plain
    assert "Options KTLS" in plain


def test_the_service_uses_the_configuration() -> None:
    unit = render({}, "etc/systemd/system/nginx.service.d/moorage.conf.j2")
    assert "ExecStart=/usr/sbin/nginx -c /etc/nginx/moorage.conf" in unit
