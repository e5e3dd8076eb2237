"""Queries for labels and the artifacts that bear them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks
from moorage.distribution.model import Label, LabelFilter
from moorage.distribution.tables import ArtifactLabelRow, LabelRow

#: What lists can be sorted by.
SORTS = {
    "id": LabelRow.id,
    "name": LabelRow.name,
    "creation_time": LabelRow.created_at,
    "update_time": LabelRow.updated_at,
}
_COLUMNS = "id, project_id, name, description, color, created_at, updated_at"


class LabelStore:
    """Reads and writes the tables `label` and `artifact_label`."""

    _find = Statement(f"SELECT {_COLUMNS} FROM label WHERE id = ?")  # noqa: S608 - fixed columns
    # The row cannot be deleted before the transaction ends.
    _find_shared = Statement(
        f"SELECT {_COLUMNS} FROM label WHERE id = ? FOR KEY SHARE"  # noqa: S608 - fixed columns
    )
    _find_alone = Statement(f"SELECT {_COLUMNS} FROM label WHERE id = ? FOR UPDATE")  # noqa: S608 - same
    _project = Statement("SELECT name FROM project WHERE id = ?")
    _project_shared = Statement("SELECT name FROM project WHERE id = ? FOR KEY SHARE")
    _insert = Statement(
        "INSERT INTO label (project_id, scope_id, name, description, color, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope_id, name) DO NOTHING RETURNING id"
    )
    _update = Statement("UPDATE label SET name = ?, description = ?, color = ?, updated_at = ? WHERE id = ?")
    _delete = Statement("DELETE FROM label WHERE id = ?")
    _add = Statement(
        "INSERT INTO artifact_label (manifest_id, label_id, added_at) VALUES (?, ?, ?) "
        "ON CONFLICT (manifest_id, label_id) DO NOTHING"
    )
    _remove = Statement("DELETE FROM artifact_label WHERE manifest_id = ? AND label_id = ?")
    _count_added = Statement("SELECT count(*) FROM artifact_label WHERE manifest_id = ?")

    def find(self, label_id: int) -> Label | None:
        """The label of that number."""
        return _label(self._find.one(label_id))

    def find_shared(self, label_id: int) -> Label | None:
        """The label, which nobody can delete before this transaction ends."""
        return _label((self._find_shared if is_postgresql() else self._find).one(label_id))

    def find_alone(self, label_id: int) -> Label | None:
        """The label, which nobody else can change or refer to before this transaction ends."""
        return _label((self._find_alone if is_postgresql() else self._find).one(label_id))

    def hold_project(self, project_id: int) -> str | None:
        """The project's name; it cannot be deleted before this transaction ends."""
        row = (self._project_shared if is_postgresql() else self._project).one(project_id)
        return None if row is None else row[0]

    def insert(
        self, project_id: int | None, name: str, description: str, color: str, now: datetime
    ) -> int | None:
        """Write a label; returns its number, or None when there is one of that name."""
        moment = to_microseconds(now)
        rows = self._insert.all(project_id, project_id or 0, name, description, color, moment, moment)
        return rows[0][0] if rows else None

    def update(self, label_id: int, name: str, description: str, color: str, now: datetime) -> None:
        """Write what can change of a label.

        Raises:
            IntegrityError: another one has that name.
        """
        self._update.run(name, description, color, to_microseconds(now), label_id)

    def delete(self, label_id: int) -> None:
        """Remove a label, from every artifact too."""
        self._delete.run(label_id)

    def page(self, wanted: LabelFilter, limit: int, offset: int, sort: str) -> list[Label]:
        """Labels of one project, or everybody's."""
        column = SORTS[sort.removeprefix("-")]
        order = column.desc() if sort.startswith("-") else column.asc()
        rows = LabelRow.select().where(*_which(wanted)).order_by(order, LabelRow.id)
        return [_of_row(row) for row in rows.limit(limit).offset(offset)]

    def count(self, wanted: LabelFilter) -> int:
        """How many `page` goes through."""
        counted: int = LabelRow.select().where(*_which(wanted)).count()
        return counted

    def add(self, manifest_id: int, label_id: int, now: datetime) -> bool:
        """Put the label on the manifest; False when it is there."""
        return self._add.run(manifest_id, label_id, to_microseconds(now)) > 0

    def remove(self, manifest_id: int, label_id: int) -> bool:
        """Take the label off the manifest; False when it was not there."""
        return self._remove.run(manifest_id, label_id) > 0

    def count_added(self, manifest_id: int) -> int:
        """How many labels the manifest bears."""
        row = self._count_added.one(manifest_id)
        return 0 if row is None else int(row[0])

    def of_manifests(self, manifest_ids: Iterable[int]) -> dict[int, list[Label]]:
        """The labels of each manifest by name; a manifest without any is left out."""
        found: dict[int, list[Label]] = defaultdict(list)
        for chunk in chunks(manifest_ids):
            rows: Any = LabelRow.select(LabelRow, ArtifactLabelRow.manifest.alias("bearer")).join(
                ArtifactLabelRow
            )
            rows = rows.where(ArtifactLabelRow.manifest << chunk).order_by(LabelRow.name, LabelRow.id)
            for row in rows.objects():
                found[row.bearer].append(_of_row(row))
        return dict(found)


def _which(wanted: LabelFilter) -> list[Any]:
    where: list[Any] = [LabelRow.scope_id == (wanted.project_id or 0)]
    if wanted.name:
        where.append(LabelRow.name == wanted.name)
    if wanted.part:
        where.append(LabelRow.name.contains(wanted.part))  # which escapes wildcards
    return where


def _label(row: tuple[Any, ...] | None) -> Label | None:
    if row is None:
        return None
    number, project_id, name, description, color, created, updated = row
    moments = from_microseconds(created), from_microseconds(updated)
    return Label(number, project_id, name, description, color, *moments)


def _of_row(row: Any) -> Label:
    return Label(row.id, row.project_id, row.name, row.description, row.color, row.created_at, row.updated_at)
