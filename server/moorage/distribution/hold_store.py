"""Queries for holds on manifests."""

from datetime import datetime

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import to_microseconds
from moorage.distribution.model import ManifestKey

_FIND = (
    "SELECT m.repository_id FROM repository r JOIN manifest m ON m.repository_id = r.id "
    "WHERE r.name = ? AND m.digest = ?"
)


class HoldStore:
    """Reads and writes the table `manifest_hold`."""

    _repository = Statement(_FIND)
    # The manifest cannot be deleted before the transaction ends.
    _repository_locked = Statement(_FIND + " FOR KEY SHARE OF m")
    _put = Statement(
        "INSERT INTO manifest_hold (repository_id, digest, holder, held_until) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (repository_id, digest, holder) DO UPDATE SET held_until = excluded.held_until "
        "WHERE manifest_hold.held_until < excluded.held_until"
    )
    _renew = Statement("UPDATE manifest_hold SET held_until = ? WHERE holder = ? AND held_until < ?")
    _release = Statement("DELETE FROM manifest_hold WHERE holder = ?")
    _sweep = Statement("DELETE FROM manifest_hold WHERE held_until <= ?")

    def put(self, key: ManifestKey, holder: str, until: datetime) -> bool:
        """Hold the manifest until then, or as long as it is held already; False when it is gone."""
        statement = self._repository_locked if is_postgresql() else self._repository
        row = statement.one(key.repository, str(key.digest))
        if row is None:
            return False
        self._put.run(row[0], str(key.digest), holder, to_microseconds(until))
        return True

    def renew(self, holder: str, until: datetime) -> int:
        """Lengthen every hold of the holder; returns how many were shorter."""
        return self._renew.run(to_microseconds(until), holder, to_microseconds(until))

    def release(self, holder: str) -> int:
        """End every hold of the holder; returns how many there were."""
        return self._release.run(holder)

    def sweep(self, now: datetime) -> int:
        """Remove holds that are over; returns how many there were."""
        return self._sweep.run(to_microseconds(now))
