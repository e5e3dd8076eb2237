"""What projects use is always the sum of what they hold."""

import random
from datetime import datetime, timedelta
from functools import partial

import pytest

from moorage.distribution.copies import Copies, Route
from moorage.distribution.detail_store import DetailStore
from moorage.distribution.details import Details
from moorage.distribution.tables import BlobLinkRow, BlobRow, ProjectBlobRow, ProjectUsageRow
from moorage.errors import MoorageError
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.tables import ProjectRow
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, LEASE, OTHER, Distribution, image, index
from tests.support.images import OCI_INDEX
from tests.support.race import failures, together
from tests.support.statements import counted_statements
from tests.support.usage import expired, right

DATA = b"0123456789"
DIGEST = digest_of(DATA)
CONFIG = b"{}"
ROUNDS = 8


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


# -- what counts -----------------------------------------------------------------------------


def test_an_empty_project_uses_nothing(site):
    assert site.usage.of(site.project_id) == 0
    assert site.usage.of(site.project_id + 100) == 0
    assert site.usage.of_many([site.project_id]) == {site.project_id: 0}


def test_a_blob_counts_once_in_a_project_and_in_every_project_anew(site):
    other = site.project("other")
    site.push_blob(DATA)
    site.push_blob(DATA)
    site.push_blob(DATA, OTHER)
    assert site.usage.of(site.project_id) == len(DATA)
    site.push_blob(DATA, RepositoryName("other/app"), project_id=other)
    assert site.usage.of_many([site.project_id, other]) == {site.project_id: 10, other: 10}


def test_an_image_counts_with_its_manifest(site):
    site.push_image("v1", DATA)
    config = b'{"config": ["30313233343536373839"]}'
    assert site.usage.of(site.project_id) == len(config) + len(DATA) + len(image(config, DATA))
    before = site.usage.of(site.project_id)
    site.push_image("v2", DATA)
    site.push_image("v1", DATA)
    assert site.usage.of(site.project_id) == before


def test_a_blob_counts_until_the_last_repository_lets_go_of_it(site):
    site.push_blob(DATA)
    site.push_blob(DATA, OTHER)
    site.blobs.delete(ALICE, site.project_id, APP, DIGEST)
    assert site.usage.of(site.project_id) == 10
    site.blobs.delete(ALICE, site.project_id, OTHER, DIGEST)
    assert site.usage.of(site.project_id) == 0
    assert ProjectBlobRow.select().count() == 0


def test_a_deleted_manifest_gives_back_its_body_at_once_and_its_blobs_with_their_leases(site, clock):
    digest = site.push_image("v1", DATA)
    blobs = sum(row.size_bytes for row in BlobRow.select())
    site.manifests.delete(ALICE, site.project_id, APP, digest)
    assert site.usage.of(site.project_id) == blobs
    clock.moment += LEASE
    expired(site)
    assert site.usage.of(site.project_id) == 0


def test_a_deleted_repository_leaves_what_the_others_hold(site):
    site.push_image("v1", DATA)
    site.push_image("v1", DATA, b"only here", repository=OTHER)
    alone = site.usage.of(site.project_id)
    site.repositories.delete(ALICE, OTHER)
    assert right(site)
    assert 0 < site.usage.of(site.project_id) < alone
    site.repositories.delete(ALICE, APP)
    assert site.usage.of(site.project_id) == 0


def test_many_links_go_at_once(site):
    for number in range(40):
        site.push_blob(b"%d" % number)
        site.push_blob(b"%d" % number, OTHER if number % 2 else APP)
    site.repositories.delete(ALICE, APP)
    assert right(site)
    assert site.usage.of(site.project_id) == sum(len(b"%d" % number) for number in range(1, 40, 2))


def test_open_uploads_are_pending_and_do_not_count(site):
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    assert (site.usage.of(site.project_id), site.usage.pending_bytes(site.project_id)) == (0, 10)
    site.uploads.expire(timedelta(0) - timedelta(hours=1))
    assert site.usage.pending_bytes(site.project_id) == 0


def test_a_size_that_was_wrong_is_set_right_for_every_project_that_holds_the_blob(site):
    other = site.project("other")
    site.push_blob(DATA)
    site.push_blob(DATA, RepositoryName("other/app"), project_id=other)
    BlobRow.update(size_bytes=7).execute()
    site.usage.recount(site.project_id)
    site.usage.recount(other)
    site.push_blob(DATA)
    assert site.usage.of_many([site.project_id, other]) == {site.project_id: 10, other: 10}


def test_a_deleted_project_leaves_no_counter(site):
    gone = site.project("gone")
    name = RepositoryName("gone/app")
    site.push_image("v1", DATA, repository=name, project_id=gone)
    site.repositories.delete(ALICE, name)
    ProjectRow.delete_by_id(gone)
    assert ProjectUsageRow.select().count() == ProjectBlobRow.select().count() == 0


