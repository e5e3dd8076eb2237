"""Queries for upload sessions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks
from moorage.distribution.model import UploadSession
from moorage.distribution.tables import UploadRow
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName


class UploadStore:
    """Reads and writes the table `upload`."""

    _find = Statement(
        "SELECT u.id, u.repository_id, u.subject, u.received_bytes, u.digest, u.started_at, u.updated_at "
        "FROM upload u JOIN repository r ON r.id = u.repository_id WHERE u.id = ? AND r.name = ?"
    )
    # Today's name and the former one in one statement: renames may come between two.
    _find_renamed = Statement(
        "SELECT r.name, f.name, "
        "u.id, u.repository_id, u.subject, u.received_bytes, u.digest, u.started_at, u.updated_at "
        "FROM upload u JOIN repository r ON r.id = u.repository_id "
        "LEFT JOIN project_former_name f ON f.project_id = r.project_id AND f.name = ? WHERE u.id = ?"
    )
    _insert = Statement(
        "INSERT INTO upload (id, repository_id, subject, received_bytes, digest, started_at, updated_at) "
        "VALUES (?, ?, ?, 0, NULL, ?, ?)"
    )
    _grow = Statement(
        "UPDATE upload SET received_bytes = ?, digest = ?, updated_at = ? WHERE id = ? AND received_bytes = ?"
    )
    _end = Statement("DELETE FROM upload WHERE id = ? AND received_bytes = ?")
    _drop = Statement("DELETE FROM upload WHERE id = ?")
    _expire = Statement("DELETE FROM upload WHERE id = ? AND updated_at < ?")
    _open = Statement("SELECT count(*) FROM (SELECT 1 FROM upload WHERE subject = ? LIMIT ?) AS open_ones")

    def find(self, upload_id: str, repository: RepositoryName) -> UploadSession | None:
        """The session, if it is one of that repository."""
        row = self._find.one(upload_id, repository)
        return None if row is None else _session(row)

    def find_renamed(self, upload_id: str, repository: RepositoryName) -> UploadSession | None:
        """The session, if it is one of the repository that has this name or had it before a renaming."""
        row = self._find_renamed.one(repository.project, upload_id)
        if row is None:
            return None
        name, former, *found = row
        same = former is not None and _within(name) == _within(repository)
        return _session(tuple(found)) if name == repository or same else None

    def insert(self, upload_id: str, repository_id: int, subject: str, now: datetime) -> UploadSession:
        """Open a session that has received nothing."""
        moment = to_microseconds(now)
        self._insert.run(upload_id, repository_id, subject, moment, moment)
        return UploadSession(upload_id, repository_id, subject, 0, None, now, now)

    def grow(self, session: UploadSession, received: int, digest: Digest | None, now: datetime) -> bool:
        """Say that `received` bytes are durable; False when the session changed or ended meanwhile."""
        text = None if digest is None else str(digest)
        changed = self._grow.run(received, text, to_microseconds(now), session.id, session.received_bytes)
        return changed > 0

    def end(self, session: UploadSession) -> bool:
        """Remove the session; False when it changed or ended meanwhile."""
        return self._end.run(session.id, session.received_bytes) > 0

    def drop(self, upload_id: str) -> bool:
        """Remove a session whatever it has received."""
        return self._drop.run(upload_id) > 0

    def expire(self, upload_id: str, before: datetime) -> bool:
        """Remove a session that nobody touched since; False when somebody did."""
        return self._expire.run(upload_id, to_microseconds(before)) > 0

    def count_open(self, subject: str, most: int) -> int:
        """How many sessions the account has open, counting no further than `most`."""
        (row,) = self._open.all(subject, most)
        return int(row[0])

    def idle(self, before: datetime, most: int) -> list[str]:
        """Sessions that nobody touched since, the oldest first."""
        rows: Any = UploadRow.select(UploadRow.id).where(UploadRow.updated_at < before)
        return [row[0] for row in rows.order_by(UploadRow.updated_at).limit(most).tuples()]

    def known(self, upload_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are sessions."""
        found: set[str] = set()
        for chunk in chunks(upload_ids):
            rows: Any = UploadRow.select(UploadRow.id).where(UploadRow.id << chunk)
            found.update(row[0] for row in rows.tuples())
        return found

    def of_repository(self, repository_id: int) -> list[str]:
        """The ids of a repository's sessions."""
        rows: Any = UploadRow.select(UploadRow.id).where(UploadRow.repository == repository_id)
        return [row[0] for row in rows.tuples()]

    def drop_all(self, repository_id: int) -> None:
        """Remove every session of a repository."""
        UploadRow.delete().where(UploadRow.repository == repository_id).execute()


def _within(name: str) -> str:
    """What a repository is called in its project."""
    return name.partition("/")[2]


def _session(row: tuple[Any, ...]) -> UploadSession:
    upload_id, repository_id, subject, received, digest, started, updated = row
    return UploadSession(
        id=upload_id,
        repository_id=repository_id,
        subject=subject,
        received_bytes=received,
        digest=None if digest is None else Digest.parse(digest),
        started_at=from_microseconds(started),
        updated_at=from_microseconds(updated),
    )
