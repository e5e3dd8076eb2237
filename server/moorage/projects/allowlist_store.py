"""Queries of allowlists."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from moorage.db.fields import from_microseconds, to_microseconds
from moorage.projects.model import Allowlist, AllowlistItem
from moorage.projects.tables import AllowlistRow

_SYSTEM = "system"


class AllowlistStore:
    """Reads and writes rows; `project_id` is None for the list of the whole site."""

    def find(self, project_id: int | None) -> Allowlist | None:
        row = AllowlistRow.get_or_none(AllowlistRow.scope == _scope(project_id))
        return None if row is None else _allowlist(row)

    def among(self, project_ids: Collection[int]) -> dict[int, Allowlist]:
        rows: Any = AllowlistRow.select().where(AllowlistRow.project << list(project_ids))
        return {row.project_id: _allowlist(row) for row in rows}

    def put(
        self,
        project_id: int | None,
        expires_at: datetime | None,
        items: Sequence[AllowlistItem],
        now: datetime,
    ) -> None:
        """Put the list in the place of whatever there is."""
        AllowlistRow.insert(
            scope=_scope(project_id),
            project=project_id,
            expires_at=expires_at,
            items=json.dumps([_document(item) for item in items], ensure_ascii=False),
            created_at=now,
            updated_at=now,
        ).on_conflict(
            conflict_target=[AllowlistRow.scope],
            preserve=[AllowlistRow.expires_at, AllowlistRow.items, AllowlistRow.updated_at],
        ).execute()


def _scope(project_id: int | None) -> str:
    return _SYSTEM if project_id is None else f"project:{project_id}"


def _document(item: AllowlistItem) -> dict[str, object]:
    return {
        "cve_id": item.cve_id,
        "reason": item.reason,
        "author": item.author,
        "added_at": to_microseconds(item.added_at),
    }


def _allowlist(row: Any) -> Allowlist:
    items = tuple(
        AllowlistItem(each["cve_id"], each["reason"], each["author"], from_microseconds(each["added_at"]))
        for each in json.loads(row.items)
    )
    return Allowlist(row.project_id, row.expires_at, items, row.created_at, row.updated_at)
