"""Names of projects: one of today, and those that lead there because the project had them before."""

import logging

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, ProjectNameReleased, ProjectRenamed
from moorage.identity.text import is_storable
from moorage.projects.errors import (
    FormerNamesFullError,
    FormerNameUnknownError,
    ProjectExistsError,
    ProjectUnknownError,
)
from moorage.projects.model import FormerName
from moorage.projects.name_store import NameStore

#: Each of them is a name that nobody else can have.
MAX_FORMER_NAMES = 20

_log = logging.getLogger(__name__)


class Names:
    """Renames projects and knows what they were called.

    A name that a project had belongs to it until an administrator releases it or the project is deleted:
    whoever could take it would be pulled from by everybody who has not heard of the new name.
    """

    def __init__(self, store: NameStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def present(self, name: str) -> tuple[int, str] | None:
        """Number and name of the project that is called `name` or was; any text will do."""
        return self._store.present(name) if is_storable(name) else None

    def former(self, limit: int, offset: int) -> list[FormerName]:
        """A page of the names that projects had, ordered by their bytes."""
        return self._store.page(limit, offset)

    def count_former(self) -> int:
        """How many `former` has in all its pages."""
        return self._store.count()

    def check_free(self, name: str, project_id: int) -> None:
        """See to it that no other project had this name.

        Asked after the name was written, in the same transaction: only then has a rename that gave it up at
        this moment left its trace.

        Raises:
            ProjectExistsError: one had.
        """
        found = self._store.former(name)
        if found is not None and found.project_id != project_id:
            raise ProjectExistsError.of(name)

    def rename(self, actor: Actor, project_id: int, name: str) -> None:
        """Give the project another name, which `checked_name` let pass; the old one goes on leading to it.

        Raises:
            ProjectUnknownError: there is no such project.
            ProjectExistsError: another project has the name, or had it.
            FormerNamesFullError: the project had too many names.
            ProjectInvalidError: with the new name something in the project would have too long a name.
        """
        with atomic():
            self._store.lock(project_id)
            previous = self._name(project_id)
            if previous == name:
                return
            try:
                with atomic():
                    self._store.rename(project_id, name, self._clock())
            except IntegrityError as error:
                raise ProjectExistsError.of(name) from error
            self.check_free(name, project_id)
            self._store.forget(name)
            self._store.keep(project_id, previous, self._clock())
            if self._store.count(project_id) > MAX_FORMER_NAMES:
                raise FormerNamesFullError(
                    f"the project has had {MAX_FORMER_NAMES} other names; an administrator can release some"
                )
            # Repositories, robots and candidates of the collector follow in the same transaction.
            self._events.publish(ProjectRenamed(actor, project_id, name, previous))

    def release(self, actor: Actor, name: str) -> None:
        """Let others have a name that a project had; it leads nowhere from now on.

        Raises:
            FormerNameUnknownError: no project had it.
        """
        with atomic():
            found = self._store.former(name) if is_storable(name) else None
            if found is None:
                raise FormerNameUnknownError("no project was called that and is called otherwise now")
            self._store.forget(name)
            self._events.publish(ProjectNameReleased(actor, found.project_id, found.project_name, name))
        _log.warning(
            "a former name of a project is released: clients that still use it may get what somebody else "
            "puts there",
            extra={"released": name, "project": found.project_name},
        )

    def _name(self, project_id: int) -> str:
        found = self._store.name(project_id)
        if found is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return found
