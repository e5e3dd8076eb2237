"""What projects use of the storage, and whether more fits under their limits."""

from collections.abc import Collection

from moorage.distribution.changes import change
from moorage.distribution.model import ProjectUsage
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.usage_store import UsageStore
from moorage.oci.digest import Digest
from moorage.projects.errors import ProjectUnknownError, QuotaExceededError


class Usage:
    """Tells what projects use: the bytes of the blobs that they hold and of their manifests' bodies.

    A blob counts once in a project, however many of its repositories hold it, and in every project
    anew. It counts until the last of them lets go of it: when its lease is over and the collector
    took it, not when a manifest is deleted. Unfinished uploads do not count; they are `pending_bytes`.
    """

    def __init__(self, store: UsageStore, overview: OverviewStore) -> None:
        self._store = store
        self._overview = overview

    def of(self, project_id: int) -> int:
        """The bytes that the project uses; 0 for one that is not there."""
        return self._store.used(project_id)

    def of_many(self, project_ids: Collection[int]) -> dict[int, int]:
        """The bytes that each of the projects uses."""
        found = self._overview.used_by(project_ids)
        return {number: found.get(number, 0) for number in project_ids}

    def pending_bytes(self, project_id: int) -> int:
        """What open uploads have received; it goes when they end, are cancelled, or expire."""
        return self._overview.pending_bytes(project_id)

    def project(self, project_id: int) -> ProjectUsage:
        """What the project uses and may use.

        Raises:
            ProjectUnknownError: there is no such project.
        """
        found = self._overview.usage(project_id, 1, 0, "id")
        if not found:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return found[0]

    def projects(self, *, limit: int, offset: int = 0, sort: str = "id") -> list[ProjectUsage]:
        """A page of all projects.

        Args:
            sort: a key of `overview_store.USAGE_SORTS`, with ``-`` in front for downwards.
        """
        return self._overview.usage(None, limit, offset, sort)

    def count_projects(self) -> int:
        """How many projects `projects` has in all its pages."""
        return self._overview.count_projects()

    def check_room(self, project_id: int, asked_bytes: int, digest: Digest | None = None) -> None:
        """Refuse, before it is sent, what the project has no room for; it is judged again on arrival.

        Args:
            asked_bytes: its length; 0 when that is not known, and then it may come if anything fits.
            digest: of the blob, when it is known: one that the project holds takes no room.

        Raises:
            QuotaExceededError: the project's storage limit does not allow it.
        """
        limit = self._store.limit(project_id)
        if limit < 0:
            return
        used = self._store.used(project_id)
        if used + max(asked_bytes, 1) <= limit:
            return
        if digest is None or not self._store.holds(project_id, digest):
            raise QuotaExceededError.of(used_bytes=used, limit_bytes=limit, asked_bytes=asked_bytes)

    def recount(self, project_id: int) -> bool:
        """Count the project anew; True when a counter was wrong and was set right."""
        return change(lambda: self._store.recount(project_id))
