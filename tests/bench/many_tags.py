"""A row about deleting one manifest: in a repository of very many tags, and in one of ten."""

import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.garbage import GarbageImage, image_of
from tests.bench.stores import write_ours
from tests.bench.sweep import OurStore
from tests.bench.target import PROJECT, Target
from tests.bench.timing import quiet_disk

_DELETIONS = 40
_FEW = 10
_SMALL = 1000
_SHARED = [b"{}", *(b"shared layer %d" % number for number in range(5))]
_LARGE = f"{PROJECT}/large"


@dataclass
class ManyTagsRow:
    """Times of DELETE through HTTP; the peer's column is ours in repositories of ten tags.

    Attributes:
        tags: of the large repository, each of a manifest of its own; all share their blobs.
        stack: ends the server with the run.
    """

    folder: Path
    stack: ExitStack
    tags: int = 60_000
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "delete_60k_tags"
    unit: str = "ms"
    more_is_better: bool = False
    warms_up: bool = False
    _server: list[Target] = field(default_factory=list)
    _deleted: dict[str, int] = field(default_factory=dict)

    def prepare(self, target: Target) -> str:
        """Write the store and serve it, once."""
        if self._server:
            return "peer: ours in a repository of 10 tags"
        store = OurStore(self.folder, self.settings)
        write_ours(store.data, self._images(), store.environment)
        self.stack.callback(store.stop)
        self._server.append(store.start())
        return ""

    def measure(self, target: Target, seconds: float) -> float:
        """The median of some deletions."""
        doomed = [self._next(target.name) for _ in range(_DELETIONS)]
        scopes = sorted({f"repository:{image.repository}:pull,push,delete" for image in doomed})
        times = []
        quiet_disk()
        with self._server[0].connect(*scopes) as connection:
            for image in doomed:
                path = f"/v2/{image.repository}/manifests/{image.digest}"
                connection.request("HEAD", path).expect(200)
                began = time.perf_counter()
                connection.request("DELETE", path).expect(202)
                times.append((time.perf_counter() - began) * 1000)
                connection.request("HEAD", path).expect(404)
        tags = self.tags if target.name == "ours" else _FEW
        print(f"  {tags} tags: slowest of {len(times)} deletions {max(times):.1f} ms", file=sys.stderr)
        return statistics.median(times)

    def _next(self, name: str) -> GarbageImage:
        """The next manifest to delete; of small repositories one each."""
        number = self._deleted.get(name, 0)
        self._deleted[name] = number + 1
        repository = _LARGE if name == "ours" else f"{PROJECT}/small-{number:03d}"
        return _image(repository, number if name == "ours" else 0)

    def _images(self) -> Iterator[GarbageImage]:
        for number in range(self.tags):
            yield _image(_LARGE, number)
        for small in range(_SMALL):
            for number in range(_FEW):
                yield _image(f"{PROJECT}/small-{small:03d}", number)


def _image(repository: str, number: int) -> GarbageImage:
    """All share their blobs, so that a deletion leaves the disk alone."""
    return image_of(repository, f"v{number}", _SHARED, note=str(number))
