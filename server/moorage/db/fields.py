"""Column types that behave alike on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import peewee

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC): how every moment is stored. `moment` must be aware."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The aware UTC moment `value` microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=value)


class MomentField(peewee.BigIntegerField):
    """An aware moment in UTC, kept as an integer: exact, sortable, the same on both databases."""

    def db_value(self, value: datetime | int | None) -> int | None:
        return to_microseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else from_microseconds(value)


class IdField(peewee.BigAutoField):
    """A row number that is never given out twice, not even after the last row was deleted.

    Tokens and upload sessions name accounts and projects by id; SQLite would hand the highest
    id out again unless told otherwise.
    """

    def ddl(self, ctx: peewee.Context) -> peewee.NodeList:
        self.constraints = [peewee.SQL("AUTOINCREMENT")] if _is_sqlite(ctx) else []
        return super().ddl(ctx)


def _is_sqlite(ctx: peewee.Context) -> bool:
    return bool(ctx.state.param == "?")


class NameField(peewee.TextField):
    """Text that sorts by its bytes on both databases, as paging on keys needs."""

    def ddl(self, ctx: peewee.Context) -> peewee.NodeList:
        self.constraints = [] if _is_sqlite(ctx) else [peewee.SQL('COLLATE "C"')]
        return super().ddl(ctx)
