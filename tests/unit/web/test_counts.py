import os
import threading
from pathlib import Path

import pytest

from moorage.web import counts as module
from moorage.web.counts import BOUNDS, Counts, Series, Totals

KEY = ("registry", "pull_artifact", 200)


def count_of(counts: Counts, key: tuple[str, str, int] = KEY) -> int:
    return counts.total().series[key].count


def test_a_request_falls_into_the_bucket_of_its_duration() -> None:
    counts = Counts()
    observe = counts.observer("registry")
    for seconds in (0.0, 0.001, 0.0011, 0.3, 500.0):
        observe("pull_artifact", 200, seconds)
    one = counts.total().series[KEY]
    assert one.buckets[0] == 2
    assert one.buckets[1] == 1
    assert one.buckets[BOUNDS.index(0.5)] == 1
    assert one.buckets[-1] == 1
    assert (one.count, one.seconds) == (5, pytest.approx(500.3021))


def test_threads_lose_no_request() -> None:
    counts = Counts()
    observe = counts.observer("registry")

    def work() -> None:
        for _ in range(5000):
            observe("pull_artifact", 200, 0.01)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_of(counts) == 20_000


def test_each_process_tells_of_all(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    one, two = Counts(folder), Counts(folder)
    one.observer("registry")("pull_artifact", 200, 0.01)
    two.observer("registry")("pull_artifact", 200, 0.01)
    two.add("moorage_uploads", 5)
    one.write()
    two.write()
    assert count_of(one) == count_of(two) == 2
    assert one.total().events == {"moorage_uploads": 5}


def test_counts_are_written_by_themselves_a_moment_later(tmp_path: Path) -> None:
    written = threading.Event()

    class Watched(Counts):
        def write(self) -> None:
            super().write()
            written.set()

    counts = Watched(tmp_path, write_seconds=0.01)
    counts.observer("registry")("pull_artifact", 200, 0.01)
    assert written.wait(10)
    assert count_of(Counts(tmp_path)) == 1


def test_a_forked_process_counts_from_nothing_and_its_parent_still_sees_it(tmp_path: Path) -> None:
    counts = Counts(tmp_path, write_seconds=3600)
    observe = counts.observer("registry")
    observe("pull_artifact", 200, 0.01)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for _ in range(3):
                observe("pull_artifact", 200, 0.01)
            counts.write()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert count_of(counts) == 4


def test_what_dead_processes_counted_stays_in_the_totals_and_in_one_file(tmp_path: Path) -> None:
    for _ in range(3):
        child = os.fork()
        if child == 0:
            counts = Counts(tmp_path)
            counts.observer("registry")("pull_artifact", 200, 0.01)
            counts.write()
            os._exit(0)
        os.waitpid(child, 0)
    survivor = Counts(tmp_path)
    survivor.observer("registry")("pull_artifact", 200, 0.01)
    survivor.write()
    assert count_of(survivor) == 4
    assert len(list(tmp_path.glob("*-*.json"))) == 1
    assert count_of(Counts(tmp_path)) == 4


@pytest.mark.parametrize("text", ["", "{", "[]", '{"bounds": [1]}', '{"bounds": null, "series": []}'])
def test_a_damaged_file_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "1-1.json").write_text(text)
    counts = Counts(tmp_path)
    counts.observer("registry")("pull_artifact", 200, 0.01)
    assert count_of(counts) == 1


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    counts = Counts(blocked / "metrics")
    counts.observer("registry")("pull_artifact", 200, 0.01)
    counts.write()
    assert count_of(counts) == 1


def test_totals_survive_their_text() -> None:
    totals = Totals({KEY: Series([1] * (len(BOUNDS) + 1), 2.5)}, {"a": 3})
    again = Totals.load(totals.dump())
    assert again == totals


def test_a_process_without_a_folder_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.threading, "Timer", None)
    counts = Counts()
    counts.observer("registry")("pull_artifact", 200, 0.01)
    counts.write()
    assert count_of(counts) == 1
