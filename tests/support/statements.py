"""Counts the SQL statements of a block, so that a test can say how many there may be."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moorage.db.connection import database, is_postgresql


class Statements:
    """What ran, in order: text and parameters of each statement, transactions left out."""

    def __init__(self) -> None:
        self._ran: list[tuple[str, Any]] = []

    def __len__(self) -> int:
        return len(self._ran)

    def __str__(self) -> str:
        return "\n".join(text for text, _ in self._ran)

    def add(self, text: str, parameters: Any) -> None:
        if not text.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            self._ran.append((text, parameters))

    def plan(self, number: int) -> str:
        """How the database would run statement `number` again."""
        text, parameters = self._ran[number]
        prefix = "EXPLAIN " if is_postgresql() else "EXPLAIN QUERY PLAN "
        rows = database.execute_sql(prefix + text, parameters).fetchall()
        return "\n".join(str(row[-1]) for row in rows)


@contextmanager
def counted_statements() -> Iterator[Statements]:
    """Every statement that any thread runs inside the block."""
    found = Statements()
    handle = database.obj
    original = handle.execute_sql

    def execute_sql(sql: str, params: Any = None, *rest: Any, **named: Any) -> Any:
        found.add(sql, params)
        return original(sql, params, *rest, **named)

    handle.execute_sql = execute_sql
    try:
        yield found
    finally:
        del handle.execute_sql
