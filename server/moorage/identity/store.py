"""Queries of users, personal access tokens and failed logins."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, database
from moorage.identity.model import AccessToken, Source, User
from moorage.identity.tables import AccessTokenRow, LoginFailureRow, UserRow

_USER = (
    UserRow.id,
    UserRow.name,
    UserRow.email,
    UserRow.real_name,
    UserRow.comment,
    UserRow.admin,
    UserRow.disabled,
    UserRow.generation,
    UserRow.created_at,
    UserRow.updated_at,
    UserRow.source,
    UserRow.directory_admin,
    UserRow.seen_at,
    UserRow.left_at,
    UserRow.auditor,
)
_TOKEN = (
    AccessTokenRow.id,
    AccessTokenRow.user,
    AccessTokenRow.name,
    AccessTokenRow.hint,
    AccessTokenRow.created_at,
    AccessTokenRow.expires_at,
    AccessTokenRow.used_at,
)
_LOWER_NAME = Statement("SELECT id FROM account WHERE lower(name) = ?")
_LOWER_LOCAL = Statement("SELECT id FROM account WHERE lower(name) = ? AND source = 'local'")
_LOCKED_UNTIL = Statement("SELECT max(locked_until) FROM login_failure WHERE subject IN (?, ?)")
_HAS_FAILURES = Statement("SELECT failures FROM login_failure WHERE subject = ?")
# A count that is over (its window, or the window after its lock-out, has passed) begins anew, in the
# same statement.
_COUNT_FAILURE = Statement(
    """
