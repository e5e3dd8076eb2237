"""Queries of the portal's sessions."""

from dataclasses import dataclass
from datetime import datetime

from moorage.db.connection import Statement
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.identity.tables import SessionRow


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as its row has it; `generation` is that of the account when it began."""

    user_id: int
    generation: int
    seen_at: datetime
    expires_at: datetime


class SessionStore:
    """Reads and writes rows; transactions and rules are its callers' business."""

    _one = Statement("SELECT user_id, generation, seen_at, expires_at FROM session WHERE digest = ?")
    _touch = Statement("UPDATE session SET seen_at = ? WHERE digest = ? AND seen_at < ?")
    _surplus = Statement(
        "DELETE FROM session WHERE user_id = ? AND digest NOT IN "
        "(SELECT digest FROM session WHERE user_id = ? ORDER BY seen_at DESC, digest LIMIT ?)"
    )

    def insert(self, digest: str, user_id: int, generation: int, now: datetime, expires_at: datetime) -> None:
        """Keep a session.

        Raises:
            IntegrityError: the account is gone.
        """
        SessionRow.insert(
            digest=digest,
            user=user_id,
            generation=generation,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        ).execute()

    def find(self, digest: str) -> StoredSession | None:
        row = self._one.one(digest)
        if row is None:
            return None
        user_id, generation, seen, expires = row
        return StoredSession(user_id, generation, from_microseconds(seen), from_microseconds(expires))

    def touch(self, digest: str, now: datetime, before: datetime) -> None:
        """Note a use, unless one since `before` is noted already."""
        self._touch.run(to_microseconds(now), digest, to_microseconds(before))

    def delete(self, digest: str) -> bool:
        """Whether there was one."""
        return bool(SessionRow.delete().where(SessionRow.digest == digest).execute())

    def delete_surplus(self, user_id: int, most: int) -> None:
        """Leave the user those that were used last."""
        self._surplus.run(user_id, user_id, most)

    def delete_ended(self, now: datetime, idle_since: datetime) -> int:
        count: int = (
            SessionRow.delete()
            .where((SessionRow.expires_at <= now) | (SessionRow.seen_at <= idle_since))
            .execute()
        )
        return count
