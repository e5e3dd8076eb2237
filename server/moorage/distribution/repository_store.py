"""Queries for repositories and the catalog of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import peewee

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks
from moorage.distribution.model import Repository
from moorage.distribution.tables import ManifestRow, RepositoryRow
from moorage.oci.names import RepositoryName

#: What lists can be sorted by.
SORTS = {
    "id": RepositoryRow.id,
    "name": RepositoryRow.name,
    "creation_time": RepositoryRow.created_at,
    "update_time": RepositoryRow.updated_at,
    "pull_count": RepositoryRow.pull_count,
}


_INSERT = (
    "INSERT INTO repository (project_id, name, description, pull_count, created_at, updated_at) "
    "SELECT id, CAST(? AS TEXT), '', 0, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM project "
    "WHERE id = ? AND name = ? {}ON CONFLICT (name) DO NOTHING"
)


class RepositoryStore:
    """Reads and writes the table `repository`."""

    _find = Statement(
        "SELECT id, project_id, name, description, pull_count, created_at, updated_at "
        "FROM repository WHERE name = ?"
    )
    # The row cannot be deleted before the transaction ends, but others may hold it as well.
    _hold_shared = Statement(
        "SELECT id, project_id, name, description, pull_count, created_at, updated_at "
        "FROM repository WHERE name = ? FOR KEY SHARE"
    )
    _hold_alone = Statement(
        "SELECT id, project_id, name, description, pull_count, created_at, updated_at "
        "FROM repository WHERE name = ? FOR UPDATE"
    )
    # Only while the project is called as the name says; on PostgreSQL it stays so until the transaction ends.
    _insert = Statement(_INSERT.format(""))
    _insert_locking = Statement(_INSERT.format("FOR KEY SHARE "))
    _project_name = Statement("SELECT name FROM project WHERE id = ?")
    _present = Statement(
        "SELECT p.name FROM project_former_name f JOIN project p ON p.id = f.project_id WHERE f.name = ?"
    )
    _lock_all = Statement("SELECT id FROM repository WHERE project_id = ? ORDER BY id FOR UPDATE")
    _rename_all = Statement(
        "UPDATE repository SET name = CAST(? AS TEXT) || substr(name, ?) WHERE project_id = ?"
    )
    _longest = Statement(
        "SELECT name FROM repository WHERE project_id = ? ORDER BY length(name) DESC, id LIMIT 1"
    )
    _touch = Statement("UPDATE repository SET updated_at = ? WHERE id = ? AND updated_at < ?")
    _count_pulls = Statement("UPDATE repository SET pull_count = pull_count + ? WHERE name = ?")
    _delete = Statement("DELETE FROM repository WHERE id = ?")

    def find(self, name: RepositoryName) -> Repository | None:
        """The repository of that name."""
        return _repository(self._find.one(name))

    def hold(self, name: RepositoryName) -> Repository | None:
        """The repository, which nobody can delete before this transaction ends."""
        return _repository((self._hold_shared if is_postgresql() else self._find).one(name))

    def hold_alone(self, name: RepositoryName) -> Repository | None:
        """The repository, which nobody can add to before this transaction ends."""
        return _repository((self._hold_alone if is_postgresql() else self._find).one(name))

    def insert(self, project_id: int, name: RepositoryName, now: datetime) -> bool:
        """Make the repository; False when somebody else just did, or the project is not called so."""
        moment = to_microseconds(now)
        insert = self._insert_locking if is_postgresql() else self._insert
        return insert.run(name, moment, moment, project_id, name.project) > 0

    def project_name(self, project_id: int) -> str | None:
        """What the project is called."""
        row = self._project_name.one(project_id)
        return None if row is None else str(row[0])

    def present(self, name: RepositoryName) -> RepositoryName:
        """What the repository is called now, if its project was renamed since it was called `name`."""
        row = self._present.one(name.project)
        return name if row is None else name.within(row[0])

    def lock_all(self, project_id: int) -> None:
        """Let nobody add to the repositories that the project has, until this transaction ends."""
        if is_postgresql():
            self._lock_all.all(project_id)

    def rename_all(self, project_id: int, previous: str, name: str) -> None:
        """Put the project's repositories under its new name."""
        self._rename_all.run(f"{name}/", len(previous) + 2, project_id)

    def longest(self, project_id: int) -> str:
        """The longest name of a project's repositories; "" when it has none."""
        row = self._longest.one(project_id)
        return "" if row is None else str(row[0])

    def touch(self, repository_id: int, now: datetime, unless_since: datetime) -> None:
        """Note a change, unless one was noted since."""
        self._touch.run(to_microseconds(now), repository_id, to_microseconds(unless_since))

    def describe(self, repository_id: int, description: str, now: datetime) -> None:
        """Set the description."""
        RepositoryRow.update(description=description, updated_at=now).where(
            RepositoryRow.id == repository_id
        ).execute()

    def delete(self, repository_id: int) -> None:
        """Remove the row; nothing may refer to it any more."""
        self._delete.run(repository_id)

    def page(self, project_id: int, q: str, limit: int, offset: int, sort: str) -> list[Repository]:
        """Repositories of a project whose name has `q` in it."""
        column = SORTS[sort.removeprefix("-")]
        order = column.desc() if sort.startswith("-") else column.asc()
        rows = RepositoryRow.select().where(*_which(project_id, q)).order_by(order, RepositoryRow.id)
        return [_of_row(row) for row in rows.limit(limit).offset(offset)]

    def count(self, project_id: int, q: str) -> int:
        """How many `page` goes through."""
        counted: int = RepositoryRow.select().where(*_which(project_id, q)).count()
        return counted

    def by_ids(self, repository_ids: Iterable[int]) -> dict[int, Repository]:
        """The repositories of these numbers."""
        found: dict[int, Repository] = {}
        for chunk in chunks(repository_ids):
            rows = RepositoryRow.select().where(RepositoryRow.id << chunk)
            found.update((row.id, _of_row(row)) for row in rows)
        return found

    def artifact_counts(self, repository_ids: Iterable[int]) -> dict[int, int]:
        """How many manifests each of the repositories has; those with none are left out."""
        found: dict[int, int] = {}
        for chunk in chunks(repository_ids):
            rows: Any = ManifestRow.select(ManifestRow.repository, peewee.fn.COUNT(ManifestRow.id)).where(
                ManifestRow.repository << chunk
            )
            found.update(rows.group_by(ManifestRow.repository).tuples())
        return found

    def count_pulls(self, name: str, pulls: int) -> None:
        """Add to the number of pulls."""
        self._count_pulls.run(pulls, name)


def _which(project_id: int, q: str) -> list[Any]:
    where: list[Any] = [RepositoryRow.project == project_id]
    if q:
        where.append(RepositoryRow.name.contains(q))  # which escapes wildcards
    return where


def _repository(row: tuple[Any, ...] | None) -> Repository | None:
    if row is None:
        return None
    number, project_id, name, description, pulls, created, updated = row
    return Repository(
        number,
        project_id,
        RepositoryName(name),
        description,
        pulls,
        from_microseconds(created),
        from_microseconds(updated),
    )


def _of_row(row: Any) -> Repository:
    return Repository(
        row.id,
        row.project_id,
        RepositoryName(row.name),
        row.description,
        row.pull_count,
        row.created_at,
        row.updated_at,
    )
