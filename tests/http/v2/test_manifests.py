"""Manifests over HTTP."""

import io
import json
from collections.abc import Callable

import pytest

from moorage.projects.model import Project
from tests.http.v2.caller import Caller, code_of, digest_of, encoded
from tests.support import images
from tests.support.images import Image
from tests.support.people import People

BASE = "http://registry.test/v2/dock/app/manifests"
LIMIT = 4 * 1024 * 1024
NO_MANIFESTS = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"schemaVersion":1}',
    b'{"schemaVersion":2,"schemaVersion":2}',
    b'{"schemaVersion":2} x',
    b"[" * 100_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"schemaVersion":2,"config":NaN}',
)
MALFORMED_DIGESTS = (
    "sha256:abc",
    "sha256:" + "A" * 64,
    "md5:" + "a" * 32,
    "sha512:" + "a" * 64,
    "sha256:" + "g" * 64,
    ":",
    "a:b",
)


@pytest.mark.parametrize(
    "image",
    [images.image(), images.image(docker=True), images.artifact(), images.image(layers=3)],
    ids=["oci", "docker", "artifact", "layers"],
)
def test_what_was_pushed_comes_back_byte_for_byte(alice: Caller, image: Image) -> None:
    digest = alice.push("dock/app", image, "1.0")
    for reference in ("1.0", digest):
        answer = alice.get(f"/v2/dock/app/manifests/{reference}")
        assert answer.content == image.body
        assert answer.headers["Content-Type"] == image.media_type
        assert answer.headers["Docker-Content-Digest"] == digest


@pytest.mark.parametrize("docker", [False, True])
def test_an_index_comes_back_with_its_children(alice: Caller, docker: bool) -> None:
    index = images.multi_platform(docker=docker)
    alice.push("dock/app", index, "all")
    for each in index.everything():
        assert alice.get(f"/v2/dock/app/manifests/{each.digest}").content == each.body


def test_the_answer_to_a_push_says_where_it_is(alice: Caller) -> None:
    image = images.image()
    alice.push("dock/app", image)
    answer = alice.put_manifest("dock/app", "1.0", image.body, image.media_type)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{BASE}/{image.digest}"
    assert answer.headers["Docker-Content-Digest"] == image.digest
    assert "OCI-Subject" not in answer.headers
    assert answer.content == b""


def test_a_push_with_a_subject_is_confirmed(alice: Caller) -> None:
    subject = images.image()
    attached = images.artifact(subject=subject)
    for blob in attached.blobs:
        alice.push_blob("dock/app", blob.data)
    answer = alice.put_manifest("dock/app", attached.digest, attached.body, attached.media_type)
    assert answer.status_code == 201
    assert answer.headers["OCI-Subject"] == subject.digest


def test_strange_but_valid_bytes_are_kept_as_they_are(alice: Caller) -> None:
    image = images.image()
    alice.push("dock/app", image)
    body = b"\n  " + json.dumps(image.document, indent=7).encode() + b"\n\n"
    alice.put_manifest("dock/app", "spaced", body, image.media_type)
    answer = alice.get("/v2/dock/app/manifests/spaced")
    assert answer.content == body
    assert answer.headers["Docker-Content-Digest"] == digest_of(body)


def test_sha512_is_served_under_its_own_name(alice: Caller) -> None:
    image = images.image()
    for blob in image.blobs:
        alice.push_blob("dock/app", blob.data)
    digest = digest_of(image.body, "sha512")
    answer = alice.put_manifest("dock/app", digest, image.body, image.media_type)
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, digest)
    assert alice.get(f"/v2/dock/app/manifests/{digest}").content == image.body


@pytest.mark.parametrize("reference", ["1.0", "digest"])
def test_head_has_the_headers_of_get_and_no_body(alice: Caller, reference: str) -> None:
    image = images.image()
    digest = alice.push("dock/app", image, "1.0")
    path = f"/v2/dock/app/manifests/{digest if reference == 'digest' else reference}"
    got, head = alice.get(path), alice.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(image.body))
    assert _headers(head.headers) == _headers(got.headers)


def _headers(headers: object) -> dict[str, str]:
    found = {name.lower(): value for name, value in dict(headers).items()}  # type: ignore[call-overload]
    del found["x-request-id"]
    return found


def test_the_stored_type_is_served_whatever_the_client_accepts(alice: Caller) -> None:
    image = images.image()
    alice.push("dock/app", image, "1.0")
    for accept in ("*/*", "application/json", "text/html", images.OCI_INDEX, "", "nonsense"):
        answer = alice.get("/v2/dock/app/manifests/1.0", Accept=accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, image.media_type)


