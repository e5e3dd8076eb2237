"""Queries for the connection to a directory."""

import json
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds
from moorage.identity.connection import Connection, Domain
from moorage.identity.tables import DirectoryConnectionRow

#: There is one connection at most.
_ONLY = 1


class DirectoryStore:
    """Reads and writes the one row of the table `directory_connection`."""

    _connection = Statement(
        "SELECT address, account, authorities, thumbprint, domains, admin_privileges, admin_group, secret, "
        "created_at, updated_at FROM directory_connection WHERE id = ?"
    )
    _connection_alone = Statement("SELECT id FROM directory_connection WHERE id = ? FOR UPDATE")

    def connection(self) -> Connection | None:
        """The connection, with its secret as it is sealed; None if the registry is not connected."""
        row = self._connection.one(_ONLY)
        return None if row is None else _connection(row)

    def hold(self) -> Connection | None:
        """The same; nobody else changes it before this transaction ends."""
        if is_postgresql():
            self._connection_alone.one(_ONLY)
        return self.connection()

    def insert(self, connection: Connection, now: datetime) -> None:
        """Write it.

        Raises:
            IntegrityError: there is one.
        """
        DirectoryConnectionRow.insert(
            id=_ONLY, created_at=now, updated_at=now, **_columns(connection)
        ).execute()

    def update(self, connection: Connection, now: datetime) -> None:
        """Write everything that can change of it."""
        DirectoryConnectionRow.update(updated_at=now, **_columns(connection)).where(
            DirectoryConnectionRow.id == _ONLY
        ).execute()

    def delete(self) -> None:
        """Remove it, secret and all."""
        DirectoryConnectionRow.delete().where(DirectoryConnectionRow.id == _ONLY).execute()


def _columns(connection: Connection) -> dict[str, object]:
    return {
        "address": connection.address,
        "account": connection.account,
        "authorities": connection.authorities,
        "thumbprint": connection.thumbprint,
        "domains": json.dumps([[each.name, each.alias] for each in connection.domains]),
        "admin_privileges": json.dumps(connection.admin_privileges),
        "admin_group": connection.admin_group,
        "secret": connection.sealed,
    }


def _connection(row: tuple[Any, ...]) -> Connection:
    address, account, authorities, thumbprint, domains, privileges, group, secret, created, updated = row
    return Connection(
        address=address,
        account=account,
        authorities=authorities,
        thumbprint=thumbprint,
        domains=tuple(Domain(name, alias) for name, alias in json.loads(domains)),
        admin_privileges=tuple(json.loads(privileges)),
        admin_group=group,
        sealed=secret,
        created_at=from_microseconds(created),
        updated_at=from_microseconds(updated),
    )
