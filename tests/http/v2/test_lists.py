"""Tags, the catalog and referrers: lists in pages."""

import json
from collections.abc import Callable, Iterator

import pytest
from falcon.testing import TestClient

from moorage.oci.mediatypes import OCI_INDEX
from moorage.projects.model import Project, Role
from tests.http.v2.caller import Caller, code_of, digest_of, encoded
from tests.support import images
from tests.support.people import People


def pages(caller: Caller, path: str, key: str) -> Iterator[list[str]]:
    """Each page from `path` on, by the links alone."""
    following: str | None = path
    while following:
        answer = caller.get(following)
        assert answer.status_code == 200
        yield answer.json[key]
        link = answer.headers.get("Link")
        following = None
        if link is not None:
            target, _, relation = link.partition(">")
            assert relation == '; rel="next"'
            following = target.removeprefix("<")


class TestTags:
    """``/tags/list``."""

    @pytest.fixture
    def tagged(self, alice: Caller) -> Caller:
        """Alice, after a push of seven tags."""
        image = images.image()
        alice.push("dock/app", image)
        for tag in ("b", "a", "B", "_", "1.0", "a-b", "a.b"):
            alice.put_manifest("dock/app", tag, image.body, image.media_type)
        return alice

    ORDER = ("1.0", "B", "_", "a", "a-b", "a.b", "b")

    def test_all_of_them_in_the_order_of_their_bytes(self, tagged: Caller) -> None:
        answer = tagged.get("/v2/dock/app/tags/list")
        assert answer.json == {"name": "dock/app", "tags": list(self.ORDER)}
        assert answer.headers["Content-Type"] == "application/json"
        assert "Link" not in answer.headers

    @pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 8])
    def test_every_page_to_the_end(self, tagged: Caller, n: int) -> None:
        found = list(pages(tagged, f"/v2/dock/app/tags/list?n={n}", "tags"))
        assert [tag for page in found for tag in page] == list(self.ORDER)
        assert [len(page) for page in found] == [n] * (7 // n) + ([7 % n] if 7 % n else [])

    def test_a_page_after_something_that_need_not_exist(self, tagged: Caller) -> None:
        assert tagged.get("/v2/dock/app/tags/list?last=a-c").json["tags"] == ["a.b", "b"]
        assert tagged.get("/v2/dock/app/tags/list?last=zzz").json["tags"] == []

    def test_a_page_of_nothing(self, tagged: Caller) -> None:
        answer = tagged.get("/v2/dock/app/tags/list?n=0")
        assert (answer.json["tags"], answer.headers.get("Link")) == ([], None)

    def test_absurd_numbers(self, tagged: Caller) -> None:
        for number in ("-1", "abc", "", "1.5", "1&n=2"):
            answer = tagged.get(f"/v2/dock/app/tags/list?n={number}")
            assert (answer.status_code, code_of(answer)) == (400, "PAGINATION_NUMBER_INVALID"), number
        for number in ("2147483648", "9" * 100):
            assert tagged.get(f"/v2/dock/app/tags/list?n={number}").json["tags"] == list(self.ORDER)

    def test_a_repository_without_tags_and_one_that_is_not_there(self, alice: Caller) -> None:
        alice.push("dock/app", images.image())
        assert alice.get("/v2/dock/app/tags/list").json == {"name": "dock/app", "tags": []}
        answer = alice.get("/v2/dock/other/tags/list")
        assert (answer.status_code, code_of(answer)) == (404, "NAME_UNKNOWN")


class TestCatalog:
    """``/v2/_catalog``."""

    @pytest.fixture
    def stocked(self, people: People, calling: Callable[..., Caller], dock: Project, quay: Project) -> None:
        people.project("yard", bob=Role.MAINTAINER)
        alice = calling(people.alice, "dock/b", "dock/a/deep", "quay/c")
        for name in ("dock/b", "dock/a/deep", "quay/c"):
            alice.push(name, images.image(), "1")
        calling(people.bob, "yard/d").push("yard/d", images.image(), "1")
        alice.push_blob("dock/b", b"a repository with blobs alone has nothing to pull")

    @pytest.mark.usefixtures("stocked")
    def test_everyone_sees_what_they_may_pull(
        self, calling: Callable[..., Caller], anonymous: Callable[..., Caller], people: People
    ) -> None:
        everything = ["dock/a/deep", "dock/b", "quay/c", "yard/d"]
        assert catalog(calling(people.alice)) == ["dock/a/deep", "dock/b", "quay/c"]
        assert catalog(calling(people.bob)) == ["quay/c", "yard/d"]
        assert catalog(calling(people.user("carol"))) == ["quay/c"]
        assert catalog(anonymous()) == ["quay/c"]
        assert catalog(calling(people.admin)) == everything

    @pytest.mark.usefixtures("stocked")
    def test_every_page_to_the_end(self, calling: Callable[..., Caller], people: People) -> None:
        admin = calling(people.admin)
        found = list(pages(admin, "/v2/_catalog?n=3", "repositories"))
        assert found == [["dock/a/deep", "dock/b", "quay/c"], ["yard/d"]]
        link = admin.get("/v2/_catalog?n=1").headers["Link"]
        assert link == '</v2/_catalog?n=1&last=dock%2Fa%2Fdeep>; rel="next"'

    def test_absurd_numbers(self, alice: Caller) -> None:
        for number in ("-1", "abc", ""):
            answer = alice.get(f"/v2/_catalog?n={number}")
            assert (answer.status_code, code_of(answer)) == (400, "PAGINATION_NUMBER_INVALID")
        assert alice.get("/v2/_catalog?n=2147483648").json == {"repositories": []}

    def test_it_needs_a_token_for_it(self, nobody: Caller, client: TestClient, people: People) -> None:
        answer = nobody.get("/v2/_catalog")
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].endswith(',scope="registry:catalog:*"')
        answer = Caller(client, people.bearer(people.alice)).get("/v2/_catalog")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].endswith(
            ',scope="registry:catalog:*",error="insufficient_scope"'
        )
        assert Caller(client, people.basic(people.alice)).get("/v2/_catalog").status_code == 200


