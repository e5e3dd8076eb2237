"""`AuditLog`: one row for every operation.

Changes are logged in their own transaction: both happen or neither. Pulls, refusals and logins change
nothing; they are gathered and written in batches (`moorage.audit.writer`).
"""

from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from functools import partial

from moorage.audit import deeds
from moorage.audit.model import Cursor, Deed, Entry, Page, Query, Result
from moorage.audit.store import AuditStore
from moorage.audit.text import fit
from moorage.audit.writer import PULL, OnFlush, Writer
from moorage.clock import Clock
from moorage.events import Actor, Event, Events
from moorage.identity.text import is_storable
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: The most entries of one page.
PAGE_LIMIT = 1000
#: `count` counts no further, and `page` skips no more than this.
COUNT_LIMIT = 10_000

_WORD = 64
_NAME = 256
_USER_AGENT = 256
_RESOURCE = 512
_DETAIL = 1024


class AuditLog:
    """Writes the log and answers questions to it.

    Args:
        blobs: log each blob pushed, mounted or pulled, too; deletions are logged anyway.
        flush_seconds: how long a gathered row waits at most.
        on_flush: called with the pulls of a batch in the transaction that writes it.
        project_name: the name of a project, for events that know its number alone; "" if it is gone.
    """

    def __init__(
        self,
        store: AuditStore,
        clock: Clock,
        *,
        blobs: bool = True,
        flush_seconds: float = 1.0,
        on_flush: OnFlush | None = None,
        project_name: Callable[[int], str] = lambda _: "",
    ) -> None:
        self._project_name = project_name
        self._store = store
        self._clock = clock
        self._blobs = blobs
        self._writer = Writer(store, on_flush, every_seconds=flush_seconds)

    def subscribe(self, events: Events) -> None:
        """Log every event, each as one row in the transaction that published it."""
        for kind, describe in deeds.TABLE.items():
            if self._blobs or kind not in deeds.BLOB_TRAFFIC:
                events.subscribe(kind, partial(self._record, describe))

    def _record(self, describe: deeds.Describe, event: Event) -> None:
        deed = describe(event)
        if deed.project_id is not None and not deed.project:
            deed = replace(deed, project=self._project_name(deed.project_id))
        self._store.append([self._entry(event.actor, deed, Result.SUCCESS)])

    def note(self, entry: Entry) -> None:
        """Gather a row for the next batch; every other `note_...` ends here.

        Raises:
            AuditFullError: too many rows wait and the database cannot take them.
        """
        self._writer.add(entry)

    def note_pull(
        self, actor: Actor, project_id: int | None, repository: RepositoryName, tag: str, digest: Digest
    ) -> None:
        """A manifest was pulled; `tag` is empty when the client named its digest."""
        self.note(self._pull(PULL, "artifact", actor, project_id, repository, tag, str(digest)))

    def note_blob_pull(
        self, actor: Actor, project_id: int | None, repository: RepositoryName, digest: Digest
    ) -> None:
        """A blob was pulled."""
        if self._blobs:
            self.note(self._pull("pull_blob", "blob", actor, project_id, repository, "", str(digest)))

    def note_denied(self, actor: Actor, deed: Deed) -> None:
        """Somebody wanted to do something and may not."""
        self.note(self._entry(actor, deed, Result.DENIED))

    def note_login(self, success: bool, actor: Actor, detail: str = "") -> None:
        """Somebody proved who they are, or failed to; a failed actor bears the name that was tried."""
        deed = Deed("login_user", actor.kind, actor.name, detail=detail)
        self.note(self._entry(actor, deed, Result.SUCCESS if success else Result.DENIED))

    def start(self) -> None:
        """Start the writing thread; every process that serves calls it after its fork."""
        self._writer.start()

    def stop(self) -> None:
        """Write everything gathered and end the thread."""
        self._writer.stop()

    def flush(self) -> None:
        """Write everything gathered now.

        Raises:
            DatabaseIllError: the database cannot take it; the rows wait on.
        """
        self._writer.flush()

    @property
    def waiting(self) -> int:
        """How many gathered rows are not written yet."""
        return len(self._writer)

    def page(self, query: Query, limit: int, after: Cursor | None = None, *, offset: int = 0) -> Page:
        """Entries that answer `query`, newest first.

        Args:
            limit: at most so many, up to `PAGE_LIMIT`.
            after: only what is older than this place: `Page.next` of the page before.
            offset: leave out so many first, up to `COUNT_LIMIT`; a place is cheaper.
        """
        if not _is_answerable(query):
            return Page((), None)
        return self._store.page(query, min(limit, PAGE_LIMIT), after, min(offset, COUNT_LIMIT))

    def page_and_total(self, query: Query, limit: int, offset: int) -> tuple[Page, int]:
        """A page by its number, as `page`, and with it what `count` says."""
        if not _is_answerable(query):
            return Page((), None), 0
        return self._store.page_and_total(query, min(limit, PAGE_LIMIT), offset, COUNT_LIMIT + 1)

    def walk(self, query: Query) -> Iterator[tuple[Entry, ...]]:
        """Every entry that answers `query`, newest first, a page at a time.

        It holds one page and nothing in the database. What is logged after the start is left out unless
        it happened before what was just read.
        """
        after: Cursor | None = None
        while True:
            page = self.page(query, PAGE_LIMIT, after)
            yield page.entries
            after = page.next
            if after is None:
                return

    def count(self, query: Query) -> int:
        """How many entries answer `query`; `COUNT_LIMIT` + 1 stands for more than that."""
        return self._store.count(query, COUNT_LIMIT + 1) if _is_answerable(query) else 0

    def _pull(
        self,
        operation: str,
        resource_type: str,
        actor: Actor,
        project_id: int | None,
        repository: RepositoryName,
        tag: str,
        digest: str,
    ) -> Entry:
        """The same as `_entry`, built in half the time: nothing but the actor comes from outside here."""
        return Entry(
            0,
            self._clock(),
            fit(actor.request_id, _NAME),
            fit(actor.kind, _WORD),
            fit(actor.name, _NAME),
            fit(actor.address, _WORD),
            fit(actor.user_agent, _USER_AGENT),
            operation,
            resource_type,
            f"{repository}:{tag}" if tag else f"{repository}@{digest}",
            project_id,
            repository.partition("/")[0],
            str(repository),
            str(tag),
            digest,
            Result.SUCCESS,
            "",
        )

    def _entry(self, actor: Actor, deed: Deed, result: Result) -> Entry:
        return Entry(
            id=0,
            at=self._clock(),
            request_id=fit(actor.request_id, _NAME),
            actor_kind=fit(actor.kind, _WORD),
            actor=fit(actor.name, _NAME),
            address=fit(actor.address, _WORD),
            user_agent=fit(actor.user_agent, _USER_AGENT),
            operation=fit(deed.operation, _WORD),
            resource_type=fit(deed.resource_type, _WORD),
            resource=fit(deed.resource, _RESOURCE),
            project_id=deed.project_id,
            project=fit(deed.project, _NAME),
            repository=fit(deed.repository, _NAME),
            tag=fit(deed.tag, _NAME),
            digest=fit(deed.digest, _NAME),
            result=result,
            detail=fit(deed.detail, _DETAIL),
        )


def _is_answerable(query: Query) -> bool:
    """Whether anything can be found at all: no entry holds a NUL or half a surrogate pair."""
    texts = [value for value in astuple(query) if isinstance(value, str)]
    return query.project_ids != () and all(map(is_storable, [*texts, *query.operations, *query.verbs]))
