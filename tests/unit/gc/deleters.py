"""Those that take a manifest or its tag away."""

from tests.unit.gc.actor import MANIFEST, Actor, noted, without_manifest
from tests.unit.gc.model import HOME, Flaw, World


class Deleter(Actor):
    """Deletes a repository's manifest with its tags; what it needed becomes a lease."""

    first = "delete"

    def __init__(self, me: int, flaw: Flaw | None = None, *, repository: int = 0) -> None:
        super().__init__(me, flaw)
        self._repository = repository
        self.steps = {"delete": self.delete}

    def delete(self, world: World) -> World:
        """One transaction."""
        if not world.manifests[self._repository]:
            return world.goes(self.me, HOME)
        return without_manifest(world.goes(self.me, HOME), self._repository, self.flaw)


class TagSwitch(Actor):
    """Moves the first repository's tag to another manifest, and later back."""

    first = "away"

    def __init__(self, me: int, flaw: Flaw | None = None) -> None:
        super().__init__(me, flaw)
        self.steps = {"away": self.away, "back": self.back, "back.move": self.move}

    def away(self, world: World) -> World:
        """The manifest that the tag leaves becomes a candidate."""
        if not world.tagged:
            return world.goes(self.me, HOME)
        return noted(world.goes(self.me, "back", tagged=False), MANIFEST)

    def back(self, world: World) -> World:
        """Whether the manifest is still known."""
        return world.goes(self.me, "back.move" if world.manifests[0] else HOME)

    def move(self, world: World) -> World:
        """The tag's key on the manifest decides; when it is gone, the question comes anew."""
        if not world.manifests[0]:
            return world.goes(self.me, "back")
        return world.goes(self.me, HOME, tagged=True, wanted=True)
