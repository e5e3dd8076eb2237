"""Which groups are inside which.

vCenter tells who is directly in a group. The other way round, and through several groups, there is no
question; so groups are asked one by one for the groups in them, ahead of need, and that is kept a while.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: What lies directly in a group.
Inside = Callable[[str], Iterable[str]]
#: A round that nobody went on with for so long begins anew.
_IDLE_SECONDS = 300.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """What some groups are in.

    Attributes:
        groups: these groups, and those that hold them, directly or through others.
        unsure: groups that may hold them too: what is inside was not wholly read of late.
    """

    groups: frozenset[str]
    unsure: frozenset[str] = frozenset()


class Nesting:
    """What is known of groups in groups, by their canonical names.

    It is read in rounds: a round asks each group once, over as many calls as that takes, and counts for a
    while. Until a round is over, what earlier ones found of the groups that it has not come to is believed
    where it shows that somebody is in a group, and not where it shows that somebody is not. A group that
    cannot be read, twice, is left to the next round: one of them is not to be in the way of everybody.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._inside: dict[str, frozenset[str]] = {}
        self._waiting: list[str] = []
        self._failed: set[str] = set()
        self._given_up: set[str] = set()
        self._read_at: float | None = None

    def around(
        self, direct: Iterable[str], groups: Callable[[], Iterable[str]], inside: Inside, seconds: float
    ) -> Reach:
        """These groups and all that they are in, through any number of others.

        Args:
            direct: groups to begin with.
            groups: lists all groups there are.
            inside: says which groups lie in one.
            seconds: how long it may read, one group at least; what is not read by then is read by the next
                call. Until then what was known before counts, and `Reach.unsure` has what may be wrong.
        """
        wanted = frozenset(direct)
        if self._most == 0 or not wanted:
            return Reach(wanted)
        with self._lock:
            self._read(groups, inside, time.monotonic() + seconds)
            known, unread = dict(self._inside), frozenset((*self._waiting, *self._given_up))
        found = _closed(wanted, known)
        return Reach(found, _closed(unread, known) - found)

    def _read(self, groups: Callable[[], Iterable[str]], inside: Inside, end: float) -> None:
        # A round that is under way goes on, or it would never be over where vCenter is slow.
        lasts = max(self._seconds, _IDLE_SECONDS) if self._waiting else self._seconds
        if self._read_at is None or time.monotonic() - self._read_at > lasts:
            self._begin(tuple(dict.fromkeys(groups())))
        while self._waiting:
            self._read_one(inside)
            self._read_at = time.monotonic()
            if self._waiting and self._read_at > end:
                _log.warning(
                    "vCenter is slow: which groups are in which is not wholly read yet, %d groups to go",
                    len(self._waiting),
                )
                return

    def _read_one(self, inside: Inside) -> None:
        """Ask the next group; one that fails for the first time is asked again when all others were."""
        name = self._waiting[-1]
        try:
            self._inside[name] = frozenset(inside(name))
        except Exception:
            self._waiting.pop()
            if name not in self._failed:
                self._failed.add(name)
                self._waiting.insert(0, name)
                raise
            self._given_up.add(name)
            _log.warning("which groups are in the group %s cannot be read", name, exc_info=True)
        else:
            self._waiting.pop()

    def _begin(self, groups: tuple[str, ...]) -> None:
        """A round over these groups; those that were never asked come first."""
        if len(groups) > self._most:
            _log.warning(
                "vCenter has %d groups; groups inside groups are followed in the first %d only",
                *(len(groups), self._most),
            )
        # The same ones each time, in whatever order vCenter has them.
        followed = sorted(groups)[: self._most]
        self._inside = {name: self._inside[name] for name in followed if name in self._inside}
        self._waiting = sorted(followed, key=lambda name: name not in self._inside)
        self._failed, self._given_up = set(), set()
        self._read_at = time.monotonic()


def _closed(wanted: frozenset[str], inside: dict[str, frozenset[str]]) -> frozenset[str]:
    found = set(wanted)
    fresh = set(wanted)
    while fresh:
        fresh = {outer for outer, inner in inside.items() if outer not in found and inner & fresh}
        found |= fresh
    return frozenset(found)