INSERT INTO login_failure (subject, failures, first_at, locked_until) VALUES (?, 1, ?, NULL)
ON CONFLICT (subject) DO UPDATE SET
  failures = CASE WHEN COALESCE(login_failure.locked_until, login_failure.first_at) < ?
    THEN 1 ELSE login_failure.failures + 1 END,
  first_at = CASE WHEN COALESCE(login_failure.locked_until, login_failure.first_at) < ?
    THEN excluded.first_at ELSE login_failure.first_at END,
  locked_until = CASE WHEN COALESCE(login_failure.locked_until, login_failure.first_at) < ?
    THEN NULL ELSE login_failure.locked_until END"""
)


class IdentityStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    # Users

    def user(self, user_id: int) -> User | None:
        return _first_user(UserRow.select(*_USER).where(UserRow.id == user_id))

    def user_named(self, name: str) -> User | None:
        return _first_user(UserRow.select(*_USER).where(UserRow.name == name))

    def users_named(self, names: Collection[str]) -> list[User]:
        return [_user(row) for row in _all(UserRow.select(*_USER).where(UserRow.name.in_(list(names))))]

    def is_name_taken(self, name: str) -> bool:
        """Whether an account has this name, in whatever mix of upper and lower case."""
        # ILIKE would give "_" and "." a meaning; lower() is plain and ASCII is all that names have.
        return _LOWER_NAME.one(name.lower()) is not None

    def is_name_local(self, name: str) -> bool:
        """Whether a local account has this name, in whatever mix of upper and lower case."""
        return _LOWER_LOCAL.one(name.lower()) is not None

    def password_of(self, name: str) -> tuple[User, str] | None:
        """The account and its password's hash, read at one moment."""
        row = _first(UserRow.select(*_USER, UserRow.password_hash).where(UserRow.name == name))
        return None if row is None else (_user(row[:-1]), row[-1])

    def password_hash(self, user_id: int) -> str | None:
        row = _first(UserRow.select(UserRow.password_hash).where(UserRow.id == user_id))
        return None if row is None else row[0]

    def users(self, *, q: str, limit: int, offset: int) -> list[User]:
        rows = _matching_users(q, *_USER).order_by(UserRow.name).limit(limit).offset(offset)
        return [_user(row) for row in _all(rows)]

    def count_users(self, q: str) -> int:
        found: int = _matching_users(q, UserRow.id).count()
        return found

    def insert_user(self, values: dict[str, object]) -> int:
        number: int = UserRow.insert(**values).execute()
        return number

    def update_user(self, user_id: int, now: datetime, *, bump: bool, **values: object) -> None:
        """Change columns; `bump` makes every credential given out so far void."""
        if bump:
            values["generation"] = UserRow.generation + 1
        UserRow.update(updated_at=now, **values).where(UserRow.id == user_id).execute()

    def replace_password_hash(self, user_id: int, old: str, new: str) -> bool:
        """Put `new` where `old` still is; False when another change came first."""
        same = (UserRow.id == user_id) & (UserRow.password_hash == old)
        return bool(UserRow.update(password_hash=new).where(same).execute())

    def lock_admins(self) -> list[int]:
        """The numbers of the enabled local administrators, whom nobody else changes until this transaction
        ends."""
        local = UserRow.source == Source.LOCAL.value
        rows = UserRow.select(UserRow.id).where(UserRow.admin, ~UserRow.disabled, local).order_by(UserRow.id)
        if database.for_update:  # SQLite's only writer needs no lock
            rows = rows.for_update()
        return [row[0] for row in _all(rows)]

    def delete_user(self, user_id: int) -> None:
        UserRow.delete().where(UserRow.id == user_id).execute()

    # Personal access tokens

    def insert_access_token(self, values: dict[str, object]) -> int:
        number: int = AccessTokenRow.insert(**values).execute()
        return number

    def access_tokens(self, user_id: int) -> list[AccessToken]:
        rows = AccessTokenRow.select(*_TOKEN).where(AccessTokenRow.user == user_id)
        return [AccessToken(*row) for row in _all(rows.order_by(AccessTokenRow.id))]

    def access_token(self, token_id: int) -> AccessToken | None:
        row = _first(AccessTokenRow.select(*_TOKEN).where(AccessTokenRow.id == token_id))
        return None if row is None else AccessToken(*row)

    def access_token_by_digest(self, digest: str) -> tuple[AccessToken, User] | None:
        rows = AccessTokenRow.select(*_TOKEN, *_USER).join(UserRow)
        row = _first(rows.where(AccessTokenRow.secret_digest == digest))
        return None if row is None else (AccessToken(*row[: len(_TOKEN)]), _user(row[len(_TOKEN) :]))

    def touch_access_token(self, token_id: int, now: datetime, unless_after: datetime) -> None:
        """Note a use, unless one was noted after `unless_after`."""
        old = AccessTokenRow.used_at.is_null() | (AccessTokenRow.used_at <= unless_after)
        AccessTokenRow.update(used_at=now).where((AccessTokenRow.id == token_id) & old).execute()

    def delete_access_token(self, token_id: int) -> None:
        AccessTokenRow.delete().where(AccessTokenRow.id == token_id).execute()

    # Failed logins

    def locked_until(self, one: str, other: str) -> int | None:
        """The latest end of a lock-out of two subjects, past or to come, in microseconds since 1970."""
        row = _LOCKED_UNTIL.one(one, other)
        return None if row is None else row[0]

    def count_failure(self, subject: str, now: int, over_before: int) -> int:
        """One failure more; returns how many there are. Moments are in microseconds since 1970.

        The statement locks the row, so whatever follows in the same transaction is alone with it.
        """
        _COUNT_FAILURE.run(subject, now, over_before, over_before, over_before)
        rows = LoginFailureRow.select(LoginFailureRow.failures).where(LoginFailureRow.subject == subject)
        failures: int = _all(rows)[0][0]
        return failures

    def lock(self, subject: str, until: datetime) -> None:
        LoginFailureRow.update(locked_until=until).where(LoginFailureRow.subject == subject).execute()

    def has_failures(self, subject: str) -> bool:
        return _HAS_FAILURES.one(subject) is not None

    def forget_failures(self, subject: str) -> None:
        LoginFailureRow.delete().where(LoginFailureRow.subject == subject).execute()

    def forget_old_failures(self, over_before: datetime) -> int:
        """Delete the counts that are over; returns how many."""
        last = LoginFailureRow.locked_until.is_null() & (LoginFailureRow.first_at < over_before)
        gone: int = (
            LoginFailureRow.delete().where(last | (LoginFailureRow.locked_until < over_before)).execute()
        )
        return gone


def _first_user(rows: Any) -> User | None:
    row = _first(rows)
    return None if row is None else _user(row)


def _user(row: tuple[Any, ...]) -> User:
    found = User(*row)
    return replace(found, source=Source(found.source))


def _first(rows: Any) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = rows.tuples().first()
    return row


def _all(rows: Any) -> list[tuple[Any, ...]]:
    return list(rows.tuples())


def _matching_users(q: str, *columns: Any) -> Any:
    rows = UserRow.select(*columns)
    return rows.where(UserRow.name.contains(q)) if q else rows
