"""Entries of the log as Harbor's JSON, in its older and its newer form. Pure."""

from collections.abc import Mapping

from moorage.audit.model import Entry, Result
from moorage.web.harbor.render import Json, moment

#: Harbor's word for some verbs of ours.
_VERBS: Mapping[str, str] = {"push": "create", "move": "update", "mount": "create", "rename": "update"}


def audit_log(found: Entry) -> Json:
    """An entry of the log in Harbor's older form."""
    return {
        "id": found.id,
        "username": found.actor,
        "resource": found.resource,
        "resource_type": found.resource_type,
        "operation": verb(found.operation),
        "op_time": moment(found.at),
    }


def audit_log_ext(found: Entry) -> Json:
    """An entry of the log in Harbor's newer form, and what that one lacks below `moorage`."""
    return {
        **audit_log(found),
        "operation_description": describe(found),
        "operation_result": found.result is Result.SUCCESS,
        "moorage": {
            "actor_kind": found.actor_kind,
            "address": found.address,
            "user_agent": found.user_agent,
            "request_id": found.request_id,
            "operation": found.operation,
            "project_id": found.project_id,
            "project": found.project,
            "repository": found.repository,
            "tag": found.tag,
            "digest": found.digest,
            "result": found.result.value,
            "detail": found.detail,
        },
    }


def verb(operation: str) -> str:
    """Harbor's word for the verb of one of our operations, for instance ``create`` for ``push_artifact``."""
    first = operation.partition("_")[0]
    return _VERBS.get(first, first)


def verbs(word: str) -> tuple[str, ...]:
    """Our verbs that Harbor's word for a verb stands for."""
    return (word, *(ours for ours, theirs in _VERBS.items() if theirs == word))


def describe(found: Entry) -> str:
    """An entry in one line."""
    words = f"{found.operation.replace('_', ' ')} {found.resource}".strip()
    return f"{words} ({found.detail})" if found.detail else words
