"""Labels: whose they are, what bears them, and when they go."""

from functools import partial

import pytest

from moorage.distribution import labels as rules
from moorage.distribution.errors import (
    LabelAddedError,
    LabelExistsError,
    LabelInvalidError,
    LabelUnknownError,
    ManifestUnknownError,
    NameUnknownError,
)
from moorage.distribution.label_store import LabelStore
from moorage.distribution.labels import Labels
from moorage.distribution.model import LabelFilter
from moorage.distribution.tables import ArtifactLabelRow, LabelRow
from moorage.events import LabelAdded, LabelChanged, LabelCreated, LabelDeleted, LabelRemoved
from moorage.oci.digest import digest_of
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.tables import ProjectRow
from tests.support.distribution import ALICE, APP, OTHER, Distribution
from tests.support.race import together


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


@pytest.fixture
def labels(site):
    return Labels(LabelStore(), site.store, site.events, site.clock)


def names(labels, **wanted):
    return [each.name for each in labels.page(LabelFilter(**wanted), limit=100)]


def borne(site, labels, reference):
    found = site.manifests.find_summary(APP, reference)
    return [each.name for each in labels.of_artifacts([found.id]).get(found.id, [])]


def test_a_label_is_kept_as_it_was_given(site, labels):
    made = labels.create(ALICE, site.project_id, name="tested", description="by hand", color="#1D5100")
    assert (made.name, made.description, made.color) == ("tested", "by hand", "#1D5100")
    assert (made.project_id, made.created_at) == (site.project_id, site.clock())
    assert labels.get(made.id) == made
    assert site.happened(LabelCreated) == [LabelCreated(ALICE, made.id, "tested", site.project_id, "library")]


def test_each_project_has_names_of_its_own_and_so_has_everybody(site, labels):
    pier = site.project("pier")
    for project_id in (None, site.project_id, pier):
        labels.create(ALICE, project_id, name="tested")
        with pytest.raises(LabelExistsError):
            labels.create(ALICE, project_id, name="tested")
    assert names(labels) == names(labels, project_id=pier) == ["tested"]


def test_of_many_who_make_a_label_at_once_one_does(site, labels):
    results = together([lambda: labels.create(ALICE, None, name="tested") for _ in range(4)])
    assert sorted(type(each).__name__ for each in results) == ["Label"] + ["LabelExistsError"] * 3


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": " x"},
        {"name": "x" * (rules.MAX_NAME + 1)},
        {"name": "a\0b"},
        {"name": "a\nb"},
        {"name": "x", "description": "x" * (rules.MAX_DESCRIPTION + 1)},
        {"name": "x", "description": "\0"},
        {"name": "x", "color": "red"},
        {"name": "x", "color": "#12345"},
        {"name": "x", "color": "#fff;background:url(x)"},
    ],
)
def test_what_is_no_label_is_refused_and_leaves_nothing(site, labels, given):
    with pytest.raises(LabelInvalidError):
        labels.create(ALICE, None, **given)
    assert LabelRow.select().count() == 0
    kept = labels.create(ALICE, None, name="kept")
    with pytest.raises(LabelInvalidError):
        labels.change(ALICE, kept.id, **given)
    assert labels.get(kept.id) == kept


def test_without_a_project_there_is_no_label_of_it(labels):
    with pytest.raises(ProjectUnknownError):
        labels.create(ALICE, 999, name="tested")


def test_a_change_leaves_the_rest_and_tells_what_it_was(site, labels):
    made = labels.create(ALICE, None, name="tested", description="by hand", color="#fff")
    labels.create(ALICE, None, name="taken")
    changed = labels.change(ALICE, made.id, name="proven", color="#fff")
    assert (changed.name, changed.description, changed.color) == ("proven", "by hand", "#fff")
    with pytest.raises(LabelExistsError):
        labels.change(ALICE, made.id, name="taken")
    labels.change(ALICE, made.id, name="proven")
    assert [event.what for event in site.happened(LabelChanged)] == ["name"]
    with pytest.raises(LabelUnknownError):
        labels.change(ALICE, 999, name="x")


def test_lists_are_by_name_part_and_order(site, labels):
    for name in ("beta", "Alpha", "alphabet", "100%", "100x"):
        labels.create(ALICE, None, name=name)
    assert names(labels) == ["100%", "100x", "Alpha", "alphabet", "beta"]
    assert names(labels, part="ALPHA") == ["Alpha", "alphabet"]
    assert names(labels, part="0%") == ["100%"]
    assert names(labels, name="alpha") == []
    assert labels.count(LabelFilter(part="alpha")) == 2
    youngest = labels.page(LabelFilter(), limit=1, offset=1, sort="-id")
    assert [each.name for each in youngest] == ["100%"]


