"""`ProjectScanners`: which scanner looks at the artifacts of a project."""

from collections.abc import Sequence

from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, ProjectChanged
from moorage.identity.text import is_storable
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.projects import Projects
from moorage.scanners.errors import ScannerDisabledError, ScannerInvalidError, ScannerUnknownError
from moorage.scanners.model import Registration
from moorage.scanners.store import ScannerStore


class ProjectScanners:
    """A project has the scanner that it chose, else the default."""

    def __init__(self, store: ScannerStore, projects: Projects, events: Events) -> None:
        self._store = store
        self._projects = projects
        self._events = events

    def get(self, project_id: int) -> Registration:
        """The project's scanner, which may be switched off.

        Raises:
            ScannerUnknownError: it chose none, and there is no default.
        """
        found = self._store.of_project(project_id) or self._store.default()
        if found is None:
            raise ScannerUnknownError("the project has no scanner: it chose none, and there is no default")
        return found

    def candidates(self) -> Sequence[Registration]:
        """What a project can choose, the oldest first."""
        return [each for each in self._store.all() if not each.disabled]

    def choose(self, actor: Actor, project_id: int, uuid: str) -> None:
        """Let the project have that scanner; a call that changes nothing is not logged.

        Raises:
            ProjectUnknownError: there is no such project.
            ScannerInvalidError: there is no such scanner.
            ScannerDisabledError: it is switched off.
        """
        with atomic():
            project = self._projects.get(project_id)
            found = self._store.hold(uuid) if is_storable(uuid) else None
            if found is None:
                raise ScannerInvalidError("uuid: there is no such scanner")
            if found.disabled:
                raise ScannerDisabledError("a scanner that is switched off cannot be chosen")
            if self._store.of_project(project_id) == found:
                return
            try:
                with atomic():
                    self._store.choose(project_id, found.uuid)
            except IntegrityError as error:
                raise ProjectUnknownError("the project has just been deleted") from error
            self._events.publish(
                ProjectChanged(actor, project_id, project.name, f"scanner is {found.name!r}")
            )
