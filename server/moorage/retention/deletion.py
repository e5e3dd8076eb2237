"""Deleting what was judged, unless it changed since."""

from contextlib import suppress
from enum import StrEnum

from moorage.clock import Clock
from moorage.distribution.changes import change
from moorage.distribution.errors import (
    ManifestInUseError,
    ManifestTaggedError,
    ManifestUnknownError,
    NameUnknownError,
    TagMovedError,
)
from moorage.distribution.manifests import Manifests
from moorage.distribution.tags import Tags
from moorage.events import Actor
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.errors import ImmutableTagError
from moorage.retention.model import Attachment, Candidate, Link, SeenTag
from moorage.retention.store import RetentionStore


class Outcome(StrEnum):
    """What came of a deletion."""

    DELETED = "deleted"
    #: Its tags are gone; an index lists the manifest, which stays for it.
    UNTAGGED = "untagged"
    #: It was pushed, tagged, listed or held since it was judged, and stays.
    CHANGED = "changed"
    #: A rule made it immutable since it was judged.
    IMMUTABLE = "immutable"
    #: Somebody else deleted it.
    GONE = "gone"


class Deletion:
    """Removes artifacts through the registry's own doors, so that everybody hears of it.

    Each goes in one transaction with its tags and all that belongs to it, in which everything is
    looked at once more. So a push that was answered before is never undone.
    """

    def __init__(self, store: RetentionStore, manifests: Manifests, tags: Tags, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._manifests = manifests
        self._tags = tags

    def remove(
        self, actor: Actor, project_id: int, repository: RepositoryName, candidate: Candidate
    ) -> Outcome:
        """Remove the artifact; nothing happens when it is not what was judged any more."""
        try:
            return change(lambda: self._remove(actor, project_id, repository, candidate))
        except (TagMovedError, ManifestTaggedError, ManifestInUseError):
            return Outcome.CHANGED
        except ImmutableTagError:
            return Outcome.IMMUTABLE
        except (ManifestUnknownError, NameUnknownError):
            return Outcome.GONE

    def _remove(
        self, actor: Actor, project_id: int, repository: RepositoryName, candidate: Candidate
    ) -> Outcome:
        held = self._store.held(project_id, repository, self._clock())
        if candidate.digest in held:
            return Outcome.CHANGED
        for tag in candidate.tags:
            self._untag(actor, project_id, repository, candidate.digest, tag)
        attachments = self._store.attachments(project_id, repository, candidate.manifest_id, candidate.digest)
        try:
            self._manifests.delete(actor, project_id, repository, candidate.digest, even_tagged=False)
        except ManifestInUseError:
            if not candidate.tags:
                raise
            return Outcome.UNTAGGED
        for each in (each for each in attachments if each.digest not in held):
            # What others need, too, or what must not go, stays without its subject.
            with suppress(ManifestInUseError, ManifestTaggedError, ManifestUnknownError, ImmutableTagError):
                change(lambda each=each: self._detach(actor, project_id, repository, each))  # type: ignore[misc]
        return Outcome.DELETED

    def _detach(
        self, actor: Actor, project_id: int, repository: RepositoryName, attachment: Attachment
    ) -> None:
        if attachment.link is not Link.CHILD:
            for tag in attachment.tags:
                self._untag(actor, project_id, repository, attachment.digest, tag)
        self._manifests.delete(actor, project_id, repository, attachment.digest, even_tagged=False)

    def _untag(
        self, actor: Actor, project_id: int, repository: RepositoryName, digest: Digest, tag: SeenTag
    ) -> None:
        with suppress(ManifestUnknownError):  # somebody else was faster
            self._tags.delete(
                actor, project_id, repository, Tag(tag.name), expected=digest, pushed_by=tag.pushed_at
            )
