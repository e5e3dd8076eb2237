"""Storage limits of projects: what would go over one is refused, in good time and whole."""

from functools import partial

import pytest

from moorage.distribution.copies import Copies, Route
from moorage.distribution.detail_store import DetailStore
from moorage.distribution.details import Details
from moorage.distribution.tables import BlobRow
from moorage.events import ProjectChanged
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.errors import ProjectUnknownError, QuotaExceededError, QuotaInvalidError
from moorage.projects.tables import QuotaRow
from tests.support.distribution import ALICE, APP, OTHER, Distribution, image
from tests.support.race import failures, together
from tests.support.usage import right

DATA = b"0123456789"
DIGEST = digest_of(DATA)
CONFIG = b"{}"
ROUNDS = 8


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def limited(site, limit):
    site.quotas.set_limit(ALICE, site.project_id, limit)


def test_a_blob_over_the_limit_is_refused_and_nothing_stays_of_it(site):
    limited(site, 15)
    site.push_blob(DATA)
    with pytest.raises(QuotaExceededError) as caught:
        site.push_blob(b"abcdef")
    assert caught.value.message == (
        "the project's storage limit is 15 bytes: 10 bytes are used, and 6 bytes more do not fit"
    )
    assert site.files() == {DIGEST}
    assert BlobRow.select().count() == 1
    assert site.spooled() == []
    assert right(site)
    site.push_blob(b"abcde")
    assert site.usage.of(site.project_id) == 15


def test_an_upload_over_the_limit_stands_as_before(site):
    limited(site, 5)
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    with pytest.raises(QuotaExceededError):
        site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)
    assert site.files() == set()
    assert site.uploads.status(ALICE, APP, session.id).received_bytes == 10
    limited(site, 10)
    site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)
    assert site.usage.of(site.project_id) == 10


def test_a_manifest_over_the_limit_is_refused_with_its_tag(site):
    for data in (CONFIG, DATA):
        site.push_blob(data)
    body = image(CONFIG, DATA)
    limited(site, 12 + len(body) - 1)
    with pytest.raises(QuotaExceededError):
        site.push_manifest(body, "v1")
    assert site.tags.names(APP, 10) == []
    assert right(site)
    limited(site, 12 + len(body))
    site.push_manifest(body, "v1")


def test_mounts_and_copies_count(site):
    other, source = site.project("other"), RepositoryName("other/app")
    digest = site.push_image("v1", DATA, repository=source, project_id=other)
    limited(site, site.usage.of(other) - 1)
    copies = Copies(site.manifests, site.tags, site.uploads, Details(DetailStore()))
    with pytest.raises(QuotaExceededError):
        copies.copy(Route(ALICE, source, site.project_id, APP), digest)
    limited(site, site.usage.of(other))
    copies.copy(Route(ALICE, source, site.project_id, APP), digest)
    assert site.usage.of(site.project_id) == site.usage.of(other)
    new = site.push_blob(b"new", source, project_id=other)
    with pytest.raises(QuotaExceededError):
        site.uploads.mount(ALICE, site.project_id, OTHER, new, source, lambda number: True)
    assert site.repositories.find(OTHER) is None
    assert right(site, site.project_id, other)


def test_over_its_limit_a_project_can_do_all_that_takes_no_room(site):
    digest = site.push_image("v1", DATA)
    limited(site, 1)
    site.push_image("v1", DATA)
    site.push_image("again", DATA)
    site.tags.put(ALICE, site.project_id, APP, Tag("v2"), digest)
    site.push_blob(DATA, OTHER)
    site.uploads.mount(ALICE, site.project_id, OTHER, DIGEST, APP, lambda number: True)
    site.push_blob(b"", OTHER)
    with pytest.raises(QuotaExceededError):
        site.push_blob(b"new")
    site.tags.delete(ALICE, site.project_id, APP, Tag("v2"))
    site.manifests.delete(ALICE, site.project_id, APP, digest)
    site.repositories.delete(ALICE, APP)
    assert right(site)
    site.repositories.delete(ALICE, OTHER)
    assert site.usage.of(site.project_id) == 0


def test_a_limit_is_set_read_and_lifted(site):
    assert site.quotas.limit(site.project_id) == -1
    limited(site, 10 * 2**30)
    assert site.quotas.limit(site.project_id) == 10 * 2**30
    limited(site, 10 * 2**30)
    limited(site, -1)
    assert site.quotas.limit(site.project_id) == -1
    site.push_blob(DATA)
    told = [event.what for event in site.happened(ProjectChanged)]
    assert told == ["storage limit 10 GiB", "no storage limit"]


@pytest.mark.parametrize("limit", [0, -2, 2**53])
def test_what_is_no_limit_is_refused(site, limit):
    with pytest.raises(QuotaInvalidError):
        limited(site, limit)
    assert QuotaRow.select().count() == 0


def test_only_a_project_can_have_a_limit(site):
    with pytest.raises(ProjectUnknownError):
        site.quotas.set_limit(ALICE, site.project_id + 100, 10)


@pytest.mark.parametrize(
    ("declared", "digest", "refused"),
    [
        (5, None, False),
        (6, None, True),
        (0, None, False),
        (10, DIGEST, False),  # the project holds it
        (10, digest_of(b"another"), True),
        (0, digest_of(b"another"), False),  # its bytes are here already; its arrival decides
    ],
)
def test_a_body_is_refused_before_it_comes(site, declared, digest, refused):
    site.push_blob(DATA)
    limited(site, 15)
    ask = partial(site.uploads.admit, ALICE.key, declared, project_id=site.project_id, digest=digest)
    if refused:
        with pytest.raises(QuotaExceededError):
            ask()
    else:
        ask()


def test_a_body_of_unknown_length_is_refused_when_nothing_fits(site):
    site.push_blob(DATA)
    limited(site, 10)
    with pytest.raises(QuotaExceededError, match="nothing more fits"):
        site.uploads.admit(ALICE.key, project_id=site.project_id)
    site.uploads.admit(ALICE.key, project_id=site.project_id, opens=True)


def test_of_two_pushes_that_fit_alone_but_not_together_exactly_one_passes(site):
    for number in range(ROUNDS):
        limited(site, site.usage.of(site.project_id) + 15)
        results = together(
            [
                partial(site.push_blob, b"%9d%d" % (number, each), name)
                for each, name in enumerate([APP, OTHER])
            ]
        )
        (refused,) = failures(results)
        assert isinstance(refused, QuotaExceededError)
        assert right(site)


def test_projects_are_listed_with_limit_and_usage(site):
    other = site.project("other")
    site.push_blob(DATA)
    limited(site, 11)
    mine, its = site.usage.projects(limit=10)
    assert (mine.name, mine.limit_bytes, mine.used_bytes) == ("library", 11, 10)
    assert (its.project_id, its.limit_bytes, its.used_bytes) == (other, -1, 0)
    assert (mine.is_near_limit, its.is_near_limit) == (True, False)
    assert mine.used_percent == pytest.approx(90.9, abs=0.1)
    for sort in ("id", "-used", "-limit", "name"):
        reverse = sort[1:] if sort.startswith("-") else "-" + sort
        assert [each.name for each in site.usage.projects(limit=10, sort=sort)] == ["library", "other"]
        assert [each.name for each in site.usage.projects(limit=10, sort=reverse)] == ["other", "library"]
    assert [each.name for each in site.usage.projects(limit=1, offset=1)] == ["other"]
    assert site.usage.count_projects() == 2
    assert site.usage.project(other).name == "other"
    with pytest.raises(ProjectUnknownError):
        site.usage.project(other + 100)