def catalog(caller: Caller) -> list[str]:
    answer = caller.get("/v2/_catalog")
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json["repositories"]
    return found


class TestReferrers:
    """``/referrers``."""

    def test_what_refers_to_a_manifest(self, alice: Caller) -> None:
        subject = images.image()
        alice.push("dock/app", subject)
        sbom = images.artifact(subject=subject, annotations={"org.example": "yes"})
        signature = images.artifact("application/vnd.example.signature", subject=subject)
        for each in (sbom, signature):
            alice.push("dock/app", each)
        answer = alice.get(f"/v2/dock/app/referrers/{subject.digest}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == OCI_INDEX
        assert "OCI-Filters-Applied" not in answer.headers
        assert answer.json["schemaVersion"] == 2
        assert answer.json["mediaType"] == OCI_INDEX
        listed = {each["digest"]: each for each in answer.json["manifests"]}
        assert listed == {
            sbom.digest: {
                **sbom.descriptor,
                "artifactType": images.SBOM,
                "annotations": {"org.example": "yes"},
            },
            signature.digest: {**signature.descriptor, "artifactType": "application/vnd.example.signature"},
        }

    def test_of_one_type_alone(self, alice: Caller) -> None:
        subject = images.image()
        sbom, other = images.artifact(subject=subject), images.artifact("a/b+c", subject=subject)
        for each in (sbom, other):
            alice.push("dock/app", each)
        path = f"/v2/dock/app/referrers/{subject.digest}?artifactType="
        answer = alice.get(path + "a%2Fb%2Bc")
        assert [each["digest"] for each in answer.json["manifests"]] == [other.digest]
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        assert alice.get(path + "a/b+c").json == answer.json
        assert alice.get(path + "no%2Fsuch").json["manifests"] == []
        everything = alice.get(path)
        assert len(everything.json["manifests"]) == 2
        assert "OCI-Filters-Applied" not in everything.headers

    def test_nothing_is_an_empty_list_and_never_an_error(self, alice: Caller) -> None:
        for name in ("dock/app", "dock/other"):
            alice.push("dock/app", images.image())
            answer = alice.get(f"/v2/{name}/referrers/{digest_of(b'nothing')}")
            assert (answer.status_code, answer.json["manifests"]) == (200, [])

    def test_the_list_that_an_old_client_keeps_in_a_tag_counts(self, alice: Caller) -> None:
        subject, attached = images.image(), images.artifact()
        for each in (subject, attached):
            alice.push("dock/app", each)
        line = {**attached.descriptor, "artifactType": images.SBOM}
        kept = images.Image(
            encoded({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [line]}), OCI_INDEX
        )
        alice.push("dock/app", kept, subject.digest.replace(":", "-"))
        answer = alice.get(f"/v2/dock/app/referrers/{subject.digest}")
        assert [each["digest"] for each in answer.json["manifests"]] == [attached.digest]

    def test_a_malformed_digest(self, alice: Caller) -> None:
        for digest in ("latest", "sha256:abc", "md5:" + "a" * 32):
            answer = alice.get(f"/v2/dock/app/referrers/{digest}")
            assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
        path = f"/v2/dock/app/referrers/{digest_of(b'x')}?last=nonsense"
        assert code_of(alice.get(path)) == "DIGEST_INVALID"

    def test_head_has_the_length_of_get(self, alice: Caller) -> None:
        path = f"/v2/dock/app/referrers/{digest_of(b'x')}"
        head = alice.request("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(alice.get(path).content))

    def test_a_long_list_comes_in_pages(self, alice: Caller) -> None:
        subject = images.image()
        wide = {f"key-{number}": "x" * 100_000 for number in range(20)}
        attached = [images.artifact(subject=subject, annotations=wide) for _ in range(3)]
        for each in attached:
            alice.push("dock/app", each)
        path = f"/v2/dock/app/referrers/{subject.digest}?artifactType={images.SBOM}"
        found = list(pages(alice, path, "manifests"))
        assert len(found) > 1
        listed = [json.loads(json.dumps(each))["digest"] for page in found for each in page]
        assert listed == sorted(each.digest for each in attached)
