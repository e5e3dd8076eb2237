import json

import pytest

from moorage.oci.digest import digest_of
from moorage.oci.names import Tag
from tests.support.distribution import ALICE, APP, OTHER, Distribution, descriptor, index
from tests.support.images import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST

SUBJECT = digest_of(b"the image, which need not be here")
FALLBACK = f"sha256-{SUBJECT.hex}"
SBOM = "application/vnd.example.sbom"
SIGNATURE = "application/vnd.example.signature"


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def digests(found):
    return [line["digest"] for line in found]


def test_referrers_come_with_type_size_and_annotations_in_a_stable_order(site):
    notes = {"org.example.by": "ci"}
    sbom = site.push_image(None, b"sbom", subject=SUBJECT, artifact_type=SBOM, annotations=notes)
    plain = site.push_image("sig", b"sig", subject=SUBJECT)
    site.push_image("other", b"other", subject=digest_of(b"other subject"))
    found = site.referrers.list(APP, SUBJECT)
    assert digests(found) == sorted([str(sbom), str(plain)])
    by_digest = {line["digest"]: line for line in found}
    assert by_digest[str(sbom)] == {
        "mediaType": OCI_MANIFEST,
        "digest": str(sbom),
        "size": len(site.manifests.get(APP, sbom).body),
        "artifactType": SBOM,
        "annotations": notes,
    }
    assert by_digest[str(plain)]["artifactType"] == OCI_CONFIG
    assert "annotations" not in by_digest[str(plain)]


def test_an_index_may_refer_as_well(site):
    listed = site.push_manifest(index([], subject=SUBJECT), "list", media_type=OCI_INDEX)
    (line,) = site.referrers.list(APP, SUBJECT)
    assert (line["digest"], line["mediaType"]) == (str(listed), OCI_INDEX)
    assert "artifactType" not in line


def test_referrers_are_filtered_by_type(site):
    sbom = site.push_image(None, b"sbom", subject=SUBJECT, artifact_type=SBOM)
    site.push_image(None, b"sig", subject=SUBJECT, artifact_type=SIGNATURE)
    assert digests(site.referrers.list(APP, SUBJECT, SBOM)) == [str(sbom)]
    assert site.referrers.list(APP, SUBJECT, "application/none") == []


def test_referrers_are_those_of_one_repository(site):
    site.push_image(None, b"sbom", subject=SUBJECT)
    assert site.referrers.list(OTHER, SUBJECT) == []
    site.push_image("x", b"x", repository=OTHER)
    assert site.referrers.list(OTHER, SUBJECT) == []


def test_a_deleted_referrer_is_no_longer_listed(site):
    sbom = site.push_image(None, b"sbom", subject=SUBJECT)
    site.manifests.delete(ALICE, site.project_id, APP, sbom)
    assert site.referrers.list(APP, SUBJECT) == []


def line_of(site, digest, **more):
    body = site.manifests.get(APP, digest).body
    return {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": len(body)} | more


def test_the_list_of_an_old_client_is_merged_without_doubles(site):
    known = [
        site.push_image(None, b"%d" % number, subject=SUBJECT, artifact_type=SBOM) for number in range(3)
    ]
    old = [site.push_image(None, b"old %d" % number) for number in range(3)]
    lines = [line_of(site, digest, artifactType=SIGNATURE, annotations={"k": "v"}) for digest in old]
    site.push_manifest(index([*lines, line_of(site, known[0])]), FALLBACK, media_type=OCI_INDEX)
    found = site.referrers.list(APP, SUBJECT)
    assert digests(found) == sorted(map(str, [*known, *old]))
    assert lines[0] in found
    assert {"artifactType": SBOM}.items() <= found[digests(found).index(str(known[0]))].items()
    assert digests(site.referrers.list(APP, SUBJECT, SIGNATURE)) == sorted(map(str, old))


def test_the_fallback_tag_counts_only_when_it_names_an_index(site):
    site.push_image(FALLBACK, b"somebody's image")
    assert site.referrers.list(APP, SUBJECT) == []


def test_what_an_old_client_lists_and_is_not_here_is_left_out(database, tmp_path, clock):
    site = Distribution(tmp_path, clock, sparse_indexes=True)
    absent = descriptor(b"absent", OCI_MANIFEST)
    site.push_manifest(index([absent]), FALLBACK, media_type=OCI_INDEX)
    assert site.referrers.list(APP, SUBJECT) == []


def test_the_fallback_tag_of_a_long_digest_is_cut(site):
    subject = digest_of(b"subject", "sha512")
    old = site.push_image(None, b"old")
    site.push_manifest(index([line_of(site, old)]), f"sha512-{subject.hex[:64]}", media_type=OCI_INDEX)
    assert digests(site.referrers.list(APP, subject)) == [str(old)]
    assert site.manifests.get(APP, Tag(f"sha512-{subject.hex[:64]}"))


def test_a_long_list_comes_in_pages_that_miss_and_repeat_nothing(site, monkeypatch):
    monkeypatch.setattr("moorage.distribution.referrers._MOST_BYTES", 2000)
    every = {
        str(site.push_image(None, b"%d" % number, subject=SUBJECT, annotations={"n": "x" * 300}))
        for number in range(12)
    }
    old = site.push_image(None, b"old")
    site.push_manifest(index([line_of(site, old)]), FALLBACK, media_type=OCI_INDEX)
    every.add(str(old))
    found, pages, last = [], 0, None
    while True:
        page = site.referrers.page(APP, SUBJECT, None, last)
        assert len(json.dumps(page.descriptors)) < 2100
        found += digests(page.descriptors)
        pages += 1
        if page.next is None:
            break
        last = page.next
    assert found == sorted(every)
    assert pages > 2
    assert digests(site.referrers.list(APP, SUBJECT)) == found[: len(site.referrers.list(APP, SUBJECT))]


def test_one_descriptor_larger_than_a_page_is_a_page_of_its_own(site, monkeypatch):
    monkeypatch.setattr("moorage.distribution.referrers._MOST_BYTES", 10)
    site.push_image(None, b"1", subject=SUBJECT)
    site.push_image(None, b"2", subject=SUBJECT)
    first = site.referrers.page(APP, SUBJECT)
    assert len(first.descriptors) == 1
    second = site.referrers.page(APP, SUBJECT, None, first.next)
    assert (len(second.descriptors), second.next) == (1, None)
