"""What may have become garbage is noted in the transaction that left it behind."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.config.settings import GcSettings
from moorage.distribution.evidence import Evidence
from moorage.distribution.holds import Holds
from moorage.distribution.model import ManifestKey
from moorage.events import (
    BlobDeleted,
    BlobMounted,
    BlobPushed,
    Events,
    ManifestDeleted,
    ManifestPushed,
    ProjectRenamed,
    RepositoryDeleted,
    TagDeleted,
    TagMoved,
)
from moorage.gc.model import COLLECTOR, MANY_TRIES, Candidate, Kind, Overview
from moorage.gc.store import CandidateStore, Noted
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Holds what a client was told is there.
_CLIENT = "client"
#: Health may be asked many times a second.
_FRESH = timedelta(seconds=15)


class Candidates:
    """Listens to everything that leaves something behind.

    A candidate is a question, no verdict: the collector looks at what is in use when its time has
    come. So one too many costs a look, and one too few would be a leak.

    Args:
        lease: how long a blob is kept for the client that pushed or found it.
    """

    def __init__(
        self,
        store: CandidateStore,
        evidence: Evidence,
        holds: Holds,
        clock: Clock,
        settings: GcSettings,
        *,
        lease: timedelta,
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._holds = holds
        self._clock = clock
        self._lease = lease
        self._grace = timedelta(minutes=settings.grace_minutes)
        self._untagged = timedelta(hours=settings.untagged_hours)
        self._jitter_seconds = settings.jitter_seconds
        self._probed: tuple[datetime, int] | None = None

    def subscribe(self, events: Events) -> None:
        """Listen."""
        events.subscribe(BlobPushed, self._blob_pushed)
        events.subscribe(BlobMounted, self._blob_mounted)
        events.subscribe(BlobDeleted, self._blob_deleted)
        events.subscribe(ManifestPushed, self._manifest_pushed)
        events.subscribe_all(ManifestDeleted, self._manifests_deleted)
        events.subscribe(TagMoved, self._tag_moved)
        events.subscribe(TagDeleted, self._tag_deleted)
        events.subscribe(RepositoryDeleted, self._repository_deleted)
        events.subscribe(ProjectRenamed, self._project_renamed)

    def promise(self, key: ManifestKey) -> None:
        """Keep a manifest, of which a client is told that it is there, for as long as a blob.

        The client may leave out its push because of that answer. Writes only when the manifest's
        time comes sooner, which is so for few.

        Raises:
            ManifestUnknownError: it went at this moment.
        """
        now = self._clock()
        name = (Kind.MANIFEST, str(key.repository), key.digest)
        found = self._store.find([name]).get(name)
        if found is None or found.due_at - now > self._lease / 2:
            return
        facts = self._evidence.manifests([key]).get(key)
        held_until = None if facts is None else facts.held_until
        if held_until is None or held_until - now < self._lease / 2:
            self._holds.take(key, _CLIENT, now + self._lease)

    def overview(self) -> Overview:
        """How the queue stands."""
        return self._store.overview(self._clock())

    def probe(self) -> str | None:
        """What health has to say of the queue: a warning when something cannot be collected."""
        now = self._clock()
        if self._probed is None or abs(now - self._probed[0]) > _FRESH:
            self._probed = now, self.overview().failing
        failing = self._probed[1]
        if not failing:
            return None
        return f"{failing} blobs or manifests failed to be collected more than {MANY_TRIES} times"

    def failing(self, most: int = 100) -> list[Candidate]:
        """Candidates that could not be removed, those that failed most often first."""
        return self._store.failing(most)

    def _blob_pushed(self, event: BlobPushed) -> None:
        self._note_blobs([event.digest], self._lease, "pushed")

    def _blob_mounted(self, event: BlobMounted) -> None:
        self._note_blobs([event.digest], self._lease, "mounted")

    def _blob_deleted(self, event: BlobDeleted) -> None:
        self._note_blobs([event.digest], timedelta(0), "deleted")

    def _manifest_pushed(self, event: ManifestPushed) -> None:
        if event.tag is None:  # what it is pushed for, an index or a tag, has as long as a blob's manifest
            delay = max(self._untagged, self._lease)
            self._note_manifests(event.repository, [event.digest], delay, "pushed without a tag")

    def _tag_moved(self, event: TagMoved) -> None:
        if event.previous is not None:
            self._note_manifests(event.repository, [event.previous], self._untagged, "tag moved")

    def _tag_deleted(self, event: TagDeleted) -> None:
        self._note_manifests(event.repository, [event.digest], self._untagged, "tag deleted")

    def _manifests_deleted(self, events: Sequence[ManifestDeleted]) -> None:
        now = self._clock()
        collected, deleted = [], []
        for event in events:
            below = [*event.children, *event.referrers]
            if event.actor == COLLECTOR:  # the same run goes on with what is left
                collected += [Noted(event.repository, digest, now) for digest in below]
            else:
                due = self._due(now, self._untagged)
                deleted += [Noted(event.repository, digest, due) for digest in below]
        self._store.put(Kind.MANIFEST, collected, "index or subject collected", now)
        self._store.put(Kind.MANIFEST, deleted, "index or subject deleted", now)
        blobs = {digest for event in events for digest in event.blobs}
        self._note_blobs(blobs, self._lease, "manifest deleted")

    def _repository_deleted(self, event: RepositoryDeleted) -> None:
        now = self._clock()
        self._store.put_held(event.repository, self._due(now, timedelta(0)), "repository deleted", now)
        self._store.drop_repository(event.repository)

    def _project_renamed(self, event: ProjectRenamed) -> None:
        # The repositories have their new names by now, for which all who had noted something were waited for.
        self._store.rename_project(event.previous, event.name)

    def _note_blobs(self, digests: Iterable[Digest], delay: timedelta, cause: str) -> None:
        now = self._clock()
        noted = [Noted("", digest, self._due(now, delay)) for digest in digests]
        self._store.put(Kind.BLOB, noted, cause, now)

    def _note_manifests(
        self, repository: RepositoryName, digests: Sequence[Digest], delay: timedelta, cause: str
    ) -> None:
        now = self._clock()
        noted = [Noted(repository, digest, self._due(now, delay)) for digest in digests]
        self._store.put(Kind.MANIFEST, noted, cause, now)

    def _due(self, now: datetime, delay: timedelta) -> datetime:
        """Spread by chance, for what came at once need not be looked at at once."""
        jitter = timedelta(seconds=random.uniform(0, self._jitter_seconds))  # noqa: S311 - no secret
        return now + max(delay, self._grace) + jitter
