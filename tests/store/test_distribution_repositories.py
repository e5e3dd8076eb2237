from datetime import timedelta

import pytest

from moorage.distribution.errors import (
    BlobUnknownError,
    BlobUploadUnknownError,
    ManifestUnknownError,
    NameUnknownError,
)
from moorage.distribution.tables import (
    BlobLinkRow,
    ManifestBlobRow,
    ManifestChildRow,
    ManifestRow,
    TagRow,
    UploadRow,
)
from moorage.events import RepositoryChanged, RepositoryCreated, RepositoryDeleted, TagDeleted, TagMoved
from moorage.identity.model import PrincipalKind
from moorage.identity.tables import RobotRightRow, RobotRow, UserRow
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.tables import MemberRow
from tests.support.distribution import ALICE, APP, EPOCH, OTHER, Distribution, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST
from tests.support.statements import counted_statements


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def name(text):
    return RepositoryName.parse(text)


def test_a_repository_is_made_once_and_found_by_its_name(site, clock):
    made = site.repositories.ensure(ALICE, site.project_id, APP)
    assert site.repositories.ensure(ALICE, site.project_id, APP) == made
    assert site.repositories.find(APP) == made
    assert (made.name, made.project_id, made.created_at) == (APP, site.project_id, clock())
    assert [event.repository for event in site.happened(RepositoryCreated)] == [APP]
    assert site.repositories.find(OTHER) is None


def test_repositories_are_listed_by_project_part_of_the_name_and_order(site, clock):
    foreign = site.project("foreign")
    site.repositories.ensure(ALICE, foreign, name("foreign/app"))
    for text in ("library/b_1", "library/a", "library/bx1", "library/c"):
        clock.forward(minutes=1)
        site.repositories.ensure(ALICE, site.project_id, name(text))

    def listed(**which):
        return [found.name.path for found in site.repositories.list(site.project_id, **which)]

    assert listed(limit=10) == ["a", "b_1", "bx1", "c"]
    assert listed(limit=2, offset=1) == ["b_1", "bx1"]
    assert listed(limit=10, sort="-creation_time") == ["c", "bx1", "a", "b_1"]
    assert listed(limit=10, q="b") == ["a", "b_1", "bx1", "c"]  # "library" has one
    assert listed(limit=10, q="b_1") == ["b_1"]
    assert listed(limit=10, q="%") == []
    assert site.repositories.count(site.project_id) == 4
    assert site.repositories.count(site.project_id, q="B_1") == 1


def test_the_number_of_artifacts_is_known_for_many_repositories_at_once(site):
    site.push_image("v1", b"one")
    site.push_image("v2", b"two")
    site.push_image("v1", b"one", repository=OTHER)
    empty = site.repositories.ensure(ALICE, site.project_id, name("library/empty")).id
    app, other = site.repositories.find(APP).id, site.repositories.find(OTHER).id
    assert site.repositories.artifact_counts([app, other, empty]) == {app: 2, other: 1}


def test_a_push_shows_in_the_date_of_the_repository(site, clock):
    site.push_image("v1", b"one")
    clock.forward(hours=1)
    site.push_image("v2", b"two")
    assert site.repositories.find(APP).updated_at == clock()


def test_a_description_is_kept(site):
    site.repositories.ensure(ALICE, site.project_id, APP)
    site.repositories.set_description(ALICE, APP, "what it is")
    assert site.repositories.find(APP).description == "what it is"
    assert [event.what for event in site.happened(RepositoryChanged)] == ["description"]
    with pytest.raises(NameUnknownError):
        site.repositories.set_description(ALICE, OTHER, "nothing")


