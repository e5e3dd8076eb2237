"""Queries of settings."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from moorage.configuration.model import Value
from moorage.configuration.tables import SettingRow
from moorage.db.connection import Statement


class SettingStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    _every = Statement("SELECT name, value FROM setting")

    def every(self) -> dict[str, Value]:
        """Whatever was changed, by name."""
        return {name: json.loads(value) for name, value in self._every.all()}

    def set(self, values: Mapping[str, Value], now: datetime) -> None:
        rows = [
            {"name": name, "value": json.dumps(value, ensure_ascii=False), "updated_at": now}
            for name, value in values.items()
        ]
        SettingRow.insert_many(rows).on_conflict(
            conflict_target=[SettingRow.name], preserve=[SettingRow.value, SettingRow.updated_at]
        ).execute()

    def remove(self, names: Collection[str]) -> None:
        SettingRow.delete().where(SettingRow.name << list(names)).execute()