def test_a_client_that_has_it_is_not_sent_it_again(alice: Caller) -> None:
    digest = alice.push("dock/app", images.image(), "1.0")
    etag = alice.get("/v2/dock/app/manifests/1.0").headers["ETag"]
    assert etag == f'"{digest}"'
    answer = alice.get("/v2/dock/app/manifests/1.0", If_None_Match=etag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["Docker-Content-Digest"] == digest
    alice.push("dock/app", images.image(), "1.0")
    assert alice.get("/v2/dock/app/manifests/1.0", If_None_Match=etag).status_code == 200


def test_a_media_type_may_have_parameters_and_capitals(alice: Caller) -> None:
    image = images.image()
    alice.push("dock/app", image)
    answer = alice.put_manifest("dock/app", "1.0", image.body, image.media_type.upper() + "; charset=utf-8")
    assert answer.status_code == 201
    assert alice.get("/v2/dock/app/manifests/1.0").headers["Content-Type"] == image.media_type


class TestRefused:
    """Every way for a push to be wrong."""

    def test_a_body_that_is_no_manifest(self, alice: Caller) -> None:
        for body in NO_MANIFESTS:
            answer = alice.put_manifest("dock/app", "1.0", body, images.OCI_MANIFEST)
            assert (answer.status_code, code_of(answer)) == (400, "MANIFEST_INVALID"), body[:50]

    def test_a_body_sent_as_another_type_than_it_says(self, alice: Caller) -> None:
        image = images.image()
        alice.push("dock/app", image)
        for media_type in (images.OCI_INDEX, images.DOCKER_MANIFEST, "application/json", "nonsense", "a/b;c"):
            answer = alice.put_manifest("dock/app", "1.0", image.body, media_type)
            assert (answer.status_code, code_of(answer)) == (400, "MANIFEST_INVALID"), media_type

    def test_a_body_that_could_be_read_as_two_kinds(self, alice: Caller) -> None:
        image = images.image()
        alice.push("dock/app", image)
        both = encoded({**image.document, "manifests": []})
        answer = alice.put_manifest("dock/app", "1.0", both, image.media_type)
        assert (answer.status_code, code_of(answer)) == (400, "MANIFEST_INVALID")

    def test_content_that_is_not_there(self, alice: Caller) -> None:
        image = images.image()
        answer = alice.put_manifest("dock/app", "1.0", image.body, image.media_type)
        assert (answer.status_code, code_of(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")
        missing = answer.json["errors"][0]["detail"]["digests"]
        assert sorted(missing) == sorted(blob.digest for blob in image.blobs)

    def test_content_that_only_another_repository_has(self, alice: Caller) -> None:
        image = images.image()
        for blob in image.blobs:
            alice.push_blob("dock/other", blob.data)
        answer = alice.put_manifest("dock/app", "1.0", image.body, image.media_type)
        assert (answer.status_code, code_of(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    def test_another_digest_than_promised(self, alice: Caller, algorithm: str) -> None:
        image = images.image()
        alice.push("dock/app", image)
        answer = alice.put_manifest("dock/app", digest_of(b"other", algorithm), image.body, image.media_type)
        assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")

    def test_a_malformed_digest(self, alice: Caller) -> None:
        for reference in MALFORMED_DIGESTS:
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                answer = alice.request(method, f"/v2/dock/app/manifests/{reference}")
                assert answer.status_code == 400, (method, reference)
                assert method == "HEAD" or code_of(answer) == "DIGEST_INVALID", (method, reference)

    def test_a_malformed_tag(self, alice: Caller) -> None:
        image = images.image()
        for tag in ("-a", ".a", "a" * 129, "a b", "ä", "a+b"):
            put = alice.put_manifest("dock/app", tag, image.body, image.media_type)
            deleted = alice.request("DELETE", f"/v2/dock/app/manifests/{tag}")
            for answer in (put, deleted):
                assert (answer.status_code, code_of(answer)) == (400, "TAG_INVALID"), tag

    def test_a_body_over_four_mebibytes(self, alice: Caller) -> None:
        image = images.image()
        alice.push("dock/app", image)
        padded = image.body + b" " * (LIMIT - len(image.body))
        assert alice.put_manifest("dock/app", "1.0", padded, image.media_type).status_code == 201
        answer = alice.put_manifest("dock/app", "1.0", padded + b" ", image.media_type)
        assert (answer.status_code, code_of(answer)) == (413, "SIZE_INVALID")

    def test_a_body_of_unknown_length_is_read_no_further(self, alice: Caller) -> None:
        stream = io.BytesIO(b" " * (LIMIT + 1000))
        answer = alice.request(
            "PUT",
            "/v2/dock/app/manifests/1.0",
            headers={"Content-Type": images.OCI_MANIFEST},
            **{"wsgi.input": stream, "wsgi.input_terminated": True},
        )
        assert (answer.status_code, code_of(answer)) == (413, "SIZE_INVALID")
        assert stream.tell() == LIMIT + 1

    def test_a_body_that_the_server_dropped_for_its_size(self, alice: Caller) -> None:
        answer = alice.request("PUT", "/v2/dock/app/manifests/1.0", **{"moorage.body.too_large": True})
        assert (answer.status_code, code_of(answer)) == (413, "SIZE_INVALID")


class TestUnknown:
    """Things that are not there."""

    def test_a_manifest_that_is_not_there(self, alice: Caller) -> None:
        alice.push("dock/app", images.image(), "1.0")
        for reference in ("nope", digest_of(b"nope")):
            for method in ("GET", "HEAD", "DELETE"):
                answer = alice.request(method, f"/v2/dock/app/manifests/{reference}")
                assert answer.status_code == 404
                assert method == "HEAD" or code_of(answer) == "MANIFEST_UNKNOWN"

    def test_a_repository_that_is_not_there(self, alice: Caller) -> None:
        for method in ("GET", "DELETE"):
            answer = alice.request(method, "/v2/dock/app/manifests/1.0")
            assert (answer.status_code, code_of(answer)) == (404, "NAME_UNKNOWN")

    def test_a_reference_that_nothing_can_have(self, alice: Caller) -> None:
        for reference in (".INVALID", "a" * 129):
            answer = alice.get(f"/v2/dock/app/manifests/{reference}")
            assert (answer.status_code, code_of(answer)) == (404, "MANIFEST_UNKNOWN")
            assert alice.request("HEAD", f"/v2/dock/app/manifests/{reference}").status_code == 404

    def test_what_a_tag_and_a_digest_name_stays_in_its_repository(self, alice: Caller) -> None:
        digest = alice.push("dock/app", images.image(), "1.0")
        alice.push("dock/other", images.image(), "2.0")
        for reference in ("1.0", digest):
            assert alice.get(f"/v2/dock/other/manifests/{reference}").status_code == 404


class TestDelete:
    """Deleting by tag and by digest."""

    def test_deleting_a_tag_leaves_its_siblings_and_the_manifest(self, alice: Caller) -> None:
        image = images.image()
        digest = alice.push("dock/app", image, "one")
        alice.put_manifest("dock/app", "two", image.body, image.media_type)
        answer = alice.request("DELETE", "/v2/dock/app/manifests/one")
        assert (answer.status_code, answer.content) == (202, b"")
        assert alice.get("/v2/dock/app/manifests/one").status_code == 404
        assert alice.get("/v2/dock/app/manifests/two").status_code == 200
        assert alice.get(f"/v2/dock/app/manifests/{digest}").status_code == 200
        assert alice.request("DELETE", "/v2/dock/app/manifests/one").status_code == 404

    def test_deleting_a_digest_takes_all_its_tags_along(self, alice: Caller) -> None:
        image = images.image()
        digest = alice.push("dock/app", image, "one")
        alice.put_manifest("dock/app", "two", image.body, image.media_type)
        assert alice.request("DELETE", f"/v2/dock/app/manifests/{digest}").status_code == 202
        for reference in ("one", "two", digest):
            assert alice.get(f"/v2/dock/app/manifests/{reference}").status_code == 404

    def test_a_child_of_an_index_cannot_go_before_the_index(self, alice: Caller) -> None:
        index = images.multi_platform()
        alice.push("dock/app", index, "all")
        child = index.children[0].digest
        answer = alice.request("DELETE", f"/v2/dock/app/manifests/{child}")
        assert (answer.status_code, code_of(answer)) == (405, "UNSUPPORTED")
        assert alice.request("DELETE", f"/v2/dock/app/manifests/{index.digest}").status_code == 202
        assert alice.request("DELETE", f"/v2/dock/app/manifests/{child}").status_code == 202


def test_a_robot_may_be_allowed_to_delete_tags_and_no_manifests(
    people: People, dock: Project, alice: Caller, calling: Callable[..., Caller]
) -> None:
    digest = alice.push("dock/app", images.image(), "1.0")
    robot, _ = people.robot(dock, "tidy", ("tag", "delete"), ("repository", "pull"))
    tidy = calling(robot, "dock/app")
    answer = tidy.request("DELETE", f"/v2/dock/app/manifests/{digest}")
    assert (answer.status_code, code_of(answer)) == (403, "DENIED")
    assert tidy.request("DELETE", "/v2/dock/app/manifests/1.0").status_code == 202
