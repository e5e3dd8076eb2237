"""What a collector is measured on, and that its figures are taken from one sweep."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import collection
from tests.bench.collection import Collections, PullRow, SweepRow, collection_rows
from tests.bench.errors import BenchError
from tests.bench.garbage import Garbage
from tests.bench.sweep import Sweep, p99
from tests.bench.target import FixedToken, Target


def test_half_of_the_manifests_and_half_of_the_blobs_are_garbage_and_nothing_is_shared() -> None:
    images = list(Garbage(1000, 200).images())
    live = [image for image in images if image.tag]
    assert (len(images), len(live)) == (200, 100)
    assert len({digest for image in images for digest in image.blobs}) == 1000
    assert sum(len(image.blobs) for image in live) == Garbage(1000, 200).live_blobs


def test_every_repository_has_live_images_and_garbage() -> None:
    garbage = Garbage(2000, 400)
    tagged = {(image.repository, bool(image.tag)) for image in garbage.images()}
    assert tagged == {(name, kind) for name in garbage.repositories for kind in (True, False)}


def test_it_is_the_same_for_both_registries() -> None:
    garbage = Garbage(1000, 200)
    assert list(garbage.images()) == list(garbage.images())
    assert garbage.live_images(7) == list(garbage.images())[:7]
    assert list(garbage.images())[-1] == garbage.last_image()


def test_numbers_that_do_not_come_out_even_are_refused() -> None:
    with pytest.raises(BenchError, match="even"):
        Garbage(1000, 300)


def test_a_percentile_of_too_few_pulls_is_none() -> None:
    assert p99([1.0] * 99 + [50.0]) > 40
    with pytest.raises(BenchError, match="only 3"):
        p99([1.0, 2.0, 3.0])


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whose store was swept, in order; each sweep takes a second longer than the one before."""
    done: list[str] = []

    def sweep(_: Collections, name: str, seconds: float) -> Sweep:
        done.append(name)
        return Sweep(float(len(done)), len(done) << 20, [1.0] * 100, [2.0] * 100)

    monkeypatch.setattr(Collections, "_sweep", sweep)
    monkeypatch.setattr(Collections, "prepare", lambda *_: "")
    return done


def figures(rows: list[SweepRow | PullRow], name: str, rounds: int) -> list[float]:
    target = Target(name, name, "http://127.0.0.1:1", FixedToken())
    return [row.measure(target, 1) for row in rows for _ in range(rounds)]


def test_all_rows_of_a_round_tell_of_the_same_sweep(sweeps: list[str], tmp_path: Path) -> None:
    rows = collection_rows(Collections(tmp_path, Garbage(1000, 200)))
    assert figures(rows, "ours", 2) == [1, 2, 1, 2, 2, 2]
    assert figures(rows, "peer", 2)[:4] == [3, 4, 3, 4]
    assert sweeps == ["ours", "ours", "peer", "peer"]


def test_one_row_alone_has_its_own_sweeps(sweeps: list[str], tmp_path: Path) -> None:
    collections = Collections(tmp_path, Garbage(1000, 200))
    (row,) = [row for row in collection.collection_rows(collections) if row.name == "gc_pull_p99"]
    assert figures([row], "ours", 1) + figures([row], "peer", 1) == [2, 1]
    assert sweeps == ["ours"]
