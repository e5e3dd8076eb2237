"""Queries over the repositories of many projects at once."""

from collections.abc import Iterable
from typing import Any

import peewee

from moorage.distribution.chunks import chunks
from moorage.distribution.model import ProjectUsage, Repository
from moorage.distribution.repository_store import SORTS
from moorage.distribution.tables import BlobRow, ProjectUsageRow, RepositoryRow, UploadRow
from moorage.identity.model import EVERY_PROJECT, PermissionKind, Principal, PrincipalKind
from moorage.identity.tables import GroupMemberRow, RobotRightRow, UserRow
from moorage.oci.names import RepositoryName
from moorage.projects.tables import MemberRow, ProjectRow, QuotaRow

_SUM = peewee.fn.SUM(ProjectUsageRow.bytes)
_USED = peewee.fn.COALESCE(ProjectUsageRow.select(_SUM).where(ProjectUsageRow.project == ProjectRow.id), 0)
_LIMIT = peewee.fn.COALESCE(QuotaRow.limit_bytes, -1)
_LIMITED_AT = peewee.fn.COALESCE(QuotaRow.updated_at, ProjectRow.created_at)
#: What lists of projects' usage can be sorted by.
USAGE_SORTS: dict[str, Any] = {
    "id": ProjectRow.id,
    "name": ProjectRow.name,
    "created_at": ProjectRow.created_at,
    "updated_at": _LIMITED_AT,
    "limit": _LIMIT,
    "used": _USED,
}


class OverviewStore:
    """Reads only; one statement a question, however many projects it is about."""

    def repository_counts(self, project_ids: Iterable[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for chunk in chunks(project_ids):
            rows: Any = RepositoryRow.select(RepositoryRow.project, peewee.fn.COUNT(RepositoryRow.id))
            rows = rows.where(RepositoryRow.project << chunk).group_by(RepositoryRow.project)
            found.update(rows.tuples())
        return found

    def visible(
        self, principal: Principal, q: str, limit: int, offset: int, sort: str, name: str = ""
    ) -> list[Repository]:
        """`q` is a part of the name and `name` the whole; `sort` is a key of `repository_store.SORTS`."""
        column = SORTS[sort.removeprefix("-")]
        order = column.desc() if sort.startswith("-") else column.asc()
        rows = _visible(principal, q, name).order_by(order, RepositoryRow.id).limit(limit).offset(offset)
        return [_repository(row) for row in rows]

    def count_visible(self, principal: Principal, q: str, public: bool | None, name: str = "") -> int:
        rows = _visible(principal, q, name)
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

    def stored_bytes(self) -> int:
        """Bytes of all blobs, each counted once."""
        return int(BlobRow.select(peewee.fn.COALESCE(peewee.fn.SUM(BlobRow.size_bytes), 0)).scalar())

    def used_by(self, project_ids: Iterable[int]) -> dict[int, int]:
        """The bytes that each of the projects uses; those that never held anything are left out."""
        found: dict[int, int] = {}
        for chunk in chunks(project_ids):
            rows: Any = ProjectUsageRow.select(ProjectUsageRow.project, _SUM)
            rows = rows.where(ProjectUsageRow.project << chunk).group_by(ProjectUsageRow.project)
            found.update((number, int(used)) for number, used in rows.tuples())
        return found

    def usage(self, project_id: int | None, limit: int, offset: int, sort: str) -> list[ProjectUsage]:
        """Of one project, or of all; `sort` is a key of `USAGE_SORTS`, with ``-`` in front for downwards."""
        column = USAGE_SORTS[sort.removeprefix("-")]
        order = column.desc() if sort.startswith("-") else column.asc()
        rows: Any = ProjectRow.select(
            ProjectRow.id,
            ProjectRow.name,
            ProjectRow.owner,
            UserRow.name,
            _LIMIT,
            _USED,
            ProjectRow.created_at,
            _LIMITED_AT,
        )
        rows = rows.join(UserRow, peewee.JOIN.LEFT_OUTER)
        rows = rows.join_from(
            ProjectRow, QuotaRow, peewee.JOIN.LEFT_OUTER, on=(QuotaRow.project == ProjectRow.id)
        )
        if project_id is not None:
            rows = rows.where(ProjectRow.id == project_id)
        page = rows.order_by(order, ProjectRow.id).limit(limit).offset(offset).tuples()
        return [_usage(row) for row in page]

    def count_projects(self) -> int:
        counted: int = ProjectRow.select().count()
        return counted

    def pending_bytes(self, project_id: int) -> int:
        """What the open uploads of a project have received."""
        rows: Any = UploadRow.select(peewee.fn.COALESCE(peewee.fn.SUM(UploadRow.received_bytes), 0))
        return int(rows.join(RepositoryRow).where(RepositoryRow.project == project_id).scalar())


def _usage(row: tuple[Any, ...]) -> ProjectUsage:
    number, name, owner_id, owner_name, limit, used, created_at, updated_at = row
    return ProjectUsage(
        project_id=number,
        name=name,
        owner_id=owner_id or 0,
        owner_name=owner_name or "",
        limit_bytes=int(limit),
        used_bytes=int(used),
        created_at=created_at,
        updated_at=updated_at,
    )


def _visible(principal: Principal, q: str, name: str = "") -> Any:
    rows = RepositoryRow.select()
    if name:
        rows = rows.where(RepositoryRow.name == name)
    if not principal.admin:
        rows = rows.where(
            RepositoryRow.project.in_(ProjectRow.select(ProjectRow.id).where(_seen_by(principal)))
        )
    return rows.where(RepositoryRow.name.contains(q)) if q else rows


def _seen_by(principal: Principal) -> Any:
    if principal.kind is PrincipalKind.USER:
        own = MemberRow.select(MemberRow.project).where(MemberRow.user == principal.id)
        groups = GroupMemberRow.select(GroupMemberRow.group).where(GroupMemberRow.user == principal.id)
        of_groups = MemberRow.select(MemberRow.project).where(MemberRow.group.in_(groups))
        account = UserRow.alias()
        auditor = account.select().where((account.id == principal.id) & account.auditor)
        return (
            ProjectRow.public
            | ProjectRow.id.in_(own)
            | ProjectRow.id.in_(of_groups)
            | peewee.fn.EXISTS(auditor)
        )
    if principal.kind is PrincipalKind.ROBOT:
        right = RobotRightRow
        here = (right.project_id == ProjectRow.id) | (right.project_id == EVERY_PROJECT)
        inside = (right.kind == PermissionKind.PROJECT.value) & (right.resource == "repository") & here
        held = right.select().where((right.robot == principal.id) & inside)
        return ProjectRow.public | peewee.fn.EXISTS(held)
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
