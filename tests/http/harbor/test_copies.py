"""`POST .../artifacts?from=`: copies from one repository to another."""

import pytest

from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, repository_path
from tests.support.images import artifact, image, multi_platform
from tests.support.people import People

TARGET = repository_path("quay/deep/copy") + "/artifacts"


def test_an_image_is_copied_with_its_tag_and_its_content(
    alice: Portal, dock: Project, quay: Project, push: Pusher, services: Services
) -> None:
    pushed = push("dock/app", image(layers=2), "1.0", "other")
    made = alice.post(TARGET, **{"from": "dock/app:1.0"})
    assert made.status_code == 201
    found = alice.get(made.headers["location"]).json
    assert (found["digest"], [tag["name"] for tag in found["tags"]]) == (pushed.digest, ["1.0"])
    for blob in pushed.blobs:
        stored, file = services.blobs.open(RepositoryName("quay/deep/copy"), Digest.parse(blob.digest))
        with file:
            assert file.read() == blob.data
        assert stored.size_bytes == len(blob.data)


def test_a_copy_by_digest_has_no_name(alice: Portal, dock: Project, quay: Project, push: Pusher) -> None:
    pushed = push("dock/app", image(), "1.0")
    assert alice.post(TARGET, **{"from": f"dock/app@{pushed.digest}"}).status_code == 201
    assert alice.get(f"{TARGET}/{pushed.digest}").json["tags"] == []


def test_an_index_comes_with_its_children_and_with_what_is_attached_to_any_of_them(
    alice: Portal, dock: Project, quay: Project, push: Pusher
) -> None:
    whole = push("dock/app", multi_platform(), "1")
    signature = push("dock/app", artifact("application/vnd.example.signature", subject=whole))
    sbom = push("dock/app", artifact(subject=whole.children[1]))
    of_sbom = push("dock/app", artifact("application/vnd.example.signature", subject=sbom))
    assert alice.post(TARGET, **{"from": "dock/app:1"}).status_code == 201
    for each in (whole, *whole.children, signature, sbom, of_sbom):
        assert alice.get(f"{TARGET}/{each.digest}").status_code == 200
    attached = alice.get(f"{TARGET}/{whole.digest}/accessories").json
    assert [each["digest"] for each in attached] == [signature.digest]


def test_a_copy_can_be_repeated(alice: Portal, dock: Project, quay: Project, push: Pusher) -> None:
    push("dock/app", multi_platform(), "1")
    for _ in range(2):
        assert alice.post(TARGET, **{"from": "dock/app:1"}).status_code == 201
    assert len(alice.get(TARGET).json) == 1


_NO_SOURCES = [
    (None, 400),
    ("", 400),
    ("dock/app", 400),
    ("app:1", 400),
    ("dock/app:not a tag", 400),
    ("dock/app@sha256:00", 400),
    ("dock/App:1", 400),
    ("dock/none:1", 404),
    ("dock/app:none", 404),
    ("dock/app@sha256:" + "0" * 64, 404),
]


@pytest.mark.usefixtures("dock", "quay")
def test_a_source_that_is_none_is_refused(alice: Portal, push: Pusher) -> None:
    push("dock/app", image(), "1")
    for source, status in _NO_SOURCES:
        parameters = {} if source is None else {"from": source}
        assert alice.post(TARGET, **parameters).status_code == status, source
    assert alice.get("/projects/quay/repositories").json == []


def test_nobody_copies_what_they_may_not_pull(
    alice: Portal, quay: Project, pier: Project, push: Pusher
) -> None:
    pushed = push("pier/secret", image(), "1")
    for source in ("pier/secret:1", f"pier/secret@{pushed.digest}", "pier/none:1", "none/none:1"):
        refused = alice.post(TARGET, **{"from": source})
        assert (refused.status_code, code_of(refused)) == (404, "MANIFEST_UNKNOWN")
    assert alice.get("/projects/quay/repositories").json == []


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.PROJECT_ADMIN, 201),
        (Role.MAINTAINER, 201),
        (Role.DEVELOPER, 201),
        (Role.GUEST, 403),
        (Role.LIMITED_GUEST, 403),
    ],
)
def test_a_copy_takes_the_right_to_push_into_the_target(
    bob: Portal, people: People, push: Pusher, quay: Project, *, role: Role, status: int
) -> None:
    people.project("berth", bob=role)
    push("quay/app", image(), "1")
    path = repository_path("berth/app") + "/artifacts"
    assert bob.post(path, **{"from": "quay/app:1"}).status_code == status