def test_a_deleted_repository_takes_everything_with_it_but_blobs(site, tmp_path):
    child = site.push_image("amd64", b"shared")
    size = len(site.manifests.get(APP, child).body)
    lines = [{"mediaType": OCI_MANIFEST, "digest": str(child), "size": size}]
    site.push_manifest(index(lines), "multi", media_type=OCI_INDEX)
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(b"half"))
    kept = site.push_image("v1", b"shared", repository=OTHER)
    files = site.files()

    site.repositories.delete(ALICE, APP)

    assert site.repositories.find(APP) is None
    assert [event.repository for event in site.happened(RepositoryDeleted)] == [APP]
    assert site.files() == files
    assert site.manifests.get(OTHER, Tag("v1")).digest == kept
    left = site.repositories.find(OTHER).id
    for row in (ManifestRow, TagRow, BlobLinkRow):
        assert {found.repository_id for found in row.select()} == {left}
    assert {found.repository_id for found in ManifestBlobRow.select()} == {left}
    assert ManifestChildRow.select().count() == UploadRow.select().count() == 0
    assert list((tmp_path / "uploads").iterdir()) == []
    with pytest.raises(NameUnknownError):
        site.manifests.get(APP, Tag("multi"))
    with pytest.raises(BlobUnknownError):
        site.blobs.stat(APP, digest_of(b"shared"))
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.append(ALICE, APP, session.id, site.arrived(b"half"))
    with pytest.raises(NameUnknownError):
        site.repositories.delete(ALICE, APP)


def test_subscribers_still_see_what_a_deletion_is_about_to_take(site):
    site.push_image("v1", b"layer")
    seen = []
    site.events.subscribe(RepositoryDeleted, lambda event: seen.append(BlobLinkRow.select().count()))
    site.repositories.delete(ALICE, APP)
    assert seen == [2]


def test_tags_are_listed_in_order_of_their_bytes_and_by_key(site):
    site.push_image("a", b"layer")
    digest = site.manifests.get(APP, Tag("a")).digest
    for tag in ("B", "b", "_x", "1.0", "1.0-rc1", "1.10", "Z"):
        site.tags.put(ALICE, site.project_id, APP, Tag(tag), digest)
    every = ["1.0", "1.0-rc1", "1.10", "B", "Z", "_x", "a", "b"]
    assert site.tags.names(APP, 100) == every
    assert site.tags.names(APP, 3) == every[:3]
    assert site.tags.names(APP, 3, "1.10") == every[3:6]
    assert site.tags.names(APP, 3, "C") == ["Z", "_x", "a"]
    assert site.tags.names(APP, 3, "zzz") == site.tags.names(APP, 0) == []
    assert site.tags.names(APP, 1, "1.0\0x") == ["1.0-rc1"]
    with pytest.raises(NameUnknownError):
        site.tags.names(OTHER, 3)


def test_a_page_of_names_is_one_statement(site):
    site.push_image("v1", b"layer")
    with counted_statements() as ran:
        site.tags.names(APP, 10)
        site.catalog.page(PrincipalKind.USER, 1, 10)
        site.catalog.page(PrincipalKind.ROBOT, 1, 10)
        site.catalog.page(PrincipalKind.ANONYMOUS, 0, 10)
    assert len(ran) == 4


def test_tags_are_listed_with_what_they_name(site, clock):
    first = site.push_image("v1", b"one")
    clock.forward(minutes=1)
    second = site.push_image("v2", b"two")
    clock.forward(minutes=1)
    site.tags.put(ALICE, site.project_id, APP, Tag("latest"), second)
    entries = site.tags.entries(APP, limit=10)
    assert [(entry.name, entry.digest) for entry in entries] == [
        ("latest", second),
        ("v2", second),
        ("v1", first),
    ]
    assert entries[0].pushed_at == clock()
    assert [entry.name for entry in site.tags.entries(APP, digest=second, sort="name", limit=1)] == ["latest"]
    assert [entry.name for entry in site.tags.entries(APP, q="V", sort="-name", limit=9)] == ["v2", "v1"]
    assert [entry.name for entry in site.tags.entries(APP, limit=9, offset=2)] == ["v1"]
    assert (site.tags.count(APP), site.tags.count(APP, digest=second)) == (3, 2)


def test_a_tag_is_deleted_without_its_siblings(site):
    digest = site.push_image("v1", b"one")
    site.tags.put(ALICE, site.project_id, APP, Tag("v2"), digest)
    site.tags.delete(ALICE, site.project_id, APP, Tag("v1"))
    assert site.tags.names(APP, 10) == ["v2"]
    assert site.manifests.get(APP, digest).digest == digest
    assert [(event.tag, event.digest) for event in site.happened(TagDeleted)] == [("v1", digest)]
    with pytest.raises(ManifestUnknownError):
        site.tags.delete(ALICE, site.project_id, APP, Tag("v1"))
    with pytest.raises(NameUnknownError):
        site.tags.delete(ALICE, site.project_id, OTHER, Tag("v1"))