def test_an_artifact_bears_labels_by_name_until_they_are_taken_off(site, labels):
    digest = site.push_image("1", b"layer")
    two = labels.create(ALICE, None, name="two")
    one = labels.create(ALICE, site.project_id, name="one")
    for each in (two, one):
        labels.add(ALICE, site.project_id, APP, digest, each.id)
        with pytest.raises(LabelAddedError):
            labels.add(ALICE, site.project_id, APP, digest, each.id)
    assert borne(site, labels, digest) == ["one", "two"]
    labels.remove(ALICE, site.project_id, APP, digest, two.id)
    with pytest.raises(LabelUnknownError):
        labels.remove(ALICE, site.project_id, APP, digest, two.id)
    assert borne(site, labels, digest) == ["one"]
    assert [event.label for event in site.happened(LabelAdded)] == ["two", "one"]
    assert site.happened(LabelRemoved) == [LabelRemoved(ALICE, site.project_id, APP, digest, two.id, "two")]


def test_what_is_not_there_bears_no_label_and_another_projects_label_is_none(site, labels):
    pier = site.project("pier")
    digest = site.push_image("1", b"layer")
    own, foreign = (
        labels.create(ALICE, project_id, name="tested").id for project_id in (site.project_id, pier)
    )
    for label_id in (foreign, 999):
        with pytest.raises(LabelUnknownError, match=f"there is no label {label_id}"):
            labels.add(ALICE, site.project_id, APP, digest, label_id)
    with pytest.raises(ManifestUnknownError):
        labels.add(ALICE, site.project_id, APP, digest_of(b"none"), own)
    with pytest.raises(NameUnknownError):
        labels.add(ALICE, site.project_id, OTHER, digest, own)
    with pytest.raises(NameUnknownError):  # the repository is not that project's
        labels.add(ALICE, pier, APP, digest, foreign)
    assert ArtifactLabelRow.select().count() == 0


def test_an_artifact_bears_so_many_labels_and_no_more(site, labels, monkeypatch):
    monkeypatch.setattr(rules, "MAX_ADDED", 2)
    digest = site.push_image("1", b"layer")
    made = [labels.create(ALICE, None, name=f"l{number}").id for number in range(3)]
    for label_id in made[:2]:
        labels.add(ALICE, site.project_id, APP, digest, label_id)
    with pytest.raises(LabelInvalidError, match="at most 2"):
        labels.add(ALICE, site.project_id, APP, digest, made[2])


def test_a_deleted_label_is_off_every_artifact_and_its_number_never_comes_again(site, labels):
    digest = site.push_image("1", b"layer")
    made = labels.create(ALICE, None, name="tested")
    labels.add(ALICE, site.project_id, APP, digest, made.id)
    labels.delete(ALICE, made.id)
    assert borne(site, labels, digest) == []
    assert site.happened(LabelDeleted) == [LabelDeleted(ALICE, made.id, "tested", None, "")]
    with pytest.raises(LabelUnknownError):
        labels.delete(ALICE, made.id)
    assert labels.create(ALICE, None, name="tested").id > made.id


def test_an_artifact_that_was_deleted_and_comes_again_has_no_label(site, labels):
    digest = site.push_image("1", b"layer")
    made = labels.create(ALICE, None, name="tested")
    labels.add(ALICE, site.project_id, APP, digest, made.id)
    assert site.push_image("2", b"layer") == digest  # the same again, under another name
    assert borne(site, labels, digest) == ["tested"]
    site.manifests.delete(ALICE, site.project_id, APP, digest)
    assert ArtifactLabelRow.select().count() == 0
    site.push_image("1", b"layer")
    assert borne(site, labels, digest) == []
    labels.add(ALICE, site.project_id, APP, digest, made.id)
    site.repositories.delete(ALICE, APP)
    assert ArtifactLabelRow.select().count() == 0


def test_the_labels_of_a_project_go_with_it(site, labels):
    pier = site.project("pier")
    labels.create(ALICE, pier, name="tested")
    labels.create(ALICE, None, name="tested")
    ProjectRow.delete().where(ProjectRow.id == pier).execute()
    assert [each.project_id for each in LabelRow.select()] == [None]


def test_labels_and_deletion_of_an_artifact_at_once_leave_nothing_behind(site, labels):
    made = [labels.create(ALICE, None, name=f"l{number}").id for number in range(3)]
    for number in range(5):
        digest = site.push_image("1", b"layer %d" % number)
        artifact = (ALICE, site.project_id, APP, digest)
        adding = [partial(labels.add, *artifact, label_id) for label_id in made]
        results = together([*adding, partial(site.manifests.delete, *artifact)])
        assert {type(each) for each in results} <= {type(None), ManifestUnknownError}
        assert ArtifactLabelRow.select().count() == 0
