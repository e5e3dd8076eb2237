"""A dry run changes nothing at all, and finds exactly what a real run then removes."""

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.config.settings import GcSettings
from moorage.distribution.model import ManifestKey
from moorage.distribution.tables import BlobRow, ManifestRow
from moorage.errors import MoorageError
from moorage.gc.errors import PlanInvalidError
from moorage.gc.model import Kind
from moorage.gc.plan_file import read_plan, write_plan
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from tests.support.collection import Yard, contents
from tests.support.distribution import ALICE, APP, image, index
from tests.support.images import OCI_INDEX

NAMES = [RepositoryName(f"library/r{number}") for number in range(3)]
STEPS = 60


class Life:
    """Random operations on a few repositories, with few enough blobs that they are shared."""

    def __init__(self, yard: Yard, clock, seed: int) -> None:
        self.yard, self.clock = yard, clock
        self.random = random.Random(seed)

    def live(self) -> None:
        steps = [self.push, self.push, self.push_index, self.sign, self.untag, self.delete, self.blob]
        steps += [self.mount, self.hold, self.wait, self.wait]
        for _ in range(STEPS):
            try:
                self.random.choice(steps)()
            except MoorageError:  # what it wanted to touch is not there
                continue
        if self.random.random() < 0.5:
            self.yard.repositories.delete(ALICE, self.name())

    def name(self) -> RepositoryName:
        return self.random.choice(NAMES)

    def data(self) -> bytes:
        return b"%d" % self.random.randrange(8)

    def tag(self) -> str | None:
        return self.random.choice(["a", "b", "c", None])

    def digest(self, name: RepositoryName):
        rows = [row for row in ManifestRow.select() if row.repository.name == name]
        return digest_of(bytes(self.random.choice(rows).body)) if rows else digest_of(b"none")

    def push(self) -> None:
        layers = [self.data() for _ in range(self.random.randrange(1, 3))]
        self.yard.push_image(self.tag(), *layers, repository=self.name())

    def push_index(self) -> None:
        name, tag = self.name(), self.tag()
        lines = []
        for _ in range(self.random.randrange(1, 4)):
            stored = self.yard.manifests.get(name, self.digest(name))
            line = {"mediaType": stored.media_type, "digest": str(stored.digest), "size": len(stored.body)}
            lines += [] if line in lines else [line]
        body = index(lines)
        self.yard.push_manifest(body, tag or digest_of(body), name, media_type=OCI_INDEX)

    def sign(self) -> None:
        name = self.name()
        self.yard.push_image(None, b"signature", repository=name, subject=self.digest(name))

    def untag(self) -> None:
        self.yard.tags.delete(ALICE, self.yard.project_id, self.name(), Tag(self.tag() or "a"))

    def delete(self) -> None:
        name = self.name()
        self.yard.manifests.delete(ALICE, self.yard.project_id, name, self.digest(name))

    def blob(self) -> None:
        self.yard.push_blob(self.data(), self.name())

    def mount(self) -> None:
        project, digest = self.yard.project_id, digest_of(self.data())
        self.yard.uploads.mount(ALICE, project, self.name(), digest, self.name(), lambda _: True)

    def hold(self) -> None:
        name = self.name()
        until = self.clock() + timedelta(hours=self.random.randrange(48))
        self.yard.holds.take(ManifestKey(name, self.digest(name)), "job:1", until)

    def wait(self) -> None:
        self.clock.forward(hours=self.random.randrange(1, 20))


def stored() -> set[tuple[str, str, str]]:
    """Every manifest and blob."""
    found = {("blob", "", row.digest) for row in BlobRow.select()}
    return found | {("manifest", row.repository.name, row.digest) for row in ManifestRow.select()}


def keys(items) -> set[tuple[str, str, str]]:
    return {(item.kind.value, str(item.repository), str(item.digest)) for item in items}


