"""Storage limits of projects; what they use is for `distribution.usage` to tell."""

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.events import Actor, Events, ProjectChanged
from moorage.projects.errors import ProjectUnknownError, QuotaInvalidError
from moorage.projects.quota_store import QuotaStore
from moorage.projects.store import ProjectStore
from moorage.sizes import LARGEST, in_words

#: The limit of a project that has none.
NO_LIMIT = -1


class Quotas:
    """Reads and sets limits. A limit below what a project uses is allowed: only what is new is refused."""

    def __init__(self, store: QuotaStore, projects: ProjectStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._projects = projects
        self._events = events
        self._clock = clock

    def limit(self, project_id: int) -> int:
        """The project's limit in bytes; -1 for none."""
        found = self._store.limit(project_id)
        return NO_LIMIT if found is None else found

    def set_limit(self, actor: Actor, project_id: int, limit_bytes: int) -> None:
        """Set the project's limit, -1 for none; a call that changes nothing is not logged.

        Raises:
            QuotaInvalidError: it is neither -1 nor a number of bytes.
            ProjectUnknownError: there is no such project.
        """
        checked_limit(limit_bytes)
        with atomic():
            project = self._projects.hold(project_id)
            if project is None:
                raise ProjectUnknownError(f"there is no project {project_id}")
            if self.limit(project_id) == limit_bytes:
                return
            self._store.set(project_id, limit_bytes, self._clock())
            what = "no storage limit" if limit_bytes == NO_LIMIT else f"storage limit {in_words(limit_bytes)}"
            self._events.publish(ProjectChanged(actor, project_id, project.name, what))


def checked_limit(limit_bytes: int) -> int:
    """The same number, if it can be a limit.

    Raises:
        QuotaInvalidError: it is neither -1 nor a number of bytes.
    """
    if limit_bytes != NO_LIMIT and not 0 < limit_bytes <= LARGEST:
        raise QuotaInvalidError("a storage limit is a number of bytes above 0, or -1 for none")
    return limit_bytes
