"""Queries for scanners."""

from datetime import datetime
from typing import Any

import peewee

from moorage.db.connection import Statement, is_postgresql
from moorage.scanners.model import Auth, Registration
from moorage.scanners.tables import ProjectScannerRow, ScannerDefaultRow, ScannerRow

#: There is one default at most.
_ONLY = 1


class ScannerStore:
    """Reads and writes registrations, the default, and the choices of projects."""

    _alone = Statement("SELECT id FROM scanner WHERE uuid = ? FOR UPDATE")

    def find(self, uuid: str) -> Registration | None:
        """The registration of that name."""
        return self._one(ScannerRow.uuid == uuid)

    def hold(self, uuid: str) -> Registration | None:
        """The same; nobody else changes or deletes it before this transaction ends."""
        if is_postgresql():
            self._alone.one(uuid)
        return self.find(uuid)

    def all(self) -> list[Registration]:
        """Every registration, the oldest first."""
        return [_registration(row) for row in _rows().order_by(ScannerRow.id)]

    def count(self) -> int:
        """How many there are."""
        counted: int = ScannerRow.select().count()
        return counted

    def default(self) -> Registration | None:
        """What projects have that chose nothing."""
        return self._one(ScannerDefaultRow.id == _ONLY)

    def of_project(self, project_id: int) -> Registration | None:
        """What the project chose."""
        chosen = ProjectScannerRow.select(ProjectScannerRow.scanner)
        return self._one(ScannerRow.id << chosen.where(ProjectScannerRow.project == project_id))

    def insert(self, registration: Registration) -> None:
        """Write a new one; whether it is the default is not part of it.

        Raises:
            IntegrityError: another one has its name or its address.
        """
        ScannerRow.insert(
            uuid=registration.uuid, created_at=registration.created_at, **_columns(registration)
        ).execute()

    def update(self, registration: Registration) -> None:
        """Write everything that can change.

        Raises:
            IntegrityError: another one has its name or its address.
        """
        ScannerRow.update(**_columns(registration)).where(ScannerRow.uuid == registration.uuid).execute()

    def delete(self, uuid: str) -> None:
        """Remove one, as the default and as what projects chose, too."""
        ScannerRow.delete().where(ScannerRow.uuid == uuid).execute()

    def set_default(self, uuid: str) -> None:
        """Let it be the default instead of any other."""
        ScannerDefaultRow.insert(id=_ONLY, scanner=self._number(uuid)).on_conflict(
            conflict_target=[ScannerDefaultRow.id], preserve=[ScannerDefaultRow.scanner]
        ).execute()

    def set_first_default(self, uuid: str) -> None:
        """Let it be the default if there is none."""
        ScannerDefaultRow.insert(id=_ONLY, scanner=self._number(uuid)).on_conflict_ignore().execute()

    def unset_default(self, uuid: str) -> None:
        """Let it be the default no more."""
        ScannerDefaultRow.delete().where(ScannerDefaultRow.scanner == self._number(uuid)).execute()

    def choose(self, project_id: int, uuid: str) -> None:
        """Let it be the project's instead of any other.

        Raises:
            IntegrityError: the project is gone.
        """
        ProjectScannerRow.insert(project=project_id, scanner=self._number(uuid)).on_conflict(
            conflict_target=[ProjectScannerRow.project], preserve=[ProjectScannerRow.scanner]
        ).execute()

    def _number(self, uuid: str) -> Any:
        return ScannerRow.select(ScannerRow.id).where(ScannerRow.uuid == uuid)

    def _one(self, condition: Any) -> Registration | None:
        row = _rows().where(condition).first()
        return None if row is None else _registration(row)


def _rows() -> Any:
    """Every registration with `is_default`, as plain tuples would have it."""
    return (
        ScannerRow.select(ScannerRow, ScannerDefaultRow.id.is_null(False).alias("is_default"))
        .join(ScannerDefaultRow, peewee.JOIN.LEFT_OUTER)
        .objects()
    )


def _columns(registration: Registration) -> dict[str, object]:
    return {
        "name": registration.name,
        "url": registration.url,
        "description": registration.description,
        "auth": registration.auth.value,
        "credential": registration.sealed,
        "skip_cert_verify": registration.skip_cert_verify,
        "use_internal_addr": registration.use_internal_addr,
        "disabled": registration.disabled,
        "updated_at": registration.updated_at,
    }


def _registration(row: Any) -> Registration:
    created: datetime = row.created_at
    return Registration(
        uuid=row.uuid,
        name=row.name,
        description=row.description,
        url=row.url,
        auth=Auth(row.auth),
        sealed=row.credential,
        skip_cert_verify=row.skip_cert_verify,
        use_internal_addr=row.use_internal_addr,
        disabled=row.disabled,
        is_default=bool(row.is_default),
        created_at=created,
        updated_at=row.updated_at,
    )