@pytest.mark.parametrize("seed", range(10))
def test_a_dry_run_changes_nothing_and_a_real_one_does_what_it_said(database, tmp_path, clock, seed):
    hours = seed % 3 * 12
    yard = Yard(tmp_path, clock, gc=GcSettings(untagged_hours=hours, grace_minutes=0, jitter_seconds=0))
    Life(yard, clock, seed).live()
    for _ in range(3):
        clock.forward(hours=9)
        before, was = contents(tmp_path), stored()
        items = yard.plan()
        run = yard.collect(dry_run=True)
        assert contents(tmp_path) == before
        assert run.marks["manifests"] + run.marks["blobs"] == len(items) == len(keys(items))
        real = yard.collect()
        assert was - stored() == keys(items)
        assert (real.marks["manifests"], real.marks["blobs"]) == (run.marks["manifests"], run.marks["blobs"])
        assert real.marks["freed_bytes"] == run.marks["freed_bytes"]
        assert yard.intact()
        assert yard.orphans() == set()


def test_in_the_end_everything_goes_that_nothing_names(database, tmp_path, clock):
    yard = Yard(tmp_path, clock)
    Life(yard, clock, 99).live()
    for name in NAMES:
        if yard.repositories.find(name) is not None:
            for tag in yard.tags.names(name, 100):
                yard.tags.delete(ALICE, yard.project_id, name, Tag(tag))
    for _ in range(5):
        clock.forward(hours=49)
        yard.collect()
    assert stored() == set()
    assert yard.files() == set()
    assert yard.causes() == {}


@pytest.fixture
def yard(database, tmp_path, clock):
    yard = Yard(tmp_path, clock)
    yard.push_image("v1", b"1")
    yard.push_image("v2", b"2")
    yard.push_blob(b"never used")
    clock.forward(hours=25)
    yard.tags.delete(ALICE, yard.project_id, APP, Tag("v1"))
    return yard


def test_a_plan_is_kept_and_carried_out_and_each_item_judged_anew(yard, clock, tmp_path):
    path = tmp_path / "plan.jsonl"
    assert write_plan(path, yard.plan()) == 2
    items = list(read_plan(path))
    assert keys(items) == keys(yard.plan())
    yard.push_blob(b"late")
    yard.push_image("v2", b"3")
    manifest = next(item for item in items if item.kind is Kind.MANIFEST)
    yard.tags.put(ALICE, yard.project_id, APP, Tag("again"), manifest.digest)
    run = yard.collect(plan=str(path))
    assert (run.marks["manifests"], run.marks["blobs"]) == (0, 1)
    assert digest_of(b"never used") not in yard.files()
    assert yard.manifests.find_summary(APP, manifest.digest) is not None
    # What is not in the plan stays: the manifest that `v2` left.
    assert yard.collect().marks["manifests"] == 1


def test_what_is_no_plan_is_refused(yard, tmp_path):
    path = tmp_path / "plan.jsonl"
    for text in ("", "{}\n", "no json\n", json.dumps({"moorage": "gc plan", "version": 2}) + "\n"):
        path.write_text(text)
        with pytest.raises(PlanInvalidError):
            list(read_plan(path))
    write_plan(path, [])
    good = path.read_text()
    for line in ("no json", "[]", '{"kind": "blob"}', '{"kind": "tag", "digest": "x"}'):
        path.write_text(good + line + "\n")
        with pytest.raises(PlanInvalidError):
            list(read_plan(path))
    with pytest.raises(PlanInvalidError):
        yard.collect(plan=str(Path("/nowhere/plan")))
    assert len(yard.plan()) == 2


def test_a_plan_that_could_not_be_written_leaves_the_old_one(yard, tmp_path):
    path = tmp_path / "plan.jsonl"
    write_plan(path, yard.plan())
    before = path.read_bytes()

    def broken():
        yield from yard.plan()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        write_plan(path, broken())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob("plan*")] == ["plan.jsonl"]


def test_a_body_that_is_read_still_comes_whole(yard, clock):
    body = image(b"{}", b"1")
    for data in (b"{}", b"1"):
        yard.push_blob(data)
    yard.push_manifest(body, "v1")
    clock.forward(hours=25)
    with yard.blobs.open(APP, digest_of(b"1"))[1] as file:
        yard.repositories.delete(ALICE, APP)
        clock.forward(hours=1)
        yard.collect()
        assert digest_of(b"1") not in yard.files()
        assert file.read() == b"1"
