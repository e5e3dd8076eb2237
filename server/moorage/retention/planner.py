"""What becomes of each artifact of a repository; pure.

The unit is the artifact with all its tags, as in Harbor:

* A rule's tag selectors choose an artifact when one of its tags is chosen (for ``excludes``: when one tag is
  not excluded); several selectors must all do so. An untagged artifact is chosen by ``matches`` when the
  selector says ``untagged``, by ``excludes`` when it does not.
* The rule's template keeps some of what was chosen. What any rule keeps stays with all its tags, also those
  that no selector chose; whatever no rule keeps goes with all its tags, also if no selector chose it.
* A repository that no rule looks at is not touched.
* An artifact with an immutable tag stays, and one that something holds.

What belongs to another artifact is no candidate: untagged children of an index, what has a subject, and
what carries nothing but tags that clients make for signatures. It goes with what it belongs to; a signature
whose subject is not in the repository is left alone. A child of an index that has tags of its own is judged
by them: when no rule keeps it, its tags go and the manifest stays for the index.

Kinder than Harbor: an untagged artifact is left alone while it is young, for its tag or its index may still
be on the way.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from moorage.oci.digest import Digest
from moorage.projects.selectors import Selector
from moorage.retention.model import Candidate, Decision, Reason, Rule
from moorage.retention.templates import kept_by

_MATCHES = "matches"


def decide(
    candidates: Sequence[Candidate],
    rules: Sequence[Rule],
    *,
    now: datetime,
    young_since: datetime,
    immutable: Collection[str] = (),
    held: Collection[Digest] = (),
) -> list[Decision]:
    """A decision for each candidate, the youngest first; none at all without rules.

    Args:
        rules: those that look at the repository.
        young_since: untagged artifacts pushed later than this stay.
        immutable: tags that nobody may move or remove.
        held: manifests that something needs right now.
    """
    if not rules:
        return []
    keeping: dict[int, list[int]] = defaultdict(list)
    for rule in rules:
        chosen = [each for each in candidates if _chosen(rule.tags, each)]
        for each in kept_by(rule, chosen, now):
            keeping[each.manifest_id].append(rule.id)
    decisions = []
    for each in sorted(candidates, key=_age, reverse=True):
        kept = tuple(keeping.get(each.manifest_id, ()))
        decisions.append(Decision(each, _reason(each, kept, young_since, immutable, held), kept))
    return decisions


def _chosen(selectors: Sequence[Selector], candidate: Candidate) -> bool:
    if not candidate.tags:
        return all(each.untagged == (each.decoration == _MATCHES) for each in selectors)
    return all(any(each.accepts(tag.name) for tag in candidate.tags) for each in selectors)


def _reason(
    candidate: Candidate,
    kept: tuple[int, ...],
    young_since: datetime,
    immutable: Collection[str],
    held: Collection[Digest],
) -> Reason:
    if kept:
        return Reason.RULE
    if any(tag.name in immutable for tag in candidate.tags):
        return Reason.IMMUTABLE
    if candidate.digest in held:
        return Reason.HELD
    if not candidate.tags and candidate.pushed_at > young_since:
        return Reason.YOUNG
    return Reason.NO_RULE


def _age(candidate: Candidate) -> tuple[datetime, int]:
    return candidate.pushed_at, candidate.manifest_id
