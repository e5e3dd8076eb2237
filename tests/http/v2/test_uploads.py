"""Uploads over HTTP: at once, in chunks, resumed, out of place, someone else's."""

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from falcon.testing import Result, TestClient

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.projects.model import Project, Role
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.v2.caller import Caller, code_of, digest_of
from tests.support.people import People

DATA = b"0123456789"
DIGEST = digest_of(DATA)
UPLOADS = "http://registry.test/v2/dock/app/blobs/uploads/"


def assert_stored(alice: Caller, answer: Result, data: bytes, digest: str) -> None:
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"http://registry.test/v2/dock/app/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == digest
    assert answer.content == b""
    assert alice.get(f"/v2/dock/app/blobs/{digest}").content == data


def assert_at(answer: Result, location: str, received: str) -> None:
    assert answer.headers["Location"] == location
    assert answer.headers["Range"] == received
    assert answer.headers["Docker-Upload-UUID"] == location.rpartition("/")[2]


class TestWays:
    """Every way in that the specification names."""

    @pytest.mark.parametrize("slash", ["/", ""])
    def test_opening(self, alice: Caller, slash: str) -> None:
        answer = alice.request("POST", f"/v2/dock/app/blobs/uploads{slash}")
        assert (answer.status_code, answer.content) == (202, b"")
        assert re.fullmatch(re.escape(UPLOADS) + "[0-9a-f]{32}", answer.headers["Location"])
        assert_at(answer, answer.headers["Location"], "0-0")

    @pytest.mark.parametrize("data", [DATA, b"", b"x" * 3_000_000], ids=["small", "empty", "large"])
    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    def test_post_at_once(self, alice: Caller, data: bytes, algorithm: str) -> None:
        digest = digest_of(data, algorithm)
        answer = alice.request("POST", f"/v2/dock/app/blobs/uploads/?digest={digest}", data)
        assert_stored(alice, answer, data, digest)

    @pytest.mark.parametrize("data", [DATA, b""], ids=["small", "empty"])
    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    def test_post_then_put(self, alice: Caller, data: bytes, algorithm: str) -> None:
        digest = digest_of(data, algorithm)
        answer = alice.request("PUT", f"{alice.start('dock/app')}?digest={digest}", data)
        assert_stored(alice, answer, data, digest)

    def test_a_digest_may_be_written_with_an_encoded_colon(self, alice: Caller) -> None:
        answer = alice.request("PUT", f"{alice.start('dock/app')}?digest={DIGEST.replace(':', '%3A')}", DATA)
        assert_stored(alice, answer, DATA, DIGEST)

    def test_one_stream_then_an_empty_put(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        answer = alice.request("PATCH", location, DATA)
        assert (answer.status_code, answer.content) == (202, b"")
        assert_at(answer, location, "0-9")
        assert_stored(alice, alice.request("PUT", f"{location}?digest={DIGEST}"), DATA, DIGEST)

    def test_a_stream_of_unknown_length(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        stream = {"wsgi.input": io.BytesIO(DATA), "wsgi.input_terminated": True}
        assert alice.request("PATCH", location, **stream).headers["Range"] == "0-9"
        assert_stored(alice, alice.request("PUT", f"{location}?digest={DIGEST}"), DATA, DIGEST)

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    @pytest.mark.parametrize("prefix", ["", "bytes "])
    def test_chunks_with_a_last_one_in_the_put(self, alice: Caller, algorithm: str, prefix: str) -> None:
        location = alice.start("dock/app")
        for start, end in ((0, 2), (3, 6)):
            answer = alice.request(
                "PATCH", location, DATA[start : end + 1], {"Content-Range": f"{prefix}{start}-{end}"}
            )
            assert answer.status_code == 202
            assert_at(answer, location, f"0-{end}")
        digest = digest_of(DATA, algorithm)
        answer = alice.request(
            "PUT", f"{location}?digest={digest}", DATA[7:], {"Content-Range": f"{prefix}7-9"}
        )
        assert_stored(alice, answer, DATA, digest)

    def test_an_empty_chunk_changes_nothing(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        alice.request("PATCH", location, DATA)
        assert alice.request("PATCH", location, b"").headers["Range"] == "0-9"
        assert_stored(alice, alice.request("PUT", f"{location}?digest={DIGEST}"), DATA, DIGEST)

    def test_what_is_there_may_be_pushed_again(self, alice: Caller) -> None:
        for _ in range(2):
            answer = alice.request("POST", f"/v2/dock/app/blobs/uploads/?digest={DIGEST}", DATA)
            assert_stored(alice, answer, DATA, DIGEST)


class TestStatus:
    """How far an upload is, and how it ends."""

    def test_the_client_learns_where_it_stands(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        answer = alice.get(location)
        assert (answer.status_code, answer.content) == (204, b"")
        assert_at(answer, location, "0-0")
        alice.request("PATCH", location, DATA)
        assert_at(alice.get(location), location, "0-9")

    def test_an_upload_goes_on_after_a_restart(
        self, alice: Caller, settings: Settings, build_services: Callable[[Settings], Services]
    ) -> None:
        location = alice.start("dock/app")
        alice.request("PATCH", location, DATA[:4])
        again = Caller(TestClient(root_app(build_services(settings))), alice.headers)
        assert again.get(location).headers["Range"] == "0-3"
        again.request("PATCH", location, DATA[4:], {"Content-Range": "4-9"})
        assert_stored(again, again.request("PUT", f"{location}?digest={DIGEST}"), DATA, DIGEST)

    def test_a_cancelled_upload_is_gone(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        alice.request("PATCH", location, DATA)
        answer = alice.request("DELETE", location)
        assert (answer.status_code, answer.content) == (204, b"")
        for method in ("GET", "PATCH", "DELETE"):
            assert_unknown(alice.request(method, location))

    def test_a_finished_upload_is_gone(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        alice.request("PUT", f"{location}?digest={DIGEST}", DATA)
        for method in ("GET", "PATCH", "DELETE"):
            assert_unknown(alice.request(method, location))


class TestRefused:
    """Everything that can be wrong about an upload."""

    def test_a_chunk_out_of_place(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        alice.request("PATCH", location, b"abc")
        for start, end in ((5, 9), (1, 10), (2, 11)):
            chunk = b"x" * (end - start + 1)
            answer = alice.request("PATCH", location, chunk, {"Content-Range": f"{start}-{end}"})
            assert answer.status_code == 416
            assert_at(answer, location, "0-2")
            assert alice.get(location).headers["Range"] == "0-2"

    def test_a_last_chunk_out_of_place(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        alice.request("PATCH", location, DATA[:3])
        put = f"{location}?digest={DIGEST}"
        answer = alice.request("PUT", put, DATA[5:], {"Content-Range": "5-9"})
        assert answer.status_code == 416
        assert_at(answer, location, "0-2")
        assert_stored(alice, alice.request("PUT", put, DATA[3:], {"Content-Range": "3-9"}), DATA, DIGEST)

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_a_content_range_that_does_not_fit(self, alice: Caller, method: str) -> None:
        location = alice.start("dock/app")
        for header, code in (
            ("0-5", "SIZE_INVALID"),
            ("0-20", "SIZE_INVALID"),
            ("9-0", "SIZE_INVALID"),
            ("abc", "BLOB_UPLOAD_INVALID"),
            ("0", "BLOB_UPLOAD_INVALID"),
            ("-", "BLOB_UPLOAD_INVALID"),
            ("bytes */10", "BLOB_UPLOAD_INVALID"),
            ("0-9-", "BLOB_UPLOAD_INVALID"),
        ):
            answer = alice.request(method, f"{location}?digest={DIGEST}", DATA, {"Content-Range": header})
            assert (answer.status_code, code_of(answer)) == (400, code), header
        assert alice.get(location).headers["Range"] == "0-0"

    def test_a_body_that_was_cut_off(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        cut = {"wsgi.input": io.BytesIO(DATA), "CONTENT_LENGTH": "100"}
        answer = alice.request("PATCH", location, **cut)
        assert (answer.status_code, code_of(answer)) == (400, "SIZE_INVALID")
        assert alice.get(location).headers["Range"] == "0-0"

    @pytest.mark.parametrize("digest", [digest_of(b"other"), digest_of(b"other", "sha512")])
    def test_another_digest_than_promised(self, alice: Caller, digest: str) -> None:
        at_once = alice.request("POST", f"/v2/dock/app/blobs/uploads/?digest={digest}", DATA)
        put = alice.request("PUT", f"{alice.start('dock/app')}?digest={digest}", DATA)
        location = alice.start("dock/app")
        alice.request("PATCH", location, DATA)
        chunked = alice.request("PUT", f"{location}?digest={digest}")
        for answer in (at_once, put, chunked):
            assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
        assert alice.get(f"/v2/dock/app/blobs/{digest}").status_code == 404

    def test_a_malformed_digest(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        for digest in ("", "sha256:abc", "sha256:" + "A" * 64, "md5:" + "a" * 32, "latest", "a%00"):
            for method, path in (
                ("POST", f"/v2/dock/app/blobs/uploads/?digest={digest}"),
                ("POST", f"/v2/dock/app/blobs/uploads/?mount={digest}&from=dock/other"),
                ("PUT", f"{location}?digest={digest}"),
            ):
                answer = alice.request(method, path, DATA)
                assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID"), path
        assert alice.get(location).headers["Range"] == "0-0"

    def test_a_put_without_a_digest(self, alice: Caller) -> None:
        answer = alice.request("PUT", alice.start("dock/app"), DATA)
        assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")

    def test_a_session_that_does_not_exist(self, alice: Caller) -> None:
        for session in ("x", "0" * 31, "0" * 32, "0" * 33, "A" * 32, "..", "sha256:" + "a" * 64):
            for method in ("GET", "PATCH", "PUT", "DELETE"):
                path = f"/v2/dock/app/blobs/uploads/{session}?digest={DIGEST}"
                assert_unknown(alice.request(method, path, DATA))

    def test_too_many_open_uploads(
        self, alice: Caller, settings: Settings, build_services: Callable[[Settings], Services]
    ) -> None:
        few = replace(settings, uploads=replace(settings.uploads, open_per_account=2))
        caller = Caller(TestClient(root_app(build_services(few))), alice.headers)
        location = caller.start("dock/app")
        caller.start("dock/app")
        answer = caller.request("POST", "/v2/dock/app/blobs/uploads/")
        assert (answer.status_code, code_of(answer)) == (429, "TOOMANYREQUESTS")
        assert int(answer.headers["Retry-After"]) > 0
        caller.request("DELETE", location)
        assert caller.request("POST", "/v2/dock/app/blobs/uploads/").status_code == 202

    def test_a_disk_below_its_reserve(
        self, alice: Caller, settings: Settings, build_services: Callable[[Settings], Services]
    ) -> None:
        digest = alice.push_blob("dock/app", b"before")
        full = replace(settings, storage=replace(settings.storage, reserve_bytes=2**50))
        caller = Caller(TestClient(root_app(build_services(full))), alice.headers)
        for path in ("", f"?digest={DIGEST}"):
            answer = caller.request("POST", f"/v2/dock/app/blobs/uploads/{path}", DATA)
            assert answer.status_code == 507
            assert code_of(answer)
        assert caller.get(f"/v2/dock/app/blobs/{digest}").content == b"before"
        assert caller.request("DELETE", f"/v2/dock/app/blobs/{digest}").status_code == 202


class TestSomeoneElses:
    """A session belongs to who opened it, where it was opened."""

    def test_another_repository_does_not_know_it(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        elsewhere = location.replace("dock/app", "dock/other")
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            assert_unknown(alice.request(method, f"{elsewhere}?digest={DIGEST}", DATA))
        assert alice.get(location).headers["Range"] == "0-0"

    def test_another_account_does_not_see_it(
        self,
        alice: Caller,
        calling: Callable[..., Caller],
        people: People,
        dock: Project,
        services: Services,
    ) -> None:
        location = alice.start("dock/app")
        services.members.add(SYSTEM, dock.id, people.bob.id, Role.DEVELOPER)
        robot, _ = people.robot(dock, "ci")
        for account in (people.bob, robot):
            other = calling(account, "dock/app")
            for method in ("GET", "PATCH", "PUT", "DELETE"):
                assert_unknown(other.request(method, f"{location}?digest={DIGEST}", DATA))
        answer = alice.request("PUT", f"{location}?digest={DIGEST}", DATA)
        assert_stored(alice, answer, DATA, DIGEST)

    def test_the_same_account_goes_on_with_another_token(
        self, alice: Caller, calling: Callable[..., Caller], people: People
    ) -> None:
        location = alice.start("dock/app")
        again = calling(people.alice, "dock/app")
        assert_stored(alice, again.request("PUT", f"{location}?digest={DIGEST}", DATA), DATA, DIGEST)


def test_nothing_stays_in_the_spool(alice: Caller, services: Services) -> None:
    location = alice.start("dock/app")
    alice.request("PATCH", location, DATA)
    alice.request("PATCH", location, DATA, {"Content-Range": "5-14"})
    alice.request("PATCH", location, DATA, {"Content-Range": "nonsense"})
    alice.request("PATCH", "/v2/dock/app/blobs/uploads/" + "0" * 32, DATA)
    alice.request("PUT", f"{location}?digest={digest_of(b'other')}", DATA)
    alice.request("PUT", f"{location}?digest={digest_of(DATA + DATA)}", DATA)
    alice.push_blob("dock/app", DATA)
    alice.push_blob("dock/app", b"")
    assert list(services.spool.folder.iterdir()) == []


def assert_unknown(answer: Result) -> None:
    assert (answer.status_code, code_of(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")
