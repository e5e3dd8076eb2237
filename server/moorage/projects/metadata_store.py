"""Queries of the settings of projects."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from moorage.projects.tables import MetadataRow, ProjectRow


class MetadataStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    def among(self, project_ids: Collection[int]) -> dict[int, dict[str, str]]:
        """The stored settings of each of the projects that has any."""
        rows: Any = (
            MetadataRow.select(MetadataRow.project, MetadataRow.name, MetadataRow.value)
            .where(MetadataRow.project << list(project_ids))
            .order_by(MetadataRow.project, MetadataRow.name)
        )
        found: dict[int, dict[str, str]] = defaultdict(dict)
        for project_id, name, value in rows.tuples():
            found[project_id][name] = value
        return dict(found)

    def set(self, project_id: int, values: Mapping[str, str]) -> None:
        rows = [{"project": project_id, "name": name, "value": value} for name, value in values.items()]
        MetadataRow.insert_many(rows).on_conflict(
            conflict_target=[MetadataRow.project, MetadataRow.name], preserve=[MetadataRow.value]
        ).execute()

    def remove(self, project_id: int, names: Collection[str]) -> None:
        MetadataRow.delete().where(
            MetadataRow.project == project_id, MetadataRow.name << list(names)
        ).execute()

    def touch(self, project_id: int, now: datetime) -> None:
        ProjectRow.update(updated_at=now).where(ProjectRow.id == project_id).execute()
