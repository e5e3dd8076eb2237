"""A client that pushes an index: its child by digest, unless a HEAD says that it is there."""

from tests.unit.gc.actor import MANIFEST, Actor, noted
from tests.unit.gc.model import HOME, KEPT, NO_LINK, Flaw, World


class IndexClient(Actor):
    """HEAD of the child, its push if need be, then the index that lists it."""

    first = "child"

    def __init__(self, me: int, flaw: Flaw | None = None) -> None:
        super().__init__(me, flaw)
        self.steps = {
            "child": self.child,
            "child.hold": self.hold,
            "child.put": self.put_child,
            "index": self.index,
        }

    def child(self, world: World) -> World:
        """HEAD; when the collector's time is near, the answer holds the manifest."""
        if not world.manifests[0]:
            return world.goes(self.me, "child.put")
        if self.flawed(Flaw.HEAD_OF_MANIFEST_WITHOUT_HOLD):
            return world.goes(self.me, "index", promise=2)
        return world.goes(self.me, "child.hold")

    def hold(self, world: World) -> World:
        """The hold is taken under the manifest's lock; gone meanwhile, it is pushed."""
        if not world.manifests[0]:
            return world.goes(self.me, "child.put")
        return world.goes(self.me, "index", promise=2, hold=2)

    def put_child(self, world: World) -> World | None:
        """By digest, without a tag: a candidate, but not before the client had time for its index."""
        if self.taken(world, 0):
            return None
        if world.links[0] == NO_LINK:
            return world.goes(self.me, HOME)
        world = world.goes(
            self.me,
            "index",
            promise=2,
            manifests=world.held(0, True),
            links=world.linked(0, KEPT),
            due=2,
        )
        return noted(world, MANIFEST)

    def index(self, world: World) -> World:
        """The index; its key on the child is the judge."""
        if world.manifests[0]:
            return world.goes(self.me, HOME, promise=0, listed=True)
        if world.at[self.me].promise:
            return world.goes(self.me, HOME, broken="a client was told that the manifest is there")
        return world.goes(self.me, HOME)