def test_a_tag_names_only_what_is_there(site):
    digest = site.push_image("v1", b"one")
    with pytest.raises(ManifestUnknownError):
        site.tags.put(ALICE, site.project_id, APP, Tag("v2"), digest_of(b"nothing"))
    with pytest.raises(NameUnknownError):
        site.tags.put(ALICE, site.project_id, OTHER, Tag("v2"), digest)
    with pytest.raises(NameUnknownError):
        site.tags.put(ALICE, site.project("foreign"), APP, Tag("v2"), digest)
    site.tags.put(ALICE, site.project_id, APP, Tag("v1"), digest)
    assert [event.tag for event in site.happened(TagMoved)] == ["v1"]


def person(text, **columns):
    return UserRow.create(name=text, password_hash="", created_at=EPOCH, updated_at=EPOCH, **columns).id


def robot(text, project_id, **columns):
    made = RobotRow.create(
        name=text, project_id=project_id, secret_digest="", created_at=EPOCH, updated_at=EPOCH, **columns
    )
    RobotRightRow.create(
        robot=made, kind="project", project_id=project_id, resource="repository", action="pull"
    )
    return made.id


@pytest.fixture
def harbour(site):
    """Repositories in a public project, in `library`, and in `vault`, both private."""
    public, vault = site.project("open", public=True), site.project("vault")
    site.push_image("v1", b"one", repository=name("open/z"), project_id=public)
    site.push_image("v1", b"one", repository=name("open/a"), project_id=public)
    site.push_image("v1", b"one", repository=name("vault/s"), project_id=vault)
    site.push_image("v1", b"one", repository=APP)
    site.push_blob(b"no manifest yet", name("open/empty"), project_id=public)
    return site


PUBLIC = ["open/a", "open/z"]


def test_everybody_sees_public_repositories_that_have_something_to_pull(harbour):
    assert harbour.catalog.page(PrincipalKind.ANONYMOUS, 0, 10) == PUBLIC
    assert harbour.catalog.page(PrincipalKind.USER, 99, 10) == PUBLIC
    assert harbour.catalog.page(PrincipalKind.ROBOT, 99, 10) == PUBLIC


def test_the_catalog_goes_on_after_a_key_and_stops_at_a_limit(harbour):
    assert harbour.catalog.page(PrincipalKind.ANONYMOUS, 0, 1) == ["open/a"]
    assert harbour.catalog.page(PrincipalKind.ANONYMOUS, 0, 1, "open/a") == ["open/z"]
    assert harbour.catalog.page(PrincipalKind.ANONYMOUS, 0, 1, "open/b\0") == ["open/z"]
    assert harbour.catalog.page(PrincipalKind.ANONYMOUS, 0, 1, "open/z") == []


def test_a_member_sees_the_project_an_administrator_all_of_them(harbour):
    member, stranger, admin = person("m"), person("s"), person("a", admin=True)
    MemberRow.create(project=harbour.project_id, user=member, role=3)
    assert harbour.catalog.page(PrincipalKind.USER, member, 10) == ["library/app", *PUBLIC]
    assert harbour.catalog.page(PrincipalKind.USER, stranger, 10) == PUBLIC
    assert harbour.catalog.page(PrincipalKind.USER, admin, 10) == ["library/app", *PUBLIC, "vault/s"]
    assert harbour.catalog.page(PrincipalKind.ROBOT, admin, 10) == PUBLIC


def test_a_disabled_account_sees_what_everybody_sees(harbour):
    admin = person("a", admin=True, disabled=True)
    member = person("m", disabled=True)
    MemberRow.create(project=harbour.project_id, user=member, role=1)
    assert harbour.catalog.page(PrincipalKind.USER, admin, 10) == PUBLIC
    assert harbour.catalog.page(PrincipalKind.USER, member, 10) == PUBLIC


def test_a_robot_sees_its_own_project_until_it_ends(harbour, clock):
    active = robot("r1", harbour.project_id, expires_at=clock() + timedelta(hours=1))
    disabled = robot("r2", harbour.project_id, disabled=True)
    assert harbour.catalog.page(PrincipalKind.ROBOT, active, 10) == ["library/app", *PUBLIC]
    assert harbour.catalog.page(PrincipalKind.ROBOT, disabled, 10) == PUBLIC
    clock.forward(hours=2)
    assert harbour.catalog.page(PrincipalKind.ROBOT, active, 10) == PUBLIC
