"""Bodies that somebody else has received: our own channel, or nginx; and downloads that nginx sends."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from falcon.testing import Result, TestClient

from moorage.audit.model import Query
from moorage.audit.model import Result as Outcome
from moorage.config import Settings
from moorage.projects.model import Project
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.v2.caller import Caller, code_of, digest_of, sha256
from tests.support.people import People

DATA = b"arrived elsewhere"
DIGEST = digest_of(DATA)


def spooled(services: Services, data: bytes = DATA) -> Path:
    """A body in the spool, as whoever received it leaves it there."""
    path = services.spool.folder / f"body-{os.urandom(4).hex()}"
    path.write_bytes(data)
    return path


def assert_empty(services: Services) -> None:
    assert list(services.spool.folder.iterdir()) == []


class TestOwnChannel:
    """The environment says where the body lies and what its digest is."""

    def environ(self, path: Path, hexadecimal: str = "") -> dict[str, object]:
        return {
            "moorage.spooled.path": str(path),
            "moorage.spooled.sha256": hexadecimal or sha256(DATA),
            "moorage.spooled.length": len(DATA),
        }

    def test_a_patch_is_adopted(self, alice: Caller, services: Services) -> None:
        location = alice.start("dock/app")
        answer = alice.request("PATCH", location, **self.environ(spooled(services)))
        assert answer.headers["Range"] == f"0-{len(DATA) - 1}"
        assert alice.request("PUT", f"{location}?digest={DIGEST}").status_code == 201
        assert alice.get(f"/v2/dock/app/blobs/{DIGEST}").content == DATA
        assert_empty(services)

    @pytest.mark.parametrize("how", ["POST", "PUT"])
    def test_a_whole_blob_is_adopted(self, alice: Caller, services: Services, how: str) -> None:
        location = "/v2/dock/app/blobs/uploads/" if how == "POST" else alice.start("dock/app")
        path = f"{location}?digest={DIGEST}"
        answer = alice.request(how, path, **self.environ(spooled(services)))
        assert answer.status_code == 201
        assert alice.get(f"/v2/dock/app/blobs/{DIGEST}").content == DATA
        assert_empty(services)

    def test_its_digest_is_believed_so_the_body_is_not_read_again(
        self, alice: Caller, services: Services
    ) -> None:
        told = self.environ(spooled(services), sha256(b"other"))
        answer = alice.request("POST", f"/v2/dock/app/blobs/uploads/?digest={DIGEST}", **told)
        assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
        assert_empty(services)

    def test_whatever_is_refused_is_not_kept(self, alice: Caller, services: Services) -> None:
        location = alice.start("dock/app")
        for method, path, headers in (
            ("PATCH", location, {"Content-Range": "7-23"}),
            ("PATCH", location, {"Content-Range": "nonsense"}),
            ("PATCH", "/v2/dock/app/blobs/uploads/" + "0" * 32, {}),
            ("PUT", f"{location}?digest={digest_of(b'other')}", {}),
            ("POST", f"/v2/dock/app/blobs/uploads/?digest={digest_of(b'other')}", {}),
        ):
            answer = alice.request(method, path, headers=headers, **self.environ(spooled(services)))
            assert answer.status_code >= 400
            assert_empty(services)

    def test_a_disk_that_ran_full_on_the_way(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        for method, path in (
            ("PATCH", location),
            ("PUT", f"{location}?digest={DIGEST}"),
            ("POST", f"/v2/dock/app/blobs/uploads/?digest={DIGEST}"),
        ):
            answer = alice.request(method, path, **{"moorage.spooled.failed": "full"})
            assert answer.status_code == 507
        assert alice.get(location).headers["Range"] == "0-0"

    @pytest.mark.parametrize("why", ["error", "refused"])
    def test_a_body_that_was_lost_is_never_taken_for_an_empty_one(self, alice: Caller, why: str) -> None:
        location = alice.start("dock/app")
        empty = digest_of(b"")
        for method, path in (
            ("PATCH", location),
            ("PUT", f"{location}?digest={empty}"),
            ("POST", f"/v2/dock/app/blobs/uploads/?digest={empty}"),
        ):
            answer = alice.request(method, path, **{"moorage.spooled.failed": why})
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0

    def test_why_a_body_was_refused_is_told(
        self, alice: Caller, settings: Settings, build_services: Callable[[Settings], Services]
    ) -> None:
        location = alice.start("dock/app")
        full = replace(settings, storage=replace(settings.storage, reserve_bytes=2**50))
        caller = Caller(TestClient(root_app(build_services(full))), alice.headers)
        refused = {"moorage.spooled.failed": "refused"}
        assert caller.request("PATCH", location, **refused).status_code == 507
        answer = caller.request("PATCH", location[:-32] + "0" * 32, **refused)
        assert (answer.status_code, code_of(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")

    def test_the_header_that_nginx_sends_means_nothing_here(
        self, alice: Caller, services: Services, tmp_path: Path
    ) -> None:
        path, outside = spooled(services), tmp_path / "secret"
        outside.write_bytes(DATA)
        for forged in (str(path), str(outside), "/etc/passwd"):
            answer = alice.request(
                "POST", f"/v2/dock/app/blobs/uploads/?digest={DIGEST}", headers={"X-Body-File": forged}
            )
            assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
        assert path.exists()
        assert outside.exists()

    def test_the_admission_of_nginx_is_not_offered(self, alice: Caller) -> None:
        assert alice.get("/_admission", X_Original_URI="/v2/dock/app/blobs/uploads/").status_code == 404


class TestBehindNginx:
    """nginx spools bodies and sends files; its headers count."""

    @pytest.fixture
    def proxied(
        self, settings: Settings, build_services: Callable[[Settings], Services]
    ) -> tuple[Settings, Services]:
        behind = replace(settings, server=replace(settings.server, behind_nginx=True))
        return behind, build_services(behind)

    @pytest.fixture
    def services(self, proxied: tuple[Settings, Services]) -> Services:
        return proxied[1]

    def put(self, alice: Caller, file: str, digest: str = DIGEST) -> Result:
        path = f"{alice.start('dock/app')}?digest={digest}"
        return alice.request("PUT", path, headers={"X-Body-File": file})

    def test_a_body_is_adopted(self, alice: Caller, services: Services, settings: Settings) -> None:
        assert self.put(alice, str(spooled(services))).status_code == 201
        (stored,) = (settings.storage.data / "blobs").glob(f"*/*/{DIGEST.partition(':')[2]}")
        assert stored.read_bytes() == DATA
        assert_empty(services)

    def test_why_nginx_was_told_to_refuse_a_body_is_told_by_the_request_itself(
        self, alice: Caller, settings: Settings, build_services: Callable[[Settings], Services]
    ) -> None:
        location = alice.start("dock/app")
        refused = {"X-Body-Refused": "1", "X-Original-Length": "1" + "0" * 18}
        assert alice.request("PATCH", location, headers=refused).status_code == 507
        at_once = f"/v2/dock/app/blobs/uploads/?digest={digest_of(b'')}"
        assert alice.request("POST", at_once, headers=refused).status_code == 507
        answer = alice.request("PATCH", location[:-32] + "0" * 32, headers=refused)
        assert (answer.status_code, code_of(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")
        small = refused | {"X-Original-Length": "5"}
        assert alice.request("PATCH", location, headers=small).status_code == 503
        assert alice.get(location).headers["Range"] == "0-0"

    def test_no_header_means_no_body(self, alice: Caller) -> None:
        location = alice.start("dock/app")
        assert alice.request("PUT", f"{location}?digest={digest_of(b'')}").status_code == 201

    def test_a_body_that_is_refused_is_removed(self, alice: Caller, services: Services) -> None:
        assert self.put(alice, str(spooled(services)), digest_of(b"other")).status_code == 400
        assert_empty(services)

    def test_only_a_plain_file_of_the_spool_is_adopted(
        self, alice: Caller, services: Services, tmp_path: Path
    ) -> None:
        folder = services.spool.folder
        outside = tmp_path / "outside"
        outside.write_bytes(DATA)
        link, twin, inner = folder / "link", folder / "twin", folder / "inner"
        link.symlink_to(outside)
        twin.hardlink_to(outside)
        inner.mkdir()
        for file in (
            str(outside),
            "/etc/passwd",
            str(link),
            str(twin),
            str(inner),
            f"{folder}/../outside",
            f"{folder}/missing",
            f"{folder}",
            "relative",
            "",
        ):
            answer = self.put(alice, file)
            assert answer.status_code == 400, file
            if file:
                assert code_of(answer) == "BLOB_UPLOAD_INVALID", file
        assert outside.read_bytes() == DATA
        assert alice.get(f"/v2/dock/app/blobs/{DIGEST}").status_code == 404

    def test_a_blob_is_sent_by_redirect(self, alice: Caller, services: Services) -> None:
        self.put(alice, str(spooled(services)))
        answer = alice.get(f"/v2/dock/app/blobs/{DIGEST}", Range="bytes=0-3")
        hexadecimal = DIGEST.partition(":")[2]
        assert answer.headers["X-Accel-Redirect"] == f"/_blobs/sha256/{hexadecimal[:2]}/{hexadecimal}"
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Docker-Content-Digest"] == DIGEST
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"

    def test_head_and_304_are_answered_without_it(self, alice: Caller, services: Services) -> None:
        self.put(alice, str(spooled(services)))
        head = alice.request("HEAD", f"/v2/dock/app/blobs/{DIGEST}")
        known = alice.get(f"/v2/dock/app/blobs/{DIGEST}", If_None_Match=f'"{DIGEST}"')
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(DATA)))
        assert known.status_code == 304
        for answer in (head, known):
            assert "X-Accel-Redirect" not in answer.headers

    def test_the_scheme_is_the_one_that_nginx_saw(self, nobody: Caller, dock: Project) -> None:
        answer = nobody.get("/v2/", X_Forwarded_Proto="https")
        assert 'realm="https://registry.test/service/token"' in answer.headers["WWW-Authenticate"]


class TestAdmission:
    """Whoever receives a body asks first."""

    @pytest.fixture
    def services(self, settings: Settings, build_services: Callable[[Settings], Services]) -> Services:
        return build_services(replace(settings, server=replace(settings.server, behind_nginx=True)))

    def ask(self, caller: Caller, method: str, target: str, length: str = "5") -> Result:
        return caller.request(
            "GET",
            "/_admission",
            headers={
                "X-Original-Method": method,
                "X-Original-URI": target,
                "X-Original-Length": length,
            },
        )

    def call(self, services: Services, caller: Caller, method: str, target: str, length: str = "5") -> bool:
        headers = {name.lower(): value for name, value in caller.headers.items()}
        return root_app(services).admission(
            method, target, {**headers, "content-length": length}, "192.0.2.7"
        )

    def assert_both(
        self, services: Services, caller: Caller, method: str, target: str, status: int, length: str = "5"
    ) -> None:
        """nginx and our own channel get one decision."""
        target = target.removeprefix("http://registry.test")
        answer = self.ask(caller, method, target, length)
        assert answer.status_code == status, (method, target, answer.text)
        assert self.call(services, caller, method, target, length) is (status == 204)
        assert ("WWW-Authenticate" in answer.headers) is (status == 401)

    def test_an_upload_that_may_come(self, alice: Caller, services: Services) -> None:
        location = alice.start("dock/app")
        for method, target in (
            ("PATCH", location),
            ("PUT", f"{location}?digest={DIGEST}"),
            ("POST", "/v2/dock/app/blobs/uploads/"),
            ("POST", f"/v2/dock/app/blobs/uploads/?digest={DIGEST.replace(':', '%3A')}"),
        ):
            self.assert_both(services, alice, method, target, 204)
            self.assert_both(services, alice, method, target, 204, length="")

    def test_without_a_credential(self, nobody: Caller, alice: Caller, services: Services) -> None:
        self.assert_both(services, nobody, "PATCH", alice.start("dock/app"), 401)
        self.assert_both(services, nobody, "POST", "/v2/none/app/blobs/uploads/", 401)
        answer = self.ask(nobody, "POST", "/v2/dock/app/blobs/uploads/")
        assert answer.headers["WWW-Authenticate"].endswith('scope="repository:dock/app:pull,push"')

    def test_with_a_bad_credential(self, client: TestClient, alice: Caller, services: Services) -> None:
        for header in ("Bearer x", "Basic !", "nonsense", "Basic YWxpY2U6d3Jvbmc="):
            caller = Caller(client, {"Authorization": header})
            self.assert_both(services, caller, "POST", "/v2/dock/app/blobs/uploads/", 401)

    def test_without_the_right(
        self, calling: Callable[..., Caller], people: People, services: Services, quay: Project
    ) -> None:
        bob = calling(people.bob, "quay/app")
        self.assert_both(services, bob, "POST", "/v2/quay/app/blobs/uploads/", 403)

    def test_an_upload_that_nginx_turns_away_is_in_the_log(
        self, calling: Callable[..., Caller], people: People, services: Services, quay: Project
    ) -> None:
        bob = calling(people.bob, "quay/app")
        self.ask(bob, "POST", "/v2/quay/app/blobs/uploads/")
        services.audit.flush()
        (denied,) = services.audit.page(Query(result=Outcome.DENIED), 10).entries
        assert (denied.actor, denied.operation, denied.repository) == ("bob", "start_upload", "quay/app")
        assert (denied.project_id, denied.project) == (quay.id, "quay")
        assert denied.address
        assert denied.detail

    def test_what_names_no_repository_is_not(self, alice: Caller, services: Services) -> None:
        self.ask(alice, "PUT", "/v2/nothing")
        services.audit.flush()
        assert services.audit.page(Query(result=Outcome.DENIED), 10).entries == ()

    def test_a_session_of_somebody_else_or_of_nobody(
        self, alice: Caller, calling: Callable[..., Caller], people: People, services: Services
    ) -> None:
        location = alice.start("dock/app")
        admin = calling(people.admin, "dock/app")
        self.assert_both(services, admin, "PATCH", location, 403)
        self.assert_both(services, alice, "PATCH", location.replace("dock/app", "dock/other"), 403)
        self.assert_both(services, alice, "PATCH", location[:-32] + "0" * 32, 403)
        self.assert_both(services, alice, "PATCH", location[:-32] + "x", 403)

    def test_what_takes_no_body_or_does_not_exist(self, alice: Caller, services: Services) -> None:
        for method, target in (
            ("PATCH", "/v2/dock/app/blobs/uploads/"),
            ("BREW", "/v2/dock/app/blobs/uploads/"),
            ("", ""),
            ("PUT", "/v2/nothing"),
            ("PUT", "/v2/"),
            ("POST", "/service/token"),
            ("POST", "/v2/Dock/app/blobs/uploads/"),
            ("POST", "/v2/dock%2Fapp/blobs/uploads/"),
            ("POST", "/v2//dock/app/blobs/uploads/"),
        ):
            self.assert_both(services, alice, method, target, 403)

    def test_more_than_there_is_room_for(self, alice: Caller, services: Services) -> None:
        target = f"/v2/dock/app/blobs/uploads/?digest={DIGEST}"
        for absurd in (str(2**60), "9" * 30, "9" * 5000):
            self.assert_both(services, alice, "POST", target, 403, length=absurd)
        for odd in ("-5", "abc", "1.5"):
            self.assert_both(services, alice, "POST", target, 204, length=odd)
