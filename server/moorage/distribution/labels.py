"""Labels: words with a colour, of one project or for all of them, and which artifacts bear them."""

import re
from collections.abc import Iterable
from dataclasses import replace

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.distribution.changes import change
from moorage.distribution.errors import (
    LabelAddedError,
    LabelExistsError,
    LabelInvalidError,
    LabelUnknownError,
    ManifestUnknownError,
    NameUnknownError,
)
from moorage.distribution.label_store import LabelStore
from moorage.distribution.model import Label, LabelFilter
from moorage.distribution.store import DistributionStore
from moorage.events import (
    Actor,
    Events,
    LabelAdded,
    LabelChanged,
    LabelCreated,
    LabelDeleted,
    LabelRemoved,
)
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.errors import ProjectUnknownError

MAX_NAME = 128
MAX_DESCRIPTION = 1024
#: On one artifact: a page of a list shows all labels of a hundred.
MAX_ADDED = 100

_color = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})").fullmatch
_unprintable = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_unstorable = re.compile("[\0\ud800-\udfff]").search


class Labels:
    """Makes labels and puts them on artifacts. They go with their project, and off with the artifact."""

    def __init__(self, store: LabelStore, registry: DistributionStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._registry = registry
        self._events = events
        self._clock = clock

    def get(self, label_id: int) -> Label:
        """The label of that number.

        Raises:
            LabelUnknownError: there is none.
        """
        found = self._store.find(label_id)
        if found is None:
            raise _unknown(label_id)
        return found

    def page(self, wanted: LabelFilter, *, limit: int, offset: int = 0, sort: str = "name") -> list[Label]:
        """Labels of one project, or everybody's.

        Args:
            sort: a key of `label_store.SORTS`, with ``-`` in front for the other way round.
        """
        return self._store.page(wanted, limit, offset, sort)

    def count(self, wanted: LabelFilter) -> int:
        """How many labels `page` goes through."""
        return self._store.count(wanted)

    def create(
        self, actor: Actor, project_id: int | None, *, name: str, description: str = "", color: str = ""
    ) -> Label:
        """Make a label; without a project it is everybody's.

        Raises:
            LabelInvalidError: name, description or colour is none.
            LabelExistsError: there is one of that name.
            ProjectUnknownError: there is no such project.
        """
        _check(name, description, color)

        def create() -> Label:
            project = self._project(project_id)
            number = self._store.insert(project_id, name, description, color, self._clock())
            if number is None:
                raise _exists(name)
            self._events.publish(LabelCreated(actor, number, name, project_id, project))
            return self.get(number)

        return change(create)

    def change(
        self,
        actor: Actor,
        label_id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        color: str | None = None,
    ) -> Label:
        """Change what is given; artifacts bear the label as it is then.

        Raises:
            LabelUnknownError: there is no such label.
            LabelInvalidError: name, description or colour is none.
            LabelExistsError: there is another one of that name.
        """
        given = {"name": name, "description": description, "color": color}
        asked = {field: value for field, value in given.items() if value is not None}

        def rewrite() -> Label:
            found = self._hold(label_id)
            wanted = replace(found, **asked)  # type: ignore[arg-type]  # all of them texts
            _check(wanted.name, wanted.description, wanted.color)
            what = ", ".join(sorted(field for field in asked if getattr(found, field) != asked[field]))
            if not what:
                return found
            try:
                with atomic():
                    self._store.update(label_id, wanted.name, wanted.description, wanted.color, self._clock())
            except IntegrityError as error:
                raise _exists(wanted.name) from error
            project = self._project(found.project_id)
            self._events.publish(LabelChanged(actor, label_id, wanted.name, found.project_id, project, what))
            return self.get(label_id)

        return change(rewrite)

    def delete(self, actor: Actor, label_id: int) -> None:
        """Delete a label; artifacts that bear it stay, without it.

        Raises:
            LabelUnknownError: there is no such label.
        """

        def delete() -> None:
            found = self._hold(label_id)
            project = self._project(found.project_id)
            self._store.delete(label_id)
            self._events.publish(LabelDeleted(actor, label_id, found.name, found.project_id, project))

        change(delete)

    def add(
        self, actor: Actor, project_id: int, repository: RepositoryName, digest: Digest, label_id: int
    ) -> None:
        """Put a label on an artifact.

        Raises:
            LabelUnknownError: there is no such label, or it is another project's.
            LabelAddedError: the artifact bears it.
            LabelInvalidError: the artifact bears `MAX_ADDED` labels.
            NameUnknownError, ManifestUnknownError: there is no such artifact.
        """

        def add() -> None:
            manifest_id = self._manifest(project_id, repository, digest)
            label = self._store.find_shared(label_id)
            if label is None or label.project_id not in (None, project_id):
                raise _unknown(label_id)
            if self._store.count_added(manifest_id) >= MAX_ADDED:
                raise LabelInvalidError(f"an artifact bears at most {MAX_ADDED} labels")
            if not self._store.add(manifest_id, label_id, self._clock()):
                raise LabelAddedError(f"the artifact bears label {label_id} already")
            self._events.publish(LabelAdded(actor, project_id, repository, digest, label_id, label.name))

        change(add)

    def remove(
        self, actor: Actor, project_id: int, repository: RepositoryName, digest: Digest, label_id: int
    ) -> None:
        """Take a label off an artifact.

        Raises:
            LabelUnknownError: the artifact does not bear it.
            NameUnknownError, ManifestUnknownError: there is no such artifact.
        """

        def remove() -> None:
            manifest_id = self._manifest(project_id, repository, digest)
            label = self._store.find_shared(label_id)
            if label is None or not self._store.remove(manifest_id, label_id):
                raise LabelUnknownError(f"the artifact does not bear label {label_id}")
            self._events.publish(LabelRemoved(actor, project_id, repository, digest, label_id, label.name))

        change(remove)

    def of_artifacts(self, manifest_ids: Iterable[int]) -> dict[int, list[Label]]:
        """The labels of each artifact by name; one without any is left out."""
        return self._store.of_manifests(manifest_ids)

    def _hold(self, label_id: int) -> Label:
        found = self._store.find_alone(label_id)
        if found is None:
            raise _unknown(label_id)
        return found

    def _project(self, project_id: int | None) -> str:
        if project_id is None:
            return ""
        name = self._store.hold_project(project_id)
        if name is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return name

    def _manifest(self, project_id: int, repository: RepositoryName, digest: Digest) -> int:
        held = self._registry.repositories.hold(repository)
        if held is None or held.project_id != project_id:
            raise NameUnknownError.of(repository)
        manifest = self._registry.manifests.known_shared(held.id, digest)
        if manifest is None:
            raise ManifestUnknownError.of(digest)
        return manifest.id


def _check(name: str, description: str, color: str) -> None:
    if not name.strip() or name != name.strip() or len(name) > MAX_NAME or _unprintable(name):
        raise LabelInvalidError(
            f"a label's name has 1 to {MAX_NAME} printable characters and no blanks around them"
        )
    if len(description) > MAX_DESCRIPTION or _unstorable(description):
        raise LabelInvalidError(
            f"a label's description has at most {MAX_DESCRIPTION} characters, none of them NUL"
        )
    if color and not _color(color):
        raise LabelInvalidError("a label's color is '#' and three or six hex digits, or empty")


def _unknown(label_id: int) -> LabelUnknownError:
    return LabelUnknownError(f"there is no label {label_id}")


def _exists(name: str) -> LabelExistsError:
    return LabelExistsError(f"there is a label {name!r} already")