def test_a_link_that_a_manifest_needs_never_expires(site, clock):
    site.push_image("v1", DATA)
    BlobLinkRow.update(leased_until=clock()).execute()
    assert expired(site) == 0
    assert right(site)


def leases() -> list[datetime]:
    return sorted(row.leased_until for row in BlobLinkRow.select())


def test_each_repository_lets_go_when_its_own_lease_is_over(site, clock):
    site.push_blob(DATA)
    first = clock() + LEASE
    assert leases() == [first]
    clock.moment += timedelta(hours=1)
    site.push_blob(DATA, OTHER)
    assert leases() == [first, first + timedelta(hours=1)]
    clock.moment += timedelta(hours=23) - timedelta(microseconds=1)
    assert expired(site) == 0
    clock.moment += timedelta(microseconds=1)
    assert expired(site) == 1
    assert leases() == [first + timedelta(hours=1)]
    clock.moment += timedelta(hours=1)
    assert expired(site) == 1
    assert leases() == []


# -- whatever happens ------------------------------------------------------------------------


class Story:
    """Things that people do to two projects, picked at random."""

    def __init__(self, site, clock, seed):
        self.site = site
        self.clock = clock
        self.pick = random.Random(seed)
        self.projects = {"library": site.project_id, "other": site.project("other")}
        self.names = [RepositoryName(f"{name}/{app}") for name in self.projects for app in ("a", "b")]
        self.layers = [bytes([65 + number]) * (number * 7) for number in range(6)]
        details = Details(DetailStore())
        self.copies = Copies(site.manifests, site.tags, site.uploads, details)

    def step(self):
        kept = (
            self.push_blob,
            self.push_image,
            self.push_index,
            self.mount,
            self.copy,
            self.tag,
            self.upload,
        )
        gone = (self.delete_tag, self.delete_manifest, self.delete_blob, self.delete_repository)
        doings = (*kept, *gone, self.push_image, self.delete_manifest, self.wait, self.collect, self.limit)
        doing = self.pick.choice(doings)
        try:
            doing(self.pick.choice(self.names))
        except MoorageError as error:
            return f"{doing.__name__}: {error}"
        return doing.__name__

    def home(self, name):
        return self.projects[name.project]

    def push_blob(self, name):
        self.site.push_blob(self.pick.choice(self.layers), name, project_id=self.home(name))

    def push_image(self, name):
        layers = self.pick.sample(self.layers, self.pick.randrange(3))
        tag = self.pick.choice(["v1", "v2", None])
        self.site.push_image(tag, *layers, repository=name, project_id=self.home(name))

    def push_index(self, name):
        found = self.site.manifests.page(name, limit=5)
        if found:
            each = self.pick.choice(found)
            child = {"mediaType": each.media_type, "digest": str(each.digest)}
            child["size"] = len(self.site.manifests.get(name, each.digest).body)
            self.site.push_manifest(
                index([child]), "many", name, media_type=OCI_INDEX, project_id=self.home(name)
            )

    def mount(self, name):
        digest = digest_of(self.pick.choice(self.layers))
        source = self.pick.choice([None, *self.names])
        self.site.uploads.mount(ALICE, self.home(name), name, digest, source, lambda number: True)

    def copy(self, name):
        route = Route(ALICE, self.pick.choice(self.names), self.home(name), name)
        self.copies.copy(route, Tag(self.pick.choice(["v1", "v2", "many"])))

    def tag(self, name):
        found = self.site.manifests.page(name, limit=5)
        if found:
            digest = self.pick.choice(found).digest
            self.site.tags.put(ALICE, self.home(name), name, Tag("v2"), digest)

    def delete_tag(self, name):
        self.site.tags.delete(ALICE, self.home(name), name, Tag("v1"))

    def delete_manifest(self, name):
        found = self.site.manifests.page(name, limit=9)
        if found:
            self.site.manifests.delete(ALICE, self.home(name), name, self.pick.choice(found).digest)

    def delete_blob(self, name):
        self.site.blobs.delete(ALICE, self.home(name), name, digest_of(self.pick.choice(self.layers)))

    def delete_repository(self, name):
        if self.pick.random() < 0.4:
            self.site.repositories.delete(ALICE, name)

    def upload(self, name):
        session = self.site.uploads.start(ALICE, self.home(name), name)
        self.site.uploads.append(ALICE, name, session.id, self.site.arrived(DATA))
        if self.pick.random() < 0.7:
            self.site.uploads.finish(ALICE, self.home(name), name, session.id, None, DIGEST)

    def wait(self, name):
        self.clock.moment += LEASE * self.pick.choice([0.3, 0.6, 1.1])

    def collect(self, name):
        self.site.collect(delete_untagged=self.pick.random() < 0.5)

    def limit(self, name):
        limit = self.pick.choice([-1, 200, 1000, self.site.usage.of(self.home(name)) or 1])
        self.site.quotas.set_limit(ALICE, self.home(name), limit)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_usage_is_the_sum_of_what_is_held(database, tmp_path, clock, seed):
    site = Yard(tmp_path, clock)
    story = Story(site, clock, seed)
    projects = story.projects.values()
    done = []
    for _ in range(100):
        before = site.usage.of_many(projects)
        done.append(story.step())
        assert right(site, *projects), done
        for each, used in site.usage.of_many(projects).items():
            limit = site.quotas.limit(each)
            assert limit < 0 or used <= max(limit, before[each]), done
    assert not any(site.usage.recount(each) for each in projects)
    # The story was one: most things happened, pushes were refused, collections removed something.
    assert len({each.partition(":")[0] for each in done}) > 10
    assert any("storage limit is" in each for each in done)

    clock.moment += LEASE
    for name in story.names:
        if site.repositories.find(name) is not None:
            site.repositories.delete(ALICE, name)
    assert site.usage.of_many(projects) == dict.fromkeys(projects, 0)
    site.collect()
    assert BlobRow.select().count() == ProjectBlobRow.select().count() == 0


