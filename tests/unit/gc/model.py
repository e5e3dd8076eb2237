"""What the registry keeps of one blob, and every way in which its processes can cross each other.

A `World` is one state: the blob's row, file, links, manifests and digest lock, who stands where, and
what may still happen. A `Role` is one process: named steps, each of which leads from a world to the
next one, or is blocked. `explore` walks all interleavings, with the clock, kills and power cuts at
every place, and judges every state; `settle` asks what becomes of a state once all is quiet.

A step is what is atomic in the registry: a system call, or one statement of a transaction together
with the row locks it takes. What a transaction has not committed is in its process only, and so a
kill rolls it back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol, TypeVar

# A repository's link to the blob. `OVER` is a lease that ran out and a row that is still there.
NO_LINK, OVER, SHORT, LONG, KEPT = range(5)
# The blob's file. `CACHED` has a name that a power cut takes back.
NO_FILE, CACHED, DURABLE = range(3)
NOBODY = -1
HOME = "home"

T = TypeVar("T")


class Flaw(Enum):
    """One thing done otherwise than it is shipped; each must be found out."""

    NO_FOREIGN_KEY = auto()
    UNLINK_BEFORE_ROW = auto()
    CHECK_APART_FROM_DELETE = auto()
    NO_DIGEST_LOCK = auto()
    LOOK_OUTSIDE_THE_LOCK = auto()
    LOOK_AT_THE_ROW = auto()
    LEASE_IGNORED = auto()
    CASCADE_FROM_BLOB = auto()
    HEAD_WITHOUT_RENEWAL = auto()
    HEAD_LOOKS_AT_THE_ROW_ALONE = auto()
    DROP_WITHOUT_VERSION = auto()
    DROP_WHILE_LEASED = auto()
    REPAIR_WITHOUT_SECOND_LOOK = auto()
    NO_SYNC = auto()
    ROW_BEFORE_FILE = auto()
    UNLINK_WITH_MANIFEST = auto()
    NO_CANDIDATE_AFTER_DELETE = auto()
    NO_CANDIDATE_AFTER_MOUNT = auto()
    UNTAGGED_CHECK_APART = auto()
    UNTAGGED_IN_ANY_VERSION = auto()
    HEAD_OF_MANIFEST_WITHOUT_HOLD = auto()
    FORGET_WITHOUT_A_LOOK = auto()


class At(NamedTuple):
    """Where one process stands.

    Attributes:
        step: the name of its next step.
        note: what it remembers of an earlier step.
        promise: half leases for which an answer that it got still binds the registry.
        taken: repositories whose links its open transaction has deleted.
    """

    step: str = HOME
    note: int = 0
    promise: int = 0
    taken: tuple[int, ...] = ()


class World(NamedTuple):
    """One state.

    Attributes:
        links, manifests: one entry for each repository.
        tagged: whether a tag names the first repository's manifest.
        wanted: whether a client was told that this tag stands.
        returns: whether a power cut would undo the removal of the file.
        lock: who holds the digest's lock.
        candidate: whether the collector has the blob on its list, and likewise `untagged`, the manifest.
        due: half leases before which the collector does not look at the manifest.
        hold: half leases for which the manifest is held, because a HEAD said that it is there.
        listed: whether an index lists the first repository's manifest.
        ticks: half leases that may still pass.
        kills, cuts: that may still happen.
        orphaned: whether a kill may have left a file without a row.
        broken: a promise to a client that was not kept.
    """

    at: tuple[At, ...]
    row: bool = False
    file: int = NO_FILE
    returns: bool = False
    links: tuple[int, ...] = (NO_LINK, NO_LINK)
    manifests: tuple[bool, ...] = (False, False)
    tagged: bool = False
    wanted: bool = False
    lock: int = NOBODY
    candidate: bool = False
    untagged: bool = False
    due: int = 0
    hold: int = 0
    listed: bool = False
    ticks: int = 0
    kills: int = 0
    cuts: int = 0
    orphaned: bool = False
    broken: str = ""

    def goes(self, me: int, step: str, **changes: object) -> "World":
        """The world in which `me` stands at `step`; fields of `At` and of the world may change too."""
        mine = self.at[me]
        place = At(
            step,
            changes.pop("note", mine.note),  # type: ignore[arg-type]
            changes.pop("promise", mine.promise),  # type: ignore[arg-type]
            changes.pop("taken", mine.taken),  # type: ignore[arg-type]
        )
        return self._replace(at=(*self.at[:me], place, *self.at[me + 1 :]), **changes)

    def linked(self, repository: int, link: int) -> tuple[int, ...]:
        """The links with this one for the repository."""
        return _put(self.links, repository, link)

    def held(self, repository: int, there: bool) -> tuple[bool, ...]:
        """The manifests with, or without, the repository's."""
        return _put(self.manifests, repository, there)


def _put(entries: tuple[T, ...], place: int, entry: T) -> tuple[T, ...]:
    return (*entries[:place], entry, *entries[place + 1 :])


Step = Callable[[World], World | None]


class Role(Protocol):
    """A process: what it does step by step.

    Attributes:
        steps: by name; None as an answer means that it has to wait.
        first: where it begins, and begins again after a kill.
        rests: whether it stands at `first` for as long as there is nothing to do.
    """

    steps: Mapping[str, Step]
    first: str
    rests: bool


class Problem(Exception):
    """A state that must not be.

    Attributes:
        kind: in a few words.
        way: the steps that led there.
    """

    def __init__(self, kind: str, way: Sequence[str]) -> None:
        self.kind = kind
        self.way = list(way)
        super().__init__(f"{kind}\n  " + "\n  ".join(way))


