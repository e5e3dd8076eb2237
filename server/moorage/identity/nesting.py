"""Which groups are inside which.

vCenter tells who is directly in a group. The other way round, and through several groups, there is no
question; so groups are asked one by one for the groups in them, ahead of need, and that is kept a while.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable

#: What lies directly in a group.
Inside = Callable[[str], Iterable[str]]
_log = logging.getLogger(__name__)


class Nesting:
    """What is known of groups in groups, by their canonical names."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._inside: dict[str, tuple[frozenset[str], float]] = {}
        self._groups: tuple[str, ...] = ()
        self._listed_at: float | None = None

    def around(
        self, direct: Iterable[str], groups: Callable[[], Iterable[str]], inside: Inside, seconds: float
    ) -> frozenset[str]:
        """These groups and all that they are in, through any number of others.

        Args:
            direct: groups to begin with.
            groups: lists all groups there are.
            inside: says which groups lie in one.
            seconds: how long it may read; what is not read by then is read by the next call, and until then
                what was known before counts.
        """
        wanted = frozenset(direct)
        if self._most == 0 or not wanted:
            return wanted
        with self._lock:
            self._read(groups, inside, time.monotonic() + seconds)
            known = {name: found for name, (found, _) in self._inside.items()}
        return _closed(wanted, known)

    def _read(self, groups: Callable[[], Iterable[str]], inside: Inside, end: float) -> None:
        now = time.monotonic()
        if self._listed_at is None or now - self._listed_at > self._seconds:
            self._list(tuple(dict.fromkeys(groups())))
            self._listed_at = now
        stale = [name for name in self._groups if now - self._read_at(name) > self._seconds]
        for name in sorted(stale, key=self._read_at):
            if time.monotonic() > end:
                _log.warning("vCenter is slow: which groups are in which is not wholly read yet")
                return
            self._inside[name] = (frozenset(inside(name)), time.monotonic())

    def _list(self, groups: tuple[str, ...]) -> None:
        if len(groups) > self._most:
            _log.warning(
                "vCenter has %d groups; groups inside groups are followed in the first %d only",
                *(len(groups), self._most),
            )
        self._groups = groups[: self._most]
        self._inside = {name: self._inside[name] for name in self._groups if name in self._inside}

    def _read_at(self, name: str) -> float:
        return self._inside[name][1] if name in self._inside else float("-inf")


def _closed(wanted: frozenset[str], inside: dict[str, frozenset[str]]) -> frozenset[str]:
    found = set(wanted)
    fresh = set(wanted)
    while fresh:
        fresh = {outer for outer, inner in inside.items() if outer not in found and inner & fresh}
        found |= fresh
    return frozenset(found)
