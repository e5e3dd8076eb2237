"""Killed before and after every step: what was acknowledged is there, and nothing is half-done."""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from moorage import crashpoints
from moorage.db.connection import close_connection, open_database
from moorage.distribution.tables import (
    BlobLinkRow,
    BlobRow,
    ManifestBlobRow,
    ManifestRow,
    RepositoryRow,
    TagRow,
    UploadRow,
)
from moorage.oci.digest import Digest, digest_of
from moorage.oci.names import RepositoryName, Tag
from tests.support.clock import SetClock
from tests.support.distribution import ALICE, Distribution, image

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.store.test_distribution_crashes"])
MOST_PASSES = 20
#: Those of the collector and of whole projects have tests of their own.
POINTS = [point for point in crashpoints.POINTS if not point.startswith(("gc.", "project."))]


class Day:
    """One operation of every kind, in repositories that no other day uses; each is one acknowledgement."""

    def __init__(self, site: Distribution, name: str) -> None:
        self.site = site
        self.name = name
        self.main = RepositoryName(f"library/{name}/main")
        self.side = RepositoryName(f"library/{name}/side")

    def data(self, what: str) -> bytes:
        return f"{what} of {self.name}".encode()

    def push(self, what: str) -> None:
        self.site.push_blob(self.data(what), self.main)

    def steps(self) -> Iterator[Callable[[], object]]:
        """Each step works on what the database says, so that a day can go on after a crash."""
        site, project = self.site, self.site.project_id
        config, layer = self.data("config"), self.data("layer")
        first, second = image(config), image(config, layer)
        yield lambda: self.push("config")
        yield lambda: site.uploads.start(ALICE, project, self.main)
        yield lambda: self.append(layer[:3], 0)
        yield lambda: self.append(layer[3:6], 3)
        yield lambda: self.finish(layer[6:], digest_of(layer))
        yield lambda: self.push("spare")
        yield lambda: site.push_manifest(first, "v1", self.main)
        yield lambda: site.push_manifest(second, "v1", self.main)
        yield lambda: site.tags.put(ALICE, project, self.main, Tag("v2"), digest_of(first))
        yield lambda: site.uploads.mount(
            ALICE, project, self.side, digest_of(layer), self.main, lambda _: False
        )
        yield lambda: site.tags.delete(ALICE, project, self.main, Tag("v2"))
        yield lambda: site.blobs.delete(ALICE, project, self.main, digest_of(self.data("spare")))
        yield lambda: site.manifests.delete(ALICE, project, self.main, digest_of(second))
        yield lambda: site.uploads.start(ALICE, project, self.main)
        yield lambda: self.append(b"given up", 0)
        yield lambda: site.uploads.cancel(ALICE, self.main, self.session())
        yield lambda: site.uploads.start(ALICE, project, self.side)
        yield lambda: site.repositories.delete(ALICE, self.side)

    def session(self) -> str:
        found: str = UploadRow.get(UploadRow.repository == self.row(self.main)).id
        return found

    def append(self, piece: bytes, start: int) -> None:
        self.site.uploads.append(ALICE, self.main, self.session(), self.site.arrived(piece), start)

    def finish(self, tail: bytes, digest: Digest) -> None:
        project = self.site.project_id
        self.site.uploads.finish(ALICE, project, self.main, self.session(), self.site.arrived(tail), digest)

    @staticmethod
    def row(name: RepositoryName) -> RepositoryRow | None:
        return RepositoryRow.get_or_none(RepositoryRow.name == name)

    def seen(self) -> dict[str, object]:
        """Everything a client could learn about the day's repositories, without the day's name."""
        found: dict[str, object] = {}
        for place, name in (("main", self.main), ("side", self.side)):
            row = self.row(name)
            if row is None:
                continue
            blobs = BlobRow.select().join(BlobLinkRow).where(BlobLinkRow.repository == row)
            found[place] = {
                "blobs": sorted(self.what(blob.digest) for blob in blobs),
                "manifests": sorted(
                    self.what(each.digest)
                    for each in ManifestRow.select().where(ManifestRow.repository == row)
                ),
                "tags": {
                    tag.name: self.what(tag.manifest.digest)
                    for tag in TagRow.select().where(TagRow.repository == row)
                },
                "uploads": [
                    each.received_bytes for each in UploadRow.select().where(UploadRow.repository == row)
                ],
            }
        return found

    def what(self, digest: str) -> str:
        config, layer = self.data("config"), self.data("layer")
        known = {
            config: "config",
            layer: "layer",
            self.data("spare"): "spare",
            image(config): "first",
            image(config, layer): "second",
        }
        return next(name for data, name in known.items() if str(digest_of(data)) == digest)


