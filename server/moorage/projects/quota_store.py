"""Queries for the storage limits of projects."""

from datetime import datetime

from moorage.db.connection import Statement
from moorage.db.fields import to_microseconds


class QuotaStore:
    """Reads and writes the table `project_quota`."""

    _limit = Statement("SELECT limit_bytes FROM project_quota WHERE project_id = ?")
    _set = Statement(
        "INSERT INTO project_quota (project_id, limit_bytes, created_at, updated_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (project_id) DO UPDATE "
        "SET limit_bytes = excluded.limit_bytes, updated_at = excluded.updated_at"
    )

    def limit(self, project_id: int) -> int | None:
        """The project's limit; None when none was ever set."""
        row = self._limit.one(project_id)
        return None if row is None else int(row[0])

    def set(self, project_id: int, limit_bytes: int, now: datetime) -> None:
        """Set the project's limit.

        Raises:
            IntegrityError: there is no such project.
        """
        moment = to_microseconds(now)
        self._set.run(project_id, limit_bytes, moment, moment)