class Model:
    """Some roles over one blob, and what may disturb them.

    Args:
        spare: how many of the last roles take no part; `settle` uses them in their order.
    """

    def __init__(self, roles: Sequence[Role], world: World, spare: int = 0) -> None:
        self._roles = roles
        self._active = range(len(roles) - spare)
        self._spare = range(len(roles) - spare, len(roles))
        self._began_damaged = world.row and world.file == NO_FILE
        self.start = world._replace(at=tuple(self._begun(each) for each in range(len(roles))))
        self.seen: dict[World, tuple[World, str] | None] = {}

    def explore(self) -> "Model":
        """Visit every state.

        Raises:
            Problem: the first one that must not be.
        """
        self.seen = {self.start: None}
        settled: set[World] = set()
        waiting = [self.start]
        while waiting:
            world = waiting.pop()
            self._judge(world)
            moves = list(self._moves(world))
            if self._is_quiet(world):
                bare = world._replace(at=self.start.at, ticks=0, kills=0, cuts=0)
                if bare not in settled:
                    settled.add(bare)
                    self._settle(world, bare)
            elif not moves:
                raise Problem("everybody waits for somebody", self.way(world))
            moves += self._accidents(world)
            for name, after in moves:
                if after not in self.seen:
                    self.seen[after] = (world, name)
                    waiting.append(after)
        return self

    def way(self, world: World) -> list[str]:
        """How this state was reached."""
        names: list[str] = []
        back = self.seen.get(world)
        while back is not None:
            world, name = back
            names.append(name)
            back = self.seen[world]
        return names[::-1]

    # -- what can happen ---------------------------------------------------------------------

    def _begun(self, role: int) -> At:
        return At(self._roles[role].first)

    def _moves(self, world: World) -> Iterator[tuple[str, World]]:
        for each in self._active:
            step = world.at[each].step
            if step != HOME:
                after = self._roles[each].steps[step](world)
                if after is not None and after != world:
                    yield f"{each} {type(self._roles[each]).__name__}: {step}", after

    def _accidents(self, world: World) -> Iterator[tuple[str, World]]:
        if world.ticks:
            yield "half a lease passes", _ticked(world)
        if world.kills:
            for each in self._active:
                if world.at[each].step not in (HOME, self._roles[each].first):
                    after = self._killed(world, [each])._replace(kills=world.kills - 1)
                    yield f"{each} is killed", after
                    if not self._roles[each].rests:
                        yield f"{each} is killed for good", after.goes(each, HOME)
        if world.cuts:
            after = self._killed(world, self._active)
            file = NO_FILE if world.file == CACHED else world.file
            after = after._replace(cuts=world.cuts - 1, file=file, returns=False)
            yield "the power fails", after
            if world.returns:
                yield "the power fails, and the file is back", after._replace(file=DURABLE)

    def _killed(self, world: World, dead: Sequence[int]) -> World:
        at = tuple(self._begun(n) if n in dead and a.step != HOME else a for n, a in enumerate(world.at))
        lock = NOBODY if world.lock in dead else world.lock
        return world._replace(at=at, lock=lock, orphaned=True)

    def _is_quiet(self, world: World) -> bool:
        return world.lock == NOBODY and all(
            world.at[each].step == (self._roles[each].first if self._roles[each].rests else HOME)
            for each in self._active
        )

    # -- what must not happen ----------------------------------------------------------------

    def _judge(self, world: World) -> None:
        if world.broken:
            raise Problem(world.broken, self.way(world))
        if any(world.manifests) and not (world.row and world.file):
            raise Problem("an acknowledged manifest lost its blob", self.way(world))
        if world.row and not world.file and not self._began_damaged:
            raise Problem("a row without a file", self.way(world))
        if world.wanted and not (world.tagged and world.manifests[0]):
            raise Problem("an acknowledged tag lost its manifest", self.way(world))
        if world.listed and not world.manifests[0]:
            raise Problem("an acknowledged index lost its child", self.way(world))

    def _settle(self, reached: World, world: World) -> None:
        """From a quiet state: a client pushes anew, or time passes and the collectors finish."""
        resting = [role for role in self._active if self._roles[role].rests]
        for each in self._spare:
            pushed = self._alone(world, each)
            if not (pushed.manifests[0] and pushed.row and pushed.file):
                raise Problem("a new push does not succeed", self.way(reached))
            for role in resting:
                pushed = self._alone(pushed, role)
            if not (pushed.manifests[0] and pushed.row and pushed.file):
                raise Problem("a new push does not last", self.way(reached))
        late = world
        for _ in range(2):  # a manifest that goes first leaves a lease behind
            late = _ticked(_ticked(late))
            for role in resting:
                late = self._alone(late, role)
        needed = any(late.manifests)
        if late.row != needed or any(link not in (NO_LINK, KEPT) for link in late.links):
            raise Problem("garbage stays for ever", self.way(reached))
        if late.file and not late.row and not late.orphaned:
            raise Problem("a file without a row, although nothing was killed", self.way(reached))

    def _alone(self, world: World, me: int) -> World:
        """One process to its end, or to where it finds nothing more to do."""
        visited = set()
        while world not in visited and world.at[me].step != HOME:
            visited.add(world)
            after = self._roles[me].steps[world.at[me].step](world)
            if after is None:
                break
            world = after
        return world


def _ticked(world: World) -> World:
    at = tuple(each._replace(promise=max(each.promise - 1, 0)) for each in world.at)
    links = tuple(link - 1 if link in (LONG, SHORT) else link for link in world.links)
    return world._replace(
        at=at,
        links=links,
        ticks=max(world.ticks - 1, 0),
        due=max(world.due - 1, 0),
        hold=max(world.hold - 1, 0),
    )
