"""What may go: pure decisions over what was found out."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from moorage.distribution.condemning import is_free
from moorage.distribution.model import BlobFacts, ManifestFacts
from moorage.gc.model import Action, Rules, Verdict
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

_LATER = timedelta(hours=1)
_KEPT_FOR = timedelta(days=1)


class Keeper(Protocol):
    """Another room's reason to keep a manifest that nothing names."""

    def __call__(self, repository: RepositoryName, digest: Digest) -> str | None:
        """The reason, for people; None when there is none."""


def judge_blob(facts: BlobFacts) -> Verdict:
    """Whether the blob may go, once leases that are over are gone."""
    if facts.id is None:
        if facts.size_bytes is None:
            return Verdict(Action.KEEP, "it is gone already")
        return Verdict(Action.GO, "a file that no row knows")
    if is_free(facts):
        return Verdict(Action.GO, "its last lease is over" if facts.expired else "no repository holds it")
    if facts.next_end is not None:
        return Verdict(Action.WAIT, "promised to a client", facts.next_end)
    return Verdict(Action.KEEP, "a manifest needs it")


def judge_manifest(
    facts: ManifestFacts,
    rules: Rules,
    now: datetime,
    keepers: Sequence[Keeper] = (),
    *,
    living_parent: bool | None = None,
    gone: Collection[int] = (),
) -> Verdict:
    """Whether the manifest may go.

    Args:
        living_parent: whether an index lists it that is not among `gone`; None: by `facts`.
        gone: numbers of manifests to be thought away.
    """
    needed = _needed(facts, living_parent, gone)
    if needed:
        return Verdict(Action.KEEP, needed)
    if not rules.delete_untagged:
        return Verdict(Action.WAIT, "untagged manifests are kept", now + _LATER)
    return _in_use(facts, rules, now) or _wanted(facts, now, keepers) or _free(facts)


def _needed(facts: ManifestFacts, living_parent: bool | None, gone: Collection[int]) -> str:
    if facts.tagged:
        return "a tag names it"
    if (facts.parent_id is not None) if living_parent is None else living_parent:
        return "an index lists it"
    if facts.subject_id is not None and facts.subject_id not in gone:
        return "it belongs to a manifest that is there"
    return ""


def _in_use(facts: ManifestFacts, rules: Rules, now: datetime) -> Verdict | None:
    if facts.held_until is not None and facts.held_until > now:
        return Verdict(Action.WAIT, "a running job reads it", facts.held_until)
    idle_at = max(facts.pushed_at, facts.pulled_at or facts.pushed_at) + rules.idle
    return Verdict(Action.WAIT, "pushed or pulled lately", idle_at) if idle_at > now else None


def _wanted(facts: ManifestFacts, now: datetime, keepers: Sequence[Keeper]) -> Verdict | None:
    for keeper in keepers:
        reason = keeper(facts.key.repository, facts.key.digest)
        if reason is not None:
            return Verdict(Action.WAIT, reason, now + _KEPT_FOR)
    return None


def _free(facts: ManifestFacts) -> Verdict:
    if facts.subject_id is not None:
        return Verdict(Action.GO, "what it belongs to goes")
    return Verdict(Action.GO, "neither a tag nor an index names it")
