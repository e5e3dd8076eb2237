"""A repository of 60,000 tags: to delete one manifest there costs what it costs in a small one."""

import re

import pytest

from moorage.config import load
from moorage.db.connection import atomic, is_postgresql
from moorage.db.connection import database as handle
from moorage.distribution.artifact_filter import ArtifactFilter, Texts
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.tables import ProjectRow
from moorage.services import Services
from tests.support.distribution import ALICE, EPOCH
from tests.support.statements import Statements, counted_statements

LARGE, SMALL = RepositoryName("library/large"), RepositoryName("library/small")
TAGS = {LARGE: 60_000, SMALL: 10}
#: Tables that are large here.
GROWN = {"tag", "manifest", "manifest_blob", "blob"}
SINCE = 1_700_000_000_000_000

# The numbers from 1 to some count, which are n.i; every manifest has a tag of its own and the same blob.
_NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
BLOBS = "INSERT INTO blob (digest, size_bytes, created_at) WITH SELECT %s, 10, ? FROM n"
REPOSITORY = (
    "INSERT INTO repository (project_id, name, description, pull_count, created_at, updated_at) "
    "SELECT id, ?, '', 0, ?, ? FROM project"
)
LINK = (
    "INSERT INTO blob_link (repository_id, blob_id) "
    "SELECT r.id, (SELECT min(id) FROM blob) FROM repository r WHERE r.name = ?"
)
MANIFESTS = (
    "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, config_media_type, size_bytes, "
    "pushed_at, body) WITH SELECT r.id, %s, 'm', '', '', 2, ?, ? FROM n, repository r WHERE r.name = ?"
)
EDGES = (
    "INSERT INTO manifest_blob (manifest_id, repository_id, blob_id) "
    "SELECT m.id, l.repository_id, l.blob_id FROM manifest m "
    "JOIN repository r ON r.id = m.repository_id JOIN blob_link l ON l.repository_id = r.id WHERE r.name = ?"
)
NAMES = (
    "INSERT INTO tag (repository_id, name, manifest_id, pushed_at) "
    "SELECT r.id, 'v' || m.id, m.id, ? FROM manifest m "
    "JOIN repository r ON r.id = m.repository_id WHERE r.name = ?"
)


@pytest.fixture
def services(database, tmp_path, clock):
    settings = load(None, {"MOORAGE_DATA": str(tmp_path), "MOORAGE_DATABASE_URL": database})
    built = Services.build(settings, clock)
    with atomic():
        ProjectRow.create(name="library", public=False, created_at=EPOCH, updated_at=EPOCH)
        run(BLOBS, 20_000, SINCE)
        for name, count in TAGS.items():
            run(REPOSITORY, name, SINCE, SINCE)
            run(LINK, name)
            run(MANIFESTS, count, SINCE, b"{}", name)
            run(EDGES, name)
            run(NAMES, SINCE, name)
    yield built
    built.audit.stop()


def run(text: str, *parameters: object) -> None:
    zeros = "0" * 64
    last = f"right('{zeros}' || n.i, 64)" if is_postgresql() else f"substr('{zeros}' || n.i, -64)"
    text = text.replace("%s", f"'sha256:' || {last}").replace("WITH ", _NUMBERS, 1)
    handle.execute_sql(text.replace("?", "%s") if is_postgresql() else text, parameters)


def deletion(services: Services, name: RepositoryName, number: int) -> Statements:
    """What ran to delete one manifest."""
    project, digest = ProjectRow.get(name="library").id, Digest.parse(f"sha256:{number:064d}")
    with counted_statements() as statements:
        services.manifests.delete(ALICE, project, name, digest)
    return statements


def read_whole(statements: Statements, number: int) -> bool:
    """Whether SQLite would go through a large table from one end to the other for this statement."""
    # Lists of values, and what a WITH names, are short; tables have an alias of one letter or their name.
    found = re.findall(r"\bSCAN ([a-z_]+)", statements.plan(number))
    return any(len(name) == 1 or name in GROWN for name in found)


def test_to_delete_a_manifest_takes_as_many_statements_as_in_a_small_repository_none_of_them_long(services):
    deletion(services, SMALL, 1)  # what is done once only
    small, large = deletion(services, SMALL, 5), deletion(services, LARGE, 30_000)
    assert len(small) > 5
    assert len(large) == len(small), f"{small}\n\n{large}"
    if is_postgresql():  # plans by what it has counted; the bench measures how long it takes
        return
    for number in range(len(large)):
        assert not read_whole(large, number), f"{large.plan(number)}\n\nof statement {number} in\n{large}"


def test_the_first_page_of_the_list_and_a_tag_are_found_by_an_index(services):
    project = ProjectRow.get(name="library").id
    for within in (LARGE, project):
        for wanted in (ArtifactFilter(), ArtifactFilter(tags=Texts(("v77",)))):
            with counted_statements() as statements:
                services.manifests.page(within, wanted, limit=10)
            assert len(statements) == 1
            assert is_postgresql() or not read_whole(statements, 0), statements.plan(0)
    with counted_statements() as statements:
        services.manifests.page(LARGE, limit=10)
    assert is_postgresql() or "TEMP B-TREE FOR ORDER" not in statements.plan(0)


@pytest.mark.parametrize(
    "text", ["SELECT id FROM tag WHERE pulled_at = 7", "SELECT t.id FROM tag t WHERE t.pulled_at = 7"]
)
def test_a_statement_that_goes_through_a_whole_table_would_be_told(database, text):
    with counted_statements() as statements:
        handle.execute_sql(text)
    assert is_postgresql() or read_whole(statements, 0)
