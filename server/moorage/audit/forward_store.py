"""Queries of forwarding: the log in the order of its numbers, and how far it was sent."""

from collections.abc import Sequence
from datetime import datetime

import peewee

from moorage.audit.model import Entry, Progress, Result
from moorage.audit.tables import EntryRow, ForwardRow
from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds

_NAME = "syslog"
_LOCK = 0x4D6F6F72_73796C67  # any number, the same in every node
_COLUMNS = (
    "id, at, request_id, actor_kind, actor, address, user_agent, operation, resource_type, resource, "
    "project_id, project, repository, tag, digest, result, detail"
)


class ForwardStore:
    """Reads what follows a number, and keeps how far it was sent."""

    _following = Statement(f"SELECT {_COLUMNS} FROM audit_entry WHERE id > ? ORDER BY id LIMIT ?")  # noqa: S608 - fixed text
    # A change takes this lock on the table before it takes a number, and keeps it to its end.
    _writers = Statement(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND granted "
        "AND relation = CAST('audit_entry' AS regclass) AND mode = 'RowExclusiveLock' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND pid IS DISTINCT FROM pg_backend_pid()"
    )
    _take = Statement("SELECT pg_try_advisory_lock(?)")
    _give = Statement("SELECT pg_advisory_unlock(?)")

    def following(self, number: int, limit: int) -> list[Entry]:
        """At most `limit` entries behind the one of this number, in the order of their numbers."""
        return [_entry(row) for row in self._following.all(number, limit)]

    def writers(self) -> frozenset[str]:
        """The transactions under way that may have taken numbers of entries that nobody sees yet.

        On SQLite there is one writer at a time, and numbers come in order.
        """
        return frozenset(name for (name,) in self._writers.all()) if is_postgresql() else frozenset()

    def newest(self) -> int:
        """The highest number there is; 0 in an empty log."""
        return EntryRow.select(peewee.fn.MAX(EntryRow.id)).scalar() or 0

    def since(self, moment: datetime) -> int | None:
        """The number of the oldest entry at or after the moment."""
        rows = EntryRow.select(EntryRow.id).where(EntryRow.at >= moment)
        found: int | None = rows.order_by(EntryRow.at, EntryRow.id).limit(1).scalar()
        return found

    def oldest_after(self, number: int) -> datetime | None:
        """When the first entry behind this number was made."""
        rows = EntryRow.select(EntryRow.at).where(EntryRow.id > number).order_by(EntryRow.id)
        found: datetime | None = rows.limit(1).scalar()
        return found

    def progress(self) -> Progress | None:
        """How far it came; None when nobody ever forwarded."""
        row = ForwardRow.get_or_none(ForwardRow.name == _NAME)
        if row is None:
            return None
        return Progress(**{name: getattr(row, name) for name in Progress.__slots__})

    def create(self, progress: Progress) -> None:
        """Make the row; call it inside a transaction."""
        values = {name: getattr(progress, name) for name in Progress.__slots__}
        ForwardRow.insert(name=_NAME, owner="", **values).on_conflict_ignore().execute()

    def take_over(self, owner: str, target: str, moment: datetime) -> None:
        """From now on `owner` alone may `save`."""
        change = ForwardRow.update(owner=owner, target=target, beat_at=moment)
        change.where(ForwardRow.name == _NAME).execute()

    def save(self, owner: str, *, sent: int = 0, told: int = 0, **columns: object) -> bool:
        """Write columns and count on; False when another one forwards by now.

        Args:
            sent: so many more messages were sent.
            told: the server knows of so many dropped entries more.
        """
        change = ForwardRow.update(
            sent=ForwardRow.sent + sent, untold=ForwardRow.untold - told, **columns
        ).where((ForwardRow.name == _NAME) & (ForwardRow.owner == owner))
        return bool(change.execute())

    def drop(self, count: int, moment: datetime) -> None:
        """So many entries went unsent; call it in the transaction that removes them."""
        ForwardRow.update(
            dropped=ForwardRow.dropped + count, untold=ForwardRow.untold + count, dropped_at=moment
        ).where(ForwardRow.name == _NAME).execute()

    def lock(self) -> bool:
        """Be the one that forwards, for as long as this thread's connection to PostgreSQL lives."""
        found = self._take.one(_LOCK)
        return bool(found and found[0])

    def unlock(self) -> None:
        """Let another one forward."""
        self._give.one(_LOCK)


def _entry(row: Sequence[object]) -> Entry:
    values = list(row)
    values[1] = from_microseconds(int(str(values[1])))
    values[15] = Result(str(values[15]))
    return Entry(*values)  # type: ignore[arg-type]  # the columns in the order of the fields
