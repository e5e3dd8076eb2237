"""Queries over the repositories of many projects at once."""

from collections.abc import Iterable
from typing import Any

import peewee

from moorage.distribution.chunks import chunks
from moorage.distribution.model import Repository
from moorage.distribution.repository_store import SORTS
from moorage.distribution.tables import BlobLinkRow, BlobRow, RepositoryRow
from moorage.identity.model import Principal, PrincipalKind
from moorage.identity.tables import RobotRow
from moorage.oci.names import RepositoryName
from moorage.projects.tables import MemberRow, ProjectRow


class OverviewStore:
    """Reads only; one statement a question, however many projects it is about."""

    def repository_counts(self, project_ids: Iterable[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for chunk in chunks(project_ids):
            rows: Any = RepositoryRow.select(RepositoryRow.project, peewee.fn.COUNT(RepositoryRow.id))
            rows = rows.where(RepositoryRow.project << chunk).group_by(RepositoryRow.project)
            found.update(rows.tuples())
        return found

    def visible(self, principal: Principal, q: str, limit: int, offset: int, sort: str) -> list[Repository]:
        """`sort` is a key of `repository_store.SORTS`, with ``-`` in front for downwards."""
        column = SORTS[sort.removeprefix("-")]
        order = column.desc() if sort.startswith("-") else column.asc()
        rows = _visible(principal, q).order_by(order, RepositoryRow.id).limit(limit).offset(offset)
        return [_repository(row) for row in rows]

    def count_visible(self, principal: Principal, q: str, public: bool | None) -> int:
        rows = _visible(principal, q)
        if public is not None:
            rows = rows.where(
                RepositoryRow.project.in_(ProjectRow.select(ProjectRow.id).where(ProjectRow.public == public))
            )
        counted: int = rows.count()
        return counted

    def public_among(self, project_ids: Iterable[int]) -> set[int]:
        found: set[int] = set()
        for chunk in chunks(project_ids):
            rows: Any = ProjectRow.select(ProjectRow.id).where((ProjectRow.id << chunk) & ProjectRow.public)
            found.update(row[0] for row in rows.tuples())
        return found

    def stored_bytes(self, project_id: int | None) -> int:
        """Bytes of blobs, each counted once; of one project, or of all there is."""
        rows = BlobRow.select(peewee.fn.COALESCE(peewee.fn.SUM(BlobRow.size_bytes), 0))
        if project_id is not None:
            held = BlobLinkRow.select(BlobLinkRow.blob).join(RepositoryRow)
            rows = rows.where(BlobRow.id.in_(held.where(RepositoryRow.project == project_id)))
        return int(rows.scalar())


def _visible(principal: Principal, q: str) -> Any:
    rows = RepositoryRow.select()
    if not principal.admin:
        rows = rows.where(
            RepositoryRow.project.in_(ProjectRow.select(ProjectRow.id).where(_seen_by(principal)))
        )
    return rows.where(RepositoryRow.name.contains(q)) if q else rows


def _seen_by(principal: Principal) -> Any:
    if principal.kind is PrincipalKind.USER:
        own = MemberRow.select(MemberRow.project).where(MemberRow.user == principal.id)
        return ProjectRow.public | ProjectRow.id.in_(own)
    if principal.kind is PrincipalKind.ROBOT:
        home = RobotRow.select(RobotRow.project_id).where(RobotRow.id == principal.id)
        return ProjectRow.public | ProjectRow.id.in_(home)
    return ProjectRow.public


def _repository(row: Any) -> Repository:
    return Repository(
        row.id,
        row.project_id,
        RepositoryName(row.name),
        row.description,
        row.pull_count,
        row.created_at,
        row.updated_at,
    )
