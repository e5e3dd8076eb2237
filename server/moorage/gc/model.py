"""Candidates for collection, verdicts on them, and what a run is to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from moorage.distribution.model import ManifestKey
from moorage.events import Actor
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Who deletes manifests here, as the log tells it.
COLLECTOR = Actor(key="system:0", kind="system", name="gc")

#: A candidate that failed more often than this is told of as a fault.
MANY_TRIES = 10


class Kind(StrEnum):
    """What a candidate is."""

    BLOB = "blob"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may have become garbage.

    Attributes:
        repository: of a manifest; empty for a blob, which belongs to nobody.
        due_at: not before then is it looked at.
        version: raised by each new cause; only the version that was looked at is dropped.
        tries: how often its removal failed.
        cause: why it is a candidate, in a few words.
        fault: why its removal failed the last time.
    """

    id: int
    kind: Kind
    repository: str
    digest: Digest
    due_at: datetime
    version: int
    tries: int = 0
    cause: str = ""
    fault: str = ""

    @property
    def key(self) -> ManifestKey:
        """The manifest that it is about."""
        return ManifestKey(RepositoryName(self.repository), self.digest)

    @property
    def name(self) -> str:
        """For people and logs."""
        return f"{self.repository}@{self.digest}" if self.repository else str(self.digest)


class Action(StrEnum):
    """What to do with a candidate."""

    GO = "go"
    WAIT = "wait"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a candidate, and why.

    Attributes:
        until: when to look again; None unless it waits.
    """

    action: Action
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Which manifests may go.

    Attributes:
        delete_untagged: whether any may.
        idle: how long one stays after it was pushed or last pulled.
    """

    delete_untagged: bool
    idle: timedelta


@dataclass(frozen=True, slots=True)
class Item:
    """Something that would go now.

    Attributes:
        size_bytes: what the disk gets back; for a manifest the bytes of its body in the database.
    """

    kind: Kind
    repository: str
    digest: Digest
    size_bytes: int
    why: str


@dataclass(frozen=True, slots=True)
class Overview:
    """How the queue stands.

    Attributes:
        waiting: all candidates, whether due or not.
        due: those that should have been looked at by now.
        oldest_due_at: since when the oldest of these waits; None when none is due.
        failing: those that failed more than `MANY_TRIES` times.
    """

    waiting: int
    due: int
    oldest_due_at: datetime | None
    failing: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes free without anybody doing anything.

    Attributes:
        waiting_bytes: of blobs that nobody needs and whose time has not come.
        waiting_from: when the first of them may go; None when there is none.
        waiting_until: when the last of them may go.
        manifests: that wait for their time, with what only they need.
        trash_bytes: taken out already, still on the disk.
        trash_until: when the last of that goes.
    """

    waiting_bytes: int = 0
    waiting_from: datetime | None = None
    waiting_until: datetime | None = None
    manifests: int = 0
    trash_bytes: int = 0
    trash_until: datetime | None = None
