"""What is said of retention policies, what they would do, and what their runs did."""

from collections.abc import Mapping

from moorage.jobs.model import Trigger
from moorage.retention.document import MAX_NUMBER, MAX_RULES
from moorage.retention.model import Template
from moorage.retention.text import DELETE, IMMUTABLE, RETAIN
from moorage.web.harbor.histories import STATUSES
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    COUNT,
    DIGEST,
    FLAG,
    ID,
    MOMENT,
    TEXT,
    array,
    one_of,
    ref,
    shape,
    taken,
    text,
    whole,
)

_TEMPLATE = one_of(*Template)
_NUMBERED = tuple(each for each in Template if each.takes_number)
_STATUS = one_of(*STATUSES.values())
_PRIORITY = whole(0, 2**31)
_NUMBER = whole(0, MAX_NUMBER)
_MOST_SELECTORS = 20


def _some(name: str) -> Json:
    return {**array(ref(name)), "minItems": 1, "maxItems": _MOST_SELECTORS}


_PROGRESS = dict.fromkeys(("repositories", "deleted", "retained", "failed"), COUNT)
_RESULT: Mapping[str, Json] = {**_PROGRESS, "total": COUNT, "dry_run": FLAG, "message": TEXT}
_TRIGGER = taken(
    {
        "kind": {**one_of("Schedule", "Manual", "None", ""), "description": "Only Schedule has a rhythm."},
        "settings": {
            "type": "object",
            "properties": {
                "cron": {
                    **text(most=255),
                    "description": "Six fields from second to weekday, UTC, at most once an hour; or empty.",
                }
            },
        },
        "references": {},
    }
)
#: A template that takes a number needs it in `params`, under its own name.
_NUMBERS: list[Json] = [
    {"properties": {"template": {"enum": [each for each in Template if not each.takes_number]}}},
    *(
        {
            "properties": {
                "template": {"const": each},
                "params": {"type": "object", "properties": {each: _NUMBER}, "required": [each]},
            },
            "required": ["params"],
        }
        for each in _NUMBERED
    ),
]
_POLICY: Mapping[str, Json] = {
    "algorithm": one_of("or"),
    "rules": {**array(ref("NewRetentionRule")), "maxItems": MAX_RULES},
    "trigger": _TRIGGER,
    "scope": {
        **taken({"level": one_of("project"), "ref": whole(0, 2**53)}, needed=("ref",)),
        "description": "Whose policy it is: ref is the number of a project.",
    },
}

SCHEMAS: Mapping[str, Json] = {
    "RetentionPolicy": shape(
        {
            "id": ID,
            "algorithm": {"const": "or"},
            "rules": {**array(ref("RetentionRule")), "maxItems": MAX_RULES},
            "trigger": shape(
                {
                    "kind": {"const": "Schedule"},
                    "settings": shape({"cron": TEXT, "next_scheduled_time": MOMENT}),
                    "references": shape({}),
                }
            ),
            "scope": shape({"level": {"const": "project"}, "ref": ID}),
        }
    ),
    "RetentionRule": shape(
        {
            "id": ID,
            "priority": _PRIORITY,
            "disabled": FLAG,
            "action": {"const": "retain"},
            "template": _TEMPLATE,
            "params": shape(dict.fromkeys(_NUMBERED, _NUMBER), optional=_NUMBERED),
            "tag_selectors": _some("RetentionTagSelector"),
            "scope_selectors": shape({"repository": _some("RetentionRepositorySelector")}),
        }
    ),
    "NewRetentionPolicy": taken(_POLICY, needed=("scope",), overlooked=("id",)),
    "RetentionPolicyChange": taken(
        _POLICY, overlooked=("id",), description="A policy stays in its project, which scope may name."
    ),
    "NewRetentionRule": {
        **taken(
            {
                "priority": _PRIORITY,
                "disabled": FLAG,
                "action": one_of("retain"),
                "template": _TEMPLATE,
                "params": taken(dict.fromkeys(Template, _NUMBER)),
                "tag_selectors": _some("NewRetentionTagSelector"),
                "scope_selectors": shape({"repository": _some("NewRetentionRepositorySelector")}),
            },
            needed=("template", "tag_selectors", "scope_selectors"),
            overlooked=("id",),
            description="A template that takes a number needs it in params, under its own name.",
        ),
        "anyOf": _NUMBERS,
    },
    "RetentionMetadata": shape(
        {
            "templates": array(
                shape(
                    {
                        "rule_template": _TEMPLATE,
                        "display_text": TEXT,
                        "action": {"const": "retain"},
                        "params": array(
                            shape(
                                {"type": {"const": "int"}, "unit": one_of("COUNT", "DAYS"), "required": FLAG}
                            )
                        ),
                    }
                )
            ),
            "scope_selectors": array(ref("SelectorMetadata")),
            "tag_selectors": array(ref("SelectorMetadata")),
        }
    ),
    "SelectorMetadata": shape(
        {"display_text": TEXT, "kind": {"const": "doublestar"}, "decorations": array(TEXT)}
    ),
    "RetentionSimulation": shape(
        {
            "repository": {"type": "string", "description": "Without the project."},
            "touched": {"type": "boolean", "description": "Whether any rule chooses the repository."},
            "rules": array(ID),
            "total": COUNT,
            "retained": COUNT,
            "tags": array(
                shape(
                    {
                        "tag": {"type": "string", "description": "Empty for an artifact without any."},
                        "digest": DIGEST,
                        "decision": one_of(RETAIN, DELETE, IMMUTABLE),
                        "reason": TEXT,
                        "rules": array(ID),
                        "push_time": MOMENT,
                        "pull_time": MOMENT,
                    }
                )
            ),
        },
        description="The numbers are of artifacts, the lines of tags; a page of these is shown.",
    ),
    "NewRetentionRun": taken({"dry_run": FLAG}, description="A dry run deletes nothing."),
    "RetentionRunStop": taken({"action": one_of("stop")}, needed=("action",)),
    "RetentionRun": shape(
        {
            "id": ID,
            "policy_id": ID,
            "start_time": MOMENT,
            "end_time": MOMENT,
            "status": _STATUS,
            "trigger": one_of(*(each.upper() for each in (Trigger.MANUAL, Trigger.SCHEDULE))),
            "dry_run": FLAG,
            "moorage": shape(
                {
                    "progress": {
                        **shape({**_PROGRESS, "cursor": TEXT}, optional=(*_PROGRESS, "cursor")),
                    },
                    "result": shape(_RESULT, optional=tuple(_RESULT)),
                    "message": TEXT,
                    "requested_by": TEXT,
                }
            ),
        }
    ),
    "RetentionTask": shape(
        {
            "id": ID,
            "execution_id": ID,
            "repository": {"type": "string", "description": "Without the project."},
            "job_id": TEXT,
            "status": _STATUS,
            "status_code": {"type": "integer", "enum": [0, 2, 3]},
            "status_revision": COUNT,
            "start_time": MOMENT,
            "end_time": MOMENT,
            "total": COUNT,
            "retained": COUNT,
        }
    ),
}
