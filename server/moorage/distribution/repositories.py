"""Repositories: made by the first push, removed with everything in them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.crashpoints import reach
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.changes import change
from moorage.distribution.errors import NameUnknownError
from moorage.distribution.model import Repository
from moorage.distribution.storage import BlobStorage
from moorage.distribution.store import DistributionStore
from moorage.distribution.upload_store import UploadStore
from moorage.events import (
    Actor,
    Events,
    ProjectRenamed,
    RepositoryChanged,
    RepositoryCreated,
    RepositoryDeleted,
)
from moorage.oci.names import MAX_NAME_LENGTH, RepositoryName
from moorage.projects.errors import ProjectInvalidError
from moorage.projects.immutability import Immutability

_TRIES = 8
#: A repository's `updated_at` is not written more often: pushes would queue up for its row.
_TOUCH_EVERY = timedelta(minutes=1)


class Repositories:
    """Use cases on whole repositories.

    When their project is renamed, all of them are in the same transaction; the constructor subscribes to
    that.
    """

    def __init__(
        self,
        *,
        store: DistributionStore,
        blobs: BlobStore,
        uploads: UploadStore,
        storage: BlobStorage,
        events: Events,
        clock: Clock,
        immutability: Immutability,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._uploads = uploads
        self._storage = storage
        self._events = events
        self._clock = clock
        self._immutability = immutability
        events.subscribe(ProjectRenamed, self._project_renamed)

    def find(self, name: RepositoryName) -> Repository | None:
        """The repository of that name."""
        return self._store.repositories.find(name)

    def ensure(self, actor: Actor, project_id: int, name: RepositoryName) -> Repository:
        """The repository, made if need be; several callers at once make it once.

        Raises:
            NameUnknownError: there is no such project any more.
        """
        found = self.find(name)
        if found is not None and found.project_id == project_id:
            return found
        return change(lambda: self.hold(actor, project_id, name))

    def hold(self, actor: Actor, project_id: int, name: RepositoryName) -> Repository:
        """The same inside a transaction; nobody can delete or rename the repository before that ends.

        The project's number counts: when it was renamed since the caller looked, what is returned has the
        new name.
        """
        for _ in range(_TRIES):
            found = self._store.repositories.hold(name)
            if found is None:
                name = self._make(actor, project_id, name)
            elif found.project_id == project_id:
                return found
            else:
                break
        raise NameUnknownError.of(name)

    def present(self, name: RepositoryName) -> RepositoryName:
        """What the repository is called now, if its project was renamed; `name` in every other case."""
        return self._store.repositories.present(name)

    def hold_all(self, project_id: int) -> None:
        """Let nobody add to any repository of the project before this transaction ends."""
        self._store.repositories.lock_all(project_id)

    def touch(self, repository: Repository, now: datetime) -> None:
        """Note, inside a transaction, that something was pushed."""
        if now - repository.updated_at > _TOUCH_EVERY:
            self._store.repositories.touch(repository.id, now, now - _TOUCH_EVERY)

    def list(
        self, project_id: int, *, q: str = "", limit: int, offset: int = 0, sort: str = "name"
    ) -> Sequence[Repository]:
        """Repositories of a project.

        Args:
            q: a part of the name.
            sort: a key of `repository_store.SORTS`, with ``-`` in front for the other way round.
        """
        return self._store.repositories.page(project_id, q, limit, offset, sort)

    def count(self, project_id: int, *, q: str = "") -> int:
        """How many repositories `list` goes through."""
        return self._store.repositories.count(project_id, q)

    def by_ids(self, repository_ids: Iterable[int]) -> dict[int, Repository]:
        """The repositories of these numbers; those that are gone are left out."""
        return self._store.repositories.by_ids(repository_ids)

    def artifact_counts(self, repository_ids: Sequence[int]) -> dict[int, int]:
        """How many manifests each of the repositories has; those with none are left out."""
        return self._store.repositories.artifact_counts(repository_ids)

    def set_description(self, actor: Actor, name: RepositoryName, description: str) -> None:
        """Describe the repository.

        Raises:
            NameUnknownError: there is none of that name.
        """

        def describe() -> None:
            found = self._store.repositories.hold(name)
            if found is None:
                raise NameUnknownError.of(name)
            self._store.repositories.describe(found.id, description, self._clock())
            self._events.publish(RepositoryChanged(actor, found.project_id, name, "description"))

        change(describe)

    def delete(self, actor: Actor, name: RepositoryName) -> None:
        """Remove the repository with its tags, manifests and uploads; blobs stay for the collector.

        `RepositoryDeleted` is published first, so that subscribers still see what goes.

        Raises:
            NameUnknownError: there is none of that name.
            ImmutableTagError: it has a tag that is to stay.
        """
        reach("delete.repository.before")
        uploads = change(lambda: self._delete(actor, name))
        reach("delete.repository.committed")
        for upload_id in uploads:
            self._storage.discard_upload(upload_id)
        reach("delete.repository.cleared")

    def _delete(self, actor: Actor, name: RepositoryName) -> Sequence[str]:
        found = self._store.repositories.hold_alone(name)
        if found is None:
            raise NameUnknownError.of(name)
        protection = self._immutability.protection(found.project_id, name)
        if protection:
            protection.check(self._store.tags.all_names(found.id))
        self._events.publish(RepositoryDeleted(actor, found.project_id, name))
        uploads = self._uploads.of_repository(found.id)
        self._uploads.drop_all(found.id)
        self._store.tags.delete_all(found.id)
        self._store.manifests.delete_all(found.id)
        self._blobs.unlink_all(found.id)
        self._store.repositories.delete(found.id)
        reach("delete.repository.written")
        return uploads

    def _make(self, actor: Actor, project_id: int, name: RepositoryName) -> RepositoryName:
        """Make it, unless somebody else just did; returns the name under which to look for it."""
        if self._store.repositories.insert(project_id, name, self._clock()):
            self._events.publish(RepositoryCreated(actor, project_id, name))
            return name
        project = self._store.repositories.project_name(project_id)
        if project is None:
            raise NameUnknownError.of(name)
        return name.within(project)

    def _project_renamed(self, event: ProjectRenamed) -> None:
        self._store.repositories.rename_all(event.project_id, event.previous, event.name)
        longest = self._store.repositories.longest(event.project_id)
        if len(longest) > MAX_NAME_LENGTH:
            raise ProjectInvalidError(
                f"with this name of the project the repository {longest} would have more than "
                f"{MAX_NAME_LENGTH} characters"
            )
