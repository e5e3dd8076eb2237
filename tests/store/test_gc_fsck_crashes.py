"""Killed at any step, the registry is left with at most a file that no row knows; the check agrees."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from moorage import crashpoints
from moorage.clock import utcnow
from moorage.db.connection import close_connection, open_database
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from tests.support.collection import Yard
from tests.support.distribution import ALICE
from tests.support.fsck import Fsck

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.store.test_gc_fsck_crashes"])
#: Steps of which one changes a file, or the row or link that a file is there for.
POINTS = [
    point
    for point in crashpoints.POINTS
    if point.startswith(("upload.finish", "upload.append", "manifest.", "tag.", "delete.", "gc.blobs"))
]


def day(site: Yard, name: str) -> Iterator[Callable[[], object]]:
    """Everything that makes files and rows and takes them away, in a repository of its own."""
    project, repository = site.project_id, RepositoryName(f"library/{name}")
    one, two, alone = (f"{what} of {name}".encode() for what in ("one", "two", "alone"))
    yield lambda: site.push_image("v1", one, two, repository=repository)
    session = site.uploads.start(ALICE, project, repository).id
    yield lambda: site.uploads.append(ALICE, repository, session, site.arrived(alone[:3]), 0)
    finish = site.uploads.finish
    yield lambda: finish(ALICE, project, repository, session, site.arrived(alone[3:]), digest_of(alone))
    yield lambda: site.push_image("v1", two, repository=repository)
    yield lambda: site.tags.delete(ALICE, project, repository, Tag("v1"))
    digest = site.push_image("v2", one, repository=repository)
    yield lambda: site.tags.put(ALICE, project, repository, Tag("v3"), digest)
    yield lambda: site.manifests.delete(ALICE, project, repository, digest)
    yield lambda: site.blobs.delete(ALICE, project, repository, digest_of(alone))
    yield lambda: site.condemning.condemn([digest_of(alone)])
    yield lambda: site.repositories.delete(ALICE, repository)
    yield lambda: site.condemning.condemn([digest_of(one), digest_of(two)])


def live(url: str, folder: Path, project_id: int, name: str, point: str) -> None:
    """A process that lives through a day."""
    open_database(url)
    crashpoints._AT = point
    for step in day(Yard(folder, utcnow, project_id=project_id), name):
        step()
    close_connection()


def test_a_kill_at_any_step_leaves_an_orphan_at_most_and_a_repair_ends_that(database, tmp_path):
    folder = tmp_path / "data"
    site = Yard(folder, utcnow)
    fsck = Fsck(site, folder)
    orphans = 0
    for place, point in enumerate(POINTS):
        work = (database, folder, site.project_id, f"d{place}", point)
        process = FORKS.Process(target=live, args=work, daemon=True)
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, f"a day never comes to {point}"
        found = fsck.found()
        assert set(found) <= {"orphan_file"}, (point, fsck.errors)
        if found:
            orphans += 1
            assert fsck.run(repair=True)["ok"] is True, point
            assert fsck.found() == {}, point
    assert orphans > 0
    assert len(fsck.quarantine.list()) == orphans
