"""The collector killed at every step: nothing promised is missing, and the next run finishes."""

import multiprocessing
import signal
from pathlib import Path

import pytest

from moorage import crashpoints
from moorage.db.connection import close_connection, open_database
from moorage.distribution.tables import BlobRow
from moorage.gc.tables import CandidateRow
from moorage.oci.digest import Digest, digest_of
from moorage.oci.names import Tag
from tests.support.clock import SetClock
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, OTHER

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.store.test_gc_crashes"])
POINTS = [point for point in crashpoints.POINTS if point.startswith("gc.")]
MOST_PASSES = 6


def litter(yard: Yard, clock: SetClock, salt: bytes) -> tuple[Digest, set[Digest]]:
    """Things that may go and things that may not; returns an untagged manifest and blobs to stay."""
    kept = yard.push_image("kept", salt, b"shared")
    loose = yard.push_image("loose", salt + b" loose", b"shared")
    yard.push_blob(salt + b" never used")
    yard.push_image("v1", salt + b" other", repository=OTHER)
    clock.forward(hours=25)
    yard.tags.delete(ALICE, yard.project_id, APP, Tag("loose"))
    yard.repositories.delete(ALICE, OTHER)
    promised = yard.push_blob(salt + b" promised")
    assert yard.manifests.get(APP, Tag("kept")).digest == kept
    return loose, {digest_of(b"shared"), digest_of(salt), promised}


def collect(url: str, folder: Path, project_id: int, moment: object, point: str, passes: int) -> None:
    """A process that collects until it is killed."""
    open_database(url)
    crashpoints._AT, crashpoints._SKIP = point, passes
    yard = Yard(folder, SetClock(moment), project_id=project_id)
    yard.collect()
    close_connection()


def killed(database, yard, clock, folder, point, passes) -> bool:
    process = FORKS.Process(
        target=collect, args=(database, folder, yard.project_id, clock(), point, passes), daemon=True
    )
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_loses_nothing_and_the_next_run_finishes(database, tmp_path, clock, point):
    yard = Yard(tmp_path, clock)
    kills = 0
    for passes in range(MOST_PASSES):
        loose, stay = litter(yard, clock, f"{point} {passes}".encode())
        dead = killed(database, yard, clock, tmp_path, point, passes)
        kills += dead
        assert yard.intact()
        assert stay <= yard.files()
        yard.collect()
        assert yard.intact()
        assert stay <= yard.files()
        assert yard.orphans() == set()
        assert yard.manifests.find_summary(APP, loose) is None
        clock.forward(hours=25)
        yard.collect()
        assert CandidateRow.select().count() == 0
        expected = {Digest.parse(row.digest) for row in BlobRow.select()}
        assert yard.files() == expected
        assert list(yard.storage.trashed()) == []
        if not dead:
            break
    assert kills >= 1, f"a run never comes to {point}"
