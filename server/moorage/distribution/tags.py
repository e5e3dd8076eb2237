"""Tags: list, make, delete (distribution-spec 1.1.1, "Listing Tags", "Deleting tags")."""

from datetime import datetime

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.changes import change
from moorage.distribution.errors import ManifestUnknownError, NameUnknownError, TagMovedError
from moorage.distribution.model import Repository, TagEntry
from moorage.distribution.store import DistributionStore
from moorage.distribution.tagging import Tagging
from moorage.events import Actor, Events, TagDeleted
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.immutability import Immutability


class Tags:
    """Use cases on tags."""

    def __init__(
        self, store: DistributionStore, events: Events, clock: Clock, immutability: Immutability
    ) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._immutability = immutability
        self._tagging = Tagging(store, events, immutability)

    def names(self, repository: RepositoryName, n: int, last: str = "") -> list[str]:
        """At most `n` names after `last`, ordered by their bytes; `last` need not exist.

        Raises:
            NameUnknownError: there is no such repository.
        """
        # No name has a NUL, and PostgreSQL refuses to compare with one.
        found = self._store.tags.names(repository, n, last.partition("\0")[0])
        if not found and self._store.repositories.find(repository) is None:
            raise NameUnknownError.of(repository)
        return found

    def entries(
        self,
        repository: RepositoryName,
        *,
        digest: Digest | None = None,
        q: str = "",
        limit: int,
        offset: int = 0,
        sort: str = "-push_time",
    ) -> list[TagEntry]:
        """Tags with what they name.

        Args:
            digest: only those of this manifest.
            q: a part of the name.
            sort: a key of `tag_store.SORTS`, with ``-`` in front for the other way round.
        """
        return self._store.tags.page(repository, digest, q, limit=limit, offset=offset, sort=sort)

    def count(self, repository: RepositoryName, *, digest: Digest | None = None, q: str = "") -> int:
        """How many tags `entries` goes through."""
        return self._store.tags.count(repository, digest, q)

    def check_movable(self, project_id: int, repository: RepositoryName, tag: Tag, digest: Digest) -> None:
        """See to it, before work is done in vain, that the tag may be made to name `digest`; `put` decides.

        Raises:
            ImmutableTagError: it names another manifest, and is to stay so.
        """
        found = self._store.manifests.by_tag(repository, tag)
        if found is not None and found.digest != digest:
            self._immutability.check(project_id, repository, tag)

    def put(
        self, actor: Actor, project_id: int, repository: RepositoryName, tag: Tag, digest: Digest
    ) -> None:
        """Make the tag name a manifest that the repository has.

        Raises:
            NameUnknownError: there is no such repository.
            ManifestUnknownError: it has no such manifest.
            ImmutableTagError: the tag names another manifest, and is to stay so.
        """
        reach("tag.put.before")
        change(lambda: self._put(actor, project_id, repository, tag, digest))
        reach("tag.put.committed")

    def _put(
        self, actor: Actor, project_id: int, repository: RepositoryName, tag: Tag, digest: Digest
    ) -> None:
        held = self._hold(project_id, repository)
        manifest = self._store.manifests.known(held.id, digest)
        if manifest is None:
            raise ManifestUnknownError.of(digest)
        self._tagging.move(actor, held, tag, manifest.id, digest, now=self._clock())
        reach("tag.put.written")

    def delete(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        tag: Tag,
        *,
        expected: Digest | None = None,
        pushed_by: datetime | None = None,
    ) -> None:
        """Remove the tag; the manifest and its other tags stay.

        Args:
            expected: only if the tag names this manifest.
            pushed_by: only if the tag was not pushed after this moment.

        Raises:
            NameUnknownError: there is no such repository.
            ManifestUnknownError: it has no such tag.
            TagMovedError: it is not what the caller looked at.
            ImmutableTagError: it is to stay.
        """
        reach("tag.delete.before")
        change(lambda: self._delete(actor, project_id, repository, tag, expected, pushed_by))
        reach("tag.delete.committed")

    def _delete(
        self,
        actor: Actor,
        project_id: int,
        repository: RepositoryName,
        tag: Tag,
        expected: Digest | None,
        pushed_by: datetime | None,
    ) -> None:
        held = self._hold(project_id, repository)
        named = self._store.tags.find(held.id, tag)
        if named is None:
            raise ManifestUnknownError.of(tag)
        if expected not in (None, named.digest):
            raise TagMovedError(f"the tag {tag} names another manifest by now")
        if pushed_by is not None and named.pushed_at > pushed_by:
            raise TagMovedError(f"the tag {tag} was pushed again")
        self._immutability.check(project_id, repository, tag)
        self._store.tags.delete(named.tag_id)
        self._events.publish(TagDeleted(actor, project_id, repository, tag, named.digest))
        reach("tag.delete.written")

    def _hold(self, project_id: int, repository: RepositoryName) -> Repository:
        held = self._store.repositories.hold(repository)
        if held is None or held.project_id != project_id:
            raise NameUnknownError.of(repository)
        return held
