"""What a project is set to: public or not, its metadata, its allowlist; all of it in one transaction."""

from collections.abc import Collection, Mapping

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.events import Actor, Events, ProjectChanged
from moorage.identity.model import Principal
from moorage.projects import metadata
from moorage.projects.allowlists import Allowlists
from moorage.projects.errors import MetadataExistsError, MetadataUnknownError
from moorage.projects.metadata_store import MetadataStore
from moorage.projects.model import Project, ProjectDraft
from moorage.projects.projects import Projects

_ALLOWLIST = "cve_allowlist"


class ProjectSettings:
    """Makes and changes projects with everything that is set about them."""

    def __init__(
        self, projects: Projects, store: MetadataStore, allowlists: Allowlists, events: Events, clock: Clock
    ) -> None:
        self._projects = projects
        self._store = store
        self._allowlists = allowlists
        self._events = events
        self._clock = clock

    def among(self, project_ids: Collection[int]) -> dict[int, dict[str, str]]:
        """The metadata of each of the projects that has any but `public` and `retention_id`."""
        return self._store.among(project_ids) if project_ids else {}

    def create(
        self,
        actor: Actor,
        owner: Principal | None,
        name: str,
        draft: ProjectDraft,
        storage_limit_bytes: int | None = None,
    ) -> Project:
        """Make a project as the draft says; see `Projects.create`.

        Raises:
            MetadataInvalidError: a setting has a value that it cannot have.
            AllowlistInvalidError: no list can be so.
        """
        values = {key: value for key, value in metadata.checked(draft.metadata).items() if value}
        with atomic():
            made = self._projects.create(
                actor, owner, name, public=bool(draft.public), storage_limit_bytes=storage_limit_bytes
            )
            if values:
                self._store.set(made.id, values)
            if draft.allowlist is not None:
                self._allowlists.replace(actor, made.id, draft.allowlist)
        return made

    def change(self, actor: Actor, project_id: int, draft: ProjectDraft) -> None:
        """Change what the draft speaks of; a call that changes nothing is not logged.

        Raises:
            ProjectUnknownError: there is no such project.
            MetadataInvalidError: a setting has a value that it cannot have.
            AllowlistInvalidError: no list can be so.
        """
        values = metadata.checked(draft.metadata)
        with atomic():
            project = self._projects.hold(project_id)
            if draft.public is not None:
                self._projects.set_public(actor, project_id, draft.public)
            changed = self._write(project_id, values)
            if draft.allowlist is not None and self._allowlists.replace(actor, project_id, draft.allowlist):
                changed.append(_ALLOWLIST)
            self._tell(actor, project, changed)

    def add(self, actor: Actor, project_id: int, values: Mapping[str, str]) -> None:
        """Set what the project does not have yet.

        Raises:
            ProjectUnknownError: there is no such project.
            MetadataInvalidError: a setting has a value that it cannot have.
            MetadataExistsError: the project has one of them; nothing was set.
        """
        kept = metadata.checked(values)
        with atomic():
            project = self._projects.hold(project_id)
            there = sorted(self.among([project_id]).get(project_id, {}).keys() & kept.keys())
            if there:
                raise MetadataExistsError(f"the project has the setting {there[0]!r} already")
            self._tell(actor, project, self._write(project_id, kept))

    def remove(self, actor: Actor, project_id: int, name: str) -> None:
        """Take a setting away.

        Raises:
            ProjectUnknownError: there is no such project.
            MetadataUnknownError: it has no such setting.
        """
        with atomic():
            project = self._projects.hold(project_id)
            if name not in self.among([project_id]).get(project_id, {}):
                raise MetadataUnknownError("the project has no such setting")
            self._tell(actor, project, self._write(project_id, {name: ""}))

    def _write(self, project_id: int, values: Mapping[str, str]) -> list[str]:
        """Returns the names of those that are different now."""
        before = self.among([project_id]).get(project_id, {})
        changed = sorted(name for name, value in values.items() if value != before.get(name, ""))
        given = {name: values[name] for name in changed if values[name]}
        if given:
            self._store.set(project_id, given)
        taken = [name for name in changed if not values[name]]
        if taken:
            self._store.remove(project_id, taken)
        return changed

    def _tell(self, actor: Actor, project: Project, changed: Collection[str]) -> None:
        if changed:
            self._store.touch(project.id, self._clock())
            self._events.publish(ProjectChanged(actor, project.id, project.name, ", ".join(changed)))
