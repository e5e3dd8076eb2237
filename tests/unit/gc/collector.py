"""Those that clean up: the collector, and the check that repairs."""

from collections.abc import Sequence

from tests.unit.gc.actor import BLOB, MANIFEST, Actor, without_manifest
from tests.unit.gc.client import Client
from tests.unit.gc.model import DURABLE, KEPT, LONG, NO_FILE, NO_LINK, OVER, Flaw, World


class Collector(Actor):
    """Condemns what nobody needs: candidate, lock, links, row with the keys as judge, file."""

    first = "pick"
    rests = True

    def __init__(self, me: int, flaw: Flaw | None, clients: Sequence[Client]) -> None:
        super().__init__(me, flaw)
        self._clients = clients
        self.steps = {
            "pick": self.pick,
            "untagged": self.untagged,
            "untagged.blindly": lambda world: self._take_out(world, world.manifests[0]),
            "untagged.drop": self.drop_manifest,
            "lock": lambda world: self.lock(world, "links"),
            "links": self.links,
            "judge": self.judge,
            "condemn.commit": self.commit,
            "drop": self.drop,
            "trash": self.trash,
            "unlock": lambda world: self.unlock(world, "pick", note=0),
            "unlock, then drop": lambda world: self.unlock(world, "drop"),
        }

    def pick(self, world: World) -> World | None:
        """Manifests first: they set blobs free."""
        if world.untagged and not world.due and not world.hold:
            blindly = self.flawed(Flaw.UNTAGGED_CHECK_APART) and not world.tagged
            return world.goes(self.me, "untagged.blindly" if blindly else "untagged", note=MANIFEST)
        return world.goes(self.me, "lock", note=BLOB) if world.candidate else None

    def untagged(self, world: World) -> World:
        """Under the manifest's lock everything is judged again, and whether it was noted since."""
        fresh = world.at[self.me].note == MANIFEST or self.flawed(Flaw.UNTAGGED_IN_ANY_VERSION)
        free = not (world.tagged or world.listed or world.hold)
        return self._take_out(world, world.manifests[0] and free and fresh)

    def _take_out(self, world: World, doomed: bool) -> World:
        world = world.goes(self.me, "untagged.drop")
        return without_manifest(world, 0, self.flaw) if doomed else world

    def drop_manifest(self, world: World) -> World:
        """A transaction of its own, as `drop`."""
        fresh = world.at[self.me].note == MANIFEST or self.flawed(Flaw.DROP_WITHOUT_VERSION)
        held = world.manifests[0] and world.hold > 0
        return world.goes(self.me, "pick", note=0, untagged=world.untagged and (held or not fresh))

    def links(self, world: World) -> World | None:
        """Delete the links whose lease is over; their rows are locked, and others' locks awaited."""
        most = LONG if self.flawed(Flaw.LEASE_IGNORED) else OVER
        over = [each for each, link in enumerate(world.links) if NO_LINK < link <= most]
        if any(client.locks_link(world, each) for client in self._clients for each in over):
            return None
        taken = () if self.flawed(Flaw.CHECK_APART_FROM_DELETE) else tuple(over)
        return world.goes(self.me, "judge", taken=taken)

    def judge(self, world: World) -> World | None:
        """Delete the row: the keys of the links that remain refuse it."""
        if any(client.locks_row(world) for client in self._clients):
            return None
        taken = world.at[self.me].taken
        remaining = [link for each, link in enumerate(world.links) if each not in taken and link != NO_LINK]
        if self.flawed(Flaw.CHECK_APART_FROM_DELETE):
            remaining = [link for link in remaining if link != OVER]
        elif self.flawed(Flaw.CASCADE_FROM_BLOB):
            remaining = [link for link in remaining if link == KEPT]
        elif self.flawed(Flaw.NO_FOREIGN_KEY):
            remaining = [link for link in remaining if link != KEPT] + [e for e in world.manifests if e]
        if not remaining:
            first = self.flawed(Flaw.UNLINK_BEFORE_ROW)
            return world.goes(self.me, "trash" if first else "condemn.commit")
        world = self._let_go(world, taken)
        leased = any(link != KEPT for link in remaining) and not self.flawed(Flaw.DROP_WHILE_LEASED)
        return world.goes(self.me, "unlock" if leased else "unlock, then drop", taken=())

    def commit(self, world: World) -> World:
        """Links and row are gone."""
        every = self.flawed(Flaw.CHECK_APART_FROM_DELETE) or self.flawed(Flaw.CASCADE_FROM_BLOB)
        world = self._let_go(world, range(len(world.links)) if every else world.at[self.me].taken)
        following = "unlock, then drop" if self.flawed(Flaw.UNLINK_BEFORE_ROW) else "trash"
        return world.goes(self.me, following, row=False, taken=())

    def _let_go(self, world: World, repositories: Sequence[int]) -> World:
        for each in repositories:
            world = world._replace(links=world.linked(each, NO_LINK))
        return world

    def trash(self, world: World) -> World:
        """Rename the file away; nothing waits for the medium."""
        following = "condemn.commit" if self.flawed(Flaw.UNLINK_BEFORE_ROW) else "unlock, then drop"
        return world.goes(self.me, following, file=NO_FILE, returns=world.file == DURABLE)

    def drop(self, world: World) -> World:
        """Gone, or in use for good: off the list, unless it was noted again since we looked."""
        fresh = world.at[self.me].note == BLOB or self.flawed(Flaw.DROP_WITHOUT_VERSION)
        return world.goes(self.me, "pick", note=0, candidate=world.candidate and not fresh)


class Check(Actor):
    """The repair of files without a row: a walk without locks, then a second look under the lock."""

    first = "walk"
    rests = True

    def __init__(self, me: int, flaw: Flaw | None = None) -> None:
        super().__init__(me, flaw)
        self.steps = {
            "walk": self.walk,
            "lock": lambda world: self.lock(world, "repair"),
            "repair": self.repair,
            "unlock": lambda world: self.unlock(world, "walk"),
        }

    def walk(self, world: World) -> World | None:
        """A file without a row is suspect."""
        return world.goes(self.me, "lock") if world.file and not world.row else None

    def repair(self, world: World) -> World:
        """Trash it if it still has none."""
        keep = world.row and not self.flawed(Flaw.REPAIR_WITHOUT_SECOND_LOOK)
        return world.goes(self.me, "unlock", file=world.file if keep else NO_FILE)
