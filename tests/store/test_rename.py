"""A project is renamed while others work in it: on both databases, whatever crosses it, wherever it ends."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import pytest

from moorage import crashpoints
from moorage.config import Settings, load
from moorage.db.connection import Statement, close_connection, open_database
from moorage.distribution.tables import RepositoryRow, UploadRow
from moorage.errors import Conflict
from moorage.events import SYSTEM
from moorage.gc.model import Kind
from moorage.gc.store import CandidateStore
from moorage.gc.tables import CandidateRow
from moorage.identity.model import PermissionKind, RobotPermission, RobotRight
from moorage.oci.digest import Digest, digest_of
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.errors import ProjectExistsError
from moorage.projects.model import Project
from moorage.projects.selectors import Selector
from moorage.projects.tables import FormerNameRow
from moorage.retention.document import Draft
from moorage.retention.model import Rule, Template
from moorage.services import Services
from tests.support.distribution import ALICE, image
from tests.support.fake_run import FakeRun
from tests.support.images import OCI_MANIFEST
from tests.support.race import failures, together

FORKS = multiprocessing.get_context("forkserver")
POINTS = [point for point in crashpoints.POINTS if point.startswith("project.")]
APP = RepositoryName("dock/app")
CONFIG = b"{}"
PULL = frozenset({RobotRight("repository", "pull")})


def settings_of(database: str, folder: Path) -> Settings:
    return load(None, {"MOORAGE_DATA": str(folder / "data"), "MOORAGE_DATABASE_URL": database})


@pytest.fixture
def services(database: str, tmp_path: Path) -> Iterator[Services]:
    built = Services.build(settings_of(database, tmp_path))
    yield built
    built.audit.stop()


@pytest.fixture
def dock(services: Services) -> Project:
    return services.projects.create(SYSTEM, None, "dock")


class Site:
    """What clients do, by names that may be old by now."""

    def __init__(self, services: Services, project: Project) -> None:
        self.services = services
        self.project_id = project.id

    def arrived(self, data: bytes):  # type: ignore[no-untyped-def]
        path = self.services.spool.new_path()
        Path(path).write_bytes(data)
        return self.services.spool.adopt(path, digest_of(data))

    def push(self, name: RepositoryName, tag: str, *layers: bytes) -> Digest:
        for data in (CONFIG, *layers):
            self.services.uploads.push(ALICE, self.project_id, name, self.arrived(data), digest_of(data))
        body = image(CONFIG, *layers)
        put = self.services.manifests.put
        return put(ALICE, self.project_id, name, Tag(tag), OCI_MANIFEST, body).digest

    def upload(self, name: RepositoryName, *pieces: bytes) -> Digest:
        """In as many requests as there are pieces, each under the name that it began with."""
        uploads = self.services.uploads
        session = uploads.start(ALICE, self.project_id, name)
        for piece in pieces:
            uploads.append(ALICE, name, session.id, self.arrived(piece))
        digest = digest_of(b"".join(pieces))
        return uploads.finish(ALICE, self.project_id, name, session.id, None, digest).digest

    def rename(self, name: str) -> None:
        self.services.renaming.rename(ALICE, None, self.project_id, name)

    def present(self, name: RepositoryName) -> RepositoryName:
        return self.services.repositories.present(name)


@pytest.fixture
def site(services: Services, dock: Project) -> Site:
    return Site(services, dock)


def check(services: Services) -> dict[str, object]:
    """What a check of everything finds."""
    return dict(services.reconciler.run(FakeRun({"repair": False, "rehash": True}, kind="fsck")))  # type: ignore[arg-type]


def fill(project: Project, count: int) -> None:
    """Give the project as many repositories, and each a candidate of the collector."""
    for start in range(0, count, 500):
        some = range(start, min(start + 500, count))
        RepositoryRow.insert_many(
            [
                {"project": project.id, "name": f"{project.name}/app{n}", "created_at": 0, "updated_at": 0}
                for n in some
            ]
        ).execute()
        CandidateRow.insert_many(
            [
                {
                    "kind": "manifest",
                    "repository": f"{project.name}/app{n}",
                    "digest": str(digest_of(b"%d" % n)),
                    "due_at": 0,
                    "version": 1,
                    "tries": 0,
                    "cause": "",
                    "fault": "",
                    "created_at": 0,
                }
                for n in some
            ]
        ).execute()


def test_thousands_of_repositories_are_renamed_in_a_handful_of_statements(
    services: Services, dock: Project
) -> None:
    fill(dock, 10_000)
    started = perf_counter()
    services.renaming.rename(SYSTEM, None, dock.id, "wharf")
    assert perf_counter() - started < 20  # as long as everything else in the project waits
    for table, column in ((RepositoryRow, RepositoryRow.name), (CandidateRow, CandidateRow.repository)):
        assert table.select().where(column.startswith("wharf/app")).count() == 10_000
        assert table.select().where(column.startswith("dock/")).count() == 0


def test_names_that_only_begin_alike_are_left_alone(services: Services, dock: Project) -> None:
    others = [services.projects.create(SYSTEM, None, name) for name in ("dock-2", "dock0", "doc")]
    fill(dock, 3)
    for each in others:
        fill(each, 3)
    services.renaming.rename(SYSTEM, None, dock.id, "dockyard")
    for each in others:
        assert services.repositories.count(each.id, q=f"{each.name}/app") == 3
        assert CandidateRow.select().where(CandidateRow.repository.startswith(f"{each.name}/")).count() == 3


def test_a_candidate_that_is_looked_at_meanwhile_is_not_dropped(site: Site, services: Services) -> None:
    site.push(APP, "1", b"one")
    site.push(APP, "1", b"two")
    store = CandidateStore()
    (seen,) = [each for page in store.all(Kind.MANIFEST) for each in page]
    site.rename("wharf")
    store.drop([seen])  # whoever looked for it under the old name found nothing
    (left,) = [each for page in store.all(Kind.MANIFEST) for each in page]
    assert (left.repository, left.digest) == ("wharf/app", seen.digest)


def test_the_old_name_stays_good_for_a_push_that_was_let_in_before(site: Site, services: Services) -> None:
    session = services.uploads.start(ALICE, site.project_id, APP)
    services.uploads.append(ALICE, APP, session.id, site.arrived(b"01234"))
    site.rename("wharf")
    services.uploads.append(ALICE, APP, session.id, site.arrived(b"56789"))
    digest = digest_of(b"0123456789")
    services.uploads.finish(ALICE, site.project_id, APP, session.id, None, digest)
    pushed = site.push(APP, "1", b"0123456789")
    site.push(RepositoryName("dock/new"), "1", b"layer")
    names = [each.name for each in services.repositories.list(site.project_id, limit=10)]
    assert names == ["wharf/app", "wharf/new"]
    assert services.manifests.get(RepositoryName("wharf/app"), Tag("1")).digest == pushed
    assert UploadRow.select().count() == 0


def test_whoever_is_first_gets_the_name(services: Services, dock: Project) -> None:
    for number in range(6):
        made = services.projects.create(SYSTEM, None, f"made{number}")
        name = f"wanted{number}"
        results = together(
            [
                partial(services.renaming.rename, SYSTEM, None, dock.id, name),
                partial(services.renaming.rename, SYSTEM, None, made.id, name),
                partial(services.projects.create, SYSTEM, None, name),
            ]
        )
        assert all(isinstance(each, ProjectExistsError) for each in failures(results))
        assert len(failures(results)) == 2


def test_a_name_that_is_given_up_at_this_moment_is_nobody_elses(services: Services, dock: Project) -> None:
    for number in range(8):
        name = services.projects.get(dock.id).name
        results = together(
            [
                partial(services.renaming.rename, SYSTEM, None, dock.id, f"next{number}"),
                partial(services.projects.create, SYSTEM, None, name),
            ]
        )
        (refused,) = failures(results)
        assert isinstance(refused, Conflict)
        found = services.projects.resolve(name)
        assert found is not None
        assert found.id == dock.id


def test_pushes_uploads_and_pulls_go_on_while_the_project_is_renamed(site: Site, services: Services) -> None:
    names = ["dock", "wharf", "jetty"]
    pushed: list[tuple[RepositoryName, str, Digest]] = []
    over = threading.Event()

    def push(worker: int) -> None:
        for number in range(12):
            name = RepositoryName(f"{names[number % 3] if number else 'dock'}/app{worker}")
            name = site.present(name) if number % 2 else RepositoryName(f"dock/app{worker}")
            if number % 4 == 3:
                site.upload(name, b"%d-%d" % (worker, number), b"tail")
            tag = f"t{number}"
            digest = site.push(name, tag, b"layer %d of %d" % (number, worker))
            pushed.append((RepositoryName(f"dock/app{worker}"), tag, digest))

    def rename() -> int:
        count = 0
        while not over.is_set() or count < 3:
            count += 1
            site.rename(names[count % 3])
        return count

    def clients() -> None:
        try:
            errors = failures(together([partial(push, worker) for worker in range(4)]))
            if errors:
                raise errors[0]
        finally:
            over.set()

    results = together([clients, rename])
    assert failures(results) == []
    site.rename("dock")
    for name, tag, digest in pushed:
        assert services.manifests.get(name, Tag(tag)).digest == digest
    assert {each.name.project for each in services.repositories.list(site.project_id, limit=100)} == {"dock"}
    found = check(services)
    assert found["findings"] == {}, found
    stray = CandidateRow.select().where(
        (CandidateRow.kind == "manifest") & ~CandidateRow.repository.startswith("dock/")
    )
    assert stray.count() == 0


def live(url: str, folder: Path, project_id: int, point: str, name: str) -> None:
    """A process that renames the project and is killed on the way."""
    open_database(url)
    crashpoints._AT, crashpoints._SKIP = point, 0
    Services.build(settings_of(url, folder)).renaming.rename(SYSTEM, None, project_id, name)
    close_connection()


def test_a_kill_leaves_the_old_state_or_the_new_one(
    site: Site, services: Services, database: str, tmp_path: Path
) -> None:
    site.push(APP, "1", b"one")
    site.push(APP, "1", b"two")
    right = RobotPermission(PermissionKind.PROJECT, site.project_id, PULL)
    robot, secret = services.robots.create(SYSTEM, (site.project_id, "dock"), "ci", permissions=[right])
    old = "dock"
    for number, point in enumerate(POINTS):
        new = f"wharf{number}"
        work = (database, tmp_path, site.project_id, point, new)
        process = FORKS.Process(target=live, args=work, daemon=True)
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, point
        now = services.projects.get(site.project_id).name
        assert now == (new if point == "project.rename.committed" else old)
        assert [each.name for each in services.repositories.list(site.project_id, limit=9)] == [f"{now}/app"]
        assert {row.repository for row in CandidateRow.select() if row.kind == "manifest"} == {f"{now}/app"}
        assert services.robots.get(robot.id).name == f"robot${now}+ci"
        assert services.robots.prove("robot$dock+ci", secret).id == robot.id
        assert FormerNameRow.select().count() == (now != "dock")
        old = now


def test_a_run_of_retention_goes_on_under_the_new_name(site: Site, services: Services) -> None:
    for number in range(3):
        for tag in ("1", "2", "3"):
            site.push(RepositoryName(f"dock/app{number}"), tag, b"%s of %d" % (tag.encode(), number))
    rule = Rule(1, Template.LATEST_PUSHED, 1, (Selector("**"),), (Selector("**", "repoMatches"),))
    policy = services.policies.create(SYSTEM, site.project_id, Draft((rule,)))
    seen = []
    store = services.simulator._store
    for name in store.repositories(site.project_id):
        seen.append(name)
        site.rename(f"wharf{len(seen)}")
    assert [name.path for name in seen] == ["app0", "app1", "app2"]
    assert [name.project for name in seen] == ["dock", "wharf1", "wharf2"]
    assert list(store.repositories(site.project_id, "dock/app0")) == ["wharf3/app1", "wharf3/app2"]
    plan = services.simulator.plan(policy, RepositoryName("wharf3/app1"))
    assert len(plan.decisions) == 3


def test_a_robot_that_somebody_else_left_behind_is_in_nobodys_way(site: Site, services: Services) -> None:
    right = RobotPermission(PermissionKind.PROJECT, site.project_id, PULL)
    robot, _ = services.robots.create(SYSTEM, (site.project_id, "dock"), "ci", permissions=[right])
    stray, _ = services.robots.create(
        SYSTEM, None, "stray", permissions=[RobotPermission(PermissionKind.PROJECT, 0, PULL)]
    )
    Statement("UPDATE robot SET name = ?, project_id = 77 WHERE id = ?").run("robot$wharf+ci", stray.id)
    site.rename("wharf")
    assert services.robots.get(robot.id).name == "robot$wharf+ci"
