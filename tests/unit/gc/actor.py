"""What all processes around one blob have in common."""

from tests.unit.gc.model import LONG, NO_LINK, NOBODY, Flaw, Step, World

#: What a collector remembers of the candidate that it picked: what it is, and that it was noted anew since.
BLOB, MANIFEST, CHANGED = 1, 2, 3


class Actor:
    """One process, shipped or with a flaw; and what it sees of the others' open transactions.

    Attributes:
        me: its number in the world.
    """

    first = ""
    rests = False

    def __init__(self, me: int, flaw: Flaw | None = None) -> None:
        self.me = me
        self.flaw = flaw
        self.steps: dict[str, Step] = {}

    def flawed(self, flaw: Flaw) -> bool:
        """Whether exactly this one is built in."""
        return self.flaw is flaw

    def taken(self, world: World, repository: int) -> bool:
        """Whether a collector's open transaction deletes the repository's link."""
        return any(repository in each.taken for each in world.at)

    def row_taken(self, world: World) -> bool:
        """Whether a collector's open transaction deletes the blob's row."""
        return not self.flawed(Flaw.CHECK_APART_FROM_DELETE) and any(
            each.step == "condemn.commit" for each in world.at
        )

    def lock(self, world: World, following: str) -> World | None:
        """Take the digest's lock, or wait for it."""
        if self.flawed(Flaw.NO_DIGEST_LOCK):
            return world.goes(self.me, following)
        return world.goes(self.me, following, lock=self.me) if world.lock == NOBODY else None

    def unlock(self, world: World, following: str, **changes: object) -> World:
        """Give it back."""
        lock = NOBODY if world.lock == self.me else world.lock
        return world.goes(self.me, following, lock=lock, **changes)


def noted(world: World, kind: int) -> World:
    """The world in which blob or manifest is a candidate, in another version than anybody has seen."""
    at = tuple(each._replace(note=CHANGED) if each.note == kind else each for each in world.at)
    return world._replace(at=at, **{"candidate" if kind == BLOB else "untagged": True})


def without_manifest(world: World, repository: int, flaw: Flaw | None) -> World:
    """The world in which the manifest is deleted: its link is a lease, the blob a candidate."""
    link = NO_LINK if flaw is Flaw.UNLINK_WITH_MANIFEST else LONG
    world = world._replace(
        manifests=world.held(repository, False),
        links=world.linked(repository, link),
        tagged=world.tagged and repository != 0,
    )
    return world if flaw is Flaw.NO_CANDIDATE_AFTER_DELETE else noted(world, BLOB)
