"""Lists of artifacts: each condition, alone and together, in one repository and in a whole project."""

import json
from datetime import timedelta

import pytest

from moorage.db.fields import to_microseconds
from moorage.distribution import artifact_store
from moorage.distribution.artifact_filter import ArtifactFilter, Span, Texts
from moorage.distribution.errors import ListTooWideError
from moorage.distribution.label_store import LabelStore
from moorage.distribution.labels import Labels
from moorage.oci.digest import digest_of
from moorage.oci.names import Tag
from tests.support.distribution import ALICE, APP, EPOCH, OTHER, Distribution, descriptor, index
from tests.support.images import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST

HELM = "application/vnd.cncf.helm.config.v1+json"
HOUR = timedelta(hours=1)


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


@pytest.fixture
def pushed(site, clock):
    """Two images an hour apart, an untagged chart and an index of it; one image in another repository."""
    clock.moment = EPOCH
    found = {"first": site.push_image("v1.0", b"a")}
    clock.moment += HOUR
    found["second"] = site.push_image("V1.1", b"b", b"b" * 5000)
    clock.moment += HOUR
    config = b'{"name":"app"}'
    for data in (config, b"chart"):
        site.push_blob(data)
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config, HELM),
            "layers": [descriptor(b"chart")],
        }
    ).encode()
    found["chart"] = site.push_manifest(body, digest_of(body))
    clock.moment += HOUR
    found["other"] = site.push_image("v1.0", b"c", repository=OTHER)
    clock.moment += HOUR
    child = site.push_image(None, b"d", repository=OTHER)
    stored = site.manifests.get(OTHER, child)
    lines = index([descriptor(stored.body, OCI_MANIFEST)])
    found["index"] = site.push_manifest(lines, "multi_x", OTHER, media_type=OCI_INDEX)
    return found


def at(hours):
    return to_microseconds(EPOCH + hours * HOUR)


def shown(site, pushed, within=None, sort="push_time", **wanted):
    """The names of what the list shows; what it counts is the same."""
    asked = ArtifactFilter(**wanted)
    whole = site.project_id if within is None else within
    found = site.manifests.page(whole, asked, limit=50, sort=sort)
    assert site.manifests.count(whole, asked) == len(found)
    names = {digest: name for name, digest in pushed.items()}
    return [names[each.digest] for each in found]


CONDITIONS = [
    ({}, ["first", "second", "chart", "other", "index"]),
    ({"tagged": False}, ["chart"]),
    ({"tagged": True}, ["first", "second", "other", "index"]),
    ({"tags": Texts(("v1.0",))}, ["first", "other"]),
    ({"tags": Texts(("V1.1", "multi_x"))}, ["second", "index"]),
    ({"tags": Texts(part="v1")}, ["first", "second", "other"]),
    ({"tags": Texts(part="_")}, ["index"]),
    ({"tags": Texts(part="%")}, []),
    ({"tags": Texts(part="*")}, []),
    ({"texts": {"media_type": Texts((HELM,))}}, ["chart"]),
    ({"texts": {"media_type": Texts((OCI_INDEX,))}}, ["index"]),
    ({"texts": {"artifact_type": Texts((OCI_INDEX, HELM))}}, ["chart", "index"]),
    ({"texts": {"manifest_media_type": Texts(part="INDEX")}}, ["index"]),
    ({"texts": {"repository_name": Texts((OTHER,))}}, ["other", "index"]),
    ({"spans": {"push_time": Span(at(1), at(2))}}, ["second", "chart"]),
    ({"spans": {"push_time": Span(at(3))}}, ["other", "index"]),
    ({"spans": {"size": Span(5000)}}, ["second"]),
    ({"spans": {"pull_time": Span(0)}}, []),
    ({"kinds": ("IMAGE",)}, ["first", "second", "other", "index"]),
    ({"kinds": ("CHART", "WASM")}, ["chart"]),
    ({"kinds": ("UNKNOWN",)}, []),
    ({"latest": True}, ["chart", "index"]),
    ({"latest": True, "tagged": True}, ["index"]),
    ({"kinds": ("IMAGE",), "tags": Texts(("v1.0",)), "spans": {"push_time": Span(at(1))}}, ["other"]),
]


@pytest.mark.parametrize(("wanted", "names"), CONDITIONS, ids=[str(each[0]) for each in CONDITIONS])
def test_a_list_of_a_project_shows_what_meets_the_conditions(site, pushed, wanted, names):
    assert shown(site, pushed, **wanted) == names


@pytest.mark.parametrize(("wanted", "names"), CONDITIONS, ids=[str(each[0]) for each in CONDITIONS])
def test_a_list_of_a_repository_shows_what_of_it_meets_the_conditions(site, pushed, wanted, names):
    own = [name for name in names if name in ("first", "second", "chart")]
    assert shown(site, pushed, APP, **wanted) == own


def test_a_list_of_a_project_shows_nothing_of_another(site, pushed):
    pier = site.project("pier")
    assert site.manifests.page(pier, limit=10) == []


def test_artifacts_are_found_by_all_or_any_of_their_labels(site, pushed):
    labels = Labels(LabelStore(), site.store, site.events, site.clock)
    one, two, none = (labels.create(ALICE, None, name=name).id for name in ("one", "two", "none"))
    for name, label_id in (("first", one), ("first", two), ("second", two)):
        labels.add(ALICE, site.project_id, APP, pushed[name], label_id)
    assert shown(site, pushed, labels=(one,)) == ["first"]
    assert shown(site, pushed, labels=(two,)) == ["first", "second"]
    assert shown(site, pushed, labels=(one, two)) == ["first"]
    assert shown(site, pushed, any_labels=(one, two, none)) == ["first", "second"]
    assert shown(site, pushed, labels=(none,)) == shown(site, pushed, any_labels=(999,)) == []


def test_lists_have_an_order(site, pushed):
    assert shown(site, pushed, APP, sort="-push_time") == ["chart", "second", "first"]
    assert shown(site, pushed, APP, sort="-size")[0] == "second"
    by_digest = sorted(pushed, key=lambda name: str(pushed[name]))
    assert shown(site, pushed, sort="digest") == by_digest
    site.pulls.count(APP, "v1.0", str(pushed["first"]), 1, EPOCH)
    assert shown(site, pushed, sort="-pull_time")[0] == "first"
    assert shown(site, pushed, spans={"pull_time": Span(high=at(1))}) == ["first"]
    assert shown(site, pushed, sort="-repository_name")[:2] == ["index", "other"]


def test_too_many_types_to_tell_kinds_apart_are_a_clear_error(site, pushed, monkeypatch):
    monkeypatch.setattr(artifact_store, "_MOST_TYPES", 1)
    with pytest.raises(ListTooWideError):
        site.manifests.page(APP, ArtifactFilter(kinds=("IMAGE",)), limit=10)
    assert site.manifests.page(OTHER, ArtifactFilter(texts={"media_type": Texts((OCI_CONFIG,))}), limit=10)
    assert site.manifests.find_summary(APP, Tag("v1.0")).config_media_type == OCI_CONFIG
