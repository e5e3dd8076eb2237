"""Reading at a bounded rate, and without pushing out of memory what others use."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from moorage.gc.reading import PacedReader
from moorage.oci.digest import digest_of
from tests.support.fake_run import FakeRun

MIB = 1 << 20


def digest(path: Path, run: FakeRun, reader: PacedReader | None = None, algorithm: str = "sha256"):
    with path.open("rb", buffering=0) as file:
        return (reader or PacedReader(0)).digest(run, file, algorithm)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_the_digest_is_that_of_the_bytes(tmp_path, size, algorithm):
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert digest(tmp_path / "file", FakeRun(), algorithm=algorithm) == digest_of(data, algorithm)


def test_without_a_rate_nobody_waits(tmp_path):
    (tmp_path / "file").write_bytes(bytes(4 * MIB))
    run = FakeRun()
    digest(tmp_path / "file", run)
    assert run.pauses == []


def test_reading_waits_for_what_it_took(tmp_path):
    (tmp_path / "file").write_bytes(bytes(4 * MIB))
    run = FakeRun()
    digest(tmp_path / "file", run, PacedReader(2 * MIB))
    # The fake does not wait, so each pause asks for all that is owed by then.
    assert run.pauses[0] == pytest.approx(0.5, abs=0.1)
    assert run.pauses[-1] == pytest.approx(2, abs=0.3)


def test_many_small_files_are_paid_for_together(tmp_path):
    (tmp_path / "file").write_bytes(bytes(1000))
    run, reader = FakeRun(), PacedReader(100_000)
    for _ in range(10):
        digest(tmp_path / "file", run, reader)
    assert 0.05 < run.pauses[-1] <= 0.1


def test_a_run_that_is_to_stop_gets_no_digest(tmp_path):
    (tmp_path / "file").write_bytes(bytes(4 * MIB))
    asked: list[int] = []
    run = FakeRun(stop_when=lambda run: asked.append(1) or len(asked) > 2)
    assert digest(tmp_path / "file", run) is None


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A file of 8 MiB that is on a medium and not in memory."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder, "file")
        path.write_bytes(os.urandom(8 * MIB))
        push_out(path)
        if which("fincore") is None or pages(path):
            pytest.skip("the file system keeps files in memory, or nobody tells")
        yield path


def push_out(path: Path) -> None:
    """Have the system forget what it has of the file in memory."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def pages(path: Path) -> int:
    """How many pages of the file are in memory."""
    told = subprocess.run(["fincore", "-n", "-b", "-o", "PAGES", path], capture_output=True, check=True)
    return int(told.stdout)


def test_what_was_not_in_memory_is_not_afterwards(on_disk):
    left = []
    for _ in range(4):  # the system may keep pages that it is busy with at that moment
        digest(on_disk, FakeRun())
        left.append(pages(on_disk))
        push_out(on_disk)
    assert min(left) == 0, left


def test_what_others_have_in_memory_stays_there(on_disk):
    before = len(on_disk.read_bytes()) // os.sysconf("SC_PAGE_SIZE")
    assert pages(on_disk) == before
    digest(on_disk, FakeRun())
    assert pages(on_disk) == before
