"""One collection, ours while the server serves or the peer's while it is stopped, and what it cost."""

import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.dataset import OCI_MANIFEST
from tests.bench.errors import BenchError
from tests.bench.garbage import Garbage, GarbageImage
from tests.bench.ours import new_password, our_environment
from tests.bench.peer import start_peer, write_configuration
from tests.bench.programs import Program
from tests.bench.target import Target, TokenService, pull
from tests.bench.timing import Stopwatch, quiet_disk
from tests.support.free_port import free_port

_START_SECONDS = 60.0
_MOST_RUNS = 10
_PULLED_IMAGES = 50
_PULLS_A_SECOND = 100
_ACCEPT = {"Accept": f"{OCI_MANIFEST}, */*"}
#: A lease of 0.4 s, and nothing waits for anything else.
AT_ONCE = {
    "MOORAGE_UPLOADS_LEASE_HOURS": "0.0001",
    "MOORAGE_GC_CRON": "",
    "MOORAGE_GC_UNTAGGED_HOURS": "0",
    "MOORAGE_GC_GRACE_MINUTES": "0",
    "MOORAGE_GC_JITTER_SECONDS": "0",
    "MOORAGE_GC_TRASH_HOURS": "0",
}


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one collection cost.

    Attributes:
        seconds: from its start until everything that had to go was gone.
        peak_bytes: most memory that its process held.
        idle_ms: times of pulls right before it; empty for the peer, which does not serve.
        busy_ms: times of pulls during it.
    """

    seconds: float
    peak_bytes: int
    idle_ms: Sequence[float] = ()
    busy_ms: Sequence[float] = ()


class Pulls:
    """A manifest and one of its blobs by turns, at a steady pace, over one connection."""

    def __init__(self, target: Target, images: Sequence[GarbageImage]) -> None:
        self._requests = [
            path
            for image in images
            for path in (
                f"/v2/{image.repository}/manifests/{image.tag}",
                f"/v2/{image.repository}/blobs/{next(iter(image.blobs))}",
            )
        ]
        self._connection = target.connect(*sorted({pull(image.repository) for image in images}))
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self.milliseconds: list[float] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Pulls":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._connection.close()
        if self._failure is not None:
            raise BenchError(f"a pull failed during the collection: {self._failure}") from self._failure

    def taken(self) -> list[float]:
        """The times since the last call."""
        found, self.milliseconds = self.milliseconds, []
        return found

    def _run(self) -> None:
        watch, number = Stopwatch(), 0
        try:
            while not self._stopping.wait(max(0.0, number / _PULLS_A_SECOND - watch.elapsed())):
                began = time.perf_counter()
                path = self._requests[number % len(self._requests)]
                self._connection.request("GET", path, _ACCEPT).expect(200)
                self.milliseconds.append((time.perf_counter() - began) * 1000)
                number += 1
        except (BenchError, OSError) as error:
            self._failure = error


@dataclass
class OurStore:
    """A served Moorage over a data folder that was written straight to the disk.

    Attributes:
        folder: `data` is below it.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.password = new_password()
        self.port = free_port()
        self._server: Program | None = None

    @property
    def data(self) -> Path:
        """Everything it keeps."""
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """Of the server and of every command beside it."""
        return our_environment(self.folder, self.password, {"MOORAGE_PORT": str(self.port), **self.settings})

    def start(self) -> Target:
        """Serve it; the administrator pulls and deletes."""
        command = [sys.executable, "-m", "moorage", "serve"]
        self._server = Program("moorage", command, self.environment, self.folder / "log")
        url = f"http://127.0.0.1:{self.port}"
        try:
            self._server.await_answer(url, "/healthz", _START_SECONDS)
        except BenchError:
            self.stop()
            raise
        return Target("ours", "Moorage", url, TokenService(url, "admin", self.password), stop=self.stop)

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def blobs(self) -> int:
        """How many blobs it has: rows, each with a file, and no files beside them."""
        with closing(sqlite3.connect(self.data / "db" / "moorage.sqlite")) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM blob").fetchone()
        files = sum(len(names) for _, _, names in os.walk(self.data / "blobs"))
        if rows != files:
            raise BenchError(f"{rows} rows of blobs and {files} files")
        return int(rows)


