"""What decisions look like in words: for logs, for the simulation, for people. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from moorage.retention.model import Decision, Plan, Reason, Rule
from moorage.retention.templates import phrase

RETAIN = "RETAIN"
DELETE = "DEL"
IMMUTABLE = "IMMUTABLE"

#: Above the table of a log; labels are Harbor's, and empty here.
HEADER = "| Digest | Tag | Kind | Labels | PushedTime | PulledTime | CreatedTime | Retention |"
_MOST_TAGS = 20
_REASONS: Mapping[Reason, str] = {
    Reason.IMMUTABLE: "one of its tags is immutable",
    Reason.HELD: "a running job reads it",
    Reason.YOUNG: "it has no tag and was pushed a short while ago",
    Reason.NO_RULE: "no rule keeps it",
}


def word(decision: Decision) -> str:
    """Harbor's word for what becomes of it."""
    if decision.reason is Reason.IMMUTABLE:
        return IMMUTABLE
    return RETAIN if decision.kept else DELETE


def reason(decision: Decision, rules: Sequence[Rule]) -> str:
    """Why, in one sentence."""
    if decision.reason is not Reason.RULE:
        return _REASONS[decision.reason]
    kept = [f"rule {rule.id} keeps {phrase(rule)}" for rule in rules if rule.id in decision.rules]
    return "; ".join(kept)


def row(decision: Decision, verdict: str) -> str:
    """A line of the table of a log."""
    seen = decision.candidate
    names = [tag.name for tag in seen.tags[:_MOST_TAGS]]
    if len(seen.tags) > _MOST_TAGS:
        names.append(f"and {len(seen.tags) - _MOST_TAGS} more")
    fields = (
        str(seen.digest),
        ",".join(names),
        seen.kind,
        "",
        _moment(seen.pushed_at),
        _moment(seen.pulled_at),
        _moment(seen.created_at),
        verdict,
    )
    return f"| {' | '.join(fields)} |"


def rows_of(plan: Plan) -> list[dict[str, object]]:
    """A row for each tag, and one for each untagged artifact, with plain values and moments."""
    found: list[dict[str, object]] = []
    for decision in plan.decisions:
        seen = decision.candidate
        for tag in [each.name for each in seen.tags] or [""]:
            found.append(
                {
                    "tag": tag,
                    "digest": str(seen.digest),
                    "decision": word(decision),
                    "reason": reason(decision, plan.rules),
                    "rules": list(decision.rules),
                    "push_time": seen.pushed_at,
                    "pull_time": seen.pulled_at,
                }
            )
    return found


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y/%m/%d %H:%M:%S")
