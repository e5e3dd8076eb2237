"""Queries for the names of projects, those of today and those of before."""

from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, database
from moorage.projects.model import FormerName
from moorage.projects.tables import FormerNameRow, ProjectRow


class NameStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    # One statement: a project that is being renamed has its name before or after that, and never none.
    _present = Statement(
        "SELECT id, name FROM project WHERE name = ? UNION ALL "
        "SELECT p.id, p.name FROM project_former_name f JOIN project p ON p.id = f.project_id "
        "WHERE f.name = ?"
    )

    def lock(self, project_id: int) -> None:
        """Let nobody rename the project, or add to it, until this transaction ends."""
        if database.for_update:  # SQLite's only writer needs no lock
            list(ProjectRow.select(ProjectRow.id).where(ProjectRow.id == project_id).for_update().tuples())

    def present(self, name: str) -> tuple[int, str] | None:
        """Number and name of the project that is called so, or was."""
        row = self._present.one(name, name)
        return None if row is None else (int(row[0]), str(row[1]))

    def name(self, project_id: int) -> str | None:
        row = ProjectRow.select(ProjectRow.name).where(ProjectRow.id == project_id).tuples().first()
        return None if row is None else str(row[0])

    def rename(self, project_id: int, name: str, now: datetime) -> None:
        """Raises IntegrityError when another project is called that."""
        ProjectRow.update(name=name, updated_at=now).where(ProjectRow.id == project_id).execute()

    def keep(self, project_id: int, name: str, now: datetime) -> None:
        FormerNameRow.insert(name=name, project=project_id, renamed_at=now).execute()

    def forget(self, name: str) -> None:
        FormerNameRow.delete().where(FormerNameRow.name == name).execute()

    def former(self, name: str) -> FormerName | None:
        row = _former().where(FormerNameRow.name == name).tuples().first()
        return None if row is None else FormerName(*row)

    def page(self, limit: int, offset: int) -> list[FormerName]:
        rows = _former().order_by(FormerNameRow.name).limit(limit).offset(offset)
        return [FormerName(*row) for row in rows.tuples()]

    def count(self, project_id: int | None = None) -> int:
        """How many there are, of one project or in all."""
        rows = FormerNameRow.select()
        if project_id is not None:
            rows = rows.where(FormerNameRow.project == project_id)
        found: int = rows.count()
        return found


def _former() -> Any:
    return FormerNameRow.select(
        FormerNameRow.name, FormerNameRow.project, ProjectRow.name, FormerNameRow.renamed_at
    ).join(ProjectRow)