def live(url: str, folder: Path, project_id: int, name: str, point: str, passes: int, log: Path) -> None:
    """A process that lives through a day and tells of every step that was acknowledged."""
    open_database(url)
    crashpoints._AT, crashpoints._SKIP = point, passes
    day = Day(Distribution(folder, SetClock(), project_id=project_id), name)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for step in day.steps():
        step()
        os.write(told, b".")
    close_connection()


def intact(site: Distribution) -> None:
    """Rows have their files, whole; what manifests need is held for good; sessions have their bytes."""
    for row in BlobRow.select():
        digest = Digest.parse(row.digest)
        with site.storage.open(digest) as file:
            assert hashlib.file_digest(file, digest.algorithm).hexdigest() == digest.hex
    held = {(link.repository_id, link.blob_id): link.leased_until for link in BlobLinkRow.select()}
    for edge in ManifestBlobRow.select():
        assert held[edge.repository_id, edge.blob_id] is None
    for session in UploadRow.select():
        if session.received_bytes:
            whole = site.storage.assemble(session.id, session.received_bytes)
            assert whole.size == session.received_bytes
            site.storage.discard(whole)


def states(site: Distribution) -> list[dict[str, object]]:
    """What is seen before the first step of a day without a crash, and after each."""
    day = Day(site, "calm")
    found = [day.seen()]
    for step in day.steps():
        step()
        found.append(day.seen())
    return found


def test_a_kill_at_any_step_loses_nothing_and_leaves_nothing_half_done(database, tmp_path):
    site = Distribution(tmp_path, SetClock())
    expected = states(site)
    kills = 0
    for place, point in enumerate(POINTS):
        for passes in range(MOST_PASSES):
            name = f"d{place}x{passes}"
            log = tmp_path / name
            work = (database, tmp_path, site.project_id, name, point, passes, log)
            process = FORKS.Process(target=live, args=work, daemon=True)
            process.start()
            process.join(60)
            if process.exitcode == 0:
                assert passes, f"a day never comes to {point}"
                break
            assert process.exitcode == -signal.SIGKILL
            kills += 1
            acknowledged = log.stat().st_size if log.exists() else 0
            site.spool.empty()
            day = Day(site, name)
            seen = day.seen()
            assert seen in expected[acknowledged : acknowledged + 2], f"{point}, pass {passes}"
            done = acknowledged + (seen != expected[acknowledged])
            for step in list(day.steps())[done:]:
                step()
            assert day.seen() == expected[-1], f"{point}, pass {passes}"
    assert kills > len(POINTS)
    intact(site)
    assert site.spooled() == []
    site.uploads.expire(timedelta(0))
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_point_that_nobody_named_kills_nobody():
    crashpoints.reach(crashpoints.POINTS[0])


def test_every_point_is_listed_and_every_listed_point_is_in_the_code():
    source = Path(crashpoints.__file__).parent
    text = "\n".join(path.read_text() for path in source.rglob("*.py"))
    used = {part.split('"')[0] for part in text.split('reach("')[1:]}
    assert used == set(crashpoints.POINTS)
    assert len(set(crashpoints.POINTS)) == len(crashpoints.POINTS)