# -- counters that went wrong ----------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda: ProjectUsageRow.update(bytes=ProjectUsageRow.bytes + 5).execute(),
        lambda: ProjectUsageRow.delete().execute(),
        lambda: ProjectBlobRow.delete().execute(),
        lambda: ProjectBlobRow.update(links=7).execute(),
        lambda: ProjectBlobRow.update(blob_id=10_000).where(ProjectBlobRow.blob_id == 1).execute(),
    ],
    ids=["sum", "no sum", "no links", "links", "another blob"],
)
def test_wrong_counters_are_found_and_set_right(site, damage):
    site.push_image("v1", DATA)
    assert not site.usage.recount(site.project_id)
    damage()
    assert site.usage.recount(site.project_id)
    assert right(site)
    assert not site.usage.recount(site.project_id)


def test_a_recount_amid_pushes_leaves_the_counters_right(site):
    for number in range(3):
        actions = [
            *(partial(site.push_blob, b"%d %d" % (number, each), APP) for each in range(4)),
            partial(site.push_image, "v1", b"%d" % number, repository=OTHER),
            *(partial(site.usage.recount, site.project_id) for _ in range(2)),
        ]
        assert failures(together(actions)) == []
        assert right(site)


# -- races -----------------------------------------------------------------------------------


def test_two_repositories_link_and_unlink_one_blob_at_once(site):
    for _ in range(ROUNDS):
        site.push_blob(DATA)
        results = together(
            [
                partial(site.push_blob, DATA, OTHER),
                partial(site.blobs.delete, ALICE, site.project_id, APP, DIGEST),
                partial(site.push_blob, DATA, RepositoryName("library/third")),
            ]
        )
        assert failures(results) == []
        assert site.usage.of(site.project_id) == 10
        assert right(site)
        together(
            [
                partial(site.blobs.delete, ALICE, site.project_id, name, DIGEST)
                for name in (OTHER, RepositoryName("library/third"))
            ]
        )
        assert site.usage.of(site.project_id) == 0
        assert right(site)


def test_a_repository_goes_while_others_push_what_it_holds(site):
    layers = [b"layer %d" % number for number in range(5)]
    for _ in range(ROUNDS):
        site.push_image("v1", *layers)
        results = together(
            [
                partial(site.repositories.delete, ALICE, APP),
                partial(site.push_image, "v1", *layers, repository=OTHER),
                partial(site.push_image, "v1", *reversed(layers), repository=RepositoryName("library/third")),
            ]
        )
        assert failures(results) == []
        assert right(site)


def test_leases_expire_while_they_are_renewed(site, clock):
    for _ in range(ROUNDS):
        site.push_blob(DATA)
        site.push_blob(DATA, OTHER)
        clock.moment += LEASE
        results = together([partial(expired, site), partial(site.push_blob, DATA), partial(expired, site)])
        assert failures(results) == []
        assert right(site)
        assert site.usage.of(site.project_id) == 10


# -- what it costs ---------------------------------------------------------------------------


def test_counting_costs_a_push_little(site):
    site.push_image("v1", DATA)
    with counted_statements() as blob:
        site.push_blob(b"another blob")
    for data in (CONFIG, DATA):
        site.push_blob(data)
    with counted_statements() as again:
        site.push_blob(DATA)
    with counted_statements() as manifest:
        site.push_manifest(image(CONFIG, DATA), "v2")
    counters = [
        [text for text in str(found).splitlines() if "INTO project_" in text]
        for found in (blob, again, manifest)
    ]
    assert [len(texts) for texts in counters] == [2, 0, 1]