def sweep_ours(store: OurStore, garbage: Garbage, seconds: float) -> Sweep:
    """Collect while pulls go on.

    Raises:
        BenchError: something is left, too much is gone, or a pull failed.
    """
    target = store.start()
    try:
        _prove(target, garbage, collected=False)
        quiet_disk()
        with Pulls(target, garbage.live_images(_PULLED_IMAGES)) as pulls:
            time.sleep(1)
            pulls.taken()
            time.sleep(max(8.0, seconds))
            idle = pulls.taken()
            elapsed, peak = _collect(store, garbage)
            busy = pulls.taken()
        _prove(target, garbage, collected=True)
    finally:
        store.stop()
    return Sweep(elapsed, peak, idle, busy)


def _collect(store: OurStore, garbage: Garbage) -> tuple[float, int]:
    """Run the collector until nothing is left for it; what a run makes garbage, the next one may find."""
    command = [sys.executable, "-m", "moorage", "run", "gc", "--json"]
    elapsed, peak = 0.0, 0
    for _ in range(_MOST_RUNS):
        took, memory = timed(command, store.environment, store.folder / "gc.log")
        elapsed, peak = elapsed + took, max(peak, memory)
        if store.blobs() == garbage.live_blobs:
            return elapsed, peak
    raise BenchError(f"{store.blobs()} blobs are left of {garbage.live_blobs} that should be")


def sweep_peer(folder: Path, garbage: Garbage) -> Sweep:
    """Collect with the peer stopped, as its documentation demands.

    Args:
        folder: `data` is below it.

    Raises:
        BenchError: something is left, or too much is gone.
    """
    configuration = write_configuration(folder, free_port())
    command = ["docker-registry", "garbage-collect", "--delete-untagged", str(configuration)]
    quiet_disk()
    elapsed, peak = timed(command, os.environ, folder / "gc.log")
    (folder / "gc.log").unlink()
    target = start_peer(folder)
    try:
        _prove(target, garbage, collected=True)
    finally:
        target.stop()
    return Sweep(elapsed, peak)


def timed(command: Sequence[str], environment: Mapping[str, str], log: Path) -> tuple[float, int]:
    """Run a command; gives the seconds it took and the most memory it held.

    Raises:
        BenchError: it failed.
    """
    program = shutil.which(command[0])
    if program is None:
        raise BenchError(f"{command[0]} is not installed")
    with log.open("ab") as output:
        watch = Stopwatch()
        process = subprocess.Popen(
            [program, *command[1:]], env=dict(environment), stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = watch.elapsed()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{' '.join(command)} failed: {log.read_text(errors='replace')[-500:]}")
    return elapsed, _peak(usage)


def _peak(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * 1024


def _prove(target: Target, garbage: Garbage, *, collected: bool) -> None:
    """See that live images are served whole, and that garbage is there or not as it should be."""
    for image in garbage.live_images(_PULLED_IMAGES):
        with target.connect(pull(image.repository)) as connection:
            path = f"/v2/{image.repository}/manifests/{image.tag}"
            answer = connection.request("GET", path, _ACCEPT).expect(200)
            if answer.body != image.body:
                raise BenchError(f"{target.name} serves another manifest than was stored")
            for digest, data in image.blobs.items():
                found = connection.request("GET", f"/v2/{image.repository}/blobs/{digest}").expect(200)
                if found.body != data:
                    raise BenchError(f"{target.name} serves another blob than was stored")
    last = garbage.last_image()
    with target.connect(pull(last.repository)) as connection:
        for path in (f"manifests/{last.digest}", *(f"blobs/{digest}" for digest in last.blobs)):
            answer = connection.request("GET", f"/v2/{last.repository}/{path}", _ACCEPT)
            answer.expect(404 if collected else 200)


def p99(milliseconds: Sequence[float]) -> float:
    """Within which 99 of 100 were done.

    Raises:
        BenchError: there are too few to say.
    """
    if len(milliseconds) < 100:
        raise BenchError(f"only {len(milliseconds)} pulls were measured")
    return statistics.quantiles(milliseconds, n=100)[98]
