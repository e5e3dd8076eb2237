"""Whether an entry answers a question, outside the database. Pure."""

from moorage.audit.model import Entry, Query
from moorage.audit.signs import folded

_EXACT = (
    *("actor", "actor_kind", "resource_type", "resource", "project_id", "project", "repository"),
    *("tag", "digest", "address", "request_id", "result"),
)


def accepts(query: Query, entry: Entry) -> bool:
    """Whether the store would find `entry` for `query`; the case of parts is folded here as it is there."""
    return (
        all(getattr(query, name) in (None, getattr(entry, name)) for name in _EXACT)
        and _is_in_time(query, entry)
        and (query.project_ids is None or entry.project_id in query.project_ids)
        and _is_operation(query, entry.operation)
        and _has(query.actor_part, entry.actor)
        and _has(query.resource_part, entry.resource)
        and _has(query.text, entry.resource, entry.actor, entry.address, entry.detail)
    )


def _is_in_time(query: Query, entry: Entry) -> bool:
    return (query.since is None or entry.at >= query.since) and (
        query.until is None or entry.at <= query.until
    )


def _is_operation(query: Query, operation: str) -> bool:
    if not query.operations and not query.verbs:
        return True
    return operation in query.operations or folded(operation).startswith(
        tuple(folded(f"{verb}_") for verb in query.verbs)
    )


def _has(part: str | None, *texts: str) -> bool:
    return part is None or any(folded(part) in folded(text) for text in texts)
