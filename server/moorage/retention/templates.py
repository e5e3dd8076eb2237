"""What each template keeps of the artifacts that a rule's selectors chose; pure.

Where moments are equal the order is still one and the same: the artifact that was pushed later wins,
and among those pushed at once the one that came into the database last.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import nlargest

from moorage.retention.model import Candidate, Rule, Template

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_Key = Callable[[Candidate], tuple[datetime, datetime, int]]
_Kept = Iterable[Candidate]

#: What ``GET /retentions/metadatas`` answers, word for word Harbor's: what its portal offers. The other
#: templates are older or internal ones that policies may name all the same.
METADATA: Mapping[str, object] = {
    "templates": [
        {
            "rule_template": template.value,
            "display_text": text,
            "action": "retain",
            "params": [{"type": "int", "unit": unit, "required": True}] if unit else [],
        }
        for template, text, unit in (
            (Template.LATEST_PUSHED, "the most recently pushed # artifacts", "COUNT"),
            (Template.LATEST_PULLED, "the most recently pulled # artifacts", "COUNT"),
            (Template.DAYS_SINCE_PUSH, "pushed within the last # days", "DAYS"),
            (Template.DAYS_SINCE_PULL, "pulled within the last # days", "DAYS"),
            (Template.ALWAYS, "always", ""),
        )
    ],
    "scope_selectors": [
        {
            "display_text": "Repositories",
            "kind": "doublestar",
            "decorations": ["repoMatches", "repoExcludes"],
        }
    ],
    "tag_selectors": [{"display_text": "Tags", "kind": "doublestar", "decorations": ["matches", "excludes"]}],
}

_PHRASES: Mapping[Template, str] = {
    Template.ALWAYS: "always",
    Template.NOTHING: "nothing",
    Template.LATEST_PUSHED: "the most recently pushed {}",
    Template.LATEST_PULLED: "the most recently pulled {}",
    Template.LATEST_ACTIVE: "the most recently pushed or pulled {}",
    Template.LAST_DAYS: "pushed within the last {} days",
    Template.DAYS_SINCE_PUSH: "pushed within the last {} days",
    Template.DAYS_SINCE_PULL: "pulled within the last {} days",
}


def kept_by(rule: Rule, chosen: Sequence[Candidate], now: datetime) -> Iterable[Candidate]:
    """Those of the artifacts that the rule keeps.

    Args:
        chosen: what the rule's selectors chose.
    """
    return _TEMPLATES[rule.template](chosen, rule.number or 0, now)


def phrase(rule: Rule) -> str:
    """What the rule keeps, in a few words."""
    return _PHRASES[rule.template].format(rule.number)


def _by_push(candidate: Candidate) -> tuple[datetime, datetime, int]:
    return candidate.pushed_at, candidate.pushed_at, candidate.manifest_id


def _by_pull(candidate: Candidate) -> tuple[datetime, datetime, int]:
    # Without enough pulled ones the rest of the number is filled with the youngest, as in Harbor.
    return candidate.pulled_at or _NEVER, candidate.pushed_at, candidate.manifest_id


def _by_use(candidate: Candidate) -> tuple[datetime, datetime, int]:
    used = max(candidate.pulled_at or _NEVER, candidate.pushed_at)
    return used, candidate.pushed_at, candidate.manifest_id


def _most(key: _Key) -> Callable[[Sequence[Candidate], int, datetime], _Kept]:
    return lambda chosen, number, now: nlargest(number, chosen, key=key)


def _pushed_after(chosen: Sequence[Candidate], days: int, now: datetime) -> _Kept:
    since = now - timedelta(days=days)
    return (each for each in chosen if each.pushed_at > since)


def _pushed_since(chosen: Sequence[Candidate], days: int, now: datetime) -> _Kept:
    since = now - timedelta(days=days)
    return (each for each in chosen if each.pushed_at >= since)


def _pulled_since(chosen: Sequence[Candidate], days: int, now: datetime) -> _Kept:
    since = now - timedelta(days=days)
    return (each for each in chosen if each.pulled_at is not None and each.pulled_at >= since)


_TEMPLATES: Mapping[Template, Callable[[Sequence[Candidate], int, datetime], _Kept]] = {
    Template.ALWAYS: lambda chosen, number, now: chosen,
    Template.NOTHING: lambda chosen, number, now: (),
    Template.LATEST_PUSHED: _most(_by_push),
    Template.LATEST_PULLED: _most(_by_pull),
    Template.LATEST_ACTIVE: _most(_by_use),
    Template.LAST_DAYS: _pushed_after,
    Template.DAYS_SINCE_PUSH: _pushed_since,
    Template.DAYS_SINCE_PULL: _pulled_since,
}
