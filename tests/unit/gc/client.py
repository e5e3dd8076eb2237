"""A client at a server: HEAD, mount, upload and the manifest, up to its answers."""

from tests.unit.gc.actor import BLOB, Actor, noted
from tests.unit.gc.model import CACHED, DURABLE, HOME, KEPT, LONG, NO_FILE, NO_LINK, Flaw, World


class Client(Actor):
    """A push: HEAD, mount or upload, then the manifest.

    Args:
        begins: with ``head``, ``mount`` or ``upload``.
        source: of a mount.
        refused: the database refuses its row, as a quota does.
    """

    def __init__(
        self,
        me: int,
        flaw: Flaw | None = None,
        *,
        begins: str = "upload",
        repository: int = 0,
        source: int = 1,
        refused: bool = False,
    ) -> None:
        super().__init__(me, flaw)
        self._repository = repository
        self._source = source
        self._refused = refused
        self.first = {"head": "head", "mount": "mount", "upload": self._upload}[begins]
        self.steps = {
            "head": self.head,
            "head.renew": self.renew,
            "mount": self.mount,
            "mount.link": self.mount_link,
            "mount.commit": self.mount_commit,
            "upload.peek": self.peek,
            "upload.lock": lambda world: self.lock(
                world, "upload.commit" if self.flawed(Flaw.ROW_BEFORE_FILE) else "upload.place"
            ),
            "upload.place": self.place,
            "upload.sync": self.sync,
            "upload.commit": self.commit,
            "upload.forget": self.forget,
            "upload.unlock": lambda world: self.unlock(world, HOME if self._refused else "put"),
            "put": self.put,
            "put.edge": self.put_edge,
            "put.commit": self.put_commit,
        }

    @property
    def _upload(self) -> str:
        return "upload.peek" if self.flawed(Flaw.LOOK_OUTSIDE_THE_LOCK) else "upload.lock"

    # -- HEAD --------------------------------------------------------------------------------

    def head(self, world: World) -> World:
        """Row, link and file as they are seen without any lock."""
        link = world.links[self._repository]
        file = world.file or (world.row and self.flawed(Flaw.HEAD_LOOKS_AT_THE_ROW_ALONE))
        if link == NO_LINK or not file:
            return world.goes(self.me, self._upload)
        if link in (LONG, KEPT) or self.flawed(Flaw.HEAD_WITHOUT_RENEWAL):
            return world.goes(self.me, "put", promise=2)
        return world.goes(self.me, "head.renew")

    def renew(self, world: World) -> World | None:
        """One statement; when it changes nothing, a second look."""
        link = world.links[self._repository]
        if self.taken(world, self._repository):
            return None
        if link == NO_LINK:
            return world.goes(self.me, self._upload)
        return world.goes(self.me, "put", promise=2, links=world.linked(self._repository, max(link, LONG)))

    # -- mount -------------------------------------------------------------------------------

    def mount(self, world: World) -> World:
        """Whether the source holds it and its file is whole."""
        there = world.links[self._source] != NO_LINK and world.file
        return world.goes(self.me, "mount.link" if there else self._upload)

    def mount_link(self, world: World) -> World | None:
        """The source again, and the new link with its key on the blob's row, not committed yet."""
        if self.row_taken(world) or self.taken(world, self._repository):
            return None
        if world.links[self._source] == NO_LINK or not world.row:
            return world.goes(self.me, self._upload)
        return world.goes(self.me, "mount.commit")

    def mount_commit(self, world: World) -> World:
        """A lease, and the blob's name on the collector's list."""
        link = max(world.links[self._repository], LONG)
        after = world.goes(self.me, "put", promise=2, links=world.linked(self._repository, link))
        return after if self.flawed(Flaw.NO_CANDIDATE_AFTER_MOUNT) else noted(after, BLOB)

    # -- upload; its bytes are on the medium and their digest is taken ---------------------------

    def peek(self, world: World) -> World:
        """What must not be: to look before the lock is held."""
        return world.goes(self.me, "upload.lock", note=int(world.file != NO_FILE))

    def place(self, world: World) -> World:
        """Give the file its name unless it has it."""
        if self.flawed(Flaw.LOOK_OUTSIDE_THE_LOCK):
            there = bool(world.at[self.me].note)
        elif self.flawed(Flaw.LOOK_AT_THE_ROW):
            there = world.row
        else:
            there = world.file != NO_FILE
        return world.goes(self.me, "upload.sync", file=world.file if there else CACHED)

    def sync(self, world: World) -> World:
        """The folder on the medium, whoever made the name."""
        following = "upload.unlock" if self.flawed(Flaw.ROW_BEFORE_FILE) else "upload.commit"
        if self.flawed(Flaw.NO_SYNC) or world.file == NO_FILE:
            return world.goes(self.me, following)
        return world.goes(self.me, following, file=DURABLE, returns=False)

    def commit(self, world: World) -> World | None:
        """Row, lease and candidate in one transaction; 201."""
        if self.row_taken(world) or self.taken(world, self._repository):
            return None
        if self._refused:
            return world.goes(self.me, "upload.forget")
        following = "upload.place" if self.flawed(Flaw.ROW_BEFORE_FILE) else "upload.unlock"
        link = max(world.links[self._repository], LONG)
        links = world.linked(self._repository, link)
        return noted(world.goes(self.me, following, promise=2, row=True, links=links), BLOB)

    def forget(self, world: World) -> World:
        """A row that was refused does not come: its file goes, unless there is one after all."""
        keep = world.row and not self.flawed(Flaw.FORGET_WITHOUT_A_LOOK)
        return world.goes(self.me, "upload.unlock", file=world.file if keep else NO_FILE)

    # -- manifest ----------------------------------------------------------------------------

    def put(self, world: World) -> World:
        """Whether the repository holds what the manifest needs."""
        if world.links[self._repository] != NO_LINK or self.flawed(Flaw.NO_FOREIGN_KEY):
            return world.goes(self.me, "put.edge")
        if world.at[self.me].promise:
            return world.goes(self.me, HOME, broken="a client was told that the blob is there")
        return world.goes(self.me, HOME)

    def put_edge(self, world: World) -> World | None:
        """The edge; its key waits for whoever deletes the link, and then does not find it."""
        if self.flawed(Flaw.NO_FOREIGN_KEY):
            return world.goes(self.me, "put.commit")
        if self.taken(world, self._repository):
            return None
        return world.goes(self.me, "put" if world.links[self._repository] == NO_LINK else "put.commit")

    def put_commit(self, world: World) -> World:
        """Manifest, tag and a link for good: acknowledged."""
        link = world.links[self._repository]
        first = self._repository == 0
        return world.goes(
            self.me,
            HOME,
            promise=0,
            manifests=world.held(self._repository, True),
            links=world.linked(
                self._repository, KEPT if link or not self.flawed(Flaw.NO_FOREIGN_KEY) else link
            ),
            tagged=world.tagged or first,
        )

    def locks_link(self, world: World, repository: int) -> bool:
        """Whether its open transaction has an edge on the repository's link, or lengthens it."""
        if repository != self._repository or self.flawed(Flaw.NO_FOREIGN_KEY):
            return False
        return world.at[self.me].step in ("put.commit", "mount.commit")

    def locks_row(self, world: World) -> bool:
        """Whether its open transaction has a new link on the blob's row."""
        return world.at[self.me].step == "mount.commit"
