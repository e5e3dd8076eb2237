"""Blobs over HTTP: whole, in ranges, under conditions."""

from pathlib import Path

import pytest

from moorage.config import Settings
from tests.http.v2.caller import Caller, code_of, digest_of
from tests.support import images

DATA = bytes(range(100))
EMPTY = digest_of(b"")


@pytest.fixture
def path(alice: Caller) -> str:
    """The path of a blob of 100 bytes."""
    return f"/v2/dock/app/blobs/{alice.push_blob('dock/app', DATA)}"


def test_a_blob_comes_back(alice: Caller, path: str) -> None:
    answer = alice.get(path)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == "100"
    assert answer.headers["Docker-Content-Digest"] == digest_of(DATA)
    assert answer.headers["ETag"] == f'"{digest_of(DATA)}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_head_has_the_headers_of_get_and_no_body(alice: Caller, path: str) -> None:
    got, head = alice.get(path), alice.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name, value in got.headers.items():
        if name.lower() != "x-request-id":
            assert head.headers[name] == value, name
    assert len(got.headers) == len(head.headers)


def test_an_empty_blob_is_a_blob(alice: Caller) -> None:
    alice.push_blob("dock/app", b"")
    answer = alice.get(f"/v2/dock/app/blobs/{EMPTY}")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
    assert alice.request("HEAD", f"/v2/dock/app/blobs/{EMPTY}").headers["Content-Length"] == "0"


def test_sha512_works_as_well(alice: Caller) -> None:
    digest = alice.push_blob("dock/app", DATA, "sha512")
    answer = alice.get(f"/v2/dock/app/blobs/{digest}")
    assert (answer.content, answer.headers["Docker-Content-Digest"]) == (DATA, digest)


def test_a_range_is_sent_alone(alice: Caller, path: str) -> None:
    for wanted, sent, content in (
        ("bytes=0-9", "bytes 0-9/100", DATA[:10]),
        ("bytes=5-5", "bytes 5-5/100", DATA[5:6]),
        ("bytes=90-", "bytes 90-99/100", DATA[90:]),
        ("bytes=-7", "bytes 93-99/100", DATA[93:]),
        ("bytes=0-", "bytes 0-99/100", DATA),
        ("bytes=50-5000", "bytes 50-99/100", DATA[50:]),
        ("bytes=-5000", "bytes 0-99/100", DATA),
    ):
        answer = alice.get(path, Range=wanted)
        assert (answer.status_code, answer.content) == (206, content), wanted
        assert answer.headers["Content-Range"] == sent
        assert answer.headers["Content-Length"] == str(len(content))
        assert answer.headers["Docker-Content-Digest"] == digest_of(DATA)


def test_a_range_beyond_the_end_is_refused(alice: Caller, path: str) -> None:
    for wanted in ("bytes=100-", "bytes=100-200", "bytes=-0"):
        answer = alice.get(path, Range=wanted)
        assert (answer.status_code, code_of(answer)) == (416, "RANGE_INVALID")
        assert answer.headers["Content-Range"] == "bytes */100"
        assert "Cache-Control" not in answer.headers
        assert "ETag" not in answer.headers


def test_other_ranges_get_the_whole(alice: Caller, path: str) -> None:
    for wanted in ("bytes=0-1,5-6", "bytes=x", "items=0-1", "bytes=9-1"):
        answer = alice.get(path, Range=wanted)
        assert (answer.status_code, answer.content) == (200, DATA)


def test_a_range_of_something_else_gets_the_whole(alice: Caller, path: str) -> None:
    etag = f'"{digest_of(DATA)}"'
    assert alice.get(path, Range="bytes=0-9", If_Range=etag).status_code == 206
    assert alice.get(path, Range="bytes=0-9", If_Range='"sha256:other"').status_code == 200


def test_a_client_that_has_it_is_not_sent_it_again(alice: Caller, path: str) -> None:
    etag = f'"{digest_of(DATA)}"'
    for method in ("GET", "HEAD"):
        answer = alice.request(method, path, headers={"If-None-Match": etag, "Range": "bytes=1000-"})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
    assert alice.get(path, If_None_Match='"sha256:other"').status_code == 200


def test_a_blob_that_is_not_there(alice: Caller, path: str) -> None:
    alice.push_blob("dock/other", b"something")
    for absent in (f"/v2/dock/app/blobs/{digest_of(b'nope')}", path.replace("dock/app", "dock/other")):
        for method in ("GET", "HEAD", "DELETE"):
            answer = alice.request(method, absent)
            assert answer.status_code == 404
            assert method == "HEAD" or code_of(answer) == "BLOB_UNKNOWN"


def test_a_malformed_digest_is_refused(alice: Caller) -> None:
    for digest in (
        "sha256:abc",
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "SHA256:" + "a" * 64,
        "md5:" + "a" * 32,
        "sha256",
        "a" * 64,
        "sha512:" + "a" * 64,
        ":",
    ):
        for method in ("GET", "HEAD", "DELETE"):
            answer = alice.request(method, f"/v2/dock/app/blobs/{digest}")
            assert answer.status_code == 400, (method, digest)
            assert method == "HEAD" or code_of(answer) == "DIGEST_INVALID", (method, digest)


def test_a_deleted_blob_is_gone_from_its_repository_alone(alice: Caller, path: str) -> None:
    alice.push_blob("dock/other", DATA)
    answer = alice.request("DELETE", path)
    assert (answer.status_code, answer.content) == (202, b"")
    assert alice.get(path).status_code == 404
    assert alice.get(path.replace("dock/app", "dock/other")).content == DATA


def test_a_blob_that_an_image_needs_stays(alice: Caller) -> None:
    image = images.image()
    alice.push("dock/app", image, "1.0")
    answer = alice.request("DELETE", f"/v2/dock/app/blobs/{image.blobs[0].digest}")
    assert (answer.status_code, code_of(answer)) == (405, "UNSUPPORTED")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD"


def test_a_damaged_blob_is_never_served(alice: Caller, path: str, settings: Settings) -> None:
    (file,) = _files(settings, digest_of(DATA))
    file.write_bytes(DATA[:50])
    for method in ("GET", "HEAD"):
        assert alice.request(method, path).status_code == 404
    alice.push_blob("dock/app", DATA)
    assert alice.get(path).content == DATA


def _files(settings: Settings, digest: str) -> list[Path]:
    return list((settings.storage.data / "blobs").glob(f"*/*/{digest.partition(':')[2]}"))
