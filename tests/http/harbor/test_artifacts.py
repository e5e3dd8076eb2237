"""`/projects/{}/repositories/{}/artifacts`: what was pushed."""

from datetime import UTC, datetime

import pytest

from moorage.audit.model import Query
from moorage.configuration import site_settings
from moorage.db.connection import atomic
from moorage.distribution.details import LISTED_BYTES
from moorage.distribution.tables import ManifestRow
from moorage.events import SYSTEM
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.model import Project, Role
from moorage.projects.selectors import Selector
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, repository_path
from tests.support.images import (
    OCI_CONFIG,
    OCI_MANIFEST,
    Blob,
    artifact,
    chart,
    image,
    index,
    manifest,
    multi_platform,
)
from tests.support.people import People
from tests.support.statements import counted_statements

APP = repository_path("dock/deep/app") + "/artifacts"


@pytest.fixture(autouse=True)
def _dock(dock: Project) -> None:
    """Every test here is about ``dock/deep/app``."""


def test_an_image_is_shown_by_tag_and_by_digest(alice: Portal, push: Pusher) -> None:
    pushed = push("dock/deep/app", image(annotations={"org.example": "yes"}), "1.0", "latest")
    for reference in ("1.0", "latest", pushed.digest):
        found = alice.get(f"{APP}/{reference}").json
        assert found["digest"] == pushed.digest
        assert found["type"] == "IMAGE"
        assert (found["media_type"], found["manifest_media_type"]) == (OCI_CONFIG, OCI_MANIFEST)
        assert found["repository_name"] == "dock/deep/app"
        assert found["size"] == len(pushed.body) + sum(len(blob.data) for blob in pushed.blobs)
        assert found["annotations"] == {"org.example": "yes"}
        assert (found["extra_attrs"]["architecture"], found["extra_attrs"]["os"]) == ("amd64", "linux")
        assert found["references"] == []
        assert {tag["name"] for tag in found["tags"]} == {"1.0", "latest"}
        assert all(tag["artifact_id"] == found["id"] for tag in found["tags"])
        assert found["pull_time"] == "0001-01-01T00:00:00.000Z"


def test_tags_can_be_left_out_and_accessories_asked_for(alice: Portal, push: Pusher) -> None:
    subject = push("dock/deep/app", image(), "1")
    sbom = push("dock/deep/app", artifact(subject=subject))
    plain = alice.get(f"{APP}/1", with_tag="false").json
    assert (plain["tags"], plain["accessories"]) == (None, None)
    (found,) = alice.get(f"{APP}/1", with_accessory="true").json["accessories"]
    assert (found["digest"], found["subject_artifact_digest"]) == (sbom.digest, subject.digest)
    assert found["type"] == "application/spdx+json"
    (listed,) = alice.get(f"{APP}/1/accessories").json
    assert listed == found
    assert alice.get(f"{APP}/{sbom.digest}/accessories").json == []


def test_an_index_names_its_children(alice: Portal, push: Pusher) -> None:
    pushed = push("dock/deep/app", multi_platform(), "1")
    found = alice.get(f"{APP}/1").json
    assert found["type"] == "IMAGE"
    assert [each["child_digest"] for each in found["references"]] == [each.digest for each in pushed.children]
    assert [each["platform"]["architecture"] for each in found["references"]] == ["amd64", "arm64"]
    child = alice.get(f"{APP}/{pushed.children[0].digest}").json
    assert child["id"] == found["references"][0]["child_id"]


def test_the_list_shows_what_was_pushed_for_its_own_sake(alice: Portal, push: Pusher) -> None:
    whole = push("dock/deep/app", multi_platform(), "multi")
    untagged = push("dock/deep/app", image())
    push("dock/deep/app", artifact(subject=whole))
    listed = alice.get(APP)
    assert {each["digest"] for each in listed.json} == {whole.digest, untagged.digest}
    assert listed.headers["x-total-count"] == "2"


_BY_TAG = [
    ("tags=*", {"a", "b"}),
    ("tags=nil", {"none"}),
    ("tags=a", {"a"}),
    ("tags=other", set()),
    ("tags=not a tag", set()),
]


def test_artifacts_are_found_by_their_tags(alice: Portal, push: Pusher) -> None:
    pushed = {
        push("dock/deep/app", image(), "a").digest: "a",
        push("dock/deep/app", image(), "b").digest: "b",
        push("dock/deep/app", image()).digest: "none",
    }
    for q, found in _BY_TAG:
        listed = alice.get(APP, q=q)
        assert {pushed[each["digest"]] for each in listed.json} == found, q
        assert listed.headers["x-total-count"] == str(len(found))


