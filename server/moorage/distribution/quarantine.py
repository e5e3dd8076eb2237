"""What a check took out of the storage: kept aside until somebody empties it.

quarantine/<moment>-<why>-<random>/<name>    one file or folder, under the name it had
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from moorage.clock import Clock
from moorage.distribution.changes import change
from moorage.distribution.disk import make_folder, sync_folder
from moorage.events import Actor, Events, QuarantineEmptied

_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_PLACE = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-([a-z_]+)-[0-9a-f]{16}").fullmatch


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something in the quarantine.

    Attributes:
        path: where it lies now.
        name: under which it lay in the storage, in printable characters.
        why: the kind of the finding.
        size_bytes: of the file, or of every file in the folder.
    """

    path: str
    name: str
    why: str
    size_bytes: int
    at: datetime


class Quarantine:
    """A folder on the storage's own file system; things come in by one durable rename."""

    def __init__(self, root: Path, events: Events, clock: Clock) -> None:
        self._folder = os.path.join(os.path.realpath(root), "quarantine")
        self._events = events
        self._clock = clock

    def take(self, path: str, why: str) -> bool:
        """Move a file or folder here; False when it is gone. Its name is durably away on return."""
        make_folder(self._folder)
        place = os.path.join(self._folder, f"{self._clock().strftime(_MOMENT)}-{why}-{secrets.token_hex(8)}")
        make_folder(place)
        try:
            os.rename(path, os.path.join(place, os.path.basename(path)))
        except FileNotFoundError:
            os.rmdir(place)
            return False
        sync_folder(place)
        sync_folder(os.path.dirname(path))
        return True

    def list(self) -> list[SetAside]:
        """Everything here, the oldest first."""
        found = [thing for place, why, at in self._places() for thing in _inside(place, why, at)]
        return sorted(found, key=lambda thing: (thing.at, thing.path))

    def empty(self, actor: Actor, older_than: timedelta) -> tuple[int, int]:
        """Remove for good what came so long ago; returns how many things and how many bytes.

        It is logged first: a log that says too much after a crash is better than one that is silent.
        """
        limit = self._clock() - older_than
        old = [(place, list(_inside(place, why, at))) for place, why, at in self._places() if at <= limit]
        count = sum(len(things) for _, things in old)
        size = sum(thing.size_bytes for _, things in old for thing in things)
        if count:
            change(lambda: self._events.publish(QuarantineEmptied(actor, count, size)))
        for place, _ in old:
            shutil.rmtree(place)
        return count, size

    def _places(self) -> Iterator[tuple[str, str, datetime]]:
        """Path, why and when of each folder of ours."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self._folder):
                match = _PLACE(name)
                if match is not None:
                    at = datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC)
                    yield os.path.join(self._folder, name), match[2], at


def printable(name: str) -> str:
    """A file's name for people and logs, whatever bytes it is made of."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def size_below(path: str) -> int:
    """Bytes of a file, or of every file in a folder; links are not followed."""
    size = os.lstat(path).st_size if not _is_folder(path) else 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(folder, name)).st_size
    return size


def _inside(place: str, why: str, at: datetime) -> Iterator[SetAside]:
    with suppress(FileNotFoundError):
        for name in os.listdir(place):
            path = os.path.join(place, name)
            yield SetAside(path, printable(name), why, size_below(path), at)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)
