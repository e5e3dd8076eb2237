"""Queries of people of the directory, of groups, and of who is in which."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from moorage.db.connection import is_postgresql
from moorage.identity.model import Group, Source
from moorage.identity.tables import AccessTokenRow, GroupMemberRow, GroupRow, UserRow

_GROUP = (GroupRow.id, GroupRow.name, GroupRow.created_at, GroupRow.updated_at)
#: Names in one statement; databases bound how many there may be.
_AT_ONCE = 500


class PeopleStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    # People

    def names_after(self, user_id: int, limit: int) -> list[tuple[int, str]]:
        """Numbers and names of people of the directory with higher numbers than this, lowest first."""
        rows: Any = UserRow.select(UserRow.id, UserRow.name).where(
            (UserRow.id > user_id) & (UserRow.source == Source.DIRECTORY.value)
        )
        return list(rows.order_by(UserRow.id).limit(limit).tuples())

    def count_people(self) -> int:
        found: int = UserRow.select().where(UserRow.source == Source.DIRECTORY.value).count()
        return found

    def count_with_access(self) -> int:
        """How many people of the directory are not shut out."""
        rows: Any = UserRow.select().where(
            (UserRow.source == Source.DIRECTORY.value) & (UserRow.disabled == False)  # noqa: E712 - SQL's own
        )
        found: int = rows.count()
        return found

    def seen_at(self, user_id: int) -> datetime | None:
        """When the directory last confirmed the person, or said something new of them."""
        row: Any = UserRow.select(UserRow.seen_at).where(UserRow.id == user_id).tuples().first()
        return None if row is None else row[0]

    def see(self, user_id: int, now: datetime) -> None:
        """Note that the directory confirmed the person."""
        UserRow.update(seen_at=now).where(UserRow.id == user_id).execute()

    def delete_access_tokens(self, user_id: int) -> None:
        AccessTokenRow.delete().where(AccessTokenRow.user == user_id).execute()

    # Who is in which group

    def known(self, names: Collection[str]) -> set[int]:
        """The numbers of those of the groups that are known here."""
        found: set[int] = set()
        for some in _some(names):
            rows: Any = GroupRow.select(GroupRow.id).where(GroupRow.name.in_(some)).tuples()
            found.update(number for (number,) in rows)
        return found

    def groups_of(self, user_id: int) -> set[int]:
        rows: Any = GroupMemberRow.select(GroupMemberRow.group).where(GroupMemberRow.user == user_id)
        return {number for (number,) in rows.tuples()}

    def enter(self, user_id: int, groups: Collection[int]) -> None:
        """Put the user into those of the groups that are still there; nothing, if the user is gone."""
        rows = [(user_id, group) for group in self._held(groups)] if self._is_held(user_id) else []
        if rows:
            GroupMemberRow.insert_many(
                rows, fields=[GroupMemberRow.user, GroupMemberRow.group]
            ).on_conflict_ignore().execute()

    def leave(self, user_id: int, groups: Collection[int]) -> None:
        for some in _some(groups):
            GroupMemberRow.delete().where(
                (GroupMemberRow.user == user_id) & GroupMemberRow.group.in_(some)
            ).execute()

    def _is_held(self, user_id: int) -> bool:
        """Whether there is the user, whom nobody can delete before this transaction ends."""
        return bool(_kept(UserRow.select(UserRow.id).where(UserRow.id == user_id)).first())

    def _held(self, groups: Collection[int]) -> list[int]:
        """Those of the groups that are there, which nobody can delete before this transaction ends."""
        found: list[int] = []
        for some in _some(groups):
            rows = GroupRow.select(GroupRow.id).where(GroupRow.id.in_(some)).order_by(GroupRow.id)
            found.extend(row.id for row in _kept(rows))
        return found

    # Groups

    def group(self, group_id: int) -> Group | None:
        return _first(GroupRow.select(*_GROUP).where(GroupRow.id == group_id))

    def group_named(self, name: str) -> Group | None:
        return _first(GroupRow.select(*_GROUP).where(GroupRow.name == name))

    def groups(self, *, q: str, limit: int, offset: int) -> list[Group]:
        rows = _matching(q, *_GROUP).order_by(GroupRow.name).limit(limit).offset(offset)
        return [Group(*row) for row in rows.tuples()]

    def count_groups(self, q: str) -> int:
        found: int = _matching(q, GroupRow.id).count()
        return found

    def groups_named(self, names: Collection[str]) -> list[Group]:
        found: list[Group] = []
        for some in _some(names):
            rows: Any = GroupRow.select(*_GROUP).where(GroupRow.name.in_(some))
            found.extend(Group(*row) for row in rows.tuples())
        return found

    def insert_group(self, name: str, now: datetime) -> int:
        number: int = GroupRow.insert(name=name, created_at=now, updated_at=now).execute()
        return number

    def rename_group(self, group_id: int, name: str, now: datetime) -> None:
        GroupRow.update(name=name, updated_at=now).where(GroupRow.id == group_id).execute()

    def empty_group(self, group_id: int) -> None:
        """Nobody is in it until the directory says who is."""
        GroupMemberRow.delete().where(GroupMemberRow.group == group_id).execute()

    def count_in_group(self, group_id: int) -> int:
        found: int = GroupMemberRow.select().where(GroupMemberRow.group == group_id).count()
        return found

    def delete_group(self, group_id: int) -> None:
        GroupRow.delete().where(GroupRow.id == group_id).execute()


def _kept(rows: Any) -> Any:
    """The rows, none of which can be deleted before the transaction ends."""
    return rows.for_update("FOR KEY SHARE") if is_postgresql() else rows


def _first(rows: Any) -> Group | None:
    row = rows.tuples().first()
    return None if row is None else Group(*row)


def _matching(q: str, *columns: Any) -> Any:
    rows = GroupRow.select(*columns)
    return rows.where(GroupRow.name.contains(q)) if q else rows


def _some(values: Collection[Any]) -> Iterator[list[Any]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