def test_artifacts_are_sorted_and_paged(alice: Portal, push: Pusher) -> None:
    small = push("dock/deep/app", image(layer_bytes=10), "a")
    large = push("dock/deep/app", image(layer_bytes=50_000), "b")
    by_size = alice.get(APP, sort="-size").json
    assert [each["digest"] for each in by_size] == [large.digest, small.digest]
    assert [each["digest"] for each in alice.get(APP, sort="size", page_size=1, page=2).json] == [
        large.digest
    ]


_UNKNOWN = [
    {"q": "body=x"},
    {"q": "subject=x"},
    {"q": "repository_id=1"},
    {"q": "size=10"},
    {"q": "size=[a~]"},
    {"q": "push_time=[yesterday~]"},
    {"q": "labels=golden"},
    {"q": "tags=[a~b]"},
    {"q": "digest={" + " ".join(map(str, range(101))) + "}"},
    {"sort": "body"},
    {"sort": "repository"},
    {"with_tag": "maybe"},
    {"with_label": "maybe"},
    {"with_scan_overview": "maybe"},
    {"page_size": "1000"},
]


def test_what_the_list_does_not_know_is_refused(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", image(), "a")
    for parameters in _UNKNOWN:
        assert alice.get(APP, **parameters).status_code == 400, parameters


_BY_OTHERS = [
    ("tags=~ALP", {"alpha", "alpine"}),
    ("tags={alpha beta}", {"alpha", "beta"}),
    ("type=IMAGE", {"alpha", "alpine"}),
    ("type={chart wasm}", {"beta"}),
    ("type=IMAGE,tags=~pine", {"alpine"}),
    ("digest=<alpine>", {"alpine"}),
    ("digest=~<alpine>", {"alpine"}),
    ("media_type=application/vnd.cncf.helm.config.v1+json", {"beta"}),
    ("push_time=[2020-01-01~]", {"alpha", "alpine", "beta"}),
    ("push_time=[~2020-01-01]", set()),
    ("size=[20000~]", {"alpine"}),
    ("repository_name=dock/deep/app", {"alpha", "alpine", "beta"}),
]


def test_artifacts_are_found_by_what_they_are(alice: Portal, push: Pusher) -> None:
    alpine = push("dock/deep/app", image(layer_bytes=30_000), "alpine")
    push("dock/deep/app", image(), "alpha")
    push("dock/deep/app", chart(), "beta")
    for q, found in _BY_OTHERS:
        asked = q.replace("<alpine>", alpine.digest)
        for path in (APP, "/projects/dock/artifacts"):
            listed = alice.get(
                path,
                q=asked,
                with_scan_overview="true",
                with_sbom_overview="true",
                with_signature="true",
                headers={"X-Accept-Vulnerabilities": "application/vnd.security.vulnerability.report"},
            )
            assert {each["tags"][0]["name"] for each in listed.json} == found, q
            assert listed.headers["x-total-count"] == str(len(found))


def test_the_artifacts_of_a_project(alice: Portal, push: Pusher, dock: Project, people: People) -> None:
    people.project("wharf", alice=Role.PROJECT_ADMIN)
    push("wharf/app", image(), "foreign")
    push("dock/deep/app", image(), "1")
    youngest = push("dock/deep/app", image(), "2")
    sbom = push("dock/deep/app", artifact(subject=youngest))
    push("dock/other", multi_platform(), "1")
    listed = alice.get("/projects/dock/artifacts", with_accessory="true")
    assert [(each["repository_name"], each["tags"][0]["name"]) for each in listed.json] == [
        ("dock/other", "1"),
        ("dock/deep/app", "2"),
        ("dock/deep/app", "1"),
    ]
    assert [each["digest"] for each in listed.json[1]["accessories"]] == [sbom.digest]
    assert [each["accessories"] for each in (listed.json[0], listed.json[2])] == [[], []]
    latest = alice.get(f"/projects/{dock.id}/artifacts", latest_in_repository="true")
    assert [each["repository_name"] for each in latest.json] == ["dock/other", "dock/deep/app"]
    assert latest.headers["x-total-count"] == "2"
    assert alice.get("/projects/dock/artifacts", latest_in_repository="maybe").status_code == 400
    assert alice.get("/projects/none/artifacts").status_code == 403


def test_immutable_tags_of_a_whole_project_are_told(
    alice: Portal, push: Pusher, services: Services, dock: Project
) -> None:
    services.immutability.add(
        SYSTEM, dock.id, repositories=Selector("deep/**", "repoMatches"), tags=Selector("v*")
    )
    push("dock/deep/app", image(), "v1")
    push("dock/other", image(), "v1")
    listed = alice.get("/projects/dock/artifacts", with_immutable_status="true").json
    assert {each["repository_name"]: each["tags"][0]["immutable"] for each in listed} == {
        "dock/deep/app": True,
        "dock/other": False,
    }


def test_a_list_tells_what_images_run_on(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", image(architecture="arm64"), "1")
    push("dock/deep/app", multi_platform(), "2")
    whole, single = alice.get(APP).json
    assert (single["extra_attrs"]["architecture"], single["extra_attrs"]["os"]) == ("arm64", "linux")
    assert single["addition_links"] == {
        "build_history": {
            "absolute": False,
            "href": f"/api/v2.0{APP}/{single['digest']}/additions/build_history",
        }
    }
    assert (whole["extra_attrs"], whole["addition_links"]) == ({}, {})


def test_a_hundred_artifacts_cost_as_many_statements_as_one(
    alice: Portal, push: Pusher, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, the settings of the site are not read anew in the midst of it.
    monkeypatch.setattr(site_settings, "REMEMBERED_SECONDS", float("inf"))

    def cost() -> int:
        services.audit.flush()  # of the pushes: whoever writes them later would be counted
        # What is read anew when its time has come, such as settings, is not in the least of several.
        return min(once() for _ in range(5))

    def once() -> int:
        alice.get(APP, page_size=100)  # the login of the test itself is remembered from here on
        with counted_statements() as statements:
            for path in (APP, "/projects/dock/artifacts"):
                answer = alice.get(
                    path,
                    page_size=100,
                    with_accessory="true",
                    with_label="true",
                    with_immutable_status="true",
                )
                assert answer.status_code == 200
        return len(statements)

    push("dock/deep/app", push("dock/deep/app", multi_platform()), "t")
    alone = cost()
    for number in range(99):
        each = push("dock/deep/app", multi_platform() if number % 3 else image(), f"t{number}", f"u{number}")
        if number % 10 == 0:
            push("dock/deep/app", artifact(subject=each))
    listed = alice.get(APP, page_size=100)
    assert len(listed.json) == 100
    assert sum(len(each["references"]) for each in listed.json) > 100
    assert cost() == alone


def test_a_giant_index_does_not_make_a_giant_list(alice: Portal, push: Pusher) -> None:
    children = [image(annotations={"note": "x" * 100}) for _ in range(3)]
    large = push("dock/deep/app", index(children, annotations={"note": "y" * LISTED_BYTES}), "1")
    (listed,) = alice.get(APP).json
    assert (listed["digest"], listed["references"]) == (large.digest, [])
    assert len(alice.get(f"{APP}/1").json["references"]) == 3


def test_a_config_that_is_no_json_harms_nobody(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", manifest(Blob(b"\x00not json", OCI_CONFIG), []), "odd")
    push("dock/deep/app", manifest(Blob(b"[" * 100_000, OCI_CONFIG), []), "deep")
    push("dock/deep/app", manifest(Blob(b"[1]", OCI_CONFIG), []), "list")
    for tag in ("odd", "deep", "list"):
        assert alice.get(f"{APP}/{tag}").json["extra_attrs"] == {}


_TO_NOTHING = [
    ("none", 404),
    ("sha256:" + "0" * 64, 404),
    ("sha256:xyz", 400),
    ("md5:00", 400),
    ("not%20a%20tag", 400),
    ("x" * 200, 400),
]


def test_a_reference_to_nothing_is_refused(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", image(), "1")
    for reference, status in _TO_NOTHING:
        assert alice.get(f"{APP}/{reference}").status_code == status, reference
        assert alice.delete(f"{APP}/{reference}").status_code == status, reference


def test_an_artifact_is_deleted_with_all_its_tags(alice: Portal, push: Pusher) -> None:
    gone, stays = push("dock/deep/app", image(), "1", "latest"), push("dock/deep/app", image(), "2")
    assert alice.delete(f"{APP}/latest").status_code == 200
    assert alice.get(f"{APP}/1").status_code == 404
    assert alice.get(f"{APP}/{gone.digest}").status_code == 404
    assert [each["digest"] for each in alice.get(APP).json] == [stays.digest]


def test_a_child_of_an_index_cannot_be_deleted_from_under_it(alice: Portal, push: Pusher) -> None:
    whole = push("dock/deep/app", multi_platform(), "1")
    child = whole.children[0].digest
    refused = alice.delete(f"{APP}/{child}")
    assert (refused.status_code, code_of(refused)) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    assert alice.get(f"{APP}/{child}").status_code == 200
    assert alice.delete(f"{APP}/1").status_code == 200
    assert alice.get(f"{APP}/{child}").status_code == alice.delete(f"{APP}/{child}").status_code == 404


def test_with_an_index_go_the_parts_that_nothing_else_needs(
    alice: Portal, push: Pusher, services: Services
) -> None:
    shared, named, alone = image(), image(), image()
    whole = push("dock/deep/app", index([shared, named, alone, index([alone])]), "1")
    other = push("dock/deep/app", index([shared]), "other")
    push("dock/deep/app", named, "named")
    signature = push("dock/deep/app", artifact(subject=alone), "signed")
    of_signature = push("dock/deep/app", artifact(subject=signature))
    of_named = push("dock/deep/app", artifact(subject=named))
    assert alice.delete(f"{APP}/1").status_code == 200
    gone = [whole, alone, *whole.children[3:], signature, of_signature]
    kept = [shared, other, named, of_named]
    assert {alice.get(f"{APP}/{each.digest}").status_code for each in gone} == {404}
    assert {alice.get(f"{APP}/{each.digest}").status_code for each in kept} == {200}
    assert alice.get(f"{APP}/signed").status_code == 404
    services.audit.flush()
    entries = services.audit.page(Query(), 100).entries
    told = sorted(each.digest for each in entries if each.operation == "delete_artifact")
    assert told == sorted(each.digest for each in gone)


def test_what_is_attached_under_an_immutable_tag_stays(
    alice: Portal, push: Pusher, services: Services, dock: Project
) -> None:
    subject = push("dock/deep/app", image(), "1")
    signature = push("dock/deep/app", artifact(subject=subject), "signed")
    services.immutability.add(
        SYSTEM, dock.id, repositories=Selector("**", "repoMatches"), tags=Selector("signed")
    )
    assert alice.delete(f"{APP}/1").status_code == 200
    assert alice.get(f"{APP}/signed").json["digest"] == signature.digest


def test_pulls_are_counted_and_dated_once_the_log_is_written(
    alice: Portal, push: Pusher, services: Services, dock: Project
) -> None:
    pushed = push("dock/deep/app", image(), "1")
    name = RepositoryName("dock/deep/app")
    for _ in range(3):
        services.audit.note_pull(SYSTEM, dock.id, name, "1", Digest.parse(pushed.digest))
    assert alice.get(repository_path("dock/deep/app")).json["pull_count"] == 0
    services.audit.flush()
    assert alice.get(repository_path("dock/deep/app")).json["pull_count"] == 3
    found = alice.get(f"{APP}/1").json
    today = datetime.now(UTC).date().isoformat()
    assert found["pull_time"].startswith(today)
    assert found["tags"][0]["pull_time"].startswith(today)


def test_kinds_are_found_among_very_many_types_up_to_a_number(
    alice: Portal, push: Pusher, dock: Project
) -> None:
    """Databases bound how deep a condition may be; SQLite's bound is a thousand."""
    pushed = push("dock/deep/app", image(), "1.0")
    like = ManifestRow.get(ManifestRow.digest == pushed.digest)

    def more(start: int, count: int) -> None:
        rows = [
            {
                **like.__data__,
                "id": 10_000 + number,
                "digest": f"sha256:{number:064x}",
                "config_media_type": f"application/vnd.acme.thing.config.v{number}+json",
            }
            for number in range(start, start + count)
        ]
        with atomic():
            ManifestRow.insert_many(rows).execute()

    more(0, 499)
    assert [each["digest"] for each in alice.get(APP, q="type=IMAGE").json] == [pushed.digest]
    answer = alice.get(APP, q="type=thing", page_size=1)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-total-count"] == "499"
    more(499, 1)
    answer = alice.get(APP, q="type=IMAGE")
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
