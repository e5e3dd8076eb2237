"""Counts of requests, kept by each process and added up over all of them.

Each process of a server writes its counts to a file of its own, at most once a second and a second after
something new was counted. What dead processes left is folded into one file, so that totals never fall,
not even over a restart.
"""

import contextlib
import fcntl
import json
import logging
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from moorage.events import BlobPushed, Events, ManifestPushed

#: Upper ends of the buckets of durations, in seconds; one more bucket holds everything longer.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
UPLOADS = "moorage_uploads"
UPLOAD_BYTES = "moorage_upload_bytes"
MANIFESTS = "moorage_manifests_pushed"

#: Surface, operation, status.
Key = tuple[str, str, int]

_WRITE_SECONDS = 1.0
_DEAD = "dead.json"
_LOCK = "lock"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Series:
    """Requests of one kind, by how long they took; `buckets` has one more than `BOUNDS`."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def add(self, other: "Series") -> None:
        self.buckets = [one + two for one, two in zip(self.buckets, other.buckets, strict=True)]
        self.seconds += other.seconds


@dataclass(slots=True)
class Totals:
    """Everything counted by somebody."""

    series: dict[Key, Series] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Totals") -> None:
        for key, one in other.series.items():
            self.series.setdefault(key, Series()).add(one)
        for name, number in other.events.items():
            self.events[name] = self.events.get(name, 0) + number

    def dump(self) -> str:
        rows = [[*key, one.buckets, one.seconds] for key, one in self.series.items()]
        return json.dumps({"bounds": BOUNDS, "series": rows, "events": self.events})

    @classmethod
    def load(cls, text: str) -> "Totals":
        """Read `dump` back.

        Raises:
            ValueError: the text is something else, or from a release with other buckets.
        """
        try:
            content = json.loads(text)
            if tuple(content["bounds"]) != BOUNDS:
                raise ValueError("other buckets")
            series = {(row[0], row[1], row[2]): Series(row[3], row[4]) for row in content["series"]}
            return cls(series, content["events"])
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError("no counts") from error


class Counts:
    """Counts what this process does, and tells what all processes did.

    Args:
        folder: where processes leave their counts for each other; None when this is the only one.
    """

    def __init__(self, folder: Path | None = None, *, write_seconds: float = _WRITE_SECONDS) -> None:
        self._folder = folder
        self._write_seconds = write_seconds
        self._own = Totals()
        self._arm()

    def _arm(self) -> None:
        """Begin anew in this process: what its parent counted is the parent's to tell."""
        self._process = os.getpid()
        self._file = f"{self._process}-{time.time_ns()}.json"
        self._lock = threading.Lock()
        self._own.series.clear()
        self._own.events.clear()
        self._waiting = False
        self._folded = False

    def observer(self, surface: str) -> Callable[[str, int, float], None]:
        """A function that counts one request: its operation, its status, and its seconds."""
        return partial(self._observe, surface)

    def subscribe(self, events: Events) -> None:
        """Count what is pushed. A push that is undone at the last moment is counted all the same."""
        events.subscribe(BlobPushed, self._blob_pushed)
        events.subscribe(ManifestPushed, lambda event: self.add(MANIFESTS, 1))

    def add(self, name: str, number: int) -> None:
        """Count `number` more of something."""
        if self._process != os.getpid():
            self._arm()
        with self._lock:
            self._own.events[name] = self._own.events.get(name, 0) + number
        self._write_later()

    def total(self) -> Totals:
        """What all processes counted, dead ones too; those of others up to a second ago."""
        found = Totals()
        if self._folder is not None and self._folder.is_dir():
            with self._alone(self._folder):
                for path in self._folder.glob("*.json"):
                    if path.name != self._file:
                        found.add(_read(path))
        with self._lock:
            found.add(self._own)
        return found

    def write(self) -> None:
        """Leave this process's counts for the others."""
        self._waiting = False
        if self._folder is None:
            return
        with self._lock:
            text = self._own.dump()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._alone(self._folder):
                _replace(self._folder / self._file, text)
                if not self._folded:
                    self._fold(self._folder)
            self._folded = True
        except OSError as error:  # a full disk must not stop what is being counted
            _log.warning("metrics cannot be written", extra={"cause": str(error)})

    def _observe(self, surface: str, operation: str, status: int, seconds: float) -> None:
        if self._process != os.getpid():
            self._arm()
        key = (surface, operation, status)
        with self._lock:
            one = self._own.series.get(key)
            if one is None:
                one = self._own.series[key] = Series()
            one.buckets[bisect_left(BOUNDS, seconds)] += 1
            one.seconds += seconds
        if not self._waiting:
            self._write_later()

    def _blob_pushed(self, event: BlobPushed) -> None:
        self.add(UPLOADS, 1)
        self.add(UPLOAD_BYTES, event.size_bytes)

    def _write_later(self) -> None:
        """Have a thread write once, a moment from now; it ends by itself."""
        if self._folder is None or self._waiting:
            return
        self._waiting = True
        timer = threading.Timer(self._write_seconds, self.write)
        timer.daemon = True
        timer.start()

    @contextlib.contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _fold(self, folder: Path) -> None:
        """Add what dead processes left to one file, and take theirs away."""
        left = [path for path in folder.glob("*-*.json") if not _is_alive(path)]
        if not left:
            return
        dead = _read(folder / _DEAD)
        for path in left:
            dead.add(_read(path))
        _replace(folder / _DEAD, dead.dump())
        for path in left:
            path.unlink()


def _read(path: Path) -> Totals:
    try:
        return Totals.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Totals()
    except ValueError as error:
        _log.warning("metrics cannot be read", extra={"file": path.name, "cause": str(error)})
        return Totals()


def _replace(path: Path, text: str) -> None:
    partial_file = path.with_suffix(".partial")
    partial_file.write_text(text, encoding="utf-8")
    partial_file.rename(path)


def _is_alive(path: Path) -> bool:
    try:
        os.kill(int(path.name.partition("-")[0]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError, OverflowError):
        return True
    return True
