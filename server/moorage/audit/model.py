"""Entries of the log and questions to it."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.audit.errors import CursorInvalidError

_LARGEST = 2**63 - 1


class Result(StrEnum):
    """How an operation ended."""

    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation.

    Attributes:
        id: 0 until it is stored.
        operation: a verb and a noun, for instance ``push_artifact`` or ``login_user``.
        resource: what it was done to, for people, for instance ``library/nginx:1.27``.
    """

    id: int
    at: datetime
    request_id: str
    actor_kind: str
    actor: str
    address: str
    user_agent: str
    operation: str
    resource_type: str
    resource: str
    project_id: int | None
    project: str
    repository: str
    tag: str
    digest: str
    result: Result
    detail: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done, and to what: an entry without who, when and how it ended."""

    operation: str
    resource_type: str
    resource: str
    project_id: int | None = None
    project: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are wanted; what is left out does not narrow the answer.

    Attributes:
        operations: any of these, or any that begins with one of `verbs`.
        actor: the account's name, exactly; `actor_part` is a part of it, whatever its case.
        resource: the whole of it; `resource_part` is a part of it, whatever its case.
        project_ids: any of these projects; an empty tuple finds nothing.
        text: a part of the resource, the actor, the address or the detail, whatever its case.
        since: at this moment or later.
        until: at this moment or earlier.
    """

    operations: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    actor: str | None = None
    actor_part: str | None = None
    actor_kind: str | None = None
    resource_type: str | None = None
    resource: str | None = None
    resource_part: str | None = None
    project_id: int | None = None
    project_ids: tuple[int, ...] | None = None
    project: str | None = None
    repository: str | None = None
    tag: str | None = None
    digest: str | None = None
    result: Result | None = None
    address: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


#: What happens to images all the time; `Choice.others` stands for everything else.
ARTIFACT_OPERATIONS = frozenset(
    {
        *("push_artifact", "pull_artifact", "delete_artifact"),
        *("push_blob", "mount_blob", "pull_blob", "delete_blob"),
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which kinds of entries a purge is about; all of them when neither is named.

    Attributes:
        operations: these.
        others: every operation but `ARTIFACT_OPERATIONS`.
    """

    operations: frozenset[str] = frozenset()
    others: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the log: everything older than the entry `id` at the moment `at` comes after it.

    Attributes:
        at: microseconds since 1970.
    """

    at: int
    id: int

    def __str__(self) -> str:
        """Opaque text for links; `parse` reads it back."""
        return base64.urlsafe_b64encode(f"{self.at}.{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read the text of a cursor back.

        Raises:
            CursorInvalidError: the text is not one.
        """
        try:
            padded = text + "=" * (-len(text) % 4)
            plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
            at, dot, number = plain.partition(".")
            found = cls(int(at), int(number))
        except (binascii.Error, UnicodeError, ValueError) as error:
            raise CursorInvalidError("'after' is not a place that this server gave out") from error
        if not dot or not (0 <= found.at <= _LARGEST and 0 <= found.id <= _LARGEST) or str(found) != text:
            raise CursorInvalidError("'after' is not a place that this server gave out")
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Entries newest first.

    Attributes:
        next: where the next page begins; None when there is nothing older. A page may hold fewer
            entries than asked for, even none, and still have a next one: a question that no index
            answers looks through a bounded number of entries at a time.
    """

    entries: tuple[Entry, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class PullTally:
    """How often one manifest was pulled since the last flush, and when last.

    Attributes:
        tag: empty when it was pulled by its digest.
        actors: the names of the accounts, each once.
    """

    repository: str
    tag: str
    digest: str
    count: int
    last_at: datetime
    actors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the log was forwarded.

    Attributes:
        settled_id: every entry up to this number was read by the server, as far as can be known.
        sent_id: every entry up to this number is with the server's system; those behind `settled_id` are
            sent once more when the connection breaks.
        sent_at: when that last grew.
        sent: messages sent, the repeated ones too.
        dropped: entries that a purge took before they were sent; `untold` of these the server does not
            know about yet.
        dropped_at: when that happened last.
        connected: as of `beat_at`, when the forwarder last gave a sign.
        error: why there is no connection.
    """

    target: str
    settled_id: int
    sent_id: int
    sent_at: datetime | None
    sent: int
    dropped: int
    untold: int
    dropped_at: datetime | None
    connected: bool
    error: str
    beat_at: datetime
